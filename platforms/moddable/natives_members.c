/*
 * modules/ports/intake-member.ts over platforms/native/intake_member.c: bind keeps what
 * natives_intake.c keeps, and open() what mark() needs to know of the message.
 *
 * With the define lumicast.members, which the manifest of a platform sets whose images hold schemes
 * with a key for each member, and which brings platforms/native/intake_member.c along; without,
 * TypeScript is told that there is no such help.
 */
#include "natives_intake.h"

#include "mc.defines.h"

#include "../native/intake_member.h"

/* hasMembers() */
void xs_lumicast_members(xsMachine *the)
{
#if MODDEF_LUMICAST_MEMBERS
  xsmcSetTrue(xsResult);
#else
  xsmcSetFalse(xsResult);
#endif
}

#if MODDEF_LUMICAST_MEMBERS

/* bind(instance, state): `instance` takes members' datagrams from now on */
void xs_lumicast_members_bind(xsMachine *the)
{
  struct bound *bound = lumicast_bind(the);
  for (unsigned i = 0; i < bound->lines; i++) {
    struct bytes bytes;
    struct intake_bytes tables;
    bool is_long;
    xsmcGetIndex(xsVar(1), xsArg(1), TABLES);
    bytes = lumicast_writable(the, &xsVar(1));
    tables = (struct intake_bytes){bytes.data, bytes.size};
    is_long = intake_member_tag(&tables, i) == 16;
    xsmcGetIndex(xsVar(1), xsVar(0), (xsIntegerValue)i);
    bound->keys[i] =
        lumicast_key(the, &xsVar(1), is_long ? AES_CCM_16_128_128 : AES_CCM_16_64_128);
  }
}

/* open(datagram, address, port) -> answer */
void xs_lumicast_members_open(xsMachine *the)
{
  struct bound *bound = xsmcGetHostData(xsThis);
  struct intake in;
  uint8_t *result = lumicast_bound_arguments(the, bound, &in);
  bound->answer = intake_member_open(&in, bound->keys, bound->lines, result);
  bound->sequence = in.sequence;
  xsmcSetInteger(xsResult, bound->answer);
}

/* mark() -> answer, of the message opened last, and once */
void xs_lumicast_members_mark(xsMachine *the)
{
  struct bound *bound = xsmcGetHostData(xsThis);
  struct intake in;
  int32_t answer;
  if (!bound || bound->answer < 0) xsTypeError("there is no message to be marked");
  answer = bound->answer;
  bound->answer = INTAKE_DECLINED;
  lumicast_bound_state(the, bound, &in);
  in.row = (unsigned)answer >> INTAKE_ROW_SHIFT & 0x7F;
  in.sequence = bound->sequence;
  xsmcSetInteger(xsResult, intake_mark(&in, answer));
}

#else

static void refuse(xsMachine *the)
{
  xsUnknownError("an image without members");
}

void xs_lumicast_members_bind(xsMachine *the)
{
  refuse(the);
}

void xs_lumicast_members_open(xsMachine *the)
{
  refuse(the);
}

void xs_lumicast_members_mark(xsMachine *the)
{
  refuse(the);
}

#endif
