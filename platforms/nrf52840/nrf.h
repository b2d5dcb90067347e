/*
 * What the files of this board say to each other. board.h is what they give to the bindings.
 *
 * THREADS. XS has the SDK's thread (preemptible, priority 3, 4 KB of C stack: no datagram fits on
 * it). The sockets have one of their own, above it, so that a datagram gets its time of arrival and
 * leaves Zephyr's buffers while XS collects garbage. OpenThread has its work queue; its callbacks
 * come with its lock held. Buttons and timers come in interrupts. All of them speak to XS by rings
 * and nrf_wake; groups and dataset are touched with OpenThread's lock held.
 */
#ifndef LUMICAST_NRF_H
#define LUMICAST_NRF_H

#include <stdbool.h>

#include "../native/pattern.h"

/* turn_nrf.c: makes the machine's thread come by nrf_net_deliver and nrf_button_deliver. False when
   there is no machine yet, or its queue is full for good. The second is for interrupts. */
bool nrf_wake(void);
bool nrf_wake_from_interrupt(void);

/* On the machine's thread, when woken and every second. */
void nrf_net_deliver(void);
void nrf_button_deliver(void);

/* status_nrf.c: from any thread. A fault of the board, and what the firmware says: pattern.h. */
void nrf_status(enum pattern pattern, bool on);
void nrf_indicator(enum pattern pattern);

/* restart_nrf.c: before a call that could hang, and NULL after it; the watchdog is fed from the
   machine's thread only, so whatever holds that thread up restarts the board. */
void nrf_note(const char *name);
void nrf_watchdog_feed(void);

/* thread_nrf.c. mcconfig's `dataset` (hex) and `router` (0 or 1), told before the network opens.
   NULL, or what is wrong; no dataset is no error. */
const char *nrf_setting(const char *name, const char *text);
const char *nrf_thread_open(void);

#endif
