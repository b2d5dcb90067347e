#include "rows.h"

#include <string.h>

#include "columns.h"

enum { ROWS_MAX = 254, ID_MAX_BYTES = 8, UINT_MAX_BYTES = 7 };
/* modules/access/rights.ts: columns of a row; bits of its level; a record's head */
enum { RIGHT_BYTES = 12, RIGHT_FREE = 0xFF, RIGHT_DEVICE = 0x08, RIGHT_LEVEL_MAX = 5 };
enum { RIGHT_HEAD_BYTES = 5 };
/* modules/oscore/recipients.ts: a record's head, and an association has 12 bits; keys.ts */
enum { RECIPIENT_HEAD_BYTES = 3, ASSOCIATION_MAX = 4094, KIND_BOUND = 0x04, KIND_GROUP_KEY = 0x05 };
#define NUMBER_MAX ((UINT64_C(1) << 53) - 1)

static uint64_t load(const uint8_t *bytes, size_t size)
{
  uint64_t value = 0;
  while (size--) value = value << 8 | *bytes++;
  return value;
}

/* As rights.ts and recipients.ts: ids differ in their last bytes. */
static uint32_t fold(uint64_t id)
{
  uint32_t low = (uint32_t)id, high = (uint32_t)(id >> 32);
  return (low ^ low >> 16 ^ high ^ high >> 16) & 0x7FFF;
}

static bool add_right(const struct journal *journal, uint32_t row, uint8_t *columns,
    size_t slots, uint32_t capacity)
{
  uint8_t record[RIGHT_HEAD_BYTES + ID_MAX_BYTES];
  uint8_t *levels = columns + RIGHT_BYTES * capacity, *index = levels + capacity;
  int32_t size = journal_read(journal, (uint32_t)ROWS_OF_RIGHTS << 24 | row, record, sizeof record);
  size_t id_size = (size_t)size - RIGHT_HEAD_BYTES, slot;
  uint32_t words[3];
  uint64_t id;
  bool fits = size > RIGHT_HEAD_BYTES && size <= (int32_t)sizeof record;
  if (!fits) return false; // check: rows-right-size
  if ((record[0] & ~RIGHT_DEVICE) > RIGHT_LEVEL_MAX) return false; // check: rows-right-level
  if (id_size > 1 && record[RIGHT_HEAD_BYTES] == 0) return false; // check: rows-right-client
  id = load(record + RIGHT_HEAD_BYTES, id_size);
  words[0] = (uint32_t)id;
  words[1] = (uint32_t)(id >> 32);
  words[2] = record[0] & RIGHT_DEVICE ? 0 : (uint32_t)load(record + 1, 4);
  memcpy(columns + RIGHT_BYTES * row, words, sizeof words);
  levels[row] = record[0];
  slot = ((fold(id) * 40503u + (words[2] & 0x7FFF) * 997u) & 0xFFFF) * slots >> 16;
  for (size_t tries = 0; index[slot] && tries < slots; tries++) slot = (slot + 1) & (slots - 1);
  index[slot] = (uint8_t)(row + 1);
  return true;
}

/* What was filled so far is taken back: the reference finds the columns as they were. */
static int32_t declined(uint8_t *columns, size_t size)
{
  memset(columns, 0, size);
  return ROWS_DECLINED;
}

int32_t rows_of_rights(const struct journal *journal, uint8_t *columns, size_t size,
    uint32_t capacity)
{
  uint32_t rows[ROWS_MAX];
  size_t count, slots = size - (RIGHT_BYTES + 1) * (size_t)capacity;
  if (capacity > ROWS_MAX || size <= (RIGHT_BYTES + 1) * (size_t)capacity) return ROWS_DECLINED;
  if (slots < 2 * (size_t)capacity || slots & (slots - 1)) return ROWS_DECLINED;
  memset(columns, 0, size);
  memset(columns + RIGHT_BYTES * capacity, RIGHT_FREE, capacity);
  count = journal_keys(journal, ROWS_OF_RIGHTS, rows, capacity);
  for (size_t i = 0; i < count; i++) {
    bool fits = count <= capacity && rows[i] < capacity;
    if (!fits) return declined(columns, size); // check: rows-right-place
    if (!add_right(journal, rows[i], columns, slots, capacity)) return declined(columns, size);
  }
  return (int32_t)count;
}

