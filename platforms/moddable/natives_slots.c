/* Two firmware slots, and what is kept for an image for many: board.h for slots.ts. */
#include "natives.h"

#include "../native/board.h"

enum { DIGEST_BYTES = 32 };

/* open(geometry) -> undefined, or why there is one slot only */
void xs_lumicast_slots_open(xsMachine *the)
{
  struct board_flash geometry;
  const char *wrong = board_slots_open(&geometry);
  xsmcVars(1);
  if (!wrong) lumicast_set_geometry(the, &xsArg(0), &geometry);
  lumicast_tell(the, wrong);
}

void xs_lumicast_slots_running(xsMachine *the)
{
  xsmcSetInteger(xsResult, board_slots_running());
}

void xs_lumicast_slots_on_trial(xsMachine *the)
{
  xsmcSetBoolean(xsResult, board_slots_on_trial());
}

void xs_lumicast_slots_read(xsMachine *the)
{
  uint32_t offset = lumicast_whole(the, &xsArg(0), UINT32_MAX, "slots: offset");
  struct bytes into = lumicast_writable(the, &xsArg(1));
  xsmcSetBoolean(xsResult, board_slots_read(offset, into.data, into.size));
}

void xs_lumicast_slots_program(xsMachine *the)
{
  uint32_t offset = lumicast_whole(the, &xsArg(0), UINT32_MAX, "slots: offset");
  struct bytes bytes = lumicast_bytes(the, &xsArg(1));
  xsmcSetBoolean(xsResult, board_slots_program(offset, bytes.data, bytes.size));
}

void xs_lumicast_slots_erase(xsMachine *the)
{
  uint32_t offset = lumicast_whole(the, &xsArg(0), UINT32_MAX, "slots: offset");
  xsmcSetBoolean(xsResult, board_slots_erase(offset));
}

/* activate(size, digest) -> boolean */
void xs_lumicast_slots_activate(xsMachine *the)
{
  uint32_t size = lumicast_whole(the, &xsArg(0), UINT32_MAX, "slots: size");
  struct bytes digest = lumicast_bytes(the, &xsArg(1));
  bool good = digest.size == DIGEST_BYTES && board_slots_activate(size, digest.data);
  xsmcSetBoolean(xsResult, good);
}

void xs_lumicast_slots_confirm(xsMachine *the)
{
  xsmcSetBoolean(xsResult, board_slots_confirm());
}

/* kept() -> bytes or undefined */
void xs_lumicast_kept(xsMachine *the)
{
  uint32_t size = board_kept_size();
  struct bytes into;
  if (!size) return;
  lumicast_set_bytes(the, &xsResult, NULL, size);
  into = lumicast_writable(the, &xsResult);
  if (!board_kept_read(into.data, size)) xsmcSetUndefined(xsResult);
}

/* keep(bytes) -> boolean */
void xs_lumicast_keep(xsMachine *the)
{
  struct bytes bytes = lumicast_bytes(the, &xsArg(0));
  xsmcSetBoolean(xsResult, board_kept_put(bytes.data, (uint32_t)bytes.size));
}
