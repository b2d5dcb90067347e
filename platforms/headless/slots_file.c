/*
 * Two firmware slots in a file, and the boot loader that starts one of them (platforms/native/
 * slots.h): what MCUboot and ESP-IDF's boot loader are on a board. The image of the command line is
 * what the factory wrote to slot A, when the file is new; from then on the file decides.
 *
 * The file is mapped, as the flash partition is (files.c): slots under NOR rules, and behind them a
 * bit for each program unit.
 */
#include "natives.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../native/slots.h"
#include "clock.h"
#include "costs.h"
#include "host.h"
#include "linux.h"

enum { UNIT_BYTES = 16, SLOT_MAX_BYTES = 16 << 20 };

static struct slots slots;
static struct nor nor;
static int running;
static bool is_open;

bool slots_fault(const char *text)
{
  return nor_add_fault(&nor, text);
}

static void check(enum nor_result result, const char *what)
{
  if (result == NOR_CUT) {
    if (is_open) msync(nor.bytes, nor.size, MS_SYNC);
    die(EXIT_POWER_CUT, "power cut at slot operation %lu", (unsigned long)nor.operations);
  }
  if (result != NOR_OK) die(EXIT_BAD_DATA, "slots: cannot %s", what);
}

static bool map_file(const char *path, uint32_t slot_size)
{
  size_t size = SLOTS_RECORD_BYTES + 2 * (size_t)slot_size;
  size_t whole = size + nor_map_bytes((uint32_t)size, UNIT_BYTES);
  struct stat status;
  int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  bool is_new;
  if (file < 0 || fstat(file, &status))
    die(EXIT_BAD_DATA, "cannot open the slots' file %s: %s", path, strerror(errno));
  is_new = status.st_size == 0;
  if (!is_new && (size_t)status.st_size != whole)
    die(EXIT_BAD_DATA, "the slots' file %s has %zu bytes; with --slot-size %lu it has %zu", path,
        (size_t)status.st_size, (unsigned long)slot_size, whole);
  if (ftruncate(file, (off_t)whole))
    die(EXIT_BAD_DATA, "cannot size the slots' file %s: %s", path, strerror(errno));
  nor.bytes = mmap(NULL, whole, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (nor.bytes == MAP_FAILED) die(EXIT_BAD_DATA, "cannot map the slots: %s", strerror(errno));
  close(file);
  nor.used = nor.bytes + size;
  nor.size = (uint32_t)size;
  nor.unit = UNIT_BYTES;
  if (is_new) memset(nor.bytes, 0xFF, size);
  return is_new;
}

/* A copy of the image: byte code is changed where it lies. NULL, and says why, when it is none. */
static uint8_t *take(int slot)
{
  uint32_t size = slots.entry.size[slot];
  uint8_t *copy = malloc(size);
  const char *problem;
  if (!copy) die(EXIT_BAD_DATA, "slots: no memory for an image");
  memcpy(copy, nor.bytes + slots_offset(&slots, slot), size);
  problem = image_take(slot ? "slot B" : "slot A", copy, size);
  if (!problem) return copy;
  fprintf(stderr, "lumicast: slot %c %s\n", 'A' + slot, problem);
  free(copy);
  return NULL;
}

void slots_start(const char *path, uint32_t slot_size, const uint8_t *image, size_t image_size)
{
  if (image_size > slot_size)
    die(EXIT_BAD_OPTION, "the image has %zu bytes, a slot %lu; --slot-size", image_size,
        (unsigned long)slot_size);
  map_file(path, slot_size);
  is_open = true;
  if (!slots_open(&slots, &nor, slot_size))
    check(slots_fill(&slots, image, (uint32_t)image_size), "be filled");
  check(slots_choose(&slots, &running), "be started from: neither holds a whole image");
  if (!take(running)) {
    check(slots_reject(&slots), "be given up");
    check(slots_choose(&slots, &running), "be started from: neither holds a whole image");
    if (!take(running)) die(EXIT_BAD_DATA, "slots: neither holds firmware");
  }
  fprintf(stderr, "lumicast: slot %c%s\n", 'A' + running,
      slots.entry.trial == TRIAL_NOW ? ", on trial" : "");
}

static double spare_offset(xsMachine *the)
{
  return get_whole(the, &xsArg(0), slots.slot_size, "slot: offset");
}

static uint32_t spare_base(void)
{
  return slots_offset(&slots, 1 - running);
}

/* slotSize(): of one slot; 0 without slots. slotRunning(), slotOnTrial() */
static void native_size(xsMachine *the)
{
  xsmcSetInteger(xsResult, is_open ? (xsIntegerValue)slots.slot_size : 0);
}

static void native_running(xsMachine *the)
{
  xsmcSetInteger(xsResult, running);
}

static void native_on_trial(xsMachine *the)
{
  xsmcSetBoolean(xsResult, slots.entry.trial == TRIAL_NOW);
}

/* slotRead(offset, into), slotProgram(offset, bytes), slotErase(offset): of the other slot */
static void native_read(xsMachine *the)
{
  double offset = spare_offset(the);
  struct bytes into = get_writable(the, &xsArg(1));
  if (into.size > slots.slot_size - offset) xsRangeError("slot: read beyond its end");
  memcpy(into.data, nor.bytes + spare_base() + (uint32_t)offset, into.size);
}

static void native_program(xsMachine *the)
{
  double offset = spare_offset(the);
  struct bytes bytes = get_bytes(the, &xsArg(1));
  enum nor_result result = NOR_MISUSED;
  if (bytes.size <= slots.slot_size - offset)
    result = nor_program(&nor, spare_base() + (uint32_t)offset, bytes.data, (uint32_t)bytes.size);
  if (result == NOR_MISUSED) xsRangeError("slot: not whole units, or beyond its end");
  clock_wait(COST_FLASH_WORD * (uint64_t)((bytes.size + 3) / 4));
  if (result == NOR_CUT) check(result, "");
  xsmcSetBoolean(xsResult, result == NOR_OK);
}

static void native_erase(xsMachine *the)
{
  double offset = spare_offset(the);
  enum nor_result result = NOR_MISUSED;
  if (offset < slots.slot_size) result = nor_erase(&nor, spare_base() + (uint32_t)offset);
  if (result == NOR_MISUSED) xsRangeError("slot: no sector begins there");
  clock_wait(COST_FLASH_ERASE);
  if (result == NOR_CUT) check(result, "");
  xsmcSetBoolean(xsResult, result == NOR_OK);
}

/* slotActivate(size, digest) -> boolean; slotConfirm() -> boolean */
static void native_activate(xsMachine *the)
{
  uint32_t size = (uint32_t)get_whole(the, &xsArg(0), SLOT_MAX_BYTES, "slot: size");
  struct bytes digest = get_bytes(the, &xsArg(1));
  enum nor_result result;
  if (digest.size != SHA256_BYTES) xsRangeError("slot: a digest of %d bytes", (int)digest.size);
  result = slots_activate(&slots, size, digest.data);
  if (result == NOR_CUT) check(result, "");
  xsmcSetBoolean(xsResult, result == NOR_OK);
}

static void native_confirm(xsMachine *the)
{
  enum nor_result result = slots_confirm(&slots);
  if (result == NOR_CUT) check(result, "");
  xsmcSetBoolean(xsResult, result == NOR_OK);
}

/* restart(why): the program starts anew, in this process; on the medium it ends, to be started. */
static void native_restart(xsMachine *the)
{
  host_restart(xsmcToString(xsArg(0)));
}

void slots_build(xsMachine *the)
{
  static const struct native all[] = {
    {"slotSize", native_size, 0}, {"slotRunning", native_running, 0},
    {"slotOnTrial", native_on_trial, 0}, {"slotRead", native_read, 2},
    {"slotProgram", native_program, 2}, {"slotErase", native_erase, 1},
    {"slotActivate", native_activate, 2}, {"slotConfirm", native_confirm, 0},
    {"restart", native_restart, 1},
  };
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    xsVar(1) = xsNewHostFunction(all[i].callback, all[i].length);
    xsmcDefine(xsVar(0), xsID((char *)all[i].name), xsVar(1),
        xsDontSet | xsDontDelete | xsDontEnum);
  }
}
