/*
 * From any thread or interrupt to the machine's: a message in its queue, whose callback takes what
 * the rings hold. A beat every second does the same, so a message that found the queue full costs a
 * second and not the button; and it is what feeds the watchdog.
 */
#include "xs.h"
#include "xsHost.h"

#include <zephyr/init.h>
#include <zephyr/kernel.h>

#include "nrf.h"

enum { BEAT_MS = 1000 };

extern xsMachine *gThe; /* the SDK's; set before the first line of ours runs */

static void turn(void *the, void *refcon, uint8_t *message, uint16_t size)
{
  (void)the;
  (void)refcon;
  (void)message;
  (void)size;
  nrf_net_deliver();
  nrf_button_deliver();
}

static void beat(void *the, void *refcon, uint8_t *message, uint16_t size)
{
  nrf_watchdog_feed();
  turn(the, refcon, message, size);
}

bool nrf_wake(void)
{
  return gThe && modMessagePostToMachine(gThe, NULL, 0, turn, NULL) == 0;
}

bool nrf_wake_from_interrupt(void)
{
  return gThe && modMessagePostToMachineFromISR(gThe, turn, NULL) == 0;
}

static void on_beat(struct k_timer *timer)
{
  (void)timer;
  if (gThe) modMessagePostToMachineFromISR(gThe, beat, NULL);
}

K_TIMER_DEFINE(beats, on_beat, NULL);

static int start_beats(void)
{
  k_timer_start(&beats, K_MSEC(BEAT_MS), K_MSEC(BEAT_MS));
  return 0;
}

SYS_INIT(start_beats, APPLICATION, 90);
