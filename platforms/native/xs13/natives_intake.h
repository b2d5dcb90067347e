/* What natives_intake.c has in common with natives_intake_member.c. */
#ifndef LUMICAST_NATIVES_INTAKE_H
#define LUMICAST_NATIVES_INTAKE_H

#include "natives.h"

#include "../intake.h"

/* modules/ports/intake.ts IntakeState */
enum { TABLES, RESULT, RECIPIENTS, RIGHTS, CURSOR, INDEX, KEYS, RIGHTS_CAPACITY };
enum { BUFFERS = KEYS };

struct intake_bound {
  void *buffers[BUFFERS];
  uint32_t rights_capacity;
  /* Of a member's message that was opened last, for mark(). */
  int32_t answer;
  uint64_t sequence;
  unsigned lines;
  const struct aes128 *keys[];
};

void intake_destroy_bound(void *data);

/* A bound object of this prototype becomes the result; no key is there yet, and xsVar(0) holds the
   array of them. */
struct intake_bound *intake_bind_state(xsMachine *the, const char *prototype);

/* this, and (datagram, address, port); throws when it is no bound intake. */
struct intake_bound *intake_arguments(xsMachine *the, struct intake *in);
/* The state alone. */
void intake_state(const struct intake_bound *bound, struct intake *in);
struct intake_bytes intake_kept(const struct intake_bound *bound, int index);

/* Gives lumicastHost what members' messages need; NULL in a build without that file. */
void intake_member_build(xsMachine *the) __attribute__((weak));

#endif
