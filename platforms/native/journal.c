#include "journal.h"

#include <string.h>

/* modules/store/cursor.ts */
enum { POSITION, END, DEBRIS, KEEP, GENERATION, WRITES, SPARE, UNIT, CURSOR_WORDS };

enum { HEAD_BYTES = 4, VALUE_MAX_BYTES = 7, UNIT_MAX_BYTES = 16 };
/* modules/store/records.ts, keys.ts */
enum { SHORT_LENGTH_MAX = 0x7F, LONG_HEAD = 0x80, LONG_HEAD_BYTES = 8, KIND_RESERVED = 0x7E };
enum { SHORT_RECORD_MAX_BYTES = HEAD_BYTES + SHORT_LENGTH_MAX + 2 * UNIT_MAX_BYTES };
enum { WINDOW_BYTES = 512, LONG_CHUNK_BYTES = 64, LONG_LENGTH_MAX = 1024 };
enum { SECTOR_HEAD_BYTES = 16, SECTOR_MAGIC = 0x4C435331 }; /* modules/store/sector.ts */
enum { SMALL_PARTITION_BYTES = 0x40000, PLACE_BYTES = 7, LARGE_PLACE_BYTES = 9 };
/* modules/store/index.ts: a size in words to here, in steps beyond */
enum { EXACT_BYTES = 768, EXACT_WORDS = EXACT_BYTES / 4, STEP_BYTES = 16 };

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

/* modules/store/index.ts */
struct columns {
  uint8_t *keys, *words, *sizes;
  size_t places, word_size;
};

static struct columns columns(const struct journal *journal)
{
  bool small = journal->partition <= SMALL_PARTITION_BYTES;
  struct columns in = {.keys = journal->index, .word_size = small ? 2 : 4};
  in.places = journal->index_size / (small ? PLACE_BYTES : LARGE_PLACE_BYTES);
  in.words = in.keys + 4 * in.places;
  in.sizes = in.words + in.word_size * in.places;
  return in;
}

/* Offset of a place's record in words of 4 bytes; 0: free. */
static uint32_t word_at(const struct columns *in, int32_t place)
{
  uint32_t word = 0;
  memcpy(&word, in->words + (size_t)place * in->word_size, in->word_size);
  return word;
}

static int32_t size_at(const struct columns *in, int32_t place)
{
  int32_t size = in->sizes[place];
  return size > EXACT_WORDS ? EXACT_BYTES + (size - EXACT_WORDS) * STEP_BYTES : 4 * size;
}

/* The place of a key; where it has none, the free one it would take; -1 in a full index. */
static int32_t find(const struct columns *in, int32_t key)
{
  uint32_t mixed = ((uint32_t)key & 0xFFF) * 40503u + ((uint32_t)key >> 12) * 997u;
  int32_t places = (int32_t)in->places;
  int32_t place = (int32_t)((mixed & 0xFFFF) * in->places >> 16);
  for (int32_t tries = 0; tries < places; tries++) {
    int32_t held;
    if (word_at(in, place) == 0) return place;
    memcpy(&held, in->keys + 4 * (size_t)place, sizeof held);
    if (held == key) return place;
    if (++place == places) place = 0;
  }
  return -1;
}

