/*
 * XS's memory manager with a stopwatch around the collector. XS 13.3 counts collections only in an
 * instrumented build, which slows every call, and never times them.
 *
 * fxCollect is called from inside xsMemory.c, so neither --wrap nor a second definition reaches it.
 * The macro below tells its definition from its calls by their first token: `fxCollect(the, flag)`
 * becomes `collect_timed(the, flag)`, `fxCollect(txMachine* the, ...)` becomes
 * `collect_inner(...)`.
 */
#include "xsAll.h"

#include "host.h"

uint64_t gc_count;
uint64_t gc_nanos;
uint64_t gc_on_path;

/* What a turn may take without a collection, from the radio's frame to the light port. */
enum { TURN_SLOTS = 160, TURN_CHUNK_BYTES = 1024 };

/* After the last collection. */
static struct {
  txSize slots, chunks;
} live;

/* A datagram is between the ring and the light port. */
static struct {
  bool open;
  uint64_t count;
} path;

void collect_inner(txMachine *the, txFlag flag);
void collect_timed(txMachine *the, txFlag flag);

#define fxCollect(MACHINE, FLAG) fxCollect_##MACHINE, FLAG)
#define fxCollect_the collect_timed(the
#define fxCollect_txMachine collect_inner(txMachine
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wall"
#pragma GCC diagnostic ignored "-Wextra"
#include "xsMemory.c"
#pragma GCC diagnostic pop
#undef fxCollect

void collect_timed(txMachine *the, txFlag flag)
{
  uint64_t begin = host_nanos();
  collect_inner(the, flag);
  gc_nanos += host_nanos() - begin;
  gc_count++;
  live.slots = the->currentHeapCount;
  live.chunks = the->currentChunksSize;
}

void gc_between_turns(void *machine)
{
  txMachine *the = machine;
  txSize slots = the->currentHeapCount - live.slots, chunks = the->currentChunksSize - live.chunks;
  bool scarce = the->maximumHeapCount - the->currentHeapCount < TURN_SLOTS ||
      the->maximumChunksSize - the->currentChunksSize < TURN_CHUNK_BYTES;
  /* With little to free it would be done again and again, for nothing. */
  if (scarce && (slots > TURN_SLOTS / 2 || chunks > TURN_CHUNK_BYTES / 2)) fxCollectGarbage(the);
}

void gc_path_begin(void)
{
  path.open = true;
  path.count = gc_count;
}

void gc_path_end(bool at_light)
{
  if (path.open && at_light) gc_on_path += gc_count - path.count;
  path.open = false;
}

/* The rest of XS calls this name. */
void fxCollect(txMachine *the, txFlag flag)
{
  collect_timed(the, flag);
}
