/*
 * Byte code files (image.h) and how XS finds its one module in them.
 *
 * On a device byte code lies in flash and is executed in place. The same here: the code stays in a
 * block outside the heap, and instructions that would copy functions and string constants into
 * chunks are turned into those that point into an archive, which is what Moddable's linker does.
 */
#include "xsAll.h"

#include "host.h"
#include "image.h"

#define MODULE_NAME "firmware"

static struct {
  const char *name;
  txByte *code;
  txByte *symbols;
  uint32_t code_size;
} image;

extern void fxRemapIDs(txMachine *the, txByte *code, txSize size, txID *ids);

size_t image_code_size(void)
{
  return image.code_size;
}

static uint32_t checksum(uint32_t sum, const uint8_t *bytes, size_t size)
{
  while (size--) sum = (sum ^ *bytes++) * 16777619u;
  return sum;
}

uint32_t image_checksum(const void *code, uint32_t code_size, const void *symbols,
    uint32_t symbols_size)
{
  return checksum(checksum(2166136261u, code, code_size), symbols, symbols_size);
}

static bool take_parts(uint8_t *file, size_t size, const struct image_head *head)
{
  uint8_t *code = file + sizeof *head;
  uint32_t room = (uint32_t)(size - sizeof *head);
  if (head->code_size > room || head->symbols_size != room - head->code_size) return false;
  if (head->symbols_size < 4) return false;
  image.code = (txByte *)code;
  image.symbols = (txByte *)code + head->code_size;
  image.code_size = head->code_size;
  return image_checksum(code, head->code_size, image.symbols, head->symbols_size) ==
         head->checksum;
}

const char *image_take(const char *name, uint8_t *file, size_t size)
{
  struct image_head head;
  image.name = name;
  if (size < sizeof head || memcmp(file, IMAGE_MAGIC, sizeof head.magic))
    return "is no byte code image; make one by: lumicast compile IN.js OUT.xsb";
  memcpy(&head, file, sizeof head);
  if (head.format != IMAGE_FORMAT || head.id_size != sizeof(txID))
    return "was compiled for another version of XS; compile it again";
  if (!take_parts(file, size, &head)) return "is truncated or damaged; compile it again";
  return NULL;
}

bool image_names(const char *name)
{
  const txByte *p = image.symbols;
  txID count;
  mxDecodeID(p, count);
  for (txID i = 1; i < count; i++, p += strlen((const char *)p) + 1)
    if (!strcmp((const char *)p, name)) return true;
  return false;
}

void image_found(size_t code_size)
{
  image.code_size = (uint32_t)code_size;
}

static txSize instruction_size(const txByte *p)
{
  txS1 size = gxCodeSizes[*(const txU1 *)p];
  txU2 two;
  txU4 four;
  if (size > 0) return size;
  if (size == 0) return 1 + (txSize)sizeof(txID);
  if (size == -1) return 2 + *(const txU1 *)(p + 1);
  if (size == -2) {
    memcpy(&two, p + 1, sizeof two);
    return 3 + two;
  }
  memcpy(&four, p + 1, sizeof four);
  return 5 + (txSize)four;
}

/* Of code that points into the archive. */
static size_t function_size(const txByte *p)
{
  txU2 two;
  txU4 four;
  switch (*(const txU1 *)p) {
  case XS_CODE_CODE_ARCHIVE_1:
    return *(const txU1 *)(p + 1);
  case XS_CODE_CODE_ARCHIVE_2:
    memcpy(&two, p + 1, sizeof two);
    return two;
  case XS_CODE_CODE_ARCHIVE_4:
    memcpy(&four, p + 1, sizeof four);
    return four;
  default:
    return 0;
  }
}

void image_each_function(void (*visit)(const void *code, size_t size))
{
  const txByte *end = image.code + image.code_size;
  for (const txByte *p = image.code; p < end;) {
    size_t size = function_size(p);
    p += instruction_size(p);
    if (size) visit(p, size);
  }
}

static void point_into_archive(txByte *code, txByte *end)
{
  static const txU1 swaps[][2] = {
    {XS_CODE_CODE_1, XS_CODE_CODE_ARCHIVE_1},
    {XS_CODE_CODE_2, XS_CODE_CODE_ARCHIVE_2},
    {XS_CODE_CODE_4, XS_CODE_CODE_ARCHIVE_4},
    {XS_CODE_STRING_1, XS_CODE_STRING_ARCHIVE_1},
    {XS_CODE_STRING_2, XS_CODE_STRING_ARCHIVE_2},
    {XS_CODE_STRING_4, XS_CODE_STRING_ARCHIVE_4},
  };
  for (txByte *p = code; p < end;) {
    txSize size = instruction_size(p);
    for (size_t i = 0; i < sizeof swaps / sizeof *swaps; i++)
      if (*(txU1 *)p == swaps[i][0]) {
        *(txU1 *)p = swaps[i][1];
        break;
      }
    p += size;
  }
}

