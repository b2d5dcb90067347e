/*
 * What the status LED says to the person below it. A pattern takes two seconds, sixteen slots of
 * an eighth; flashes are counted from the gap, and nothing is said by colour. The same table as
 * modules/commission/patterns.ts, in its order and with its names, by which it is told of them.
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
  /* Up to here faults, the worst last; from here on what the firmware shows while there is none. */
  PATTERN_FRESH, /* belongs to nobody */
  PATTERN_OPEN,  /* may be joined */
  PATTERN_JOINING,
  PATTERN_IDENTIFY, /* this is the one */
  PATTERN_IN,       /* in the group */
  PATTERN_OUT,      /* not in the group */
  PATTERN_ARMED,    /* the next press resets it */
  PATTERNS,
};

/* Whether the LED is lit in this slot, counted from any time. */
bool pattern_lit(enum pattern pattern, uint32_t slot);

/* The pattern for the seconds before a restart for `reason`, by its first words; off when the
   restart was asked for, and nobody has to see anything. */
enum pattern pattern_of(const char *reason);

/* The pattern of this name; off where there is none. */
enum pattern pattern_named(const char *name);

/* What the LED shows: the worst of the board's faults, a bit each, then what the firmware says.
   That it looks for its network says a board only while the firmware says nothing: a device that is
   nobody's has none. */
enum pattern pattern_shown(uint32_t faults, enum pattern own);

#endif
