#ifndef STUB_FLASH_MAP_H
#define STUB_FLASH_MAP_H
#include <zephyr/kernel.h>
struct flash_area {
  uint8_t fa_id;
  uint16_t pad16;
  off_t fa_off;
  size_t fa_size;
  const struct device *fa_dev;
};
#define FIXED_PARTITION_EXISTS(label) 1
#define FIXED_PARTITION_ID(label) 3
int flash_area_open(uint8_t id, const struct flash_area **area);
int flash_area_read(const struct flash_area *area, off_t offset, void *into, size_t size);
int flash_area_write(const struct flash_area *area, off_t offset, const void *bytes, size_t size);
int flash_area_erase(const struct flash_area *area, off_t offset, size_t size);
uint32_t flash_area_align(const struct flash_area *area);
const struct device *flash_area_get_device(const struct flash_area *area);
#endif
