#include "slots.h"

#include <stddef.h>
#include <string.h>

enum { MAGIC = 0x544F4C53, STEP = 112, PER_SECTOR = NOR_SECTOR_BYTES / STEP };

_Static_assert(sizeof(struct slots_entry) <= STEP && STEP % 16 == 0, "entries are whole units");

static void sum_of(const struct slots_entry *entry, uint8_t out[16])
{
  uint8_t all[SHA256_BYTES];
  struct sha256 hash;
  sha256_start(&hash);
  sha256_add(&hash, (const uint8_t *)entry, offsetof(struct slots_entry, sum));
  sha256_finish(&hash, all);
  memcpy(out, all, 16);
}

static bool is_blank(const uint8_t *bytes, size_t size)
{
  while (size--)
    if (*bytes++ != 0xFF) return false;
  return true;
}

static bool read_entry(const struct slots *slots, uint32_t offset, struct slots_entry *entry)
{
  uint8_t sum[16];
  memcpy(entry, slots->nor->bytes + offset, sizeof *entry);
  if (entry->magic != MAGIC || entry->active > 1 || entry->trial > TRIAL_NOW) return false;
  sum_of(entry, sum);
  return !memcmp(sum, entry->sum, sizeof sum);
}

bool slots_open(struct slots *slots, struct nor *nor, uint32_t slot_size)
{
  struct slots_entry entry;
  memset(slots, 0, sizeof *slots);
  slots->nor = nor;
  slots->slot_size = slot_size;
  for (uint32_t sector = 0; sector < 2; sector++)
    for (uint32_t i = 0; i < PER_SECTOR; i++) {
      uint32_t offset = sector * NOR_SECTOR_BYTES + i * STEP;
      if (!read_entry(slots, offset, &entry) || entry.counter <= slots->entry.counter) continue;
      slots->entry = entry;
      slots->end = offset + STEP;
    }
  return slots->entry.counter > 0;
}

/* Where the next entry goes: behind the newest one and whatever a cut left there. */
static enum nor_result make_room(struct slots *slots)
{
  uint32_t sector = slots->end / NOR_SECTOR_BYTES;
  if (slots->end > 0 && slots->end % NOR_SECTOR_BYTES == 0) sector--;
  for (; slots->end + STEP <= (sector + 1) * NOR_SECTOR_BYTES; slots->end += STEP)
    if (slots->entry.counter > 0 && is_blank(slots->nor->bytes + slots->end, STEP)) return NOR_OK;
  /* The older sector of the two. */
  slots->end = (1 - sector) * NOR_SECTOR_BYTES;
  return nor_erase(slots->nor, slots->end);
}

static enum nor_result append(struct slots *slots, struct slots_entry *entry)
{
  uint8_t bytes[STEP];
  enum nor_result result = make_room(slots);
  if (result != NOR_OK) return result;
  entry->magic = MAGIC;
  entry->counter = slots->entry.counter + 1;
  sum_of(entry, entry->sum);
  memset(bytes, 0xFF, sizeof bytes);
  memcpy(bytes, entry, sizeof *entry);
  result = nor_program(slots->nor, slots->end, bytes, sizeof bytes);
  slots->end += STEP;
  if (result == NOR_OK) slots->entry = *entry;
  return result;
}

uint32_t slots_offset(const struct slots *slots, int slot)
{
  return SLOTS_RECORD_BYTES + (uint32_t)slot * slots->slot_size;
}

static void digest_of(const uint8_t *image, uint32_t size, uint8_t out[SHA256_BYTES])
{
  struct sha256 hash;
  sha256_start(&hash);
  sha256_add(&hash, image, size);
  sha256_finish(&hash, out);
}

enum nor_result slots_fill(struct slots *slots, const uint8_t *image, uint32_t size)
{
  struct slots_entry entry = {.size = {size, 0}};
  uint32_t start = slots_offset(slots, 0);
  uint32_t whole = size - size % 16;
  uint8_t last[16];
  enum nor_result result = NOR_OK;
  if (size > slots->slot_size) return NOR_MISUSED;
  for (uint32_t at = 0; at < slots->slot_size && result == NOR_OK; at += NOR_SECTOR_BYTES)
    result = nor_erase(slots->nor, start + at);
  if (result == NOR_OK) result = nor_program(slots->nor, start, image, whole);
  memset(last, 0xFF, sizeof last);
  memcpy(last, image + whole, size - whole);
  if (result == NOR_OK && whole < size)
    result = nor_program(slots->nor, start + whole, last, sizeof last);
  digest_of(image, size, entry.digest[0]);
  return result == NOR_OK ? append(slots, &entry) : result;
}

static bool is_whole(const struct slots *slots, int slot)
{
  uint32_t size = slots->entry.size[slot];
  uint8_t digest[SHA256_BYTES];
  if (size == 0 || size > slots->slot_size) return false;
  digest_of(slots->nor->bytes + slots_offset(slots, slot), size, digest);
  return !memcmp(digest, slots->entry.digest[slot], sizeof digest);
}

enum nor_result slots_reject(struct slots *slots)
{
  struct slots_entry entry = slots->entry;
  entry.active = (uint8_t)(1 - entry.active);
  entry.trial = TRIAL_NONE;
  return append(slots, &entry);
}

enum nor_result slots_choose(struct slots *slots, int *slot)
{
  enum nor_result result = NOR_OK;
  struct slots_entry entry;
  if (slots->entry.trial == TRIAL_NOW || !is_whole(slots, slots->entry.active))
    result = slots_reject(slots);
  if (result == NOR_OK && slots->entry.trial == TRIAL_NEXT) {
    entry = slots->entry;
    entry.trial = TRIAL_NOW;
    result = append(slots, &entry);
  }
  *slot = slots->entry.active;
  if (result == NOR_OK && !is_whole(slots, *slot)) return NOR_REFUSED;
  return result;
}

enum nor_result slots_activate(struct slots *slots, uint32_t size,
    const uint8_t digest[SHA256_BYTES])
{
  struct slots_entry entry = slots->entry;
  int other = 1 - entry.active;
  if (size == 0 || size > slots->slot_size || entry.trial != TRIAL_NONE) return NOR_REFUSED;
  entry.size[other] = size;
  memcpy(entry.digest[other], digest, SHA256_BYTES);
  entry.active = (uint8_t)other;
  entry.trial = TRIAL_NEXT;
  return append(slots, &entry);
}

enum nor_result slots_confirm(struct slots *slots)
{
  struct slots_entry entry = slots->entry;
  if (entry.trial != TRIAL_NOW) return NOR_OK;
  entry.trial = TRIAL_NONE;
  return append(slots, &entry);
}
