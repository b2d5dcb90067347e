/*
 * The device's time in whole microseconds, either real (stand-alone) or virtual (granted by the
 * medium), and its timers.
 */
#ifndef LUMICAST_CLOCK_H
#define LUMICAST_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

/* Real time begins now. */
void clock_start_real(void);
/* Virtual time begins at `medium`, a time of the medium's. */
void clock_start_virtual(uint64_t medium);
/* Since boot; what the firmware sees. */
uint64_t clock_micros(void);
/* The same moment on the medium's time base; what lines on the control socket bear. */
uint64_t clock_medium(void);
/* Since boot, for a time of the medium's (stand-alone there is only one time base). */
uint64_t clock_from_medium(uint64_t medium);
/* Idles until then (medium's time); never goes back. */
void clock_idle_until(uint64_t medium);
/* Spends virtual time; nothing in real time. See costs.h. */
void clock_charge(uint64_t nanos);

/* natives_clock.c: the earliest timer's time since boot */
bool timers_next(uint64_t *micros);
/* Fires the earliest timer. */
void timers_fire(void *machine);

#endif
