/* natives_flash.c: the flash partition. */
#ifndef LUMICAST_FLASH_H
#define LUMICAST_FLASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum flash_content {
  FLASH_ABSENT,   /* a new partition: erased */
  FLASH_BARE,     /* a partition's bytes; which units are programmed is derived */
  FLASH_WITH_MAP, /* bytes and map, as a device left them */
};

/* OP:MODE:SEED; call before flash_start. */
bool flash_fault(const char *text);
/* `memory`: the partition and behind it nor_map_bytes(size, unit) for the map. */
void flash_start(uint8_t *memory, uint32_t size, uint32_t unit, enum flash_content content);

/* For native help: bytes of the partition; programs whole units, false when it was refused. */
uint32_t flash_partition(void);
void flash_read(uint32_t offset, uint8_t *into, size_t size);
bool flash_program(uint32_t offset, const uint8_t *bytes, size_t size);

/* The platform's: what was programmed lasts from now on. */
void flash_flush(void);

#endif
