#include "natives.h"

#include <string.h>

#include "../native/board.h"

enum { REASON_BYTES_MAX = 160 };

static struct bytes buffer(xsMachine *the, xsSlot *slot, xsBooleanValue writable)
{
  void *data;
  xsUnsignedValue size;
  _xsmcGetBuffer(the, slot, &data, &size, writable);
  return (struct bytes){data, size};
}

struct bytes lumicast_bytes(xsMachine *the, xsSlot *slot)
{
  return buffer(the, slot, 0);
}

struct bytes lumicast_writable(xsMachine *the, xsSlot *slot)
{
  return buffer(the, slot, 1);
}

void lumicast_set_bytes(xsMachine *the, xsSlot *slot, const void *data, size_t size)
{
  xsmcSetArrayBuffer(*slot, (void *)data, (xsIntegerValue)size);
  *slot = xsNew1(xsGlobal, xsID_Uint8Array, *slot);
}

uint32_t lumicast_whole(xsMachine *the, xsSlot *slot, uint32_t max, const char *name)
{
  double value = xsmcToNumber(*slot);
  if (!(value >= 0 && value <= max) || value != (double)(uint32_t)value)
    xsRangeError("%s must be a whole number from 0 to %lu", (char *)name, (unsigned long)max);
  return (uint32_t)value;
}

void lumicast_tell(xsMachine *the, const char *text)
{
  if (text) xsmcSetString(xsResult, (char *)text);
}

void lumicast_uncaught(xsMachine *the)
{
  char reason[REASON_BYTES_MAX];
  const char *text = xsmcToString(xsException);
  strncpy(reason, text, sizeof reason - 1);
  reason[sizeof reason - 1] = 0;
  board_restart(reason);
}
