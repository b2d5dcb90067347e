/* Clock, chance, flash, lamp, button and restart: board.h for the TypeScript files beside this. */
#include "natives.h"

#include "../native/board.h"

static struct {
  xsMachine *the;
  xsSlot port;
} button;

void xs_lumicast_micros(xsMachine *the)
{
  xsmcSetNumber(xsResult, (double)board_micros());
}

void xs_lumicast_random(xsMachine *the)
{
  struct bytes into = lumicast_writable(the, &xsArg(0));
  xsmcSetBoolean(xsResult, board_random(into.data, into.size));
}

/* pin(name, number) -> undefined, or what is wrong */
void xs_lumicast_pin(xsMachine *the)
{
  char name[16];
  uint32_t number = lumicast_whole(the, &xsArg(1), 255, "pins: a pin");
  xsmcToStringBuffer(xsArg(0), name, sizeof name);
  lumicast_tell(the, board_pin(name, number));
}

static struct board_flash geometry;

uint32_t lumicast_partition(void)
{
  return geometry.size;
}

void lumicast_set_geometry(xsMachine *the, xsSlot *slot, const struct board_flash *flash)
{
  xsmcSetInteger(xsVar(0), (xsIntegerValue)flash->size);
  xsmcSet(*slot, xsID_size, xsVar(0));
  xsmcSetInteger(xsVar(0), (xsIntegerValue)flash->erase_bytes);
  xsmcSet(*slot, xsID_eraseBytes, xsVar(0));
  xsmcSetInteger(xsVar(0), (xsIntegerValue)flash->program_bytes);
  xsmcSet(*slot, xsID_programBytes, xsVar(0));
}

/* open(geometry) -> undefined, or what is wrong */
void xs_lumicast_flash_open(xsMachine *the)
{
  const char *wrong = board_flash_open(&geometry);
  xsmcVars(1);
  if (!wrong) lumicast_set_geometry(the, &xsArg(0), &geometry);
  lumicast_tell(the, wrong);
}

void xs_lumicast_flash_read(xsMachine *the)
{
  uint32_t offset = lumicast_whole(the, &xsArg(0), UINT32_MAX, "flash: offset");
  struct bytes into = lumicast_writable(the, &xsArg(1));
  xsmcSetBoolean(xsResult, board_flash_read(offset, into.data, into.size));
}

void xs_lumicast_flash_program(xsMachine *the)
{
  uint32_t offset = lumicast_whole(the, &xsArg(0), UINT32_MAX, "flash: offset");
  struct bytes bytes = lumicast_bytes(the, &xsArg(1));
  xsmcSetBoolean(xsResult, board_flash_program(offset, bytes.data, bytes.size));
}

void xs_lumicast_flash_erase(xsMachine *the)
{
  uint32_t offset = lumicast_whole(the, &xsArg(0), UINT32_MAX, "flash: offset");
  xsmcSetBoolean(xsResult, board_flash_erase(offset));
}

static int optional(xsMachine *the, xsSlot *slot)
{
  return xsmcTypeOf(*slot) == xsUndefinedType ? -1 : xsmcToInteger(*slot);
}

/* show(level, mired, x, y); x and y undefined where the colour is set by mired */
void xs_lumicast_light(xsMachine *the)
{
  unsigned level = lumicast_whole(the, &xsArg(0), 254, "light: level");
  unsigned mired = lumicast_whole(the, &xsArg(1), 65535, "light: mired");
  board_light(level, mired, optional(the, &xsArg(2)), optional(the, &xsArg(3)));
}

void xs_lumicast_light_failed(xsMachine *the)
{
  xsmcSetBoolean(xsResult, board_light_failed());
}

void xs_lumicast_eui64(xsMachine *the)
{
  uint8_t eui64[8];
  board_eui64(eui64);
  lumicast_set_bytes(the, &xsResult, eui64, sizeof eui64);
}

/* restart(reason): does not return */
void xs_lumicast_restart(xsMachine *the)
{
  board_restart(xsmcToString(xsArg(0)));
}

void xs_lumicast_restart_reason(xsMachine *the)
{
  lumicast_tell(the, board_restart_reason());
}

/* attach(button): from now on its onEdge hears of edges */
void xs_lumicast_button(xsMachine *the)
{
  button.port = xsArg(0);
  button.the = the;
  xsRemember(button.port);
}

void board_event_button(bool down, uint64_t micros)
{
  if (!button.the) return;
  xsBeginHost(button.the);
  xsmcVars(4);
  xsTry {
    xsVar(0) = xsAccess(button.port);
    xsmcGet(xsVar(1), xsVar(0), xsID_onEdge);
    xsmcSetBoolean(xsVar(2), down);
    xsmcSetNumber(xsVar(3), (double)micros);
    if (xsmcTest(xsVar(1))) xsCallFunction2(xsVar(1), xsVar(0), xsVar(2), xsVar(3));
  }
  xsCatch {
    lumicast_uncaught(the);
  }
  xsEndHost(button.the);
}
