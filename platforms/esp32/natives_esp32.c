/* What only this board is told: board.ts calls these. */
#include "esp32.h"
#include "natives.h"
#include "sdkconfig.h"

/* text(name, value) -> undefined, or what is wrong */
void xs_lumicast_esp32_text(xsMachine *the)
{
  static char text[2 * DATASET_BYTES_MAX + 2];
  char name[16];
  xsmcToStringBuffer(xsArg(0), name, sizeof name);
  xsmcToStringBuffer(xsArg(1), text, sizeof text);
  lumicast_tell(the, setup_text(&esp32_setup, name, text));
}

void xs_lumicast_esp32_flash_failed(xsMachine *the)
{
  (void)the;
  esp32_flash_failed();
}

/* indicator(pattern): by name */
void xs_lumicast_esp32_indicator(xsMachine *the)
{
  char name[16];
  xsmcToStringBuffer(xsArg(0), name, sizeof name);
  esp32_indicator(pattern_named(name));
}

/* ready(role) -> undefined, or what is missing; opens the button and the status LED */
void xs_lumicast_esp32_ready(xsMachine *the)
{
  char role[16];
  xsmcToStringBuffer(xsArg(0), role, sizeof role);
  lumicast_tell(the, esp32_ready(role));
}

/* chip() -> esp32, esp32s3, ... */
void xs_lumicast_esp32_chip(xsMachine *the)
{
  lumicast_tell(the, CONFIG_IDF_TARGET);
}
