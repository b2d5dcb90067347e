/*
 * Two machines, as Moddable's preloading makes them on a device: the root evaluates the image's
 * module and is then shared (its objects become flash: not collected, not counted as RAM), and the
 * clone runs it with a heap of its own. A firmware's image is frozen (preload.c).
 *
 * Sizes. A root may grow as it likes. Of what --heap leaves a clone beside its stack and key
 * tables, three fifths are slots at the start and a quarter is chunks, which is how the firmware
 * uses them; the rest is for growth in small steps of whichever runs short after a collection. In
 * test mode everything is generous.
 */
#include "xsAll.h"

#include "host.h"

enum {
  TABLE_MODULO = 61,       /* name and symbol hash tables; a clone's have to be the root's size */
  STACK_SLOTS_RUN = 448,   /* 7 KB on a device; the firmware was seen to use 6 */
  STACK_SLOTS_TEST = 8192,
  KEYS = 32,               /* keys that a clone makes itself: none in the firmware */
};

static txMachine *running;

uint32_t machine_stack_slots(void)
{
  if (options.stack_slots) return options.stack_slots;
  return options.mode == MODE_TEST ? STACK_SLOTS_TEST : STACK_SLOTS_RUN;
}

void fxQueuePromiseJobs(txMachine *the)
{
  the->promiseJobs = 1;
}

static txCreation generous(void)
{
  return (txCreation){
    .initialChunkSize = 1 << 20,
    .incrementalChunkSize = 1 << 18,
    .initialHeapCount = 32768,
    .incrementalHeapCount = 16384,
    .stackCount = (txSize)machine_stack_slots() + 4096, /* evaluating may go deeper than running */
    .initialKeyCount = 4096,
    .incrementalKeyCount = 1024,
    .nameModulo = TABLE_MODULO,
    .symbolModulo = TABLE_MODULO,
    .parserBufferSize = 32 * 1024,
    .parserTableModulo = 1993,
  };
}

/**
 * Bytes that are left for slots and chunks; too small a ceiling is found when they are asked for.
 */
static uint64_t beside_stack(uint64_t heap)
{
  uint64_t taken = machine_stack_slots() * sizeof(txSlot);
  taken += (KEYS + 2 * TABLE_MODULO) * sizeof(txSlot *);
  return heap > taken + 1024 ? heap - taken : 1024;
}

static txCreation device(void)
{
  txCreation creation = generous();
  uint64_t left = options.heap ? beside_stack(options.heap) : 256 * 1024;
  if (left > 32 << 20) left = 32 << 20;
  creation.initialChunkSize = (txSize)(left / 4) & -16;
  creation.incrementalChunkSize = options.heap ? 256 : 32 * 1024;
  creation.initialHeapCount = (txSize)(left * 3 / 5 / sizeof(txSlot));
  creation.incrementalHeapCount = options.heap ? 16 : 1024;
  creation.stackCount = (txSize)machine_stack_slots();
  creation.initialKeyCount = KEYS;
  creation.incrementalKeyCount = 16;
  return creation;
}

/* What is written to flash shall have no gaps: it grows only when a collection found no room. */
static txCreation for_root(void)
{
  txCreation creation = generous();
  if (!options.compact_root) return creation;
  creation.initialChunkSize = creation.incrementalChunkSize = 4096;
  creation.initialHeapCount = creation.incrementalHeapCount = 64;
  return creation;
}

static txCreation for_running(void)
{
  return options.mode == MODE_TEST && !options.heap ? generous() : device();
}

static txMachine *require(txMachine *the)
{
  if (!the) die(EXIT_OUT_OF_MEMORY, "no memory for the machine");
  return the;
}

static txMachine *create(txCreation creation)
{
  return require(fxCreateMachine(&creation, "lumicast", NULL, XS_NO_ID));
}

void *machine_root(void)
{
  txMachine *root = create(for_root());
  natives_build(root);
  if (options.strip) options.strip(root);
  image_import(root);
  fxCollectGarbage(root);
  memory_root_usage(root);
  preload_seal(root);
  return root;
}

void *machine_clone(void *root)
{
  txCreation creation;
  gc_count = 0;
  gc_nanos = 0;
  memory_limit(options.heap);
  creation = for_running();
  running = require(fxCloneMachine(&creation, root, "lumicast", NULL));
  return running;
}

void *machine_start(void)
{
  if (options.preload) return machine_clone(machine_root());
  memory_limit(options.heap);
  running = create(for_running());
  natives_build(running);
  image_import(running);
  return running;
}

void machine_turn_end(void *machine)
{
  txMachine *the = machine;
  while (the->promiseJobs) {
    the->promiseJobs = 0;
    fxRunPromiseJobs(the);
  }
  fxEndJob(the);
  fxCheckUnhandledRejections(the, 1);
  gc_path_end(false);
}

double machine_call_main(void *machine, bool wants_number)
{
  txMachine *the = fxBeginHost(machine);
  double number = 0;
  mxTry(the) {
    mxPushUndefined();
    mxPush(mxGlobal);
    mxGetID(fxID(the, "lumicastMain"));
    if (!fxIsCallable(the, the->stack))
      die(EXIT_BAD_DATA, "%s exports no function by default", options.image);
    mxCall();
    mxRunCount(0);
    if (wants_number) {
      if (the->stack->kind != XS_INTEGER_KIND && the->stack->kind != XS_NUMBER_KIND)
        die(EXIT_UNCAUGHT, "%s: the default export has to return the number of failures",
            options.image);
      number = fxToNumber(the, the->stack);
    }
    mxPop();
  }
  mxCatch(the) {
    report_exception(the);
  }
  fxEndHost(the);
  machine_turn_end(machine);
  return number;
}
