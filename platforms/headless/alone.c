/* A device without a medium: turns driven by poll() and the real clock. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "device.h"
#include "host.h"
#include "linux.h"
#include "net.h"

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
void run_alone(void *machine)
{
  struct pollfd polls[1 + NET_SOCKETS_MAX];
  bool listening = true;
  clock_start_real();
  loop_boot(machine);
  for (;;) {
    unsigned sockets = net_poll(polls + 1);
    uint64_t due;
    polls[0] = (struct pollfd){listening ? STDIN_FILENO : -1, POLLIN, 0};
    if (!listening && !sockets && !timers_next(&due)) return;
    if (poll(polls, 1 + sockets, wait_millis()) < 0 && errno != EINTR) return;
    while (timers_next(&due) && due <= clock_micros()) {
      timers_fire(machine);
      machine_turn_end(machine);
    }
    if (polls[0].revents) listening = read_buttons(machine);
    for (unsigned i = 1; i <= sockets; i++)
      if (polls[i].revents) net_receive(machine, polls[i].fd);
  }
}
