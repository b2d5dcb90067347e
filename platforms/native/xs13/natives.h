/* What the natives_*.c files share. Each exports its part of the table behind `lumicastHost`. */
#ifndef LUMICAST_NATIVES_H
#define LUMICAST_NATIVES_H

#include "xsmc.h"
#include "xs.h"

#include "host.h"

struct native {
  const char *name;
  xsCallback callback;
  int length;
};

extern const struct native clock_natives[], crypto_natives[], flash_natives[], device_natives[],
    intake_natives[], journal_natives[],
    net_natives[], test_natives[];

/* bytes.c: `slot` becomes a new Uint8Array; `data` may be NULL, and is not in the heap. */
void set_bytes(void *machine, void *slot, const void *data, size_t size);

/* A byte argument, in place: the pointer dies at the next allocation in the heap. */
struct bytes {
  uint8_t *data;
  size_t size;
};
struct bytes get_bytes(xsMachine *the, xsSlot *slot);
struct bytes get_writable(xsMachine *the, xsSlot *slot);
/* A whole number in 0..max, or a RangeError that names it. */
double get_whole(xsMachine *the, xsSlot *slot, double max, const char *name);

/* Calls `function` if it is one, with `self` as this; an exception ends the process. */
void call_if_function(xsMachine *the, xsSlot *function, xsSlot *self, int count, xsSlot *arguments);

/* natives_crypto.c: the schedule of a key of this AEAD algorithm, NULL when it is none */
struct aes128;
const struct aes128 *crypto_key(xsMachine *the, xsSlot *slot, int algorithm);

/* Give lumicastHost, in xsVar(0), the prototypes that AEAD keys and bound intakes share. */
void crypto_build(xsMachine *the);
void intake_build(xsMachine *the);
/* Gives it the object `signatures`; NULL in a build without that file. */
void signatures_build(xsMachine *the) __attribute__((weak));
/* Gives it the object `p256`; the same. */
void p256_build(xsMachine *the) __attribute__((weak));
/* Gives it what starts another image; NULL where there is one image only. */
void slots_build(xsMachine *the) __attribute__((weak));

/* buffers.c: whether a value has a destructor of C to ask for */
bool is_host_object(void *slot);
/* an ArrayBuffer's bytes by a slot that is kept, as long as the buffer lives */
void *buffer_slot(void *machine, void *slot);
uint8_t *buffer_data(const void *kept);
size_t buffer_size(const void *kept);

/* The platform's, with net_natives: takes `datagram` of attach()'s argument, inside that call. */
void net_attach(void *machine);

#endif
