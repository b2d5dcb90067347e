#include "nor.h"

#include <stdlib.h>
#include <string.h>

uint32_t nor_map_bytes(uint32_t size, uint32_t unit)
{
  return (size / unit + 7) / 8;
}

static bool is_used(const struct nor *nor, uint32_t unit)
{
  return nor->used[unit >> 3] >> (unit & 7) & 1;
}

static void set_used(struct nor *nor, uint32_t unit, bool used)
{
  uint8_t bit = (uint8_t)(1u << (unit & 7));
  if (used) nor->used[unit >> 3] |= bit;
  else nor->used[unit >> 3] &= (uint8_t)~bit;
}

void nor_derive_map(struct nor *nor)
{
  for (uint32_t unit = 0; unit < nor->size / nor->unit; unit++) {
    const uint8_t *p = nor->bytes + unit * nor->unit;
    bool used = false;
    for (uint32_t i = 0; i < nor->unit; i++) used |= p[i] != 0xFF;
    set_used(nor, unit, used);
  }
}

/* splitmix64 */
static uint64_t chance(uint64_t *state)
{
  uint64_t z = *state += 0x9E3779B97F4A7C15u;
  z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
  z = (z ^ z >> 27) * 0x94D049BB133111EBu;
  return z ^ z >> 31;
}

static const struct nor_fault *fault_now(struct nor *nor)
{
  nor->operations++;
  for (unsigned i = 0; i < nor->fault_count; i++)
    if (nor->faults[i].operation == nor->operations) return &nor->faults[i];
  return NULL;
}

static bool in_range(const struct nor *nor, uint32_t offset, uint32_t size)
{
  return offset <= nor->size && size <= nor->size - offset;
}

enum nor_result nor_program(struct nor *nor, uint32_t offset, const uint8_t *data, uint32_t size)
{
  const struct nor_fault *fault;
  uint64_t seed;
  if (offset % nor->unit || size % nor->unit || !in_range(nor, offset, size)) return NOR_MISUSED;
  if (size == 0) return NOR_OK;
  for (uint32_t unit = offset / nor->unit; unit < (offset + size) / nor->unit; unit++)
    if (is_used(nor, unit)) return NOR_REFUSED;
  fault = fault_now(nor);
  if (fault && fault->mode == NOR_FAULT_NOT) return NOR_CUT;
  seed = fault ? fault->seed : 0;
  for (uint32_t i = 0; i < size; i++) {
    uint8_t kept = fault && fault->mode == NOR_FAULT_TORN ? (uint8_t)chance(&seed) : 0;
    nor->bytes[offset + i] &= (uint8_t)(data[i] | kept);
  }
  for (uint32_t unit = offset / nor->unit; unit < (offset + size) / nor->unit; unit++)
    set_used(nor, unit, true);
  return fault ? NOR_CUT : NOR_OK;
}

enum nor_result nor_erase(struct nor *nor, uint32_t offset)
{
  const struct nor_fault *fault;
  uint32_t first = offset / nor->unit;
  uint64_t seed;
  bool torn;
  if (offset % NOR_SECTOR_BYTES || !in_range(nor, offset, NOR_SECTOR_BYTES)) return NOR_MISUSED;
  fault = fault_now(nor);
  if (fault && fault->mode == NOR_FAULT_NOT) return NOR_CUT;
  torn = fault && fault->mode == NOR_FAULT_TORN;
  seed = fault ? fault->seed : 0;
  for (uint32_t i = 0; i < NOR_SECTOR_BYTES; i++)
    nor->bytes[offset + i] = torn ? (uint8_t)chance(&seed) : 0xFF;
  /* Half-erased cells cannot be relied on, whatever they read: only another erase frees them. */
  for (uint32_t i = 0; i < NOR_SECTOR_BYTES / nor->unit; i++) set_used(nor, first + i, torn);
  return fault ? NOR_CUT : NOR_OK;
}

bool nor_add_fault(struct nor *nor, const char *text)
{
  static const char *const modes[] = {"not", "torn", "done"};
  struct nor_fault fault = {0, NOR_FAULT_NOT, 0};
  char *end;
  if (nor->fault_count == NOR_FAULTS_MAX || *text < '0' || *text > '9') return false;
  fault.operation = strtoull(text, &end, 10);
  if (fault.operation == 0 || *end != ':') return false;
  text = end + 1;
  for (unsigned i = 0;; i++) {
    size_t length;
    if (i == sizeof modes / sizeof *modes) return false;
    length = strlen(modes[i]);
    if (strncmp(text, modes[i], length) || text[length] != ':') continue;
    fault.mode = (enum nor_fault_mode)i;
    text += length + 1;
    break;
  }
  if (*text < '0' || *text > '9') return false;
  fault.seed = strtoull(text, &end, 10);
  if (*end) return false;
  nor->faults[nor->fault_count++] = fault;
  return true;
}
