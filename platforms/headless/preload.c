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

/*
 * A frozen function needs no entry in the clone's table of changed objects. Nothing here writes to
 * the properties of functions, so all are frozen; Moddable's linker does the same.
 */
static void freeze_function(txSlot *instance)
{
  if (instance->kind != XS_INSTANCE_KIND || !mxIsFunction(instance)) return;
  instance->flag |= XS_DONT_PATCH_FLAG;
  for (txSlot *property = instance->next; property; property = property->next) {
    property->flag |= XS_DONT_DELETE_FLAG;
    if (property->kind != XS_ACCESSOR_KIND) property->flag |= XS_DONT_SET_FLAG;
  }
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
    if (slot->value.array.address) {
      const txChunk *chunk = (const txChunk *)(const void *)
          ((txByte *)slot->value.array.address - sizeof(txChunk));
      txIndex length = (txIndex)((txSize)chunk->size / (txSize)sizeof(txSlot));
      if (length > slot->value.array.length) length = slot->value.array.length;
      for (txIndex i = 0; i < length; i++) leave_to_flash(&slot->value.array.address[i]);
    }
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
  each_slot(the, freeze_function);
  fxShareMachine(the);
  each_slot(the, leave_to_flash);
  for (txSlot *slot = the->stack; slot < the->stackTop; slot++) leave_to_flash(slot);
  pin_chunks(the);
}
