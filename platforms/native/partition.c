#include "partition.h"

#include <string.h>

const char *partition_fault(uint32_t size, uint32_t sector, uint32_t least)
{
  if (sector != PARTITION_SECTOR_BYTES) return "its sectors are not of 4096 bytes";
  if (size % PARTITION_SECTOR_BYTES) return "its size is no multiple of 4096 bytes";
  if (size < least) return "it is too small and would wear out";
  return NULL;
}

static bool in_range(const struct partition *partition, uint32_t offset, size_t size)
{
  return offset <= partition->size && size <= partition->size - offset;
}

static bool is_blank(const uint8_t *bytes, size_t size)
{
  for (size_t i = 0; i < size; i++)
    if (bytes[i] != 0xFF) return false;
  return true;
}

/* From `offset` to the end of its unit, or `size` if that is less. */
static size_t in_unit(const struct partition *partition, uint32_t offset, size_t size)
{
  size_t rest = partition->unit - offset % partition->unit;
  return rest < size ? rest : size;
}

bool partition_read(const struct partition *partition, uint32_t offset, void *into, size_t size)
{
  uint8_t raw[PARTITION_UNIT_BYTES_MAX];
  uint8_t *at = into;
  if (!in_range(partition, offset, size)) return false;
  if (!partition->read(partition->chip, offset, into, size)) return false;
  if (!partition->read_raw) return true;
  while (size) {
    uint32_t unit = offset - offset % partition->unit;
    size_t part = in_unit(partition, offset, size);
    if (!partition->read_raw(partition->chip, unit, raw, partition->unit)) return false;
    if (is_blank(raw, partition->unit)) memset(at, 0xFF, part);
    at += part;
    offset += (uint32_t)part;
    size -= part;
  }
  return true;
}

bool partition_program(const struct partition *partition, uint32_t offset, const void *bytes,
    size_t size)
{
  bool (*raw)(const void *, uint32_t, void *, size_t) =
    partition->read_raw ? partition->read_raw : partition->read;
  const void *chip = partition->chip;
  uint8_t unit[PARTITION_UNIT_BYTES_MAX];
  const uint8_t *wanted = bytes;
  if (!in_range(partition, offset, size)) return false;
  if (offset % partition->unit || size % partition->unit) return false;
  for (size_t i = 0; i < size; i += partition->unit)
    if (!raw(chip, offset + (uint32_t)i, unit, partition->unit) ||
        !is_blank(unit, partition->unit))
      return false;
  if (size && !partition->program(chip, offset, bytes, size)) return false;
  for (size_t i = 0; i < size; i += partition->unit)
    if (!partition->read(chip, offset + (uint32_t)i, unit, partition->unit) ||
        memcmp(unit, wanted + i, partition->unit))
      return false;
  return true;
}

bool partition_erase(const struct partition *partition, uint32_t offset)
{
  if (offset % PARTITION_SECTOR_BYTES || !in_range(partition, offset, PARTITION_SECTOR_BYTES))
    return false;
  return partition->erase(partition->chip, offset);
}
