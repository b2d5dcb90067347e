#include "output.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "host.h"

enum { COUNTERS_MAX = 64, NAME_MAX_BYTES = 32 };

static struct {
  char *bytes;
  size_t size, capacity;
  bool gone;
  struct {
    char name[NAME_MAX_BYTES];
    double count;
  } counters[COUNTERS_MAX];
  unsigned counter_count;
} out;

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

/* Whole; printf of small C libraries knows neither 64 bits nor doubles. */
static void number(uint64_t value)
{
  char digits[20];
  size_t at = sizeof digits;
  do digits[--at] = (char)('0' + value % 10);
  while (value /= 10);
  append(digits + at, sizeof digits - at);
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

static void field(const char *before, const char *name, double value)
{
  append(before, strlen(before));
  quoted(name);
  append(":", 1);
  number((uint64_t)value);
}

/* Stand-alone lines go out at once; those for the medium when the turn is over. */
static void close_line(void)
{
  append("\n", 1);
  if (!options.control) output_flush();
}

/* Something the device did: it bears its time, and what telling it takes is not the device's. */
static void begin_line(void)
{
  uint64_t now = clock_medium();
  clock_hold();
  append("{\"at\":", 6);
  number(now);
  append(",", 1);
}

static void end_line(void)
{
  close_line();
  clock_resume();
}

bool output_flush(void)
{
  if (!out.gone) out.gone = !host_write(out.bytes, out.size);
  out.size = 0;
  return !out.gone;
}

void output_hello(const uint8_t eui64[8])
{
  line("{\"hello\":{\"eui64\":\"");
  for (int i = 0; i < 8; i++) line("%02x", eui64[i]);
  line("\",\"engine\":\"%s\",\"pid\":%ld}}", host_engine(), (long)getpid());
  close_line();
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

void output_indicator(const char *pattern)
{
  begin_line();
  append("\"indicator\":", 12);
  quoted(pattern);
  append("}", 1);
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
  field("{\"usage\":{", "liveBytes", u->live_bytes);
  field(",", "peakBytes", u->peak_bytes);
  field(",", "slots", u->slots);
  field(",", "chunks", u->chunks);
  field(",", "peakSlots", u->peak_slots);
  field(",", "peakChunks", u->peak_chunks);
  field(",", "stackPeak", u->stack_peak);
  field(",", "keys", u->keys);
  field(",", "reservedBytes", u->reserved_bytes);
  field(",", "limitBytes", u->limit_bytes);
  field(",", "codeBytes", u->code_bytes);
  field(",", "rootBytes", u->root_bytes);
  field(",", "gcCount", u->gc_count);
  field(",", "gcMicros", u->gc_micros);
  field(",", "gcOnPath", u->gc_on_path);
  line(",\"counters\":{");
  for (unsigned i = 0; i < out.counter_count; i++)
    field(i ? "," : "", out.counters[i].name, out.counters[i].count);
  line("}}}");
  close_line();
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
  line(":{\"objects\":%lu,\"bytes\":%lu}", (unsigned long)objects,
      (unsigned long)bytes);
}

void output_census_end(void)
{
  line("}}");
  close_line();
}

void output_done(uint64_t granted, uint64_t next)
{
  line("{\"done\":");
  number(granted);
  line(",\"next\":");
  if (next == UINT64_MAX) line("null");
  else number(next);
  line("}");
  close_line();
}

void output_fatal(const char *text)
{
  if (!options.control) return;
  line("{\"fatal\":");
  quoted(text);
  line("}");
  close_line();
  output_flush();
}
