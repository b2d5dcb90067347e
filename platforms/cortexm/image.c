/*
 * The preloaded image: the root machine after it evaluated the firmware, in ROM.
 *
 * The npm package of XS has no linker of preloaded images (xsl). Rejected: building the image on a
 * 32-bit Linux host, whose C addresses, structure padding and intrinsics table would all have to be
 * proven equal. Chosen: the engine makes its own image at the addresses where it will lie.
 *
 *   first link   code, and no image behind it. Started with RUN_MAKE_IMAGE (the MPU lets the ROM be
 *                written), it copies the byte code behind the code, evaluates it in a root machine
 *                whose chunks and slots lie behind that, seals the root (xs13/preload.c), copies the
 *                machine, its key tables and the used end of its stack behind it, and saves it all.
 *                Twice: how much room chunks and slots need is known only afterwards.
 *   second link  the same objects and that file as section .image; the Makefile compares the code
 *                of the two links byte for byte.
 *   boot         image_root() finds the root machine; fxCloneMachine() makes the one that runs.
 *
 * The image may not change then. The MPU makes any write to it a fault that names the address, and
 * every test on this platform runs under it. What XS 13.3 would write, and what is done about it:
 *
 *   marks of the collector    fxShareMachine leaves every slot marked, and a marked slot is passed
 *   keys, interned names      the key tables are copied by the clone; new keys link to old ones, and
 *                             never the other way
 *   chunks of strings, keys   xs13/preload.c turns them into the kinds the collector leaves alone
 *   and code
 *   chunks of arrays, buffers marked only through an object in RAM that shares them: a copy of a
 *                             changed object (see below)
 *   cache of global names     filled before sealing; a clone that finds a miss looks up again
 *   changed objects           XS copies them first (aliases); ours are frozen, so there are few
 *   module records, realm     emptied by fxShareMachine; the clone makes its own realm
 */
#include "xsAll.h"

#include "board.h"
#include "host.h"

enum { IMAGE_MADE = 0x31474D49 }; /* "IMG1" */

struct head {
  uint32_t magic;
  uint32_t size; /* of the image in bytes, this head included */
  uint32_t code_size, root_bytes;
  txMachine *root;
};

/* Makes room at the end of what the image holds so far. */
static void *append(uint8_t **end, const void *bytes, size_t size)
{
  void *place = *end;
  *end += (size + 15) & ~(size_t)15;
  if (*end > rom_end) die(EXIT_OUT_OF_MEMORY, "the image does not fit into the ROM");
  memcpy(place, bytes, size);
  return place;
}

/* What a clone reads of its root, and nothing else. */
static txMachine *save_root(const txMachine *root, uint8_t **end)
{
  txMachine machine;
  size_t used = (size_t)(root->stackTop - root->stack);
  memset(&machine, 0, sizeof machine);
  machine.stack = append(end, root->stack, used * sizeof(txSlot));
  machine.stackBottom = machine.stack;
  machine.stackTop = machine.stack + used;
  machine.keyArray = append(end, root->keyArray, root->keyIndex * sizeof(txSlot *));
  machine.keyIndex = machine.keyCount = root->keyIndex;
  machine.nameModulo = root->nameModulo;
  machine.nameTable = append(end, root->nameTable, root->nameModulo * sizeof(txSlot *));
  machine.symbolModulo = root->symbolModulo;
  machine.symbolTable = append(end, root->symbolTable, root->symbolModulo * sizeof(txSlot *));
  machine.aliasCount = root->aliasCount;
  machine.profileID = root->profileID;
  machine.firstHeap = root->firstHeap;
  machine.currentHeapCount = root->currentHeapCount;
  machine.currentChunksSize = root->currentChunksSize;
  return append(end, &machine, sizeof machine);
}

void image_make(void)
{
  uint8_t *code = image_start + 64;
  uint8_t *block = (uint8_t *)(((uintptr_t)code + image_code_size() + 31) & ~(uintptr_t)31);
  size_t room = HANDOVER->argument ? HANDOVER->argument : (size_t)(rom_end - block) - 16384;
  uint8_t *end = block + room;
  struct head head = {.magic = IMAGE_MADE, .code_size = (uint32_t)image_code_size()};
  size_t chunks, slots;
  txMachine *root;
  image_place_code(code);
  memory_root_block(block, room);
  root = machine_root();
  memory_root_room(&chunks, &slots);
  chunks = (chunks + 15) & ~(size_t)15;
  head.root = save_root(root, &end);
  head.root_bytes = (uint32_t)(chunks + slots);
  head.size = (uint32_t)(end - image_start);
  memcpy(image_start, &head, sizeof head);
  printf("{\"room\":%lu,\"chunks\":%lu,\"slots\":%lu,\"liveChunks\":%lu,\"liveSlots\":%lu,"
         "\"aliases\":%lu,\"keys\":%lu,\"size\":%lu}\n",
      (unsigned long)(chunks + slots), (unsigned long)chunks, (unsigned long)slots,
      (unsigned long)root->currentChunksSize,
      (unsigned long)(root->currentHeapCount * sizeof(txSlot)), (unsigned long)root->aliasCount,
      (unsigned long)root->keyIndex, (unsigned long)head.size);
  fflush(stdout);
  if (!semihost_save("image.bin", image_start, head.size))
    die(EXIT_BAD_DATA, "cannot save image.bin here");
  semihost_exit(0);
}

void *image_root(void)
{
  const struct head *head = (const struct head *)(const void *)image_start;
  if (head->magic != IMAGE_MADE) return NULL;
  image_found(head->code_size);
  memory_root_usage(head->root);
  return head->root;
}

/* There is no parser: new Function() and eval() throw. */
txScript *fxParseScript(txMachine *the, void *stream, txGetter getter, txUnsigned flags)
{
  (void)stream;
  (void)getter;
  (void)flags;
  mxSyntaxError("this device runs byte code only");
  return NULL;
}

char *fxCStackLimit(void)
{
  return (char *)stack_low + 1024;
}
