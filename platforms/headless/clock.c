#include "clock.h"

#include <time.h>

#include "host.h"

static struct {
  bool virtual_time;
  uint64_t boot;  /* real: CLOCK_MONOTONIC at boot; virtual: the medium's time at boot; us */
  uint64_t nanos; /* virtual: since boot */
} state;

uint64_t host_nanos(void)
{
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static uint64_t monotonic(void)
{
  return host_nanos() / 1000;
}

void clock_start_real(void)
{
  state.virtual_time = false;
  state.boot = monotonic();
}

void clock_start_virtual(uint64_t medium)
{
  state.virtual_time = true;
  state.boot = medium;
  state.nanos = 0;
}

uint64_t clock_micros(void)
{
  return state.virtual_time ? state.nanos / 1000 : monotonic() - state.boot;
}

uint64_t clock_medium(void)
{
  return state.virtual_time ? state.boot + state.nanos / 1000 : clock_micros();
}

uint64_t clock_from_medium(uint64_t medium)
{
  if (!state.virtual_time) return medium;
  return medium > state.boot ? medium - state.boot : 0;
}

void clock_idle_until(uint64_t medium)
{
  uint64_t nanos = clock_from_medium(medium) * 1000;
  if (nanos > state.nanos) state.nanos = nanos;
}

void clock_charge(uint64_t nanos)
{
  if (state.virtual_time) state.nanos += nanos;
}

void clock_wait(uint64_t nanos)
{
  clock_charge(nanos);
}

/* What is charged is all that counts here. */
void clock_resume(void)
{
}

void clock_hold(void)
{
}