static void point(const struct columns *in, int32_t place, uint32_t offset)
{
  uint32_t word = offset / 4;
  memcpy(in->words + (size_t)place * in->word_size, &word, in->word_size);
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
  struct columns in = columns(journal);
  uint8_t head[HEAD_BYTES] = {kind, index, (uint8_t)size, 0};
  int32_t at, unit, record, place;
  uint32_t crc;
  if (journal->cursor_words != CURSOR_WORDS || size == 0 || size > VALUE_MAX_BYTES)
    return JOURNAL_DECLINED;
  at = cursor[POSITION];
  unit = cursor[UNIT];
  if (unit != HEAD_BYTES && unit != 8 && unit != UNIT_MAX_BYTES) return JOURNAL_DECLINED;
  if (cursor[DEBRIS] != 0) return JOURNAL_DECLINED; // check: journal-debris
  if (unit == 8 && size > 4) return JOURNAL_DECLINED;
  record = ((HEAD_BYTES + (int32_t)size + unit - 1) & -unit) + unit;
  if (at + record + cursor[SPARE] > cursor[END]) return JOURNAL_DECLINED; // check: journal-end
  place = find(&in, (int32_t)((uint32_t)kind << 24 | index));
  if (place < 0 || word_at(&in, place) == 0) return JOURNAL_DECLINED;
  if (size_at(&in, place) != record) return JOURNAL_DECLINED; // check: journal-size
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
  point(&in, place, (uint32_t)at);
  return JOURNAL_DURABLE;
}

