/*
 * XS's allocators, with a hard ceiling.
 *
 * A device has one block of RAM for slots, chunks, value stack and key tables. --heap BYTES gives
 * the same here: from memory_limit() on, everything XS allocates for the running machine is
 * counted, and what would go beyond is refused; XS then aborts and fault.c says what was asked for
 * and what was there. The preloaded root machine is allocated before and not counted: it is flash
 * on a device.
 *
 * Under a ceiling chunks and slots lie in one block, as in Moddable's devices: chunks grow from its
 * beginning, slots from its end. What is added continues what is there, so growing in small steps
 * costs no headers and leaves no gaps that the collector could not close. Neither ever shrinks.
 *
 * Everything else carries its size and kind in front, so that frees are counted too. AES keys are
 * held in C and count as well: 184 bytes each, most of it the expanded key.
 */
#include "xsAll.h"

#include "host.h"

enum { PAINT = 0xA5 };

struct header {
  uint64_t size;
  uint32_t kind;
  uint32_t counted;
};

static const char *const kind_names[MEMORY_KINDS] = {"slots", "chunks", "stack", "key tables",
  "AES keys"};

static struct {
  bool counting;
  uint64_t limit;
  uint64_t total;
  uint64_t held[MEMORY_KINDS];
  uint64_t refused;
  enum memory refused_kind;
  uint64_t root;
  void *tables[8]; /* blocks that lc_reallocate has to recognise */
} memory;

/* Chunks up to `low`, slots from `high`; no block without a ceiling. */
static struct {
  uint8_t *block, *low, *high, *end;
} shared;

static void share_block(uint8_t *block, size_t size)
{
  shared.block = shared.low = block;
  shared.end = shared.high = block + (size & ~(sizeof(txSlot) - 1));
}

void memory_limit(uint64_t bytes)
{
  uint8_t *block = bytes ? malloc((size_t)bytes) : NULL;
  memory.counting = true;
  memory.limit = bytes;
  if (bytes && !block)
    die(EXIT_OUT_OF_MEMORY, "no memory for a heap of %lu bytes", (unsigned long)bytes);
  share_block(block, (size_t)bytes);
}

void memory_root_block(uint8_t *block, size_t size)
{
  share_block(block, size);
}

void memory_root_room(size_t *chunks, size_t *slots)
{
  *chunks = (size_t)(shared.low - shared.block);
  *slots = (size_t)(shared.end - shared.high);
}

static bool admit(size_t size, enum memory kind)
{
  if (!memory.counting) return true;
  if (memory.limit && memory.total + size > memory.limit) {
    memory.refused = size;
    memory.refused_kind = kind;
    return false;
  }
  memory.total += size;
  memory.held[kind] += size;
  return true;
}

/* The key tables, which lie elsewhere, count towards the same ceiling; of a root's image they do
   not, and its stack is not kept. */
static void *from_block(size_t size, enum memory kind)
{
  if (size > (size_t)(shared.high - shared.low)) return NULL;
  if (kind != MEMORY_CHUNKS) return shared.high -= size;
  shared.low += size;
  return shared.low - size;
}

static void *allocate(size_t size, enum memory kind)
{
  struct header *block;
  if (!admit(size, kind)) return NULL;
  if (shared.block && kind < (memory.counting ? MEMORY_TABLES : MEMORY_STACK))
    return from_block(size, kind);
  block = malloc(sizeof *block + size);
  if (!block) return NULL;
  block->size = size;
  block->kind = kind;
  block->counted = memory.counting;
  return block + 1;
}

static bool in_block(const void *data)
{
  const uint8_t *at = data;
  return shared.block && at >= shared.block && at < shared.end;
}

static void release(void *data)
{
  struct header *block = data;
  if (!data) return;
  if (in_block(data)) return;
  block--;
  if (block->counted) {
    memory.total -= block->size;
    memory.held[block->kind] -= block->size;
  }
  free(block);
}

void *memory_take(void *machine, size_t size)
{
  void *data = allocate(size, MEMORY_AES);
  if (!data) fxAbort(machine, XS_NOT_ENOUGH_MEMORY_EXIT);
  return data;
}

void memory_give(void *data)
{
  release(data);
}

void *fxAllocateChunks(txMachine *the, txSize size)
{
  (void)the;
  return allocate((size_t)size, MEMORY_CHUNKS);
}

void fxFreeChunks(txMachine *the, void *chunks)
{
  (void)the;
  release(chunks);
}

