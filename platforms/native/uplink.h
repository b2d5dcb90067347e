/*
 * When to try for a network again: for ever, with pauses that grow to a minute.
 *
 * A lamp whose access point is off for a week has to be there a minute after it is back, and a
 * hundred lamps must not ask in the same instant after a power cut: hence the limit and the chance.
 * Nothing else waits for this: without a network a board does what it can alone.
 *
 * Pure: events in, what to do out. The board does it and keeps the one timer.
 */
#ifndef LUMICAST_UPLINK_H
#define LUMICAST_UPLINK_H

#include <stdbool.h>
#include <stdint.h>

enum {
  UPLINK_TRY_MS = 30000,       /* an attempt without an address is given up after this */
  UPLINK_PAUSE_MS = 1000,      /* after the first failure; twice that after each further one */
  UPLINK_PAUSE_MAX_MS = 60000,
};

enum uplink_event {
  UPLINK_OPEN,    /* once, at start */
  UPLINK_ADDRESS, /* there is an IPv6 address to send from */
  UPLINK_LOST,    /* disconnected, or the attempt was refused */
  UPLINK_TIMER,
};

enum uplink_action {
  UPLINK_NOTHING,
  UPLINK_CONNECT,
  UPLINK_DISCONNECT,
  UPLINK_JOIN, /* join the multicast groups, all of them, also those joined before */
};

enum uplink_timer { UPLINK_KEEP, UPLINK_STOP, UPLINK_SET };

struct uplink {
  enum { UPLINK_IDLE, UPLINK_TRYING, UPLINK_WAITING, UPLINK_UP } state;
  unsigned failures;
};

struct uplink_step {
  enum uplink_action action;
  enum uplink_timer timer;
  uint32_t wait_ms; /* with UPLINK_SET */
};

/* `chance` is any number, best a random one: it spreads the pauses by a quarter either way. */
struct uplink_step uplink_on(struct uplink *uplink, enum uplink_event event, uint32_t chance);

#endif
