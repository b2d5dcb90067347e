/*
 * Two firmware slots: ota_0 and ota_1 of partitions_8mb.csv, and ESP-IDF's boot loader, which
 * starts the one that otadata names ("Over The Air Updates" in ESP-IDF's guide, App Rollback):
 *
 *   activate     esp_ota_set_boot_partition checks the image and writes an entry, NEW
 *   next start   the boot loader makes it PENDING_VERIFY and starts it: the trial
 *   confirm      esp_ota_mark_app_valid_cancel_rollback: VALID, it stays
 *   any start before that, by power, crash, watchdog or wish: ABORTED, and the old image runs
 *
 * otadata has two entries in sectors of their own, and what is written is never the entry of the
 * image to fall back on: a cut leaves the old image or the new one. Nobody needs to say INVALID
 * (esp_ota_mark_app_invalid_rollback_and_reboot), since a restart says as much.
 *
 * REJECTED: esp_ota_begin and esp_ota_write. Blocks come in any order and over several starts, each
 * checked alone (modules/device/update.ts), while a handle is gone with the next start, and begin
 * erases all at once, for seconds. What begin refuses, a spare slot that is the way back, is
 * refused here.
 *
 * An entry's CRC covers its number and not its state: one that is cut within the write can name the
 * new image with a state that is none. Then the boot loader starts it without a trial; it is made
 * NEW again here, and so gets one.
 */
#include "esp_ota_ops.h"
#include "esp_partition.h"
#include "esp_task_wdt.h"
#include "sdkconfig.h"

#include "../native/kept.h"
#include "esp32.h"

#if !CONFIG_BOOTLOADER_APP_ROLLBACK_ENABLE
#error "without CONFIG_BOOTLOADER_APP_ROLLBACK_ENABLE=y no image is ever on trial: see sdkconfig_*"
#endif

static struct partition spare;
static int running;
static bool on_trial;

static int slot_of(const esp_partition_t *app)
{
  return (int)app->subtype - (int)ESP_PARTITION_SUBTYPE_APP_OTA_0;
}

/* VALID where nothing is written of it: as it came by cable. */
static esp_ota_img_states_t state_of(const esp_partition_t *app)
{
  esp_ota_img_states_t state;
  return esp_ota_get_state_partition(app, &state) == ESP_OK ? state : ESP_OTA_IMG_VALID;
}

static bool is_torn(esp_ota_img_states_t state)
{
  return state != ESP_OTA_IMG_VALID && state != ESP_OTA_IMG_PENDING_VERIFY;
}

static void try_again(const esp_partition_t *app)
{
  if (esp_ota_set_boot_partition(app) == ESP_OK)
    board_restart("new firmware: its entry was cut within the write, it is tried again");
}

const char *board_slots_open(struct board_flash *geometry)
{
  const esp_partition_t *now = esp_ota_get_running_partition();
  const esp_partition_t *next = esp_ota_get_next_update_partition(NULL);
  esp_ota_img_states_t state = state_of(now);
  const char *fault;
  if (!next || next == now || slot_of(now) < 0 || slot_of(now) > 1)
    return "there is one; two take a chip of 8 MB, flashed with --flash-size 8";
  fault = partition_fault(next->size, next->erase_size, 1);
  if (fault) return fault;
  if (is_torn(state)) try_again(now); // check: slot-entry-torn
  running = slot_of(now);
  on_trial = state == ESP_OTA_IMG_PENDING_VERIFY;
  spare = esp32_partition(next);
  *geometry = (struct board_flash){next->size, next->erase_size, ESP32_UNIT_BYTES};
  return NULL;
}

int board_slots_running(void)
{
  return running;
}

bool board_slots_on_trial(void)
{
  return on_trial;
}

bool board_slots_read(uint32_t offset, void *into, size_t size)
{
  return spare.chip && partition_read(&spare, offset, into, size);
}

static bool is_ours_to_write(void)
{
  if (on_trial) return false; // check: slot-way-back
  return spare.chip != NULL;
}

bool board_slots_program(uint32_t offset, const void *bytes, size_t size)
{
  bool good;
  if (!is_ours_to_write()) return false;
  esp32_note("slot program");
  good = partition_program(&spare, offset, bytes, size);
  esp32_note(NULL);
  return good;
}

bool board_slots_erase(uint32_t offset)
{
  bool good;
  if (!is_ours_to_write()) return false;
  esp32_note("slot erase");
  good = partition_erase(&spare, offset);
  esp32_note(NULL);
  return good;
}

static void step(void)
{
  (void)esp_task_wdt_reset();
}

bool board_slots_activate(uint32_t size, const uint8_t digest[32])
{
  bool whole, good;
  if (!is_ours_to_write() || size == 0 || size > spare.size) return false;
  esp32_note("slot check");
  whole = partition_has(&spare, 0, size, digest, step);
  esp32_note(NULL);
  if (!whole) return false; // check: slot-digest
  esp32_note("slot activate");
  good = esp_ota_set_boot_partition(spare.chip) == ESP_OK;
  esp32_note(NULL);
  return good;
}

bool board_slots_confirm(void)
{
  if (on_trial && esp_ota_mark_app_valid_cancel_rollback() != ESP_OK) return false;
  on_trial = false;
  return true;
}

static const struct partition *kept(void)
{
  static struct partition partition;
  const esp_partition_t *chip =
    esp_partition_find_first(ESP_PARTITION_TYPE_DATA, ESP_PARTITION_SUBTYPE_ANY, "device");
  if (!chip) return NULL;
  partition = esp32_partition(chip);
  return &partition;
}

uint32_t board_kept_size(void)
{
  const struct partition *partition = kept();
  return partition ? kept_size(partition) : 0;
}

bool board_kept_read(void *into, uint32_t size)
{
  const struct partition *partition = kept();
  return partition && kept_read(partition, into, size);
}

bool board_kept_put(const void *bytes, uint32_t size)
{
  const struct partition *partition = kept();
  return partition && kept_put(partition, bytes, size);
}
