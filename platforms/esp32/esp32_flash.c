/* The partition "lumicast", in units of 16 bytes; encrypted where the chip is. */
#include "esp_partition.h"
#include "esp_task_wdt.h"

#include "../native/partition.h"
#include "esp32.h"

enum { LEAST_BYTES = 128 * 1024 };

static bool read(const void *chip, uint32_t offset, void *into, size_t size)
{
  return esp_partition_read(chip, offset, into, size) == ESP_OK;
}

static bool read_raw(const void *chip, uint32_t offset, void *into, size_t size)
{
  return esp_partition_read_raw(chip, offset, into, size) == ESP_OK;
}

static bool program(const void *chip, uint32_t offset, const void *bytes, size_t size)
{
  return esp_partition_write(chip, offset, bytes, size) == ESP_OK;
}

static bool erase(const void *chip, uint32_t offset)
{
  return esp_partition_erase_range(chip, offset, PARTITION_SECTOR_BYTES) == ESP_OK;
}

struct partition esp32_partition(const void *chip)
{
  const esp_partition_t *at = chip;
  return (struct partition){
    .size = at->size, .unit = ESP32_UNIT_BYTES, .chip = at, .read = read,
    .read_raw = at->encrypted ? read_raw : NULL, .program = program, .erase = erase,
  };
}

static struct partition partition;

const char *board_flash_open(struct board_flash *geometry)
{
  const esp_partition_t *chip;
  const char *fault;
  chip = esp_partition_find_first(ESP_PARTITION_TYPE_DATA, ESP_PARTITION_SUBTYPE_ANY, "lumicast");
  if (!chip) {
    esp32_flash_failed();
    return "there is no partition lumicast; build with platforms/esp32/partitions.csv";
  }
  fault = partition_fault(chip->size, chip->erase_size, LEAST_BYTES);
  partition = esp32_partition(chip);
  *geometry = (struct board_flash){chip->size, chip->erase_size, ESP32_UNIT_BYTES};
  if (fault) esp32_flash_failed();
  return fault;
}

bool board_flash_read(uint32_t offset, void *into, size_t size)
{
  bool good = partition_read(&partition, offset, into, size);
  if (!good) esp32_flash_failed();
  return good;
}

bool board_flash_program(uint32_t offset, const void *bytes, size_t size)
{
  bool good;
  esp32_note("flash program");
  good = partition_program(&partition, offset, bytes, size);
  esp32_note(NULL);
  if (!good) esp32_flash_failed();
  return good;
}

bool board_flash_erase(uint32_t offset)
{
  bool good;
  esp32_note("flash erase");
  good = partition_erase(&partition, offset);
  esp32_note(NULL);
  /* A new store erases all its sectors in one turn of the machine; each is a step forward. */
  if (good) (void)esp_task_wdt_reset();
  if (!good) esp32_flash_failed();
  return good;
}