/* Instructions whose id is for people only: names of variables, functions and private fields. */
static bool is_for_people(txU1 operation)
{
  switch (operation) {
  case XS_CODE_CONSTRUCTOR_FUNCTION:
  case XS_CODE_FUNCTION:
  case XS_CODE_GENERATOR_FUNCTION:
  case XS_CODE_NAME:
  case XS_CODE_NEW_CLOSURE:
  case XS_CODE_NEW_LOCAL:
  case XS_CODE_PROFILE:
    return true;
  default:
    return false;
  }
}

/* Which of the file's ids a running program may ask the name of. */
static void find_names(bool *asked)
{
  txByte *end = image.code + image.code_size;
  for (txByte *p = image.code; p < end; p += instruction_size(p)) {
    txByte *operand = p + 1;
    txID id;
    if (gxCodeSizes[*(txU1 *)p] != 0) continue;
    mxDecodeID(operand, id);
    if (id != XS_NO_ID && !is_for_people(*(txU1 *)p)) asked[id] = true;
  }
}

size_t image_names_size(void)
{
  txByte *p = image.symbols;
  size_t size = 0;
  bool *asked;
  txID count;
  mxDecodeID(p, count);
  asked = calloc(count, sizeof *asked);
  if (!asked) die(EXIT_OUT_OF_MEMORY, "no memory for %u names", (unsigned)count);
  find_names(asked);
  for (txID i = 1; i < count; i++) {
    size_t length = strlen((char *)p) + 1;
    if (asked[i]) size += length;
    p += length;
  }
  free(asked);
  return size;
}

bool image_uses(unsigned operation)
{
  txByte *end = image.code + image.code_size;
  for (txByte *p = image.code; p < end; p += instruction_size(p))
    if (*(txU1 *)p == operation) return true;
  return false;
}

/* Ids in the file count the file's own symbols; here they become the machine's. */
static void map_ids(txMachine *the)
{
  txByte *p = image.symbols;
  txID count;
  txID *ids;
  bool *asked;
  mxDecodeID(p, count);
  ids = malloc(count * sizeof *ids);
  asked = calloc(count, sizeof *asked);
  if (!ids || !asked) fxAbort(the, XS_NOT_ENOUGH_MEMORY_EXIT);
  find_names(asked);
  ids[0] = XS_NO_ID;
  for (txID i = 1; i < count; i++) {
    ids[i] = options.new_key ? options.new_key(the, (const char *)p, asked[i])
        : fxNewNameC(the, (txString)p);
    p += strlen((char *)p) + 1;
  }
  fxRemapIDs(the, image.code, (txSize)image.code_size, ids);
  free(asked);
  free(ids);
}

/* The bundle is one module: it has no imports, and no other name can be found. */
txID fxFindModule(txMachine *the, txSlot *realm, txID module, txSlot *name)
{
  (void)realm;
  (void)module;
  return strcmp(fxToString(the, name), MODULE_NAME) ? XS_NO_ID : fxNewNameC(the, MODULE_NAME);
}

void fxLoadModule(txMachine *the, txSlot *module, txID id)
{
  txScript *script = calloc(1, sizeof *script); /* freed by fxRunScript; the buffers are not */
  if (!script) fxAbort(the, XS_NOT_ENOUGH_MEMORY_EXIT);
  map_ids(the);
  point_into_archive(image.code, image.code + image.code_size);
  script->codeBuffer = image.code;
  script->codeSize = (txSize)image.code_size;
  fxResolveModule(the, module, id, script, NULL, NULL);
}

static int import_state; /* 0 pending, 1 done, 2 failed */

static void imported(txMachine *the)
{
  mxPushSlot(mxArgv(0));
  mxGetID(mxID(_default));
  mxPush(mxGlobal);
  mxSetID(fxID(the, "lumicastMain"));
  mxPop();
  import_state = 1;
}

static void import_failed(txMachine *the)
{
  import_state = 2;
  mxException = *mxArgv(0);
  fxAbort(the, XS_UNHANDLED_EXCEPTION_EXIT);
}

void image_import(void *machine)
{
  txMachine *the = fxBeginHost(machine);
  txSlot *realm = mxModuleInstanceInternal(mxProgram.value.reference)->value.module.realm;
  mxPushStringC(MODULE_NAME);
  fxRunImport(the, realm, XS_NO_ID);
  mxDub();
  mxGetID(mxID(_then));
  mxCall();
  fxNewHostFunction(the, imported, 1, XS_NO_ID, XS_NO_ID);
  fxNewHostFunction(the, import_failed, 1, XS_NO_ID, XS_NO_ID);
  mxRunCount(2);
  mxPop();
  fxEndHost(the);
  machine_turn_end(the);
  if (import_state != 1)
    die(EXIT_UNCAUGHT, "%s: the module waits for something at its top level", image.name);
}
