#include "esp32_ota.h"

#include <string.h>

#include "../../platforms/esp32/esp32.h"
#include "../../platforms/native/sha256.h"
#include "esp-idf.h"

enum { SECTOR = NOR_SECTOR_BYTES, OTADATA = 0, SLOTS = 2 * SECTOR };
enum { DEVICE = SLOTS + 2 * OTA_SLOT_BYTES, STORE = DEVICE + 2 * SECTOR };
enum { BYTES = STORE + 32 * SECTOR, HASHED = OTA_IMAGE_BYTES - SHA256_BYTES, MAGIC = 0xE9 };

struct entry {
  uint32_t seq;
  uint8_t label[20];
  uint32_t state, crc;
};

static uint8_t cells[BYTES], used[BYTES / 16 / 8];
struct nor ota_flash = {.bytes = cells, .used = used, .size = BYTES, .unit = 16};
bool ota_has_one_slot;
static jmp_buf way_out;
static int running;

static const esp_partition_t table[] = {
  {.type = 1, .subtype = 0, .address = OTADATA, .size = 2 * SECTOR, .erase_size = SECTOR,
    .label = "otadata"},
  {.type = 0, .subtype = 0x10, .address = SLOTS, .size = OTA_SLOT_BYTES, .erase_size = SECTOR,
    .label = "ota_0"},
  {.type = 0, .subtype = 0x11, .address = SLOTS + OTA_SLOT_BYTES, .size = OTA_SLOT_BYTES,
    .erase_size = SECTOR, .label = "ota_1"},
  {.type = 1, .subtype = 0x41, .address = DEVICE, .size = 2 * SECTOR, .erase_size = SECTOR,
    .label = "device"},
  {.type = 1, .subtype = 0x40, .address = STORE, .size = 32 * SECTOR, .erase_size = SECTOR,
    .label = "lumicast"},
};
static const esp_partition_t factory = {
  .type = 0, .subtype = 0, .address = SLOTS, .size = OTA_SLOT_BYTES, .erase_size = SECTOR,
  .label = "factory",
};
static const esp_partition_t *const apps = &table[1];

/* --- what ends a run ------------------------------------------------------------------------- */

enum ota_end ota_until(void (*run)(void))
{
  enum ota_end end = (enum ota_end)setjmp(way_out);
  if (end == OTA_DONE) run();
  return end;
}

_Noreturn void board_restart(const char *reason)
{
  (void)reason;
  longjmp(way_out, OTA_RESTARTED);
}

void esp32_note(const char *name)
{
  (void)name;
}

void esp32_flash_failed(void)
{
}

esp_err_t esp_task_wdt_reset(void)
{
  return ESP_OK;
}

static esp_err_t ended(enum nor_result result)
{
  if (result == NOR_CUT) longjmp(way_out, OTA_CUT);
  return result == NOR_OK ? ESP_OK : ESP_FAIL;
}

/* --- esp_partition --------------------------------------------------------------------------- */

const esp_partition_t *esp_partition_find_first(int type, int subtype, const char *label)
{
  for (unsigned i = 0; i < sizeof table / sizeof *table; i++) {
    const esp_partition_t *found = &table[i];
    if (found->type != type || (subtype != 0xFF && found->subtype != subtype)) continue;
    if (!label || !strcmp(label, found->label)) return found;
  }
  return NULL;
}

esp_err_t esp_partition_read(const esp_partition_t *p, size_t offset, void *into, size_t size)
{
  if (offset > p->size || size > p->size - offset) return ESP_FAIL;
  memcpy(into, cells + p->address + offset, size);
  return ESP_OK;
}

esp_err_t esp_partition_read_raw(const esp_partition_t *p, size_t offset, void *into, size_t size)
{
  return esp_partition_read(p, offset, into, size);
}

esp_err_t esp_partition_write(const esp_partition_t *p, size_t offset, const void *b, size_t size)
{
  if (offset > p->size || size > p->size - offset) return ESP_FAIL;
  return ended(nor_program(&ota_flash, p->address + (uint32_t)offset, b, (uint32_t)size));
}

esp_err_t esp_partition_erase_range(const esp_partition_t *p, size_t offset, size_t size)
{
  esp_err_t result = ESP_OK;
  for (size_t at = offset; at < offset + size && result == ESP_OK; at += SECTOR)
    result = ended(nor_erase(&ota_flash, p->address + (uint32_t)at));
  return result;
}

/* --- otadata --------------------------------------------------------------------------------- */

/* esp_rom_crc32_le(UINT32_MAX, &seq, 4) */
static uint32_t crc_of(uint32_t seq)
{
  uint32_t crc = 0;
  for (unsigned bit = 0; bit < 32; bit++) {
    uint32_t one = (crc ^ seq >> bit) & 1;
    crc = crc >> 1 ^ (one ? 0xEDB88320u : 0);
  }
  return ~crc;
}

static struct entry entry_at(int at)
{
  struct entry entry;
  memcpy(&entry, cells + OTADATA + at * SECTOR, sizeof entry);
  return entry;
}

static bool is_invalid(const struct entry *entry)
{
  return entry->seq == UINT32_MAX || entry->state == ESP_OTA_IMG_INVALID ||
         entry->state == ESP_OTA_IMG_ABORTED;
}

static bool is_valid(const struct entry *entry)
{
  return !is_invalid(entry) && entry->crc == crc_of(entry->seq);
}

/* bootloader_common_get_active_otadata */
static int active(void)
{
  struct entry two[2] = {entry_at(0), entry_at(1)};
  bool valid[2] = {is_valid(&two[0]), is_valid(&two[1])};
  if (valid[0] && valid[1]) return two[0].seq >= two[1].seq ? 0 : 1;
  return valid[0] ? 0 : valid[1] ? 1 : -1;
}

