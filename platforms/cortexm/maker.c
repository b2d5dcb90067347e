/* Makes the preloaded image (image.c says how it is used). Not part of a device's ROM. */
#include "xsAll.h"

#include "board.h"
#include "host.h"
#include "image.h"
#include "maker.h"

enum { REFERENCES_MAX = 8192, FUNCTIONS_MAX = 8192 };

/* A function of the byte code, and its copy in the image. */
struct function {
  const void *code;
  size_t size;
  void *kept;
};

static struct {
  uint8_t *begin, *end; /* of the image */
  uint8_t *names, *names_end;
  uint8_t *hole, *hole_end; /* free slots side by side: room for what is no slot */
  uint32_t references[REFERENCES_MAX]; /* offsets of words that point to C code or constants */
  uint32_t count;
  struct function functions[FUNCTIONS_MAX]; /* by address */
  size_t function_count;
  size_t code_size; /* of all copies */
} made;

static bool is_inside(const void *address)
{
  return (const uint8_t *)address >= made.begin && (const uint8_t *)address < made.end;
}

/* Makes room at the end of what the image holds so far. */
static void *append_packed(const void *bytes, size_t size)
{
  void *place = made.end;
  made.end += size;
  if (made.end > rom_end) die(EXIT_OUT_OF_MEMORY, "the image does not fit into the ROM");
  return memcpy(place, bytes, size);
}

static void *append(const void *bytes, size_t size)
{
  made.end = (uint8_t *)(((uintptr_t)made.end + 7) & ~(uintptr_t)7);
  return append_packed(bytes, size);
}

static char *fetch(char *text)
{
  return is_inside(text) ? text : append_packed(text, strlen(text) + 1);
}

const char *keep_name(const char *name)
{
  size_t size = strlen(name) + 1;
  char *place = (char *)made.names;
  made.names += size;
  if (made.names > made.names_end) die(EXIT_OUT_OF_MEMORY, "too many names");
  return memcpy(place, name, size);
}

/* The longest row of free slots; the collector lists them downwards. */
static void find_hole(const txMachine *root)
{
  size_t longest = 0;
  for (txSlot *high = root->freeHeap; high;) {
    txSlot *low = high;
    while (low->next == low - 1) low--;
    if ((size_t)(high + 1 - low) > longest) {
      longest = (size_t)(high + 1 - low);
      made.hole = (uint8_t *)low;
      made.hole_end = (uint8_t *)(high + 1);
    }
    high = low->next;
  }
}

static void *append_or_fill(const void *bytes, size_t size)
{
  void *place = made.hole;
  if (size > (size_t)(made.hole_end - made.hole)) return append(bytes, size);
  made.hole += (size + 7) & ~(size_t)7;
  return memcpy(place, bytes, size);
}

static void refer(const void *word)
{
  if (*(const uint32_t *)word == 0) return;
  if (made.count == REFERENCES_MAX) die(EXIT_OUT_OF_MEMORY, "too many references to C");
  made.references[made.count++] = (uint32_t)((const uint8_t *)word - made.begin);
}

static void list_function(const void *code, size_t size)
{
  if (made.function_count == FUNCTIONS_MAX) die(EXIT_OUT_OF_MEMORY, "too many functions");
  made.functions[made.function_count++] = (struct function){.code = code, .size = size};
}

static int compare_code(const void *a, const void *b)
{
  const uint8_t *one = ((const struct function *)a)->code;
  const uint8_t *other = ((const struct function *)b)->code;
  return (one > other) - (one < other);
}

/*
 * The byte code of a function that can still be called. What ran once and left its objects behind,
 * the module's own, is a quarter of all byte code; it stays out of the ROM.
 */
static void keep_function(txSlot *slot)
{
  struct function wanted = {.code = slot->value.code.address};
  struct function *found = bsearch(&wanted, made.functions, made.function_count, sizeof wanted,
      compare_code);
  if (!found) { /* none at all: the engine's empty one */
    refer(&slot->value.code.address);
    return;
  }
  if (!found->kept) {
    found->kept = append_packed(found->code, found->size);
    made.code_size += found->size;
  }
  slot->value.code.address = found->kept;
}

