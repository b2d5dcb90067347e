/*
 * The flash partition: a file that obeys NOR rules (platforms/native/nor.h), mapped into memory so
 * that what was programmed survives however the process ends.
 *
 * The file holds the partition's bytes and behind them one bit a program unit: programmed since its
 * erase. A file of just the partition's size is taken as it is and the bits are derived.
 */
#include "natives.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../native/nor.h"
#include "clock.h"
#include "costs.h"
#include "flash.h"

static struct nor nor;
static uint8_t *mapping;
static size_t mapping_size;

bool flash_fault(const char *text)
{
  return nor_add_fault(&nor, text);
}

static int open_file(const char *path, size_t *found)
{
  struct stat status;
  int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0 || fstat(file, &status))
    die(EXIT_BAD_DATA, "cannot open the flash file %s: %s", path, strerror(errno));
  *found = (size_t)status.st_size;
  return file;
}

void flash_open(const char *path, uint32_t size, uint32_t unit)
{
  size_t found = 0;
  int file = -1;
  nor.size = size;
  nor.unit = unit;
  mapping_size = size + nor_map_bytes(size, unit);
  if (path) {
    file = open_file(path, &found);
    if (found != 0 && found != size && found != mapping_size)
      die(EXIT_BAD_DATA, "the flash file %s has %zu bytes; with --flash-size %lu --program %lu it "
          "has %lu or %zu: give the options it was made with, or remove it", path, found,
          (unsigned long)size, (unsigned long)unit, (unsigned long)size, mapping_size);
    if (ftruncate(file, (off_t)mapping_size))
      die(EXIT_BAD_DATA, "cannot size the flash file %s: %s", path, strerror(errno));
  }
  mapping = mmap(NULL, mapping_size, PROT_READ | PROT_WRITE,
      path ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS, file, 0);
  if (mapping == MAP_FAILED) die(EXIT_BAD_DATA, "cannot map the flash: %s", strerror(errno));
  if (path) close(file);
  nor.bytes = mapping;
  nor.used = mapping + size;
  if (found == 0) memset(nor.bytes, 0xFF, size);
  if (found <= size) nor_derive_map(&nor);
}

void flash_flush(void)
{
  if (mapping) msync(mapping, mapping_size, MS_SYNC);
}

static void end_if_cut(enum nor_result result)
{
  if (result != NOR_CUT) return;
  flash_flush();
  die(EXIT_POWER_CUT, "power cut at flash operation %llu", (unsigned long long)nor.operations);
}

/* flashRead(offset, into) */
static void native_read(xsMachine *the)
{
  double offset = get_whole(the, &xsArg(0), nor.size, "flash: offset");
  struct bytes into = get_writable(the, &xsArg(1));
  if (into.size > nor.size - offset) xsRangeError("flash: read beyond the partition's end");
  memcpy(into.data, nor.bytes + (uint32_t)offset, into.size);
}

/* flashProgram(offset, bytes) -> boolean */
static void native_program(xsMachine *the)
{
  double offset = get_whole(the, &xsArg(0), nor.size, "flash: offset");
  struct bytes bytes = get_bytes(the, &xsArg(1));
  enum nor_result result = nor_program(&nor, (uint32_t)offset, bytes.data, bytes.size);
  if (result == NOR_MISUSED)
    xsRangeError("flash: program %d bytes at %.0f: not whole units of %d, or beyond the end",
        (int)bytes.size, offset, (int)nor.unit);
  clock_charge(COST_STORE + COST_FLASH_WORD * (uint64_t)((bytes.size + 3) / 4));
  end_if_cut(result);
  xsmcSetBoolean(xsResult, result == NOR_OK);
}

/* flashErase(offset) -> boolean */
static void native_erase(xsMachine *the)
{
  double offset = get_whole(the, &xsArg(0), nor.size, "flash: offset");
  enum nor_result result = nor_erase(&nor, (uint32_t)offset);
  if (result == NOR_MISUSED) xsRangeError("flash: erase at %.0f: no sector begins there", offset);
  clock_charge(COST_FLASH_ERASE);
  end_if_cut(result);
  xsmcSetBoolean(xsResult, result == NOR_OK);
}

static void native_size(xsMachine *the)
{
  xsmcSetInteger(xsResult, (xsIntegerValue)nor.size);
}

static void native_program_bytes(xsMachine *the)
{
  xsmcSetInteger(xsResult, (xsIntegerValue)nor.unit);
}

const struct native flash_natives[] = {
  {"flashRead", native_read, 2},
  {"flashProgram", native_program, 2},
  {"flashErase", native_erase, 1},
  {"flashSize", native_size, 0},
  {"flashProgramBytes", native_program_bytes, 0},
  {0},
};
