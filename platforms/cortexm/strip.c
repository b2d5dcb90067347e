/*
 * What a device's image leaves out: built-in functions that nothing can call, for the byte code has
 * no such name. Byte code names everything it uses in its table of symbols; what the engine itself
 * looks up by name stands in `engine_uses`. The C behind them stays out of the ROM, too, because
 * nothing in the image refers to it any more (image.c).
 *
 * A name that is made at run time (object[text]) is not seen: of built-ins the firmware does no such
 * thing, and every suite that runs in a room would miss it.
 */
#include "xsAll.h"

#include "board.h"
#include "host.h"

static const char *const engine_uses[] = {
  "AggregateError", "Array", "ArrayBuffer", "Error", "Function", "Map", "Object", "Promise",
  "RangeError", "ReferenceError", "Set", "String", "Symbol", "SyntaxError", "TypeError", "Uint8Array",
  "catch", "constructor", "done", "finally", "get", "has", "length", "message", "name", "next",
  "prototype", "reject", "resolve", "return", "set", "stack", "then", "throw", "toString", "value",
  "valueOf",
};

static bool is_needed(txMachine *the, txID id)
{
  const char *name;
  if (id < XS_SYMBOL_ID_COUNT) return true;
  name = fxGetKeyName(the, id);
  if (!name) return true;
  for (size_t i = 0; i < sizeof engine_uses / sizeof *engine_uses; i++)
    if (!strcmp(name, engine_uses[i])) return true;
  return image_names(name);
}

static bool is_native(const txSlot *instance)
{
  return instance && mxIsFunction(instance) && instance->next->kind == XS_CALLBACK_KIND;
}

/* A built-in method, getter or constructor; of the global object everything. */
static bool is_built_in(const txSlot *property, bool global)
{
  if (property->flag & XS_INTERNAL_FLAG) return false;
  if (property->kind == XS_ACCESSOR_KIND)
    return is_native(property->value.accessor.getter) || is_native(property->value.accessor.setter);
  return property->kind == XS_REFERENCE_KIND && (global || is_native(property->value.reference));
}

static void strip_instance(txMachine *the, txSlot *instance, bool global)
{
  txSlot **place = &instance->next;
  while (*place) {
    txSlot *property = *place;
    if (is_built_in(property, global) && !is_needed(the, property->ID)) *place = property->next;
    else place = &property->next;
  }
}

/* In place of what an intrinsic did that has to stay where it is. */
void left_out(txMachine *the);
void left_out(txMachine *the)
{
  mxTypeError("this is not in the device's image: the firmware does not name it");
}

static void strip_intrinsic(txMachine *the, txID id)
{
  const txSlot *intrinsic = &the->stackTop[-1 - id];
  if (intrinsic->kind != XS_REFERENCE_KIND || !is_native(intrinsic->value.reference)) return;
  if (!is_needed(the, id)) intrinsic->value.reference->next->value.callback.address = left_out;
}

void strip_root(void *machine)
{
  txMachine *the = machine;
  txSlot *global = mxGlobal.value.reference;
  txSlot *cache = global->next;
  for (txSlot *heap = the->firstHeap; heap; heap = heap->next)
    for (txSlot *slot = heap + 1; slot < heap->value.reference; slot++)
      if (slot->kind == XS_INSTANCE_KIND) strip_instance(the, slot, slot == global);
  for (txID id = XS_SYMBOL_ID_COUNT; id < XS_INTRINSICS_COUNT; id++) strip_intrinsic(the, id);
  if (!image_names("RegExp")) {
    mxInitializeRegExpFunction.value.reference->next->value.callback.address = left_out;
    mxExecuteRegExpFunction.value.reference->next->value.callback.address = left_out;
  }
  if (cache->kind == XS_GLOBAL_KIND) /* of what was found by name so far */
    memset(cache->value.table.address, 0, cache->value.table.length * sizeof(txSlot *));
  fxCollectGarbage(the);
}
