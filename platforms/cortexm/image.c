/*
 * The preloaded image: the root machine after it evaluated the firmware, in ROM.
 *
 * The npm package of XS has no linker of preloaded images (xsl). Rejected: making the image on a
 * 32-bit Linux host, whose structures and intrinsics would have to be proven equal; and linking the
 * program that made it again, with the image behind it and the same code addresses: then all that
 * only makes images stays in the ROM, 250 KB. Chosen: the engine makes the image in the emulator,
 * at the address where it will lie, and tells which words of it point to C code and constants.
 *
 *   program.elf  all of the engine, its code beyond 1 MB. Started with RUN_MAKE_IMAGE it evaluates
 *                the byte code in a root machine (maker.c), less what the byte code cannot reach
 *                (strip.c), seals it (xs13/preload.c), saves it, the byte code of the functions
 *                that are left in it, and a list of those words.
 *   lumicast.elf the image, those words as references to symbols, and of the engine what they and
 *                the device's main loop refer to. Where the image lies follows from its size: it
 *                is made twice, and the linker refuses an overlap (hosts/cortexm/build.ts).
 *   boot         image_root() finds the root machine; fxCloneMachine() makes the one that runs.
 *
 * There is one image and no second slot: ROM beyond 1 MB is none, and the image that fits has no
 * channel of two by which a manifest could come. The headless host has both (slots_file.c).
 *
 * The image may not change then. The MPU makes any write to it a fault that names the address, and
 * every test on this platform runs under it. What XS 13.3 would write, and what is done about it:
 *
 *   marks of the collector     fxShareMachine leaves every slot marked, and a marked slot is passed
 *   keys, interned names       the clone copies the tables; new keys link to old ones, never back
 *   chunks of strings, keys    xs13/preload.c turns them into the kinds the collector leaves alone
 *   and code
 *   chunks of arrays, buffers  marked only through an object in RAM that shares them: the copy of a
 *                              changed object, and ours are frozen (one object of the image is not)
 *   cache of global names      filled before sealing
 *   objects that are changed   copied first (XS's aliases); frozen ones throw a TypeError
 *   module records, realm      emptied by fxShareMachine; the clone makes its own realm
 */
#include "xsAll.h"

#include "board.h"
#include "host.h"
#include "image.h"

void *image_root(void)
{
  const struct image_header *head = (const struct image_header *)(const void *)image_start;
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
