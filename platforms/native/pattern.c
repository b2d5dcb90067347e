#include "pattern.h"

#include <string.h>

bool pattern_lit(enum pattern pattern, uint32_t slot)
{
  static const uint16_t lit[] = {
    [PATTERN_OFF] = 0x0000,
    [PATTERN_NETWORK] = 0x0001,
    [PATTERN_FLASH] = 0x0009,
    [PATTERN_SETUP] = 0x0049,
    [PATTERN_FATAL] = 0x5555,
    [PATTERN_FRESH] = 0x00ff,
    [PATTERN_OPEN] = 0x3333,
    [PATTERN_JOINING] = 0x1111,
    [PATTERN_IDENTIFY] = 0x0f0f,
    [PATTERN_IN] = 0x7fff,
    [PATTERN_OUT] = 0x0505,
    [PATTERN_ARMED] = 0x7777,
  };
  return lit[pattern] >> slot % 16 & 1;
}

enum pattern pattern_named(const char *name)
{
  static const char *const names[] = {
    "off", "network", "flash", "setup", "fatal", "fresh", "open", "joining", "identify", "in",
    "out", "armed",
  };
  for (unsigned i = 0; i < sizeof names / sizeof *names; i++)
    if (!strcmp(name, names[i])) return (enum pattern)i;
  return PATTERN_OFF;
}

enum pattern pattern_shown(uint32_t faults, enum pattern own)
{
  for (enum pattern worst = PATTERN_FATAL; worst > PATTERN_NETWORK; worst--)
    if (faults >> worst & 1) return worst;
  if (own != PATTERN_OFF) return own;
  return faults >> PATTERN_NETWORK & 1 ? PATTERN_NETWORK : PATTERN_OFF;
}

enum pattern pattern_of(const char *reason)
{
  static const char *const setup[] = {
    "no provisioning", "provisioning", "role:", "pins:", "ports:", "network:", "security group",
    "application group",
  };
  static const char *const wanted[] = {
    "restart asked for", "factory reset asked for", "new firmware", "back to the old firmware",
  };
  for (unsigned i = 0; i < sizeof wanted / sizeof *wanted; i++)
    if (!strncmp(reason, wanted[i], strlen(wanted[i]))) return PATTERN_OFF;
  if (!strncmp(reason, "flash", 5)) return PATTERN_FLASH;
  for (unsigned i = 0; i < sizeof setup / sizeof *setup; i++)
    if (!strncmp(reason, setup[i], strlen(setup[i]))) return PATTERN_SETUP;
  return PATTERN_FATAL;
}
