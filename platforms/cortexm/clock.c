/*
 * Virtual time from counted instructions.
 *
 * QEMU's -icount ties the emulator's clock to instructions, and the board's 25 MHz counter shows
 * it. What the device does between clock_resume and clock_hold is added to virtual time at 1.5
 * cycles of 64 MHz an instruction, the reference of costs.h; costs.h's own figures for processor
 * work are not used here, only those for waiting on flash. So a lamp on this platform is as late as
 * its code is long, and the same on every machine. Rejected: charging costs.h as headless does, for
 * it would tell nothing new.
 *
 * In rooms an instruction is 1024 ns of the emulator's clock (shift=10), 26 ticks of the counter:
 * whatever the counter's phase, the count is exact. At 16 ns (shift=4, 62.5 MHz) it was off by one
 * now and then, and runs differed. Nothing else looks at that clock. When counting, without a room,
 * an instruction is 1 ns (shift=0).
 */
#include "clock.h"

#include "board.h"
#include "host.h"

#define COUNTER (*(volatile uint32_t *)0x40028018)

enum { TICK_NANOS = 40, ROOM_NANOS_AN_INSTRUCTION = 1024 };

static struct {
  uint64_t boot;  /* the medium's time at boot, us */
  uint64_t nanos; /* virtual, since boot */
  uint32_t since; /* the counter when the processor's work was last added */
  bool running;
} state;

/* 1.5 cycles of 1/64 us for each instruction. */
static uint64_t work_nanos(uint64_t ticks)
{
  uint64_t instructions = (ticks * TICK_NANOS + ROOM_NANOS_AN_INSTRUCTION / 2) /
                          ROOM_NANOS_AN_INSTRUCTION;
  return instructions * 1500 / 64;
}

/* Asked often enough: the counter turns over after 171 s of the emulator's clock. */
uint64_t host_nanos(void)
{
  static uint32_t last, turns;
  uint32_t now = COUNTER;
  uint64_t ticks;
  if (now < last) turns++;
  last = now;
  ticks = (uint64_t)turns << 32 | now;
  return options.mode == MODE_TEST ? ticks * TICK_NANOS : work_nanos(ticks);
}

static void add_work(void)
{
  uint32_t now = COUNTER;
  if (state.running) state.nanos += work_nanos(now - state.since);
  state.since = now;
}

void clock_start_virtual(uint64_t medium)
{
  state.boot = medium; /* what was done since the reset stays counted */
}

uint64_t clock_micros(void)
{
  add_work();
  return state.nanos / 1000;
}

uint64_t clock_medium(void)
{
  return state.boot + clock_micros();
}

uint64_t clock_from_medium(uint64_t medium)
{
  return medium > state.boot ? medium - state.boot : 0;
}

void clock_idle_until(uint64_t medium)
{
  uint64_t nanos = clock_from_medium(medium) * 1000;
  if (nanos > state.nanos) state.nanos = nanos;
}

void clock_charge(uint64_t nanos)
{
  (void)nanos;
}

void clock_wait(uint64_t nanos)
{
  state.nanos += nanos;
}

void clock_resume(void)
{
  state.since = COUNTER;
  state.running = true;
}

void clock_hold(void)
{
  add_work();
  state.running = false;
}
