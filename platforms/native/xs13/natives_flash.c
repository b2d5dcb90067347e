/*
 * The flash partition behind the flash port: NOR rules (platforms/native/nor.h) over memory that
 * the platform gives, which keeps what was programmed however the process ends.
 */
#include "natives.h"

#include <string.h>

#include "../nor.h"
#include "clock.h"
#include "costs.h"
#include "flash.h"

static struct nor nor;

bool flash_fault(const char *text)
{
  return nor_add_fault(&nor, text);
}

void flash_start(uint8_t *memory, uint32_t size, uint32_t unit, enum flash_content content)
{
  nor.bytes = memory;
  nor.used = memory + size;
  nor.size = size;
  nor.unit = unit;
  if (content == FLASH_ABSENT) memset(nor.bytes, 0xFF, size);
  if (content != FLASH_WITH_MAP) nor_derive_map(&nor);
}

static void end_if_cut(enum nor_result result)
{
  if (result != NOR_CUT) return;
  flash_flush();
  die(EXIT_POWER_CUT, "power cut at flash operation %lu", (unsigned long)nor.operations);
}

/* flashRead(offset, into) */
static void native_read(xsMachine *the)
{
  double offset = get_whole(the, &xsArg(0), nor.size, "flash: offset");
  struct bytes into = get_writable(the, &xsArg(1));
  if (into.size > nor.size - offset) xsRangeError("flash: read beyond the partition's end");
  memcpy(into.data, nor.bytes + (uint32_t)offset, into.size);
}

static enum nor_result program(uint32_t offset, const uint8_t *bytes, size_t size, uint64_t cost)
{
  enum nor_result result = nor_program(&nor, offset, bytes, size);
  if (result == NOR_MISUSED) return result;
  clock_charge(cost);
  clock_wait(COST_FLASH_WORD * (uint64_t)((size + 3) / 4));
  end_if_cut(result);
  return result;
}

uint32_t flash_partition(void)
{
  return nor.size;
}

/* What lies beyond the end reads as erased. */
void flash_read(uint32_t offset, uint8_t *into, size_t size)
{
  size_t there = offset >= nor.size ? 0 : nor.size - offset;
  if (there > size) there = size;
  memcpy(into, nor.bytes + offset, there);
  memset(into + there, 0xFF, size - there);
}

bool flash_program(uint32_t offset, const uint8_t *bytes, size_t size)
{
  return program(offset, bytes, size, COST_JOURNAL) == NOR_OK;
}

/* flashProgram(offset, bytes) -> boolean */
static void native_program(xsMachine *the)
{
  double offset = get_whole(the, &xsArg(0), nor.size, "flash: offset");
  struct bytes bytes = get_bytes(the, &xsArg(1));
  enum nor_result result = program((uint32_t)offset, bytes.data, bytes.size, COST_STORE);
  if (result == NOR_MISUSED)
    xsRangeError("flash: program %d bytes at %u: not whole units of %d, or beyond the end",
        (int)bytes.size, (unsigned)offset, (int)nor.unit);
  xsmcSetBoolean(xsResult, result == NOR_OK);
}

/* flashErase(offset) -> boolean */
static void native_erase(xsMachine *the)
{
  double offset = get_whole(the, &xsArg(0), nor.size, "flash: offset");
  enum nor_result result = nor_erase(&nor, (uint32_t)offset);
  if (result == NOR_MISUSED)
    xsRangeError("flash: erase at %u: no sector begins there", (unsigned)offset);
  clock_wait(COST_FLASH_ERASE);
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
