/* Makes the preloaded image (image.c says how it is used). Not part of a device's ROM. */
#include "xsAll.h"

#include "board.h"
#include "host.h"
#include "image.h"

enum { REFERENCES_MAX = 8192 };

static struct {
  uint8_t *begin, *end; /* of the image */
  uint32_t references[REFERENCES_MAX]; /* offsets of words that point to C code or constants */
  uint32_t count;
} made;

static bool is_inside(const void *address)
{
  return (const uint8_t *)address >= made.begin && (const uint8_t *)address < made.end;
}

/* Makes room at the end of what the image holds so far. */
static void *append(const void *bytes, size_t size)
{
  void *place = made.end;
  made.end += (size + 15) & ~(size_t)15;
  if (made.end > rom_end) die(EXIT_OUT_OF_MEMORY, "the image does not fit into the ROM");
  memcpy(place, bytes, size);
  return place;
}

static void refer(const void *word)
{
  if (*(const uint32_t *)word == 0) return;
  if (made.count == REFERENCES_MAX) die(EXIT_OUT_OF_MEMORY, "too many references to C");
  made.references[made.count++] = (uint32_t)((const uint8_t *)word - made.begin);
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

/* What a slot has outside of the image: texts are fetched, code and constants referred to. */
static void settle(txSlot *slot)
{
  switch (slot->kind) {
  case XS_STRING_X_KIND:
    if (!is_inside(slot->value.string))
      slot->value.string = append(slot->value.string, strlen(slot->value.string) + 1);
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
    if (!is_inside(slot->value.code.address)) refer(&slot->value.code.address); /* none at all */
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
  machine.keyArray = append(root->keyArray, root->keyIndex * sizeof(txSlot *));
  machine.keyIndex = machine.keyCount = root->keyIndex;
  machine.nameModulo = root->nameModulo;
  machine.nameTable = append(root->nameTable, root->nameModulo * sizeof(txSlot *));
  machine.symbolModulo = root->symbolModulo;
  machine.symbolTable = append(root->symbolTable, root->symbolModulo * sizeof(txSlot *));
  machine.aliasCount = root->aliasCount;
  machine.profileID = root->profileID;
  machine.firstHeap = root->firstHeap;
  machine.currentHeapCount = root->currentHeapCount;
  machine.currentChunksSize = root->currentChunksSize;
  settle_all(root, machine.stack, machine.stackTop);
  return append(&machine, sizeof machine);
}

static void save(uint32_t size)
{
  if (!semihost_save("image.bin", made.begin, size) ||
      !semihost_save("references.bin", made.references, made.count * sizeof *made.references))
    die(EXIT_BAD_DATA, "cannot save the image here");
}

void image_make(void)
{
  uint8_t *code = (uint8_t *)HANDOVER->image_at + IMAGE_HEAD_BYTES;
  uint8_t *block = (uint8_t *)(((uintptr_t)code + image_code_size() + 31) & ~(uintptr_t)31);
  size_t room = HANDOVER->argument ? HANDOVER->argument : (size_t)(rom_end - block) - 65536;
  struct image_header head = {.magic = IMAGE_MADE, .code_size = (uint32_t)image_code_size()};
  size_t chunks, slots;
  txMachine *root;
  made.begin = (uint8_t *)HANDOVER->image_at;
  made.end = block + room;
  image_place_code(code);
  memory_root_block(block, room);
  options.compact_root = true;
  options.strip = strip_root;
  root = machine_root();
  memory_root_room(&chunks, &slots);
  chunks = (chunks + 15) & ~(size_t)15;
  head.root = save_root(root);
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

void *start_unprepared(void)
{
  options.preload = false;
  return machine_start();
}
