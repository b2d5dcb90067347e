/*
 * The same help for schemes with a key for each member (RFC 10021's group mode): locate, the window
 * read, and open; marking is a step of its own, because between the two somebody has to decide
 * about the signature, and that is TypeScript's. modules/ports/intake-member.ts is the contract and
 * says what the tables hold; modules/groups/{candidates,verify}.ts and modules/profiles/
 * group-oscore.ts are the reference, and get everything that is not a light command to many from a
 * member whose context is at hand. test/headless/intake-member.test.ts holds the two equal.
 *
 * Only images with such schemes have it.
 */
#ifndef LUMICAST_INTAKE_MEMBER_H
#define LUMICAST_INTAKE_MEMBER_H

#include "intake.h"

/* The packed answer of modules/ports/intake.ts, its line that of a member, nothing marked;
   INTAKE_REPLAYED, INTAKE_FORGED, or INTAKE_DECLINED. `keys`: one for each of so many members, NULL
   for none. `in` comes out filled for intake_mark. */
int32_t intake_member_open(struct intake *in, const struct aes128 *const *keys, unsigned lines,
    uint8_t result[INTAKE_RESULT_BYTES]);

/* The tag of member `line`'s algorithm, 0 where the tables have no such member. */
unsigned intake_member_tag(const struct intake_bytes *tables, unsigned line);

#endif
