#include "journal.h"

#include <string.h>

/* modules/store/cursor.ts */
enum { POSITION, END, DEBRIS, KEEP, GENERATION, WRITES, SPARE, UNIT, CURSOR_WORDS };

enum { HEAD_BYTES = 4, VALUE_MAX_BYTES = 7, UNIT_MAX_BYTES = 16 };
enum { SMALL_PARTITION_BYTES = 0x40000, PLACE_BYTES = 8, LARGE_PLACE_BYTES = 10 };

/* CRC-32 as in IEEE 802.3, the register after one more byte: 16 words instead of 256, for a dozen
   bytes a record. */
static uint32_t crc_step(uint32_t crc, uint8_t byte)
{
  static const uint32_t table[16] = {
    0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
    0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c, 0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
  };
  crc ^= byte;
  crc = crc >> 4 ^ table[crc & 15];
  return crc >> 4 ^ table[crc & 15];
}

static uint8_t fold8(uint32_t crc)
{
  uint32_t half = crc ^ crc >> 16;
  return (uint8_t)(half ^ half >> 8);
}

/* The place of a key in the index; -1 when it has none. */
static int32_t find(const struct journal *journal, int32_t key)
{
  bool small = journal->partition <= SMALL_PARTITION_BYTES;
  size_t places = journal->index_size / (small ? PLACE_BYTES : LARGE_PLACE_BYTES);
  const uint8_t *words = journal->index + 4 * places;
  uint32_t mixed = ((uint32_t)key & 0xFFF) * 40503u + ((uint32_t)key >> 12) * 997u;
  size_t place = (mixed & 0xFFFF) * places >> 16;
  for (size_t tries = 0; tries < places; tries++) {
    int32_t held;
    uint32_t word = 0;
    memcpy(&word, words + place * (small ? 2 : 4), small ? 2 : 4);
    if (word == 0) return -1;
    memcpy(&held, journal->index + 4 * place, sizeof held);
    if (held == key) return (int32_t)place;
    if (++place == places) place = 0;
  }
  return -1;
}

/* modules/store/records.ts #emit: the head's program unit, the rest, the seal. */
static bool emit(const struct journal *journal, uint32_t at, const uint8_t head[HEAD_BYTES],
    const uint8_t *value, size_t size, uint32_t crc)
{
  uint8_t buffer[UNIT_MAX_BYTES];
  uint8_t seal[UNIT_MAX_BYTES];
  size_t unit = (size_t)journal->cursor[UNIT];
  size_t body = size;
  memset(buffer, 0xFF, sizeof buffer);
  memcpy(buffer, head, HEAD_BYTES);
  if (unit == HEAD_BYTES) {
    if (!journal->program(journal->context, at, buffer, HEAD_BYTES)) return false;
    at += HEAD_BYTES;
    memcpy(buffer, value, size);
    memset(buffer + size, 0xFF, sizeof buffer - size);
  } else {
    memcpy(buffer + HEAD_BYTES, value, size);
    body += HEAD_BYTES;
  }
  body = (body + unit - 1) & ~(unit - 1);
  if (!journal->program(journal->context, at, buffer, body)) return false;
  /* The one checksum that looks erased gives way to its neighbour. */
  crc = crc == 0 ? 0xFFFFFFFE : ~crc;
  memset(seal, 0xFF, sizeof seal);
  for (int i = 0; i < 4; i++) seal[i] = (uint8_t)(crc >> (24 - 8 * i));
  return journal->program(journal->context, at + (uint32_t)body, seal, unit);
}

enum journal_result journal_append(const struct journal *journal, uint8_t kind, uint8_t index,
    const uint8_t *value, size_t size)
{
  int32_t *cursor = journal->cursor;
  bool small = journal->partition <= SMALL_PARTITION_BYTES;
  size_t places = journal->index_size / (small ? PLACE_BYTES : LARGE_PLACE_BYTES);
  uint8_t *words = journal->index + 4 * places;
  uint8_t *sizes = words + places * (small ? 2 : 4);
  uint8_t head[HEAD_BYTES] = {kind, index, (uint8_t)size, 0};
  int32_t at, unit, record, place;
  uint32_t crc, word;
  uint16_t held;
  if (journal->cursor_words != CURSOR_WORDS || size == 0 || size > VALUE_MAX_BYTES)
    return JOURNAL_DECLINED;
  at = cursor[POSITION];
  unit = cursor[UNIT];
  if (unit != HEAD_BYTES && unit != 8 && unit != UNIT_MAX_BYTES) return JOURNAL_DECLINED;
  if (cursor[DEBRIS] != 0) return JOURNAL_DECLINED; // check: journal-debris
  if (unit == 8 && size > 4) return JOURNAL_DECLINED;
  record = ((HEAD_BYTES + (int32_t)size + unit - 1) & -unit) + unit;
  if (at + record + cursor[SPARE] > cursor[END]) return JOURNAL_DECLINED; // check: journal-end
  place = find(journal, (int32_t)((uint32_t)kind << 24 | index));
  if (place < 0) return JOURNAL_DECLINED;
  memcpy(&held, sizes + 2 * place, sizeof held);
  if (held != record) return JOURNAL_DECLINED; // check: journal-size
  crc = ~(uint32_t)cursor[GENERATION];
  for (int i = 0; i < 3; i++) crc = crc_step(crc, head[i]);
  head[3] = fold8(crc);
  for (size_t i = 0; i < size; i++) crc = crc_step(crc, value[i]);
  if (!emit(journal, (uint32_t)at, head, value, size, crc)) {
    /* A worn cell: what was begun here is left behind, log.ts goes on in the next sector. */
    cursor[DEBRIS] = at;
    cursor[KEEP] = at;
    cursor[POSITION] = cursor[END];
    return JOURNAL_REFUSED;
  }
  cursor[WRITES]++;
  cursor[POSITION] = at + record;
  word = (uint32_t)at / 4;
  memcpy(words + place * (small ? 2 : 4), &word, small ? 2 : 4);
  return JOURNAL_DURABLE;
}