/* A number as bytes/uint.ts reads it; false beyond 2^53 - 1. */
static bool read_number(const uint8_t *bytes, size_t size, uint64_t *number)
{
  if (size > UINT_MAX_BYTES) return false;
  *number = load(bytes, size);
  return *number <= NUMBER_MAX;
}

/* The greatest number that counts as seen; false when it cannot be told. */
static bool read_seen(const struct journal *journal, uint32_t row, const uint8_t *first,
    size_t first_size, uint64_t *seen)
{
  uint8_t bound[UINT_MAX_BYTES];
  uint64_t number = 0;
  int32_t size = journal_read(journal, (uint32_t)KIND_BOUND << 24 | row, bound, sizeof bound);
  if (!read_number(first, first_size, seen)) return false; // check: rows-first-number
  if (size >= 0 && !read_number(bound, (size_t)size, &number)) return false; // check: rows-bound
  if (number > *seen) *seen = number; // check: rows-greater-number
  return true;
}

static bool add_recipient(const struct journal *journal, uint32_t row, uint8_t *columns,
    uint32_t capacity)
{
  uint8_t record[RECIPIENT_HEAD_BYTES + ID_MAX_BYTES + UINT_MAX_BYTES] = {0};
  int32_t size = journal_read(journal, (uint32_t)ROWS_OF_RECIPIENTS << 24 | row, record,
      sizeof record);
  uint8_t *const words = columns + COLUMN_NEAR * capacity;
  uint8_t *const places = columns + COLUMN_PLACES * capacity;
  uint32_t word[4] = {0xFFFFFFFF, 0xFFFFFFFF}, place, count = 2 * capacity + 1;
  uint32_t association = (uint32_t)load(record, 2);
  uint16_t tag = (uint16_t)(association * 16 + record[2]);
  uint64_t seen, id;
  double highest;
  size_t rest;
  if (record[2] > ID_MAX_BYTES) return false; // check: rows-recipient-id
  if (association > ASSOCIATION_MAX) return false; // check: rows-recipient-association
  /* Of a record that is cut off this is more than any number has. */
  rest = (size_t)size - RECIPIENT_HEAD_BYTES - record[2];
  if (!read_seen(journal, row, record + size - rest, rest, &seen)) return false;
  id = load(record + RECIPIENT_HEAD_BYTES, record[2]);
  highest = (double)seen;
  /* all below counts as seen, and may have been applied: window.ts closeWindow */
  memcpy(columns + 8 * row, &highest, sizeof highest);
  word[2] = (uint32_t)(id >> 32);
  word[3] = (uint32_t)id;
  for (int i = 0; i < 4; i++) memcpy(words + 4 * (i * capacity + row), word + i, 4);
  memcpy(columns + COLUMN_TAG * capacity + 2 * row, &tag, sizeof tag);
  place = ((fold(id) * 40503u + tag * 997u) & 0xFFFF) * count >> 16;
  for (uint32_t tries = 0; places[place] && tries < count; tries++)
    if (++place == count) place = 0;
  places[place] = (uint8_t)(row + 1);
  columns[COLUMN_APPLIED * capacity + 1 + row] = 1;
  return true;
}

int32_t rows_of_recipients(const struct journal *journal, uint8_t *columns, size_t size,
    uint32_t capacity)
{
  uint32_t rows[ROWS_MAX], key;
  uint16_t tag;
  int32_t orphans = 0;
  size_t count, whole = COLUMNS_ROW_BYTES * (size_t)capacity + COLUMNS_MORE_BYTES;
  if (capacity > ROWS_MAX || size != whole) return ROWS_DECLINED;
  memset(columns, 0, size);
  memset(columns + COLUMN_TAG * capacity, 0xFF, 2 * capacity);
  count = journal_keys(journal, ROWS_OF_RECIPIENTS, rows, capacity);
  for (size_t i = 0; i < count; i++) {
    bool fits = count <= capacity && rows[i] < capacity;
    if (!fits) return declined(columns, size); // check: rows-recipient-place
    if (!add_recipient(journal, rows[i], columns, capacity)) return declined(columns, size);
    memcpy(&tag, columns + COLUMN_TAG * capacity + 2 * rows[i], sizeof tag);
    key = (uint32_t)KIND_GROUP_KEY << 24 | (uint32_t)tag >> 4;
    if (journal_read(journal, key, NULL, 0) < 0) orphans = ROWS_ORPHANS; // check: rows-orphans
  }
  return (int32_t)count | orphans;
}
