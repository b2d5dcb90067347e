#include "output.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "host.h"

enum { COUNTERS_MAX = 64, NAME_MAX_BYTES = 32 };

static struct {
  int socket;
  char *bytes;
  size_t size, capacity;
  bool gone;
  struct {
    char name[NAME_MAX_BYTES];
    double count;
  } counters[COUNTERS_MAX];
  unsigned counter_count;
} out = {.socket = -1};

void output_to_medium(int socket)
{
  out.socket = socket;
}

static void append(const char *bytes, size_t size)
{
  if (out.size + size > out.capacity) {
    size_t capacity = (out.size + size) * 2;
    char *grown = realloc(out.bytes, capacity);
    if (!grown) abort();
    out.bytes = grown;
    out.capacity = capacity;
  }
  memcpy(out.bytes + out.size, bytes, size);
  out.size += size;
}

static void line(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void line(const char *format, ...)
{
  char text[512];
  va_list arguments;
  int size;
  va_start(arguments, format);
  size = vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  if (size > 0) append(text, (size_t)size < sizeof text ? (size_t)size : sizeof text - 1);
}

/* A JSON string; XS strings are UTF-8 already. */
static void quoted(const char *text)
{
  append("\"", 1);
  for (; *text; text++) {
    unsigned char c = (unsigned char)*text;
    if (c == '"' || c == '\\') line("\\%c", c);
    else if (c < 0x20) line("\\u%04x", c);
    else append(text, 1);
  }
  append("\"", 1);
}

/* Stand-alone lines go out at once; those for the medium when the turn is over. */
static void end_line(void)
{
  append("\n", 1);
  if (out.socket < 0) output_flush();
}

static void begin_line(void)
{
  line("{\"at\":%llu,", (unsigned long long)clock_medium());
}

bool output_flush(void)
{
  int fd = out.socket < 0 ? STDOUT_FILENO : out.socket;
  size_t sent = 0;
  while (sent < out.size && !out.gone) {
    ssize_t count = write(fd, out.bytes + sent, out.size - sent);
    if (count > 0) sent += (size_t)count;
    else if (errno != EINTR) out.gone = true;
  }
  out.size = 0;
  return !out.gone;
}

void output_hello(const uint8_t eui64[8])
{
  line("{\"hello\":{\"eui64\":\"");
  for (int i = 0; i < 8; i++) line("%02x", eui64[i]);
  line("\",\"engine\":\"xs 13.3.0\",\"pid\":%ld}}", (long)getpid());
  end_line();
}

void output_frame(const uint8_t *frame, size_t size, uint32_t id)
{
  begin_line();
  append("\"tx\":\"", 6);
  for (size_t i = 0; i < size; i++) line("%02x", frame[i]);
  line("\",\"id\":%lu}", (unsigned long)id);
  end_line();
}

void output_address(unsigned pan, unsigned address)
{
  begin_line();
  line("\"address\":{\"pan\":%u,\"short\":%u}}", pan, address);
  end_line();
}

void output_light(int level, int mired, int x, int y)
{
  begin_line();
  line("\"light\":{\"level\":%d,\"mired\":%d", level, mired);
  if (x >= 0 && y >= 0) line(",\"x\":%d,\"y\":%d", x, y);
  line("}}");
  end_line();
}

static bool count(const char *event)
{
  for (unsigned i = 0; i < out.counter_count; i++)
    if (!strcmp(out.counters[i].name, event)) {
      out.counters[i].count++;
      return true;
    }
  if (out.counter_count == COUNTERS_MAX || strlen(event) >= NAME_MAX_BYTES) return false;
  strcpy(out.counters[out.counter_count].name, event);
  out.counters[out.counter_count++].count = 1;
  return true;
}

bool output_trace(const char *event)
{
  if (!count(event)) return false;
  if (options.mode == MODE_TEST) return true;
  begin_line();
  append("\"trace\":", 8);
  quoted(event);
  append("}", 1);
  end_line();
  return true;
}

unsigned output_counter_count(void)
{
  return out.counter_count;
}

const char *output_counter(unsigned index, double *count)
{
  *count = out.counters[index].count;
  return out.counters[index].name;
}

void output_log(const char *text)
{
  if (options.mode == MODE_TEST) {
    fprintf(stderr, "%s\n", text);
    return;
  }
  begin_line();
  append("\"log\":", 6);
  quoted(text);
  append("}", 1);
  end_line();
}

void output_usage(const struct usage *u)
{
  line("{\"usage\":{\"liveBytes\":%.0f,\"peakBytes\":%.0f,\"slots\":%.0f,\"chunks\":%.0f",
      u->live_bytes, u->peak_bytes, u->slots, u->chunks);
  line(",\"peakSlots\":%.0f,\"peakChunks\":%.0f,\"stackPeak\":%.0f,\"keys\":%.0f", u->peak_slots,
      u->peak_chunks, u->stack_peak, u->keys);
  line(",\"reservedBytes\":%.0f,\"limitBytes\":%.0f,\"codeBytes\":%.0f,\"rootBytes\":%.0f",
      u->reserved_bytes, u->limit_bytes, u->code_bytes, u->root_bytes);
  line(",\"gcCount\":%.0f,\"gcMicros\":%.0f,\"counters\":{", u->gc_count, u->gc_micros);
  for (unsigned i = 0; i < out.counter_count; i++) {
    if (i) append(",", 1);
    quoted(out.counters[i].name);
    line(":%.0f", out.counters[i].count);
  }
  line("}}}");
  end_line();
}

static bool census_row_seen;

void output_census_begin(void)
{
  line("{\"census\":{");
  census_row_seen = false;
}

void output_census_row(const char *name, uint32_t objects, size_t bytes)
{
  if (census_row_seen) append(",", 1);
  census_row_seen = true;
  quoted(name);
  line(":{\"objects\":%lu,\"bytes\":%zu}", (unsigned long)objects, bytes);
}

void output_census_end(void)
{
  line("}}");
  end_line();
}

void output_done(uint64_t granted, uint64_t next)
{
  line("{\"done\":%llu,\"next\":", (unsigned long long)granted);
  if (next == UINT64_MAX) line("null}");
  else line("%llu}", (unsigned long long)next);
  end_line();
}

void output_fatal(const char *text)
{
  if (out.socket < 0) return;
  line("{\"fatal\":");
  quoted(text);
  line("}");
  end_line();
  output_flush();
}
