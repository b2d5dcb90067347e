#define _GNU_SOURCE
#include "posix.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "../native/board.h"
#include "../native/udp6.h"
#include "instance.h"
#include "os.h"

/* getentropy gives this much at once. */
enum { ENTROPY_MAX = 256, PORTS_MAX = 8, RETRY_SECONDS = 5 };

static struct {
  uint16_t ports[PORTS_MAX];
  unsigned count;
} wanted;

uint64_t board_micros(void)
{
  static uint64_t boot;
  struct timespec t;
  uint64_t now;
  clock_gettime(CLOCK_MONOTONIC, &t);
  now = (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
  if (boot == 0) boot = now;
  return now - boot;
}

bool board_random(void *into, size_t size)
{
  uint8_t *place = into;
  for (; size > ENTROPY_MAX; size -= ENTROPY_MAX, place += ENTROPY_MAX)
    if (getentropy(place, ENTROPY_MAX)) return false;
  return getentropy(place, size) == 0;
}

const char *os_state_folder(void)
{
  static char path[1024];
  const char *state = getenv("XDG_STATE_HOME");
  const char *home = getenv("HOME");
  if (state && *state) return os_make_folder(state) ? state : NULL;
  if (!home || !*home) return NULL;
  snprintf(path, sizeof path, "%s/.local", home);
  if (!os_make_folder(path)) return NULL;
  snprintf(path, sizeof path, "%s/.local/state", home);
  return os_make_folder(path) ? path : NULL;
}

bool os_make_folder(const char *path)
{
  return mkdir(path, 0700) == 0 || errno == EEXIST;
}

FILE *os_open_alone(const char *path)
{
  /* "a+" makes it, "r+" then writes anywhere. */
  FILE *made = fopen(path, "a+b");
  FILE *file = made ? fopen(path, "r+b") : NULL;
  if (made) fclose(made);
  if (file && flock(fileno(file), LOCK_EX | LOCK_NB) == 0) return file;
  if (file) fclose(file);
  return NULL;
}

/* mcsim unloads the app to load it anew, or because it failed, and goes on. */
static void let_go(void)
{
  os_unwatch();
  udp6_close();
}

/* Without a network the lamp works from its button; it is tried again until there is one. */
const char *board_net_open(const uint16_t *ports, unsigned count)
{
  if (count > PORTS_MAX) return "too many ports";
  atexit(let_go);
  memcpy(wanted.ports, ports, count * sizeof *ports);
  wanted.count = count;
  posix_retry();
  return NULL;
}

void posix_retry(void)
{
  static const char *told;
  const char *interface = getenv("LUMICAST_INTERFACE");
  const char *wrong;
  if (interface && !*interface) interface = NULL;
  wrong = udp6_open(interface, wanted.ports, wanted.count, os_watch);
  if (wrong && !told) instance_tell("network", wrong);
  told = wrong;
  if (wrong) os_wake(RETRY_SECONDS);
  else instance_tell("network", "open");
}

void posix_readable(int socket)
{
  static struct board_datagram datagram;
  while (udp6_receive(socket, &datagram)) {
    datagram.micros = board_micros();
    board_event_datagram(&datagram);
  }
}

void board_net_address(uint8_t address[BOARD_ADDRESS_BYTES])
{
  udp6_address(address);
}

bool board_net_join(const uint8_t group[BOARD_ADDRESS_BYTES])
{
  return udp6_join(group);
}

void board_net_leave(const uint8_t group[BOARD_ADDRESS_BYTES])
{
  udp6_leave(group);
}

bool board_net_send(const uint8_t to[BOARD_ADDRESS_BYTES], uint16_t port, uint16_t from_port,
    const void *bytes, size_t size)
{
  return udp6_send(to, port, from_port, bytes, size);
}
