/*
 * The device's time in whole microseconds, either real (stand-alone) or virtual (granted by the
 * medium), and its timers. Each platform has its own clock.c.
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
/* The processor's work, from costs.h: spends virtual time; nothing in real time, and nothing where
   instructions are counted. */
void clock_charge(uint64_t nanos);
/* Work that waits for hardware: spends virtual time wherever there is any. */
void clock_wait(uint64_t nanos);
/* Where instructions are counted, those between resume and hold are the device's; others (making
   and sending lines, waiting for them) cost nothing. A clock begins held. */
void clock_resume(void);
void clock_hold(void);

/* natives_clock.c: the earliest timer's time since boot */
bool timers_next(uint64_t *micros);
/* Fires the earliest timer. */
void timers_fire(void *machine);

#endif
