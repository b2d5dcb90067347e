/*
 * Raw flash as modules/ports/flash.ts wants it, over what a chip's driver gives: geometry checked,
 * each unit programmed once per erase and read back, erased bytes read 0xFF.
 *
 * The last is work where the chip encrypts: erased cells, decrypted, read as noise. There a unit is
 * erased when its raw bytes are all 0xFF, and is then shown as such; that a written unit's
 * ciphertext is all 0xFF happens once in 2^128. Programming a unit again would make noise of both
 * contents, so what is not erased is refused before it is touched.
 */
#ifndef LUMICAST_PARTITION_H
#define LUMICAST_PARTITION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PARTITION_SECTOR_BYTES = 4096, PARTITION_UNIT_BYTES_MAX = 16 };

/* The chip's driver. Offsets are from the partition's beginning; false is a refusal. */
struct partition {
  uint32_t size;
  uint32_t unit; /* 4 to PARTITION_UNIT_BYTES_MAX, a power of two */
  const void *chip; /* the driver's, for the functions below */
  bool (*read)(const void *chip, uint32_t offset, void *into, size_t size);
  /* NULL: nothing is encrypted */
  bool (*read_raw)(const void *chip, uint32_t offset, void *into, size_t size);
  bool (*program)(const void *chip, uint32_t offset, const void *bytes, size_t size);
  bool (*erase)(const void *chip, uint32_t offset); /* one sector */
};

/* NULL, or what is wrong with a partition of this size. `least`: below it the flash wears out
   (WEAR in modules/store/store.ts). */
const char *partition_fault(uint32_t size, uint32_t sector, uint32_t least);

bool partition_read(const struct partition *partition, uint32_t offset, void *into, size_t size);
bool partition_program(const struct partition *partition, uint32_t offset, const void *bytes,
    size_t size);
bool partition_erase(const struct partition *partition, uint32_t offset);

#endif
