/*
 * What the natives_*.c files of the SDK bindings share. They stand between XS 17 and
 * platforms/native/board.h and decide nothing: arguments are checked, results are made, nothing
 * else. A pointer into a buffer dies at the next allocation in XS's heap, which may collect and
 * move what is there; so results are made first, and pointers taken last.
 */
#ifndef LUMICAST_MODDABLE_NATIVES_H
#define LUMICAST_MODDABLE_NATIVES_H

#include <stddef.h>
#include <stdint.h>

#include "xsmc.h"
#include "xsHost.h"
#include "mc.xs.h"

struct bytes {
  uint8_t *data;
  size_t size;
};
struct bytes lumicast_bytes(xsMachine *the, xsSlot *slot);
struct bytes lumicast_writable(xsMachine *the, xsSlot *slot);

/* `slot`, one of xsVar or xsResult, becomes a new Uint8Array; `data` may be NULL, and is not in
   XS's heap. */
void lumicast_set_bytes(xsMachine *the, xsSlot *slot, const void *data, size_t size);

/* A whole number in 0..max, or a RangeError that names it. */
uint32_t lumicast_whole(xsMachine *the, xsSlot *slot, uint32_t max, const char *name);

/* xsResult becomes the text, or undefined: how natives tell what is wrong. TypeScript throws it,
   for what XS throws from C is cut. */
void lumicast_tell(xsMachine *the, const char *text);

struct board_flash;
/* Sets size, eraseBytes and programBytes of the object in `slot`; wants a variable, xsVar(0). */
void lumicast_set_geometry(xsMachine *the, xsSlot *slot, const struct board_flash *geometry);

/* The size of the flash partition, 0 before it is open. */
uint32_t lumicast_partition(void);

struct aes128;
/* The schedule of a key of this AEAD algorithm; NULL for anything else. */
const struct aes128 *lumicast_key(xsMachine *the, xsSlot *slot, int algorithm);

/* Restarts the board with the text of the exception that was just caught. */
void lumicast_uncaught(xsMachine *the);

#endif
