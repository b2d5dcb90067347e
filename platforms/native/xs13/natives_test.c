/*
 * For unit suites and measurements: print(text...), gc(), usage(), counters(), nanos().
 */
#include "natives.h"

#include <stdio.h>

#include "output.h"

static void native_print(xsMachine *the)
{
  int count = xsmcArgc;
  for (int i = 0; i < count; i++) printf(i ? " %s" : "%s", xsmcToString(xsArg(i)));
  putchar('\n');
  fflush(stdout);
}

static void native_gc(xsMachine *the)
{
  xsCollectGarbage();
}

static void set_number(xsMachine *the, const char *name, double value)
{
  xsmcSetNumber(xsVar(0), value);
  xsmcDefine(xsResult, xsID((char *)name), xsVar(0), xsDefault);
}

/* usage() -> the fields of the control protocol's usage line */
static void native_usage(xsMachine *the)
{
  struct usage usage;
  memory_usage(the, &usage);
  xsmcVars(1);
  xsResult = xsNewObject();
  set_number(the, "liveBytes", usage.live_bytes);
  set_number(the, "peakBytes", usage.peak_bytes);
  set_number(the, "slots", usage.slots);
  set_number(the, "chunks", usage.chunks);
  set_number(the, "peakSlots", usage.peak_slots);
  set_number(the, "peakChunks", usage.peak_chunks);
  set_number(the, "stackPeak", usage.stack_peak);
  set_number(the, "keys", usage.keys);
  set_number(the, "reservedBytes", usage.reserved_bytes);
  set_number(the, "limitBytes", usage.limit_bytes);
  set_number(the, "codeBytes", usage.code_bytes);
  set_number(the, "rootBytes", usage.root_bytes);
  set_number(the, "gcCount", usage.gc_count);
  set_number(the, "gcMicros", usage.gc_micros);
  set_number(the, "gcOnPath", usage.gc_on_path);
}

/* counters() -> { event: count } of everything traced */
static void native_counters(xsMachine *the)
{
  xsmcVars(1);
  xsResult = xsNewObject();
  for (unsigned i = 0; i < output_counter_count(); i++) {
    double count;
    const char *name = output_counter(i, &count);
    set_number(the, name, count);
  }
}

/* nanos() -> monotonic nanoseconds, whatever the clock port says: for benchmarks */
static void native_nanos(xsMachine *the)
{
  xsmcSetNumber(xsResult, (double)host_nanos());
}

const struct native test_natives[] = {
  {"print", native_print, 1},
  {"gc", native_gc, 0},
  {"usage", native_usage, 0},
  {"counters", native_counters, 0},
  {"nanos", native_nanos, 0},
  {0},
};
