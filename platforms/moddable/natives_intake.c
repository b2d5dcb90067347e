/*
 * The receive path's native help: modules/ports/intake.ts over platforms/native/intake.c.
 *
 * What was bound hangs on the object as its field `state`; its buffers are asked for at each
 * datagram, which allocates nothing, so no pointer can move meanwhile. The keys' C data stay where
 * they are as long as the keys live, and those are in the state.
 */
#include "natives_intake.h"

#include "../native/board.h"

void xs_lumicast_intake_destructor(void *data)
{
  if (data) c_free(data);
}

struct bound *lumicast_bind(xsMachine *the)
{
  struct bound *bound;
  unsigned lines;
  xsmcVars(2);
  xsmcGetIndex(xsVar(0), xsArg(1), KEYS);
  xsmcGet(xsVar(1), xsVar(0), xsID_length);
  lines = lumicast_whole(the, &xsVar(1), 255, "intake: lines");
  bound = c_calloc(1, sizeof *bound + lines * sizeof bound->keys[0]);
  if (!bound) xsUnknownError("no memory for the intake");
  xsmcSetHostData(xsArg(0), bound);
  bound->lines = lines;
  bound->answer = INTAKE_DECLINED;
  xsmcGetIndex(xsVar(1), xsArg(1), RIGHTS_CAPACITY);
  bound->rights_capacity = lumicast_whole(the, &xsVar(1), UINT32_MAX, "intake: rights");
  for (int i = 0; i < BUFFERS; i++) {
    xsmcGetIndex(xsVar(1), xsArg(1), i);
    if (lumicast_writable(the, &xsVar(1)).size != INTAKE_RESULT_BYTES && i == RESULT)
      xsRangeError("intake: the result has not %d bytes", (int)INTAKE_RESULT_BYTES);
  }
  bound->partition = lumicast_partition();
  xsmcSet(xsArg(0), xsID_state, xsArg(1));
  return bound;
}

/* bind(instance, state): `instance` takes datagrams from now on */
void xs_lumicast_intake_bind(xsMachine *the)
{
  struct bound *bound = lumicast_bind(the);
  for (unsigned i = 0; i < bound->lines; i++) {
    xsmcGetIndex(xsVar(1), xsVar(0), (xsIntegerValue)i);
    bound->keys[i] = lumicast_key(the, &xsVar(1), AES_CCM_16_64_128);
  }
}

static bool program(void *context, uint32_t offset, const uint8_t *bytes, size_t size)
{
  (void)context;
  return board_flash_program(offset, bytes, size);
}

uint8_t *lumicast_bound_state(xsMachine *the, const struct bound *bound, struct intake *in)
{
  struct bytes buffers[BUFFERS];
  if (!bound) xsTypeError("this is no bound intake");
  xsmcVars(2);
  xsmcGet(xsVar(0), xsThis, xsID_state);
  for (int i = 0; i < BUFFERS; i++) {
    xsmcGetIndex(xsVar(1), xsVar(0), i);
    buffers[i] = lumicast_writable(the, &xsVar(1));
  }
  in->tables = (struct intake_bytes){buffers[TABLES].data, buffers[TABLES].size};
  in->columns = buffers[RECIPIENTS].data;
  in->columns_size = buffers[RECIPIENTS].size;
  in->rights = (struct intake_bytes){buffers[RIGHTS].data, buffers[RIGHTS].size};
  in->rights_capacity = bound->rights_capacity;
  in->journal = (struct journal){
    .cursor = (int32_t *)(void *)buffers[CURSOR].data,
    .cursor_words = buffers[CURSOR].size / 4,
    .index = buffers[INDEX].data,
    .index_size = buffers[INDEX].size,
    .partition = bound->partition,
    .program = program,
  };
  return buffers[RESULT].data;
}

uint8_t *lumicast_bound_arguments(xsMachine *the, const struct bound *bound, struct intake *in)
{
  uint8_t *result = lumicast_bound_state(the, bound, in);
  struct bytes datagram = lumicast_bytes(the, &xsArg(0));
  struct bytes address = lumicast_bytes(the, &xsArg(1));
  in->datagram = (struct intake_bytes){datagram.data, datagram.size};
  in->address = (struct intake_bytes){address.data, address.size};
  in->port = (uint16_t)xsmcToInteger(xsArg(2));
  return result;
}

/* open(datagram, address, port) -> answer */
void xs_lumicast_intake_open(xsMachine *the)
{
  const struct bound *bound = xsmcGetHostData(xsThis);
  struct intake in;
  uint8_t *result = lumicast_bound_arguments(the, bound, &in);
  xsmcSetInteger(xsResult, intake_take(&in, bound->keys, bound->lines, result));
}
