/*
 * modules/ports/intake-member.ts over intake_member.c, in builds that have it: bindMembers keeps
 * what natives_intake.c's bind keeps, and open() what mark() needs to know of the message.
 */
#include "natives_intake.h"

#include "../intake_member.h"
#include "clock.h"
#include "costs.h"

/* bindMembers(state) -> object with open() and mark() */
static void native_bind_members(xsMachine *the)
{
  struct intake_bound *bound = intake_bind_state(the, "intakeMemberPrototype");
  for (unsigned i = 0; i < bound->lines; i++) {
    struct intake_bytes tables = intake_kept(bound, TABLES);
    bool is_long = intake_member_tag(&tables, i) == 16;
    xsmcGetIndex(xsVar(1), xsVar(0), (xsIntegerValue)i);
    bound->keys[i] =
        crypto_key(the, &xsVar(1), is_long ? AES_CCM_16_128_128 : AES_CCM_16_64_128);
  }
  bound->answer = INTAKE_DECLINED;
}

/* open(datagram, address, port) -> answer */
static void native_open_member(xsMachine *the)
{
  struct intake in;
  struct intake_bound *bound = intake_arguments(the, &in);
  int32_t answer =
      intake_member_open(&in, bound->keys, bound->lines, buffer_data(bound->buffers[RESULT]));
  if (in.opened) clock_charge(COST_CCM + COST_AES_BLOCK * in.blocks);
  bound->answer = answer;
  bound->sequence = in.sequence;
  xsmcSetInteger(xsResult, answer);
}

/* mark() -> answer, of the message opened last, and once */
static void native_mark_member(xsMachine *the)
{
  struct intake_bound *bound = NULL;
  struct intake in;
  int32_t answer;
  if (xsGetHostDestructor(xsThis) == intake_destroy_bound) bound = xsmcGetHostData(xsThis);
  if (!bound || bound->answer < 0) xsTypeError("there is no message to be marked");
  answer = bound->answer;
  bound->answer = INTAKE_DECLINED;
  intake_state(bound, &in);
  in.row = (unsigned)answer >> INTAKE_ROW_SHIFT & 0x7F;
  in.sequence = bound->sequence;
  answer = intake_mark(&in, answer);
  if (answer >= 0) clock_charge(COST_QUICK_AFTER);
  xsmcSetInteger(xsResult, answer);
}

void intake_member_build(xsMachine *the)
{
  static const struct native methods[] = {
    {"open", native_open_member, 3}, {"mark", native_mark_member, 0}};
  const xsAttribute fixed = xsDontSet | xsDontDelete | xsDontEnum;
  xsVar(1) = xsNewHostObject(intake_destroy_bound);
  for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
    xsVar(2) = xsNewHostFunction(methods[i].callback, methods[i].length);
    xsmcDefine(xsVar(1), xsID((char *)methods[i].name), xsVar(2), fixed);
  }
  xsmcDefine(xsVar(0), xsID("intakeMemberPrototype"), xsVar(1), fixed);
  xsVar(2) = xsNewHostFunction(native_bind_members, 1);
  xsmcDefine(xsVar(0), xsID("intakeBindMembers"), xsVar(2), fixed);
}