static esp_err_t write_entry(int at, struct entry entry)
{
  uint32_t offset = (uint32_t)at * SECTOR;
  entry.crc = crc_of(entry.seq);
  if (esp_partition_erase_range(&table[0], offset, SECTOR) != ESP_OK) return ESP_FAIL;
  return esp_partition_write(&table[0], offset, &entry, sizeof entry);
}

void ota_put_entry(int at, uint32_t seq, uint32_t state)
{
  struct entry entry = {.seq = seq, .state = state};
  (void)write_entry(at, entry);
}

/* --- esp_ota_ops ----------------------------------------------------------------------------- */

static bool is_application(const uint8_t *image)
{
  struct sha256 hash;
  uint8_t digest[SHA256_BYTES];
  sha256_start(&hash);
  sha256_add(&hash, image, HASHED);
  sha256_finish(&hash, digest);
  return image[0] == MAGIC && !memcmp(digest, image + HASHED, sizeof digest);
}

bool ota_is_whole(int slot)
{
  return is_application(cells + apps[slot].address);
}

const esp_partition_t *esp_ota_get_running_partition(void)
{
  return ota_has_one_slot ? &factory : &apps[running];
}

const esp_partition_t *esp_ota_get_next_update_partition(const esp_partition_t *from)
{
  (void)from;
  return ota_has_one_slot ? NULL : &apps[1 - running];
}

/* esp_rewrite_ota_data; with two slots number n starts slot (n - 1) % 2 */
esp_err_t esp_ota_set_boot_partition(const esp_partition_t *app)
{
  uint32_t slot = (uint32_t)(app - apps);
  int now = active(), next = 0;
  struct entry entry = {.seq = slot + 1};
  if (!ota_is_whole((int)slot)) return ESP_FAIL;
  memset(entry.label, 0xFF, sizeof entry.label);
  if (now >= 0) {
    entry.seq = entry_at(now).seq;
    next = (entry.seq - 1) % 2 == slot ? now : 1 - now;
    if (next != now) entry.seq++;
  }
  entry.state = ESP_OTA_IMG_NEW;
  return write_entry(next, entry);
}

esp_err_t esp_ota_get_state_partition(const esp_partition_t *app, esp_ota_img_states_t *state)
{
  if (app == &factory) return ESP_FAIL;
  for (int at = 0; at < 2; at++) {
    struct entry entry = entry_at(at);
    if ((entry.seq - 1) % 2 != (uint32_t)(app - apps) || entry.crc != crc_of(entry.seq)) continue;
    *state = (esp_ota_img_states_t)entry.state;
    return ESP_OK;
  }
  return ESP_FAIL;
}

esp_err_t esp_ota_mark_app_valid_cancel_rollback(void)
{
  int at = active();
  struct entry entry;
  if (at < 0) return ESP_FAIL;
  entry = entry_at(at);
  if (entry.state == ESP_OTA_IMG_VALID) return ESP_OK;
  entry.state = ESP_OTA_IMG_VALID;
  return write_entry(at, entry);
}

/* --- the boot loader ------------------------------------------------------------------------- */

/* bootloader_utility_get_selected_boot_partition */
static int selected(bool *initial)
{
  int at;
  for (int i = 0; i < 2; i++) {
    struct entry entry = entry_at(i);
    if (entry.state != ESP_OTA_IMG_PENDING_VERIFY) continue;
    entry.state = ESP_OTA_IMG_ABORTED;
    (void)write_entry(i, entry);
  }
  struct entry two[2] = {entry_at(0), entry_at(1)};
  if (is_invalid(&two[0]) && is_invalid(&two[1])) {
    *initial = true;
    for (int i = 0; i < 2; i++)
      if (two[i].seq != UINT32_MAX && two[i].crc == crc_of(two[i].seq)) *initial = false;
    return 0;
  }
  at = active();
  if (at < 0) return -1;
  if (two[at].state == ESP_OTA_IMG_NEW) {
    two[at].state = ESP_OTA_IMG_PENDING_VERIFY;
    (void)write_entry(at, two[at]);
  }
  return (int)((two[at].seq - 1) % 2);
}

/* bootloader_utility_load_boot_image: downwards from the one that is selected, then upwards */
int ota_boot(void)
{
  static const int orders[3][2] = {{0, 1}, {0, 1}, {1, 0}};
  bool initial = false;
  int first = selected(&initial);
  for (int i = 0; i < 2; i++) {
    int slot = orders[first + 1][i];
    if (!ota_is_whole(slot)) continue;
    if (initial) ota_put_entry(0, (uint32_t)slot + 1, ESP_OTA_IMG_VALID); /* set_actual_ota_seq */
    running = slot;
    return slot;
  }
  return -1;
}

uint8_t ota_runs(void)
{
  return cells[apps[running].address + 1];
}

void ota_image(uint8_t fill, uint8_t *image)
{
  struct sha256 hash;
  memset(image, fill, OTA_IMAGE_BYTES);
  image[0] = MAGIC;
  sha256_start(&hash);
  sha256_add(&hash, image, HASHED);
  sha256_finish(&hash, image + HASHED);
}

void ota_factory(const uint8_t *image)
{
  memset(cells, 0xFF, sizeof cells);
  memcpy(cells + apps[0].address, image, OTA_IMAGE_BYTES);
  nor_derive_map(&ota_flash);
  ota_flash.fault_count = 0;
  ota_flash.operations = 0;
  ota_has_one_slot = false;
  running = 0;
}
