/*
 * The store's partition, "lumicast" in partitions.overlay, over Zephyr's flash map: 4-byte units,
 * read back, erased by pages of 4 KB. Either chip will do, the DK's QSPI flash or the nRF's own.
 *
 * nRF52840 allows two writes a word and 403 writes in each block of 512 bytes between erases
 * (product specification, NVMC). A unit is written once: 128 writes in a block at most. What is not
 * erased is refused by partition.c before it is touched.
 *
 * An erase of the nRF's own flash halts its processor for up to 85 ms; the Kconfig of the manifest
 * has it done in slices of 3 ms, between which the radio is served. OpenThread's settings are there
 * in any case. The store erases while nobody waits.
 */
#include "../native/board.h"

#include <zephyr/drivers/flash.h>
#include <zephyr/storage/flash_map.h>

#include "../native/partition.h"
#include "nrf.h"

BUILD_ASSERT(FIXED_PARTITION_EXISTS(lumicast_partition),
    "no flash partition lumicast_partition: is partitions.overlay in zephyrOverlay?");

enum { BYTES_MIN = 256 * 1024, UNIT_BYTES = 4 }; /* WEAR in modules/store/store.ts */

static const struct flash_area *area;

static bool read(const void *chip, uint32_t offset, void *into, size_t size)
{
  return flash_area_read(chip, (off_t)offset, into, size) == 0;
}

static bool program(const void *chip, uint32_t offset, const void *bytes, size_t size)
{
  return flash_area_write(chip, (off_t)offset, bytes, size) == 0;
}

static bool erase(const void *chip, uint32_t offset)
{
  return flash_area_erase(chip, (off_t)offset, PARTITION_SECTOR_BYTES) == 0;
}

static struct partition partition = {
  .unit = UNIT_BYTES, .read = read, .program = program, .erase = erase,
};

const char *board_flash_open(struct board_flash *geometry)
{
  struct flash_pages_info page;
  const char *fault = NULL;
  if (flash_area_open(FIXED_PARTITION_ID(lumicast_partition), &area))
    fault = "the flash partition lumicast cannot be opened";
  else if (flash_get_page_info_by_offs(flash_area_get_device(area), area->fa_off, &page))
    fault = "the flash partition lumicast is not where flash is; see partitions.overlay";
  else if (flash_area_align(area) > UNIT_BYTES)
    fault = "the flash of the partition lumicast programs more than 4 bytes at a time";
  else fault = partition_fault((uint32_t)area->fa_size, (uint32_t)page.size, BYTES_MIN);
  nrf_status(PATTERN_FLASH, fault != NULL);
  if (fault) return fault;
  partition.size = (uint32_t)area->fa_size;
  partition.chip = area;
  *geometry = (struct board_flash){partition.size, PARTITION_SECTOR_BYTES, UNIT_BYTES};
  return NULL;
}

/* What failed once fails again: the pattern stays until a restart. */
static bool told(bool good)
{
  nrf_note(NULL);
  if (!good) nrf_status(PATTERN_FLASH, true);
  return good;
}

bool board_flash_read(uint32_t offset, void *into, size_t size)
{
  return told(partition_read(&partition, offset, into, size));
}

bool board_flash_program(uint32_t offset, const void *bytes, size_t size)
{
  nrf_note("flash program");
  return told(partition_program(&partition, offset, bytes, size));
}

bool board_flash_erase(uint32_t offset)
{
  nrf_note("flash erase");
  return told(partition_erase(&partition, offset));
}
