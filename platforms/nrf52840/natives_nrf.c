/* board.ts's way to nrf_setting and nrf_indicator. */
#include "../moddable/natives.h"

#include "nrf.h"

/* setting(name, text) -> undefined, or what is wrong with it */
void xs_lumicast_nrf_setting(xsMachine *the)
{
  char name[16];
  xsmcToStringBuffer(xsArg(0), name, sizeof name);
  lumicast_tell(the, nrf_setting(name, xsmcToString(xsArg(1))));
}

/* indicator(pattern): by name */
void xs_lumicast_nrf_indicator(xsMachine *the)
{
  char name[16];
  xsmcToStringBuffer(xsArg(0), name, sizeof name);
  nrf_indicator(pattern_named(name));
}
