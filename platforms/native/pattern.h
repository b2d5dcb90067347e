/*
 * What the status LED says to the person below it. A pattern takes two seconds, sixteen slots of
 * an eighth; flashes are counted from the gap, and nothing is said by colour.
 */
#ifndef LUMICAST_PATTERN_H
#define LUMICAST_PATTERN_H

#include <stdbool.h>
#include <stdint.h>

enum { PATTERN_SLOT_MS = 125 };

enum pattern {
  PATTERN_OFF,     /* all is well */
  PATTERN_NETWORK, /* one flash: looking for the network */
  PATTERN_FLASH,   /* two flashes: flash failing; commands are refused, a restart may not help */
  PATTERN_SETUP,   /* three flashes: not provisioned, or a wrong role, pin or file */
  PATTERN_FATAL,   /* without a gap: restarting in a moment */
};

/* Whether the LED is lit in this slot, counted from any time. */
bool pattern_lit(enum pattern pattern, uint32_t slot);

/* The pattern for the seconds before a restart for `reason`, by its first words; off when the
   restart was asked for, and nobody has to see anything. */
enum pattern pattern_of(const char *reason);

#endif
