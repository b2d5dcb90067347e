/*
 * The receive path's native help for TypeScript: modules/ports/intake.ts over intake.c.
 *
 * intakeBind keeps where the buffers are (buffers.c) and whose keys the lines have; the state they
 * belong to hangs on the bound object, so nothing of it is collected before that is. open() reads
 * everything in place and allocates nothing in the heap, so no pointer can move meanwhile.
 */
#include "natives_intake.h"

#include "clock.h"
#include "costs.h"
#include "flash.h"

void intake_destroy_bound(void *data)
{
  if (data) memory_give(data);
}

struct intake_bound *intake_bind_state(xsMachine *the, const char *prototype)
{
  struct intake_bound *bound;
  unsigned lines;
  xsmcVars(2);
  xsmcGetIndex(xsVar(0), xsArg(0), KEYS);
  xsmcGet(xsVar(1), xsVar(0), xsID("length"));
  lines = (unsigned)xsmcToInteger(xsVar(1));
  xsmcGet(xsVar(1), xsThis, xsID((char *)prototype));
  xsResult = xsNewHostInstance(xsVar(1));
  xsmcSet(xsResult, xsID("state"), xsArg(0));
  bound = memory_take(the, sizeof *bound + lines * sizeof bound->keys[0]);
  xsmcSetHostData(xsResult, bound);
  bound->lines = lines;
  for (int i = 0; i < BUFFERS; i++) {
    xsmcGetIndex(xsVar(1), xsArg(0), i);
    bound->buffers[i] = buffer_slot(the, &xsVar(1));
    if (!bound->buffers[i]) xsTypeError("intake: element %d of the state is no ArrayBuffer", i);
  }
  xsmcGetIndex(xsVar(1), xsArg(0), RIGHTS_CAPACITY);
  bound->rights_capacity = (uint32_t)xsmcToInteger(xsVar(1));
  if (buffer_size(bound->buffers[RESULT]) != INTAKE_RESULT_BYTES)
    xsRangeError("intake: the result has not %d bytes", INTAKE_RESULT_BYTES);
  return bound;
}

/* bind(state) -> object with open() */
static void native_bind(xsMachine *the)
{
  struct intake_bound *bound = intake_bind_state(the, "intakePrototype");
  for (unsigned i = 0; i < bound->lines; i++) {
    xsmcGetIndex(xsVar(1), xsVar(0), (xsIntegerValue)i);
    bound->keys[i] = crypto_key(the, &xsVar(1), AES_CCM_16_64_128);
  }
}

static bool program(void *context, uint32_t offset, const uint8_t *bytes, size_t size)
{
  (void)context;
  return flash_program(offset, bytes, size);
}

struct intake_bytes intake_kept(const struct intake_bound *bound, int index)
{
  return (struct intake_bytes){buffer_data(bound->buffers[index]),
      buffer_size(bound->buffers[index])};
}

void intake_state(const struct intake_bound *bound, struct intake *in)
{
  in->tables = intake_kept(bound, TABLES);
  in->columns = buffer_data(bound->buffers[RECIPIENTS]);
  in->columns_size = buffer_size(bound->buffers[RECIPIENTS]);
  in->rights = intake_kept(bound, RIGHTS);
  in->rights_capacity = bound->rights_capacity;
  in->journal = (struct journal){
    .cursor = (int32_t *)(void *)buffer_data(bound->buffers[CURSOR]),
    .cursor_words = buffer_size(bound->buffers[CURSOR]) / 4,
    .index = buffer_data(bound->buffers[INDEX]),
    .index_size = buffer_size(bound->buffers[INDEX]),
    .partition = flash_partition(),
    .program = program,
  };
}

struct intake_bound *intake_arguments(xsMachine *the, struct intake *in)
{
  struct intake_bound *bound = NULL;
  struct bytes datagram = get_bytes(the, &xsArg(0));
  struct bytes address = get_bytes(the, &xsArg(1));
  if (xsGetHostDestructor(xsThis) == intake_destroy_bound) bound = xsmcGetHostData(xsThis);
  if (!bound) xsTypeError("this is no bound intake");
  in->datagram = (struct intake_bytes){datagram.data, datagram.size};
  in->address = (struct intake_bytes){address.data, address.size};
  in->port = (uint16_t)xsmcToInteger(xsArg(2));
  intake_state(bound, in);
  return bound;
}

/* open(datagram, address, port) -> answer */
static void native_open(xsMachine *the)
{
  struct intake in;
  const struct intake_bound *bound = intake_arguments(the, &in);
  int32_t answer =
      intake_take(&in, bound->keys, bound->lines, buffer_data(bound->buffers[RESULT]));
  if (in.opened) clock_charge(COST_CCM + COST_AES_BLOCK * intake_blocks(&in));
  if (answer >= 0) clock_charge(COST_QUICK_AFTER);
  xsmcSetInteger(xsResult, answer);
}

void intake_build(xsMachine *the)
{
  const xsAttribute fixed = xsDontSet | xsDontDelete | xsDontEnum;
  xsVar(1) = xsNewHostObject(intake_destroy_bound);
  xsVar(2) = xsNewHostFunction(native_open, 3);
  xsmcDefine(xsVar(1), xsID("open"), xsVar(2), fixed);
  xsmcDefine(xsVar(0), xsID("intakePrototype"), xsVar(1), fixed);
  if (intake_member_build) intake_member_build(the);
}

const struct native intake_natives[] = {{"intakeBind", native_bind, 1}, {0}};
