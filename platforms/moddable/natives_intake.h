/* What natives_intake.c has in common with natives_members.c. */
#ifndef LUMICAST_MODDABLE_NATIVES_INTAKE_H
#define LUMICAST_MODDABLE_NATIVES_INTAKE_H

#include "natives.h"

#include "../native/intake.h"

/* modules/ports/intake.ts IntakeState */
enum { TABLES, RESULT, RECIPIENTS, RIGHTS, CURSOR, INDEX, KEYS, RIGHTS_CAPACITY };
enum { BUFFERS = KEYS };

struct bound {
  uint32_t rights_capacity, partition;
  /* Of a member's message that was opened last, for mark(). */
  int32_t answer;
  uint64_t sequence;
  unsigned lines;
  const struct aes128 *keys[];
};

/* bind(instance, state): `instance` works on `state` from now on. No key is there yet, and
   xsVar(0) holds the array of them; xsVar(1) is free. */
struct bound *lumicast_bind(xsMachine *the);

/* What `bound`, which is this object's, works on, and where it answers. The pointers die at the
   next allocation in XS's heap. */
uint8_t *lumicast_bound_state(xsMachine *the, const struct bound *bound, struct intake *in);

/* The same, and (datagram, address, port). */
uint8_t *lumicast_bound_arguments(xsMachine *the, const struct bound *bound, struct intake *in);

#endif
