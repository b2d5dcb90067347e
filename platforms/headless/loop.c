/*
 * Who runs next.
 *
 * On the medium, virtual time passes in two ways only: the device idles until its next event or
 * timer, or it is busy because something it did has a cost (costs.h). So a turn begins at the later
 * of "it is due" and "the device is free", an event that arrives in a busy time waits, and time
 * never goes back. A turn is begun only if that moment lies within the grant; what it outputs may
 * be stamped later than the grant. Of an event and a timer due at the same time the event goes
 * first.
 *
 * The device boots at the first grant: at its first event's time, or at the granted time if it has
 * none. Stand-alone, the same turns are driven by poll() and the real clock.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "census.h"
#include "clock.h"
#include "control.h"
#include "costs.h"
#include "flash.h"
#include "host.h"
#include "net.h"
#include "output.h"

static struct {
  bool booted;
  struct event *events; /* waiting; [first, count) */
  size_t first, count, capacity;
} loop;

static void boot(void *machine)
{
  loop.booted = true;
  clock_charge(COST_BOOT);
  machine_call_main(machine, false);
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
  if (is_timer) timers_fire(machine);
  else device_event(machine, &loop.events[loop.first++]);
  machine_turn_end(machine);
}

static void run_grant(void *machine, const struct message *message)
{
  bool is_timer;
  uint64_t at;
  enqueue(message);
  if (!loop.booted) {
    clock_start_virtual(message->event_count ? message->events[0].at : message->grant);
    boot(machine);
  }
  while ((at = next_turn(&is_timer)) <= message->grant) {
    clock_idle_until(at);
    take_turn(machine, is_timer);
  }
  output_done(message->grant, at);
}

static void run_on_medium(void *machine)
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
      census_take(machine, output_census_row);
      output_census_end();
      break;
    case REQUEST_STOP:
      on = false;
    }
  }
}

/* Stand-alone: "down" and "up" on standard input are the button. False at its end. */
static bool read_buttons(void *machine)
{
  static char text[64];
  static size_t used;
  ssize_t size = read(STDIN_FILENO, text + used, sizeof text - 1 - used);
  char *line = text, *end;
  if (size < 0 && errno == EINTR) return true;
  if (size <= 0) return false;
  used += (size_t)size;
  text[used] = 0;
  for (; (end = strchr(line, '\n')); line = end + 1) {
    struct event event = {.at = clock_micros(), .kind = EVENT_BUTTON};
    *end = 0;
    event.flag = !strcmp(line, "down");
    if (event.flag || !strcmp(line, "up")) {
      device_event(machine, &event);
      machine_turn_end(machine);
    } else {
      fprintf(stderr, "lumicast: say \"down\" or \"up\", not \"%s\"\n", line);
    }
  }
  used = strlen(line);
  if (used == sizeof text - 1) used = 0; /* no line is that long */
  memmove(text, line, used);
  return true;
}

static int wait_millis(void)
{
  uint64_t due, now = clock_micros();
  if (!timers_next(&due)) return -1;
  return due <= now ? 0 : due - now > 60000000 ? 60000 : (int)((due - now + 999) / 1000);
}

/* Ends when nothing can happen any more: no timer, no socket, standard input at its end. */
static void run_alone(void *machine)
{
  struct pollfd polls[1 + NET_SOCKETS_MAX];
  bool listening = true;
  clock_start_real();
  boot(machine);
  for (;;) {
    unsigned sockets = net_poll(polls + 1);
    uint64_t due;
    polls[0] = (struct pollfd){listening ? STDIN_FILENO : -1, POLLIN, 0};
    if (!listening && !sockets && !timers_next(&due)) return;
    if (poll(polls, 1 + sockets, wait_millis()) < 0 && errno != EINTR) return;
    while (timers_next(&due) && due <= clock_micros()) take_turn(machine, true);
    if (polls[0].revents) listening = read_buttons(machine);
    for (unsigned i = 1; i <= sockets; i++)
      if (polls[i].revents) net_receive(machine, polls[i].fd);
  }
}

void loop_run(void *machine)
{
  if (options.control) run_on_medium(machine);
  else run_alone(machine);
  flash_flush();
}