/* The stack is the first thing asked for in slots. It is painted to find its high-water mark. */
txSlot *fxAllocateSlots(txMachine *the, txSize count)
{
  size_t size = (size_t)count * sizeof(txSlot);
  bool stack = the->stackBottom == NULL;
  void *slots = allocate(size, stack ? MEMORY_STACK : MEMORY_SLOTS);
  if (stack) {
    if (!slots) fxAbort(the, XS_NOT_ENOUGH_MEMORY_EXIT); /* XS does not check this one */
    memset(slots, PAINT, size);
  }
  return slots;
}

void fxFreeSlots(txMachine *the, void *slots)
{
  (void)the;
  release(slots);
}

static void **table_place(void *table)
{
  for (size_t i = 0; i < sizeof memory.tables / sizeof *memory.tables; i++)
    if (memory.tables[i] == table) return &memory.tables[i];
  return NULL;
}

void *lc_table_allocate(size_t size)
{
  void **place = table_place(NULL);
  void *table = place ? allocate(size, MEMORY_TABLES) : NULL;
  if (table) *place = table;
  return table;
}

void lc_table_free(void *table)
{
  void **place = table_place(table);
  if (table && place) *place = NULL;
  release(table);
}

/* Tables only grow. */
void *lc_reallocate(void *old, size_t size)
{
  void **place = old ? table_place(old) : NULL;
  struct header *block;
  if (!place) return realloc(old, size);
  block = (struct header *)old - 1;
  if (size <= block->size) return old;
  if (!admit(size - block->size, MEMORY_TABLES)) return NULL;
  block = realloc(block, sizeof *block + size);
  if (!block) return NULL;
  block->size = size;
  *place = block + 1;
  return block + 1;
}

/*
 * XS uses the far end of the stack as scratch space for numbers and regular expressions, so both
 * ends of the block get written; what is still painted between them was never reached.
 */
static double stack_peak(const txMachine *the)
{
  const uint8_t *top = (const uint8_t *)the->stackTop;
  const uint8_t *run = (const uint8_t *)the->stackBottom;
  const uint8_t *deepest = run;
  size_t longest = 0;
  for (const uint8_t *p = run; p < top; p++) {
    if (*p != PAINT) {
      run = p + 1;
    } else if ((size_t)(p + 1 - run) > longest) {
      longest = (size_t)(p + 1 - run);
      deepest = p + 1;
    }
  }
  return (double)(top - deepest);
}

void memory_root_usage(void *machine)
{
  txMachine *the = machine;
  memory.root = (uint64_t)the->currentHeapCount * sizeof(txSlot) + (uint64_t)the->currentChunksSize;
}

void memory_usage(void *machine, struct usage *usage)
{
  txMachine *the = machine;
  fxCollectGarbage(the);
  gc_count--; /* asked for by the observer, not by the program */
  usage->slots = (double)the->currentHeapCount * sizeof(txSlot);
  usage->chunks = (double)the->currentChunksSize;
  usage->live_bytes = usage->slots + usage->chunks;
  usage->peak_slots = (double)the->peakHeapCount * sizeof(txSlot);
  usage->peak_chunks = (double)the->peakChunksSize;
  usage->peak_bytes = usage->peak_slots + usage->peak_chunks;
  usage->stack_peak = stack_peak(the);
  usage->keys = (double)memory.held[MEMORY_TABLES];
  usage->reserved_bytes = (double)memory.total;
  usage->limit_bytes = (double)memory.limit;
  usage->code_bytes = (double)image_code_size();
  usage->root_bytes = (double)memory.root;
  usage->gc_count = (double)gc_count;
  usage->gc_micros = (double)gc_nanos / 1000;
  usage->gc_on_path = (double)gc_on_path;
}

const char *memory_report(void *machine)
{
  static char text[400];
  const txMachine *the = machine;
  const uint64_t *held = memory.held;
  char what[100];
  if (memory.refused)
    snprintf(what, sizeof what, "%lu more bytes of %s", (unsigned long)memory.refused,
        kind_names[memory.refused_kind]);
  else
    snprintf(what, sizeof what, "the engine's own limit");
  snprintf(text, sizeof text,
      "out of memory: %s do not fit in --heap %lu; held: slots %lu (in use %lu), "
      "chunks %lu (in use %lu), stack %lu, key tables %lu, AES keys %lu",
      what, (unsigned long)memory.limit, (unsigned long)held[MEMORY_SLOTS],
      (unsigned long)the->currentHeapCount * sizeof(txSlot),
      (unsigned long)held[MEMORY_CHUNKS], (unsigned long)the->currentChunksSize,
      (unsigned long)held[MEMORY_STACK], (unsigned long)held[MEMORY_TABLES],
      (unsigned long)held[MEMORY_AES]);
  return text;
}