static void settle(txSlot *slot);

static void settle_items(txSlot *array)
{
  txSlot *items = array->value.array.address;
  txIndex count = items ? (txIndex)(((txChunk *)(void *)((txByte *)items - sizeof(txChunk)))->size /
      (txSize)sizeof(txSlot)) : 0;
  if (count > array->value.array.length) count = array->value.array.length;
  for (txIndex i = 0; i < count; i++) settle(&items[i]);
}

/* What a slot has outside of the image: texts and byte code are fetched, C referred to. */
static void settle(txSlot *slot)
{
  switch (slot->kind) {
  case XS_STRING_X_KIND:
    slot->value.string = fetch(slot->value.string);
    break;
  case XS_KEY_X_KIND:
    if (slot->value.key.string) slot->value.key.string = fetch(slot->value.key.string);
    break;
  case XS_CALLBACK_KIND:
    refer(&slot->value.callback.address);
    break;
  case XS_HOST_KIND:
    if (slot->value.host.data) die(EXIT_BAD_DATA, "a host object with data cannot be preloaded");
    refer(&slot->value.host.variant.destructor);
    break;
  case XS_TYPED_ARRAY_KIND:
    refer(&slot->value.typedArray.dispatch);
    refer(&slot->value.typedArray.atomics);
    break;
  case XS_ARRAY_KIND:
    settle_items(slot);
    break;
  case XS_CODE_X_KIND:
    keep_function(slot);
    break;
  default:
    break;
  }
}

static void settle_all(txMachine *root, txSlot *stack, txSlot *top)
{
  for (txSlot *heap = root->firstHeap; heap; heap = heap->next)
    for (txSlot *slot = heap + 1; slot < heap->value.reference; slot++) settle(slot);
  for (txSlot *slot = stack; slot < top; slot++) settle(slot);
}

/* What a clone reads of its root, and nothing else. */
static txMachine *save_root(txMachine *root)
{
  txMachine machine;
  size_t used = (size_t)(root->stackTop - root->stack);
  memset(&machine, 0, sizeof machine);
  machine.stack = append(root->stack, used * sizeof(txSlot));
  machine.stackBottom = machine.stack;
  machine.stackTop = machine.stack + used;
  settle_all(root, machine.stack, machine.stackTop);
  find_hole(root); /* from here on the free slots in it are none */
  machine.keyArray = append_or_fill(root->keyArray, root->keyIndex * sizeof(txSlot *));
  machine.keyIndex = machine.keyCount = root->keyIndex;
  machine.nameModulo = root->nameModulo;
  machine.nameTable = append_or_fill(root->nameTable, root->nameModulo * sizeof(txSlot *));
  machine.symbolModulo = root->symbolModulo;
  machine.symbolTable = append_or_fill(root->symbolTable, root->symbolModulo * sizeof(txSlot *));
  machine.aliasCount = root->aliasCount;
  machine.profileID = root->profileID;
  machine.firstHeap = root->firstHeap;
  machine.currentHeapCount = root->currentHeapCount;
  machine.currentChunksSize = root->currentChunksSize;
  return append_or_fill(&machine, sizeof machine);
}

static void save(uint32_t size)
{
  if (!semihost_save("image.bin", made.begin, size) ||
      !semihost_save("references.bin", made.references, made.count * sizeof *made.references))
    die(EXIT_BAD_DATA, "cannot save the image here");
}

/* The engine's own names lie in constants; a copy of each in a chunk would only be thrown away. */
void fxBuildKeys(txMachine *the)
{
  for (txID id = 0; id < XS_SYMBOL_ID_COUNT; id++) {
    txSlot *description = fxNewSlot(the);
    description->kind = XS_STRING_X_KIND;
    description->value.string = gxIDStrings[id];
    the->keyArray[the->keyIndex++] = description;
  }
  for (txID id = XS_SYMBOL_ID_COUNT; id < XS_ID_COUNT; id++) fxNewNameX(the, gxIDStrings[id]);
}

