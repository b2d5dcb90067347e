/*
 * What a device's image leaves out.
 *
 *   built-ins   that nothing can call, for the byte code has no such name. Byte code names all it
 *               uses in its table of symbols; what the engine itself looks up by name stands in
 *               `engine_uses`. The C behind them stays out of the ROM, too, because nothing in the
 *               image refers to it any more (image.c).
 *   names       of variables, functions, private fields and absent built-ins: 40 bytes each. Their
 *               ids share one key without a text; only stacks in error messages are poorer.
 *   prototypes  of plain functions, which nobody constructs: 48 bytes each.
 *
 * A name that is made at run time (object[text]) is not seen: of built-ins the firmware does no
 * such thing, and every suite that runs in a room would miss it.
 */
#include "xsAll.h"

#include "board.h"
#include "host.h"
#include "maker.h"

static const char *const engine_uses[] = {
  "AggregateError", "Array", "ArrayBuffer", "Boolean", "Error", "Function", "Map", "Number",
  "Object", "Promise", "RangeError", "ReferenceError", "Set", "String", "Symbol", "SyntaxError",
  "TypeError", "TypedArray", "Uint8Array",
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

static void strip_instance(txMachine *the, txSlot *instance, bool global, bool all)
{
  txSlot **place = &instance->next;
  while (*place) {
    txSlot *property = *place;
    bool goes = is_built_in(property, global) && (all || !is_needed(the, property->ID));
    if (goes) *place = property->next;
    else place = &property->next;
  }
}

/* In place of what an intrinsic did that has to stay where it is. */
void left_out(txMachine *the);
void left_out(txMachine *the)
{
  mxTypeError("this is not in the device's image: the firmware does not name it");
}

static void silence(txSlot *function)
{
  if (function->kind == XS_ACCESSOR_KIND) {
    function->value.accessor.getter->next->value.callback.address = left_out;
    function->value.accessor.setter->next->value.callback.address = left_out;
  }
  if (function->kind == XS_REFERENCE_KIND && is_native(function->value.reference))
    function->value.reference->next->value.callback.address = left_out;
}

/* A constructor, function or namespace that lies at a fixed place of the root's stack. */
static void strip_intrinsic(txMachine *the, txID id)
{
  txSlot *intrinsic = &the->stackTop[-1 - id];
  txSlot *property;
  if (intrinsic->kind != XS_REFERENCE_KIND || is_needed(the, id)) return;
  silence(intrinsic);
  strip_instance(the, intrinsic->value.reference, false, true);
  property = intrinsic->value.reference->next;
  while (property && (property->ID != mxID(_prototype) || property->flag & XS_INTERNAL_FLAG))
    property = property->next;
  if (property && property->kind == XS_REFERENCE_KIND)
    strip_instance(the, property->value.reference, false, true);
}

static txSlot *nameless;

/* A name that is asked for lies in a pool: in a chunk of its own it would be half as long again. */
txID new_key(void *machine, const char *name, bool asked)
{
  txMachine *the = machine;
  txID id = the->keyIndex;
  if (asked) return fxNewNameX(the, (txString)keep_name(name));
  if (id == the->keyCount) fxGrowKeys(the, 1);
  the->keyArray[id] = nameless;
  the->keyIndex++;
  return id;
}

static void take_name(txMachine *the, txID id)
{
  txSlot *key = the->keyArray[id];
  txSlot **place = &the->nameTable[key->value.key.sum % the->nameModulo];
  while (*place && *place != key) place = &(*place)->next;
  if (*place) *place = key->next;
  the->keyArray[id] = nameless;
}

static void strip_names(txMachine *the)
{
  fxNewNameC(the, "(nameless)");
  nameless = the->keyArray[the->keyIndex - 1];
  for (txID id = XS_SYMBOL_ID_COUNT; id < XS_ID_COUNT; id++)
    if (!is_needed(the, id)) take_name(the, id);
}

void strip_root(void *machine)
{
  txMachine *the = machine;
  const txSlot unreachable[] = {mxAsyncGeneratorPrototype, mxAsyncFromSyncIteratorPrototype,
    mxAsyncIteratorPrototype, mxRegExpStringIteratorPrototype, mxTransferPrototype};
  txSlot *global = mxGlobal.value.reference;
  txSlot *cache = global->next;
  for (txSlot *heap = the->firstHeap; heap; heap = heap->next)
    for (txSlot *slot = heap + 1; slot < heap->value.reference; slot++)
      if (slot->kind == XS_INSTANCE_KIND) strip_instance(the, slot, slot == global, false);
  for (txID id = XS_SYMBOL_ID_COUNT; id < XS_INTRINSICS_COUNT; id++) strip_intrinsic(the, id);
  silence(&mxInitializeRegExpFunction);
  silence(&mxExecuteRegExpFunction);
  silence(&mxProxyAccessor);
  for (size_t i = 0; i < sizeof unreachable / sizeof *unreachable; i++)
    strip_instance(the, unreachable[i].value.reference, false, true);
  if (cache->kind == XS_GLOBAL_KIND) /* of what was found by name so far */
    memset(cache->value.table.address, 0, cache->value.table.length * sizeof(txSlot *));
  strip_names(the);
  fxCollectGarbage(the);
}

/* Evaluating a module makes promises; nothing in the firmware does. */
void strip_promises(void *machine)
{
  txMachine *the = machine;
  txSlot *instances[] = {mxPromiseConstructor.value.reference, mxPromisePrototype.value.reference};
  silence(&mxPromiseConstructor);
  silence(&mxOnRejectedPromiseFunction);
  silence(&mxOnResolvedPromiseFunction);
  silence(&mxOnThenableFunction);
  for (size_t i = 0; i < sizeof instances / sizeof *instances; i++)
    for (txSlot *slot = instances[i]->next; slot; slot = slot->next) silence(slot);
}

/* What the ROM's engine lacks (defaults.c) and what is left out above may not be used. */
void require_strippable(void)
{
  static const struct {
    unsigned operation;
    const char *what;
  } lacking[] = {
    {XS_CODE_START_ASYNC, "asynchronous functions"},
    {XS_CODE_START_ASYNC_GENERATOR, "asynchronous functions"},
    {XS_CODE_REGEXP, "regular expressions"},
    {XS_CODE_IMPORT, "import()"},
    {XS_CODE_BIGINT_1, "BigInts"},
    {XS_CODE_BIGINT_2, "BigInts"},
  };
  for (size_t i = 0; i < sizeof lacking / sizeof *lacking; i++)
    if (image_uses(lacking[i].operation))
      die(EXIT_BAD_DATA, "the byte code uses %s, which this device's ROM lacks", lacking[i].what);
}

/*
 * Called for classes and for `function` alike (by --wrap): what is defined follows in the byte
 * code, and a class begins with an instruction of its own. Others get no prototype.
 */
extern void __real_fxDefaultFunctionPrototype(txMachine *the);
void __wrap_fxDefaultFunctionPrototype(txMachine *the);
void __wrap_fxDefaultFunctionPrototype(txMachine *the)
{
  const txU1 *code = (const txU1 *)the->code + 1 + sizeof(txID);
  size_t size = *code == XS_CODE_CODE_ARCHIVE_1 ? 1 : *code == XS_CODE_CODE_ARCHIVE_2 ? 2 : 4;
  bool plain = (*code == XS_CODE_CODE_ARCHIVE_1 || *code == XS_CODE_CODE_ARCHIVE_2 ||
                *code == XS_CODE_CODE_ARCHIVE_4) && code[1 + size] == XS_CODE_BEGIN_STRICT;
  if (!plain) __real_fxDefaultFunctionPrototype(the);
}
