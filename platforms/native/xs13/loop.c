/*
 * Who runs next on the medium.
 *
 * Virtual time passes in two ways only: the device idles until its next event or
 * timer, or it is busy because something it did has a cost (costs.h). So a turn begins at the later
 * of "it is due" and "the device is free", an event that arrives in a busy time waits, and time
 * never goes back. A turn is begun only if that moment lies within the grant; what it outputs may
 * be stamped later than the grant. Of an event and a timer due at the same time the event goes
 * first.
 *
 * The device boots at the first grant: at its first event's time, or at the granted time if it has
 * none.
 */
#include <stdlib.h>
#include <string.h>

#include "census.h"
#include "clock.h"
#include "control.h"
#include "costs.h"
#include "host.h"
#include "output.h"

/* A platform short of ROM leaves census.c out: its census is empty. */
#pragma weak census_take

static struct {
  bool booted;
  struct event *events; /* waiting; [first, count) */
  size_t first, count, capacity;
} loop;

void loop_boot(void *machine)
{
  loop.booted = true;
  clock_resume();
  clock_charge(COST_BOOT);
  machine_call_main(machine, false);
  clock_hold();
}

static void enqueue(const struct message *message)
{
  size_t waiting = loop.count - loop.first;
  if (waiting) memmove(loop.events, loop.events + loop.first, waiting * sizeof *loop.events);
  loop.first = 0;
  loop.count = waiting + message->event_count;
  if (loop.count > loop.capacity) {
    loop.capacity = loop.count * 2;
    loop.events = realloc(loop.events, loop.capacity * sizeof *loop.events);
    if (!loop.events) abort();
  }
  if (message->event_count)
    memcpy(loop.events + waiting, message->events, message->event_count * sizeof *loop.events);
}

/* The moment of the next turn on the medium's time; UINT64_MAX when there is none. */
static uint64_t next_turn(bool *is_timer)
{
  uint64_t boot_time = clock_medium() - clock_micros();
  uint64_t event = loop.first < loop.count ? loop.events[loop.first].at : UINT64_MAX;
  uint64_t timer = UINT64_MAX, due, busy = clock_medium();
  if (timers_next(&timer)) timer += boot_time;
  *is_timer = timer < event;
  due = *is_timer ? timer : event;
  return due < busy ? busy : due;
}

static void take_turn(void *machine, bool is_timer)
{
  clock_resume();
  if (is_timer) timers_fire(machine);
  else device_event(machine, &loop.events[loop.first++]);
  machine_turn_end(machine);
  gc_between_turns(machine);
  clock_hold();
}

static void run_grant(void *machine, const struct message *message)
{
  bool is_timer;
  uint64_t at;
  enqueue(message);
  if (!loop.booted) {
    clock_start_virtual(message->event_count ? message->events[0].at : message->grant);
    loop_boot(machine);
  }
  while ((at = next_turn(&is_timer)) <= message->grant) {
    clock_idle_until(at);
    take_turn(machine, is_timer);
  }
  output_done(message->grant, at);
}

void loop_on_medium(void *machine)
{
  struct message message;
  struct usage usage;
  bool on = true;
  output_hello(options.eui64);
  while (on && output_flush() && control_read(&message)) {
    switch (message.request) {
    case REQUEST_GRANT:
      run_grant(machine, &message);
      break;
    case REQUEST_USAGE:
      memory_usage(machine, &usage);
      output_usage(&usage);
      break;
    case REQUEST_CENSUS:
      output_census_begin();
      if (census_take) census_take(machine, output_census_row);
      output_census_end();
      break;
    case REQUEST_STOP:
      on = false;
    }
  }
}
