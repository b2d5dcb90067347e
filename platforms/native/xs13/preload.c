/*
 * Makes a read-only image of the root machine, as Moddable's linker does when it writes one into a
 * device's flash. XS 13.3 shares a machine between clones with fxShareMachine, but that alone is
 * not safe: slots that a clone copies from the root keep pointing at the root's chunks, and the
 * clone's collector takes those for its own: it marks them, and, believing that they move,
 * redirects the pointers to whatever lies behind them. In the linker's output strings, keys and
 * code are of kinds ("X") that the collector leaves alone. So after sharing:
 *
 *   - strings, keys and code become X, wherever they lie: heap, stack and arrays;
 *   - every chunk's forwarding address is cleared, for what has no X kind (buffers, tables).
 */
#include "xsAll.h"

#include "host.h"

/* The first use of a global fills a cache in the root: do it before the root counts as flash. */
static void fill_global_cache(txMachine *the)
{
  for (txID id = XS_SYMBOL_ID_COUNT; id < XS_INTRINSICS_COUNT; id++)
    mxBehaviorGetProperty(the, mxGlobal.value.reference, id, 0, XS_ANY);
}

static txIndex array_length(const txSlot *array)
{
  const txByte *items = (const txByte *)array->value.array.address;
  txIndex room;
  if (!items) return 0;
  room = (txIndex)(((const txChunk *)(const void *)(items - sizeof(txChunk)))->size /
                   (txSize)sizeof(txSlot));
  return room < array->value.array.length ? room : array->value.array.length;
}

static void freeze_slot(txSlot *slot)
{
  slot->flag |= XS_DONT_DELETE_FLAG;
  if (slot->kind != XS_ACCESSOR_KIND) slot->flag |= XS_DONT_SET_FLAG;
}

static void freeze_instance(txSlot *instance)
{
  instance->flag |= XS_DONT_PATCH_FLAG;
  for (txSlot *property = instance->next; property; property = property->next) {
    if (property->kind != XS_ARRAY_KIND) {
      freeze_slot(property);
      continue;
    }
    for (txIndex i = 0, count = array_length(property); i < count; i++)
      freeze_slot(&property->value.array.address[i]);
  }
}

/*
 * What is not frozen costs the clone an entry in its table of changed objects: four bytes each on a
 * device, 1,800 of them for the firmware. Modules keep no mutable state (test/tidy sees to it), so
 * everything a firmware's root holds is frozen: functions, prototypes, tables, module variables.
 * Code that writes to one of them gets a TypeError, also where the write would only shadow what a
 * frozen prototype has (`this.name = ...` in a class that extends Error: declare a field instead).
 */
static void freeze(txSlot *slot)
{
  if (slot->kind == XS_CLOSURE_KIND && slot->value.closure)
    slot->value.closure->flag |= XS_DONT_SET_FLAG;
  if (slot->kind == XS_INSTANCE_KIND) freeze_instance(slot);
}

/* A test suite may keep state at module level: the clone copies what it changes. */
static void freeze_function(txSlot *slot)
{
  if (slot->kind == XS_INSTANCE_KIND && mxIsFunction(slot)) freeze_instance(slot);
}

static void leave_to_flash(txSlot *slot)
{
  switch (slot->kind) {
  case XS_STRING_KIND:
    slot->kind = XS_STRING_X_KIND;
    break;
  case XS_KEY_KIND:
    slot->kind = XS_KEY_X_KIND;
    break;
  case XS_CODE_KIND:
    slot->kind = XS_CODE_X_KIND;
    break;
  case XS_ARRAY_KIND:
    for (txIndex i = 0, count = array_length(slot); i < count; i++)
      leave_to_flash(&slot->value.array.address[i]);
    break;
  default:
    break;
  }
}

static void each_slot(txMachine *the, void (*visit)(txSlot *))
{
  for (txSlot *heap = the->firstHeap; heap; heap = heap->next)
    for (txSlot *slot = heap + 1; slot < heap->value.reference; slot++) visit(slot);
}

static void pin_chunks(txMachine *the)
{
  for (txBlock *block = the->firstBlock; block; block = block->nextBlock)
    for (txByte *at = (txByte *)(block + 1); at < block->current;) {
      txChunk *chunk = (txChunk *)(void *)at;
      at = chunk->temporary;
      chunk->temporary = NULL;
    }
}

void preload_seal(void *root)
{
  txMachine *the = root;
  fill_global_cache(the);
  each_slot(the, options.mode == MODE_TEST ? freeze_function : freeze);
  fxShareMachine(the);
  each_slot(the, leave_to_flash);
  for (txSlot *slot = the->stack; slot < the->stackTop; slot++) leave_to_flash(slot);
  pin_chunks(the);
}
