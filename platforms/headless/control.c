#include "control.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "host.h"
#include "linux.h"

static struct {
  int socket;
  char *bytes;
  size_t begin, end, capacity;
} in = {.socket = -1};

void control_connect(const char *path)
{
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  if (strlen(path) >= sizeof address.sun_path)
    die(EXIT_BAD_OPTION, "the socket's path is longer than %zu bytes: %s",
        sizeof address.sun_path - 1, path);
  strcpy(address.sun_path, path);
  signal(SIGPIPE, SIG_IGN); /* a medium that is gone shows as the end of the stream */
  in.socket = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (in.socket < 0 || connect(in.socket, (struct sockaddr *)&address, sizeof address))
    die(EXIT_BAD_OPTION, "cannot connect to the medium at %s: %s", path, strerror(errno));
}

static bool more(void)
{
  ssize_t size;
  if (in.begin) {
    memmove(in.bytes, in.bytes + in.begin, in.end - in.begin);
    in.end -= in.begin;
    in.begin = 0;
  }
  if (in.end == in.capacity) {
    if (in.capacity >= CONTROL_LINE_MAX_BYTES)
      die(EXIT_BAD_DATA, "control: a line is longer than %d bytes", CONTROL_LINE_MAX_BYTES);
    in.capacity = in.capacity ? in.capacity * 2 : 65536;
    in.bytes = realloc(in.bytes, in.capacity);
    if (!in.bytes) abort();
  }
  do size = read(in.socket, in.bytes + in.end, in.capacity - in.end);
  while (size < 0 && errno == EINTR);
  if (size <= 0) return false;
  in.end += (size_t)size;
  return true;
}

static void refuse(const char *line, size_t size, const char *reason)
{
  die(EXIT_BAD_DATA, "control: bad line: %s: %.*s%s", reason, (int)(size < 160 ? size : 160), line,
      size < 160 ? "" : "...");
}

bool control_read(struct message *message)
{
  size_t seen = 0;
  for (;;) {
    const char *line = in.bytes + in.begin;
    const char *end = in.end - in.begin > seen
        ? memchr(line + seen, '\n', in.end - in.begin - seen) : NULL;
    const char *reason;
    if (end) {
      size_t size = (size_t)(end - line);
      in.begin += size + 1;
      if (!control_parse(line, size, message, &reason)) refuse(line, size, reason);
      return true;
    }
    seen = in.end - in.begin;
    if (!more()) return false;
  }
}

bool host_write(const char *bytes, size_t size)
{
  int fd = options.control ? in.socket : STDOUT_FILENO;
  for (size_t sent = 0; sent < size;) {
    ssize_t count = write(fd, bytes + sent, size - sent);
    if (count > 0) sent += (size_t)count;
    else if (errno != EINTR) return false;
  }
  return true;
}
