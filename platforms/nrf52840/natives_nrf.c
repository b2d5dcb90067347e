/* setting(name, text) -> undefined, or what is wrong with it: board.ts's way to nrf_setting. */
#include "../moddable/natives.h"

#include "nrf.h"

void xs_lumicast_nrf_setting(xsMachine *the)
{
  char name[16];
  xsmcToStringBuffer(xsArg(0), name, sizeof name);
  lumicast_tell(the, nrf_setting(name, xsmcToString(xsArg(1))));
}
