/*
 * Byte code files and how XS finds its one module in them.
 *
 * File: "XSB1", u32 format (XS version), u32 size of an id, u32 code size, u32 symbols size, u32
 * checksum (FNV-1a over what follows), code, symbols; little-endian. Symbols are the names that the
 * ids in the code stand for, as fxParserCode leaves them.
 *
 * On a device byte code lies in flash and is executed in place. The same here: the code stays in a
 * block outside the heap, and instructions that would copy functions and string constants into
 * chunks are turned into those that point into an archive, which is what Moddable's linker does.
 */
#include "xsAll.h"

#include "host.h"

#define MODULE_NAME "firmware"
#define FORMAT (XS_MAJOR_VERSION << 16 | XS_MINOR_VERSION << 8 | XS_PATCH_VERSION)

struct head {
  char magic[4];
  uint32_t format, id_size, code_size, symbols_size, checksum;
};

static struct {
  const char *path;
  txByte *code;
  txByte *symbols;
  uint32_t code_size, symbols_size;
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

int image_write(const char *path, const void *code, uint32_t code_size, const void *symbols,
    uint32_t symbols_size)
{
  struct head head = {"", FORMAT, sizeof(txID), code_size, symbols_size, 0};
  FILE *file = fopen(path, "wb");
  bool written;
  memcpy(head.magic, "XSB1", 4);
  head.checksum = checksum(checksum(2166136261u, code, code_size), symbols, symbols_size);
  written = file && fwrite(&head, sizeof head, 1, file) == 1 &&
            fwrite(code, 1, code_size, file) == code_size &&
            fwrite(symbols, 1, symbols_size, file) == symbols_size;
  if (file && fclose(file)) written = false;
  if (written) return 0;
  fprintf(stderr, "lumicast: cannot write %s: %s\n", path, strerror(errno));
  return EXIT_BAD_DATA;
}

static bool read_parts(FILE *file, const struct head *head)
{
  const uint32_t ceiling = 64u << 20;
  uint32_t sum;
  if (head->code_size > ceiling || head->symbols_size > ceiling || head->symbols_size < 4)
    return false;
  image.code = malloc(head->code_size + 1);
  image.symbols = malloc(head->symbols_size + 1);
  if (!image.code || !image.symbols) return false;
  image.code_size = head->code_size;
  image.symbols_size = head->symbols_size;
  if (fread(image.code, 1, image.code_size, file) != image.code_size) return false;
  if (fread(image.symbols, 1, image.symbols_size, file) != image.symbols_size) return false;
  sum = checksum(2166136261u, (uint8_t *)image.code, image.code_size);
  return checksum(sum, (uint8_t *)image.symbols, image.symbols_size) == head->checksum;
}

bool image_read(const char *path)
{
  struct head head;
  const char *problem = NULL;
  FILE *file = fopen(path, "rb");
  image.path = path;
  if (!file) {
    fprintf(stderr, "lumicast: cannot read %s: %s\n", path, strerror(errno));
    return false;
  }
  if (fread(&head, sizeof head, 1, file) != 1 || memcmp(head.magic, "XSB1", 4))
    problem = "is no byte code image; make one by: lumicast compile IN.js OUT.xsb";
  else if (head.format != FORMAT || head.id_size != sizeof(txID))
    problem = "was compiled for another version of XS; compile it again";
  else if (!read_parts(file, &head))
    problem = "is truncated or damaged; compile it again";
  fclose(file);
  if (problem) fprintf(stderr, "lumicast: %s %s\n", path, problem);
  return !problem;
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

/* Ids in the file count the file's own symbols; here they become the machine's. */
static void map_ids(txMachine *the)
{
  txByte *p = image.symbols;
  txID count;
  txID *ids;
  mxDecodeID(p, count);
  ids = malloc(count * sizeof *ids);
  if (!ids) fxAbort(the, XS_NOT_ENOUGH_MEMORY_EXIT);
  ids[0] = XS_NO_ID;
  for (txID i = 1; i < count; i++) {
    ids[i] = fxNewNameC(the, (txString)p);
    p += strlen((char *)p) + 1;
  }
  fxRemapIDs(the, image.code, (txSize)image.code_size, ids);
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
    die(EXIT_UNCAUGHT, "%s: the module waits for something at its top level", image.path);
}