static void add_behaviors(void)
{
  gxBehaviors[XS_ARGUMENTS_SLOPPY_BEHAVIOR] = &gxArgumentsSloppyBehavior;
  gxBehaviors[XS_MODULE_BEHAVIOR] = &gxModuleBehavior;
  gxBehaviors[XS_PROXY_BEHAVIOR] = &gxProxyBehavior;
}

void image_make(void)
{
  uint8_t *names = (uint8_t *)HANDOVER->image_at + IMAGE_HEAD_BYTES;
  uint8_t *block = (uint8_t *)(((uintptr_t)names + image_names_size() + 31) & ~(uintptr_t)31);
  size_t behind = image_code_size() + 65536;
  size_t room = HANDOVER->argument ? HANDOVER->argument : (size_t)(rom_end - block) - behind;
  struct image_header head = {.magic = IMAGE_MADE};
  size_t chunks, slots;
  txMachine *root;
  made.begin = (uint8_t *)HANDOVER->image_at;
  made.end = block + room;
  made.names = names;
  made.names_end = block;
  memory_root_block(block, room);
  options.compact_root = true;
  options.strip = strip_root;
  options.new_key = new_key;
  require_strippable();
  add_behaviors();
  root = machine_root();
  strip_promises(root);
  memory_root_room(&chunks, &slots);
  chunks = (chunks + 15) & ~(size_t)15;
  image_each_function(list_function);
  head.root = save_root(root);
  head.code_size = (uint32_t)made.code_size;
  append(NULL, 0);
  head.size = (uint32_t)(made.end - made.begin);
  memcpy(made.begin, &head, sizeof head);
  save(head.size);
  printf("{\"room\":%lu,\"chunks\":%lu,\"slots\":%lu,\"liveSlots\":%lu,\"aliases\":%lu,"
         "\"keys\":%lu,\"references\":%lu,\"size\":%lu}\n",
      (unsigned long)(chunks + slots), (unsigned long)chunks, (unsigned long)slots,
      (unsigned long)(root->currentHeapCount * sizeof(txSlot)), (unsigned long)root->aliasCount,
      (unsigned long)root->keyIndex, (unsigned long)made.count, (unsigned long)head.size);
  fflush(stdout);
  semihost_exit(0);
}

txSlot *start_async(txMachine *the)
{
  return fxNewAsyncInstance(the);
}

void run_async(txMachine *the, txSlot *instance)
{
  fxRunAsync(the, instance);
}

void run_import(txMachine *the, txSlot *realm, txID id)
{
  fxRunImport(the, realm, id);
}

const txTypeBigInt gxTypeBigInt = {
  .compare = fxBigIntCompare,
  .decode = fxBigIntDecode,
  .toArrayBuffer = fxBigintToArrayBuffer,
  .toInstance = fxBigIntToInstance,
  .toNumber = fxBigIntToNumber,
  .toString = fxBigintToString,
  ._add = fxBigInt_add,
  ._and = fxBigInt_and,
  ._dec = fxBigInt_dec,
  ._div = fxBigInt_div,
  ._exp = fxBigInt_exp,
  ._inc = fxBigInt_inc,
  ._lsl = fxBigInt_lsl,
  ._lsr = fxBigInt_lsr,
  ._mul = fxBigInt_mul,
  ._neg = fxBigInt_neg,
  ._nop = fxBigInt_nop,
  ._not = fxBigInt_not,
  ._or = fxBigInt_or,
  ._rem = fxBigInt_rem,
  ._sub = fxBigInt_sub,
  ._xor = fxBigInt_xor,
};

void *start_unprepared(void)
{
  add_behaviors();
  options.preload = false;
  return machine_start();
}