static uint32_t load32(const uint8_t *bytes)
{
  return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static bool is_erased(const uint8_t *bytes, size_t from, size_t to)
{
  for (size_t i = from; i < to; i++)
    if (bytes[i] != 0xFF) return false;
  return true;
}

/* The complement of the register, as records.ts seals with it. */
static bool is_seal(const uint8_t *bytes, uint32_t crc)
{
  for (int i = 0; i < 4; i++)
    if (bytes[i] != (uint8_t)(~crc >> (24 - 8 * i))) return false;
  return true;
}

/* The size of the sound short record at `bytes`, of which `filled` are there; 0 when it is none. */
static size_t sound(const uint8_t *bytes, size_t filled, size_t unit, int32_t generation)
{
  size_t length, body;
  uint32_t crc = ~(uint32_t)generation;
  if (filled < HEAD_BYTES) return 0;
  length = bytes[2];
  if (bytes[0] >= KIND_RESERVED || length > SHORT_LENGTH_MAX) return 0;
  body = (HEAD_BYTES + length + unit - 1) & ~(unit - 1);
  if (body + unit > filled) return 0;
  for (int i = 0; i < 3; i++) crc = crc_step(crc, bytes[i]);
  if (bytes[3] != fold8(crc)) return 0; // check: journal-scan-head
  for (size_t i = HEAD_BYTES; i < HEAD_BYTES + length; i++) crc = crc_step(crc, bytes[i]);
  if (!is_erased(bytes, HEAD_BYTES + length, body)) return 0; // check: journal-scan-padding
  if (!is_seal(bytes + body, crc)) return 0; // check: journal-scan-seal
  if (!is_erased(bytes + body, 4, unit)) return 0; // check: journal-scan-seal-unit
  /* The checksum that looks erased is written as another one. */
  return crc == 0 ? 0 : body + unit;
}

/* The same with a long head, read from flash; `key` is set. */
static size_t sound_long(const struct journal *journal, uint32_t at, uint32_t end,
    int32_t generation, uint32_t *key)
{
  uint8_t bytes[LONG_CHUNK_BYTES];
  size_t length, body, unit = (size_t)journal->cursor[UNIT];
  uint32_t check, crc = ~(uint32_t)generation;
  bool padded;
  if (end - at < LONG_HEAD_BYTES) return 0;
  journal->read(journal->context, at, bytes, LONG_HEAD_BYTES);
  *key = load32(bytes) & 0x7FFFFFFF;
  length = (size_t)bytes[4] << 8 | bytes[5];
  body = (LONG_HEAD_BYTES + length + unit - 1) & ~(unit - 1);
  if (bytes[0] < LONG_HEAD || *key >> 24 >= KIND_RESERVED || length > LONG_LENGTH_MAX) return 0;
  if (((*key & 0xFFFF00) == 0 && length <= SHORT_LENGTH_MAX) || body + unit > end - at) return 0;
  for (int i = 0; i < 6; i++) crc = crc_step(crc, bytes[i]);
  check = (crc ^ crc >> 16) & 0xFFFF;
  if (((uint32_t)bytes[6] << 8 | bytes[7]) != check) return 0; // check: journal-long-head
  for (size_t done = LONG_HEAD_BYTES; done < body; done += sizeof bytes) {
    size_t size = body - done < sizeof bytes ? body - done : sizeof bytes;
    size_t value = LONG_HEAD_BYTES + length - done;
    if (done >= LONG_HEAD_BYTES + length) value = 0;
    journal->read(journal->context, at + (uint32_t)done, bytes, size);
    for (size_t i = 0; i < size && i < value; i++) crc = crc_step(crc, bytes[i]);
    padded = is_erased(bytes, value < size ? value : size, size);
    if (!padded) return 0; // check: journal-long-padding
  }
  journal->read(journal->context, at + (uint32_t)body, bytes, unit);
  if (!is_seal(bytes, crc)) return 0; // check: journal-long-seal
  if (!is_erased(bytes, 4, unit)) return 0; // check: journal-long-seal-unit
  return crc == 0 ? 0 : body + unit;
}

/* False when the index has no room for another key. */
static bool enter(const struct columns *in, uint32_t whose, uint32_t at, size_t size,
    int32_t places_left, struct journal_scanned *scanned)
{
  int32_t key = (int32_t)whose;
  int32_t place = find(in, key);
  size_t beyond = size > EXACT_BYTES ? (size - EXACT_BYTES + STEP_BYTES - 1) / STEP_BYTES : 0;
  if (place < 0) return false;
  if (word_at(in, place) == 0) {
    if (scanned->count == places_left) return false;
    memcpy(in->keys + 4 * (size_t)place, &key, sizeof key);
    scanned->count++;
  } else {
    scanned->bytes -= size_at(in, place);
  }
  in->sizes[place] = (uint8_t)(beyond ? EXACT_WORDS + beyond : size / 4);
  scanned->bytes += size_at(in, place);
  point(in, place, at);
  return true;
}

uint32_t journal_scan(const struct journal *journal, uint32_t start, uint32_t end,
    int32_t generation, int32_t places_left, struct journal_scanned *scanned)
{
  struct columns in = columns(journal);
  uint8_t window[WINDOW_BYTES];
  uint32_t base = start, at = start;
  size_t unit, filled = 0;
  *scanned = (struct journal_scanned){0};
  if (journal->cursor_words != CURSOR_WORDS || start > end) return start;
  unit = (size_t)journal->cursor[UNIT];
  if (unit < HEAD_BYTES || unit > UNIT_MAX_BYTES || unit & (unit - 1)) return start;
  for (;;) {
    const uint8_t *head;
    uint32_t key;
    size_t size;
    if (at + SHORT_RECORD_MAX_BYTES > base + filled && base + filled < end) {
      base = at;
      filled = end - at < WINDOW_BYTES ? end - at : WINDOW_BYTES;
      journal->read(journal->context, base, window, filled);
    }
    head = window + (at - base);
    size = sound(head, filled - (at - base), unit, generation);
    if (size) key = (uint32_t)head[0] << 24 | head[1];
    else size = sound_long(journal, at, end, generation, &key);
    if (size == 0) return at;
    if (places_left >= 0 && !enter(&in, key, at, size, places_left, scanned)) return at;
    scanned->last = at;
    at += (uint32_t)size;
  }
}

/* A head's last four bytes are the checksum of those before. */
static bool sum_fits(const uint8_t *head)
{
  uint32_t crc = 0xFFFFFFFF;
  for (int i = 0; i < SECTOR_HEAD_BYTES - 4; i++) crc = crc_step(crc, head[i]);
  return load32(head + SECTOR_HEAD_BYTES - 4) == ~crc;
}

/* `heads` are the sector's first 48 bytes: mark, opening, and where the first record begins. */
static int32_t head_state(const uint8_t *heads, uint32_t sector, uint32_t sectors, uint32_t unit)
{
  const uint8_t *opening = heads + SECTOR_HEAD_BYTES;
  uint32_t count;
  bool empty;
  if (load32(heads) != SECTOR_MAGIC) return HEAD_DIRTY;
  if (!sum_fits(heads)) return HEAD_DIRTY; // check: journal-mark
  if (heads[4] != unit) return HEAD_FOREIGN; // check: journal-head-unit
  count = (uint32_t)heads[6] << 8 | heads[7];
  if (count != sectors) return HEAD_FOREIGN; // check: journal-head-size
  empty = is_erased(opening, 0, SECTOR_HEAD_BYTES);
  if (empty) return is_erased(opening, SECTOR_HEAD_BYTES, 2 * SECTOR_HEAD_BYTES);
  if (!sum_fits(opening)) return HEAD_DIRTY; // check: journal-opening
  return load32(opening) % sectors == sector ? HEAD_OPENED : HEAD_DIRTY;
}

void journal_heads(const struct journal *journal, uint32_t sector_bytes, int32_t *columns,
    uint32_t sectors)
{
  uint32_t unit = journal->cursor_words == CURSOR_WORDS ? (uint32_t)journal->cursor[UNIT] : 0;
  memset(columns, 0, 5 * 4 * (size_t)sectors);
  for (uint32_t sector = 0; sector < sectors; sector++) {
    uint8_t heads[3 * SECTOR_HEAD_BYTES];
    const uint8_t *opening = heads + SECTOR_HEAD_BYTES;
    int32_t *word = columns + sector;
    journal->read(journal->context, sector * sector_bytes, heads, sizeof heads);
    *word = head_state(heads, sector, sectors, unit);
    if (*word != HEAD_OPENED) continue;
    word[sectors] = (int32_t)load32(opening);
    for (uint32_t i = 0; i < 3; i++)
      word[(2 + i) * sectors] = opening[4 + 2 * i] << 8 | opening[5 + 2 * i];
  }
}

int32_t journal_read(const struct journal *journal, uint32_t key, uint8_t *into, size_t size)
{
  struct columns in = columns(journal);
  int32_t place = find(&in, (int32_t)key);
  uint8_t head[LONG_HEAD_BYTES];
  uint32_t at, length;
  bool is_short;
  if (place < 0 || word_at(&in, place) == 0) return -1;
  at = word_at(&in, place) * 4;
  journal->read(journal->context, at, head, sizeof head);
  is_short = head[0] < LONG_HEAD;
  length = is_short ? head[2] & SHORT_LENGTH_MAX : (uint32_t)head[4] << 8 | head[5];
  at += is_short ? HEAD_BYTES : LONG_HEAD_BYTES;
  journal->read(journal->context, at, into, length < size ? length : size);
  return (int32_t)length;
}

bool journal_is_erased(const struct journal *journal, uint32_t start, uint32_t end)
{
  uint8_t window[WINDOW_BYTES];
  for (uint32_t at = start; at < end; at += WINDOW_BYTES) {
    size_t size = end - at < WINDOW_BYTES ? end - at : WINDOW_BYTES;
    journal->read(journal->context, at, window, size);
    if (!is_erased(window, 0, size)) return false;
  }
  return true;
}

size_t journal_keys(const struct journal *journal, uint8_t kind, uint32_t *into, size_t most)
{
  struct columns in = columns(journal);
  size_t count = 0;
  for (int32_t place = 0; place < (int32_t)in.places; place++) {
    uint32_t key;
    size_t at;
    if (word_at(&in, place) == 0) continue;
    memcpy(&key, in.keys + 4 * (size_t)place, sizeof key);
    if (key >> 24 != kind) continue;
    if (count == most) return count + 1;
    for (at = count++; at > 0 && into[at - 1] > (key & 0xFFFFFF); at--) into[at] = into[at - 1];
    into[at] = key & 0xFFFFFF;
  }
  return count;
}
