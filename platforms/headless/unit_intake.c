/*
 * make unit: intake.c and journal.c on buffers of exactly their sizes, so that the address
 * sanitizer sees a byte too far: a vector of WIRE.md's lowlatency, everything of it cut and
 * changed, tables and columns of any content. What comes of good datagrams: test/headless/
 * intake.test.ts.
 */
#define _GNU_SOURCE /* memmem */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unit_world.h"

enum { LINES = 3, TABLES_BYTES = 28 + 54 * LINES, PLACES = 12 };
enum { POSITION, END, DEBRIS, KEEP, GENERATION, WRITES, SPARE, UNIT, CURSOR_WORDS };

/* test/vectors/lowlatency.json, request-payload, as an independent program made it */
static const char vector[] =
  "52021001a1a2951905010711e1fcd301ff9b60cdd373e9a3b9df5a37becf7106bd4dff2f";
static const char vector_iv[] = "3e1ddcdb14873e3cb541a7bfab";
static const char vector_plain[] = "03b56c69676874113cff01";

static bool program(void *context, uint32_t offset, const uint8_t *bytes, size_t size)
{
  struct world *w = context;
  return nor_program(&w->nor, offset, bytes, (uint32_t)size) == NOR_OK;
}

/* As a platform's: what lies outside of the partition reads erased. */
static void read_flash(void *context, uint32_t offset, uint8_t *into, size_t size)
{
  const struct world *w = context;
  for (size_t i = 0; i < size; i++)
    into[i] = offset < FLASH_BYTES && i < FLASH_BYTES - offset ? w->nor.bytes[offset + i] : 0xFF;
}

/* Line 1 of three is the vector's; every place of the hash table leads to row 0, its sender. */
static void fill_tables(struct world *w)
{
  uint8_t *line = w->tables + 28 + 54;
  memset(w->tables, 0, TABLES_BYTES);
  memcpy(w->tables, (uint8_t[]){LINES, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0x22, 0x16, 0x33}, 14);
  w->tables[28 + 3] = 9;
  w->tables[28 + 2 * 54 + 3] = 2;
  memcpy(line, (uint8_t[]){0, 0, 0, 1, 1, 1, 7}, 7);
  line[15] = 5; /* association */
  line[16] = 6;
  hex(vector_iv, line + 17);
  hex("8b010a014107", line + 30);
}

static void fill_journal(struct world *w, uint32_t unit)
{
  const uint32_t size = ((4 + 4 + unit - 1) & -unit) + unit;
  memset(w->nor.bytes, 0xFF, FLASH_BYTES);
  memset(w->used, 0, sizeof w->used);
  w->nor.size = FLASH_BYTES;
  w->nor.unit = unit;
  memcpy(w->cursor,
      (int32_t[]){64, NOR_SECTOR_BYTES, 0, 0, 17, 0, 3 * (int32_t)unit, (int32_t)unit}, 32);
  memset(w->index, 0, 7 * PLACES);
  for (int i = 0; i < PLACES; i++) { /* wherever the search begins */
    put32(w->index + 4 * i, 0x04000000);
    w->index[4 * PLACES + 2 * i] = 1;
    w->index[6 * PLACES + i] = (uint8_t)(size / 4);
  }
}

static struct world *make_world(uint32_t unit)
{
  uint8_t bytes[64];
  struct world *w = new_world(0xa1, TABLES_BYTES);
  size_t size = hex(vector, bytes);
  w->index = exact(NULL, 7 * PLACES);
  w->cursor = exact(NULL, 4 * CURSOR_WORDS);
  w->nor.bytes = exact(NULL, FLASH_BYTES);
  w->nor.used = w->used;
  fill_tables(w);
  fill_journal(w, unit);
  w->in.journal = (struct journal){w->cursor, CURSOR_WORDS, w->index, 7 * PLACES, FLASH_BYTES,
      program, w, read_flash};
  set_datagram(w, bytes, size);
  return w;
}

static void intake_vector(void)
{
  struct world *w = make_world(4);
  uint8_t plain[16];
  double sequence, highest;
  size_t size = hex(vector_plain, plain);
  int32_t answer;
  CHECK(intake_locate(&w->in) == 1);
  answer = intake_open(&w->in, &w->aes, w->result);
  CHECK(answer >= 0 && (answer & 0x7f) == (int32_t)size && !(answer & INTAKE_LIGHT));
  CHECK(!memcmp(w->result + INTAKE_RESULT_HEAD_BYTES, plain, size));
  CHECK(answer >> INTAKE_LEVEL_SHIFT & 7 && answer & INTAKE_NEWEST);
  memcpy(&sequence, w->result, sizeof sequence);
  CHECK(sequence == 5);
  CHECK(intake_mark(&w->in, answer) == (answer | INTAKE_MARKED | INTAKE_TOP));
  memcpy(&highest, w->columns, sizeof highest);
  CHECK(highest == 5 && w->nor.operations == 3);
  CHECK(intake_locate(&w->in) == INTAKE_REPLAYED);
  drop_world(w);
}

/* The option ends with the datagram, or says that there is more of it than there is. */
static void intake_cut(void)
{
  struct world *w = make_world(4);
  uint8_t good[64], bytes[64];
  size_t size = hex(vector, good);
  for (size_t end = 0; end < size; end++) {
    set_datagram(w, good, end);
    CHECK(intake_locate(&w->in) < 0 || intake_open(&w->in, &w->aes, w->result) == INTAKE_FORGED);
  }
  /* Group 0 is an option without a value: three bytes are all that follows. */
  w->tables[28 + 54 + 3] = 0;
  for (unsigned piv = 1; piv <= 5; piv++)
    for (size_t length = 1; length <= 4; length++) {
      const uint8_t value[4] = {(uint8_t)(0x18 | piv), 1, 7, 0x11};
      size_t at = hex("50020000", bytes);
      bytes[at++] = (uint8_t)(0x90 | length);
      memcpy(bytes + at, value, length);
      at += length;
      at += hex("e0fcd3", bytes + at);
      set_datagram(w, bytes, at);
      CHECK(intake_locate(&w->in) == INTAKE_MALFORMED);
    }
  drop_world(w);
}

/* What is sealed fills the result to its last byte, and no further. */
static void intake_sizes(void)
{
  struct world *w = make_world(4);
  uint8_t bytes[1400];
  size_t head = 17;
  memset(bytes, 0x5a, sizeof bytes);
  hex("52021001a1a2951905010711e1fcd301ff", bytes);
  for (size_t sealed = 1; sealed < 130; sealed++) {
    set_datagram(w, bytes, head + sealed);
    CHECK(intake_locate(&w->in) == 1);
    CHECK(intake_open(&w->in, &w->aes, w->result) ==
          (sealed > INTAKE_PLAIN_MAX_BYTES + 8 ? INTAKE_DECLINED : INTAKE_FORGED));
  }
  for (size_t size = 1279; size <= 1282; size++) {
    set_datagram(w, bytes, size);
    CHECK(intake_locate(&w->in) == (size > 1280 ? INTAKE_MALFORMED : 1));
  }
  drop_world(w);
}

/* Buffers that are no state of a device. */
static void intake_buffers(void)
{
  struct world *w = make_world(4);
  const struct intake good = w->in;
  for (size_t size = 0; size <= TABLES_BYTES + 54; size++) {
    uint8_t *tables = exact(NULL, size);
    memset(tables, 0xFF, size);
    memcpy(tables, w->tables, size < TABLES_BYTES ? size : TABLES_BYTES);
    w->in.tables = (struct intake_bytes){tables, size};
    CHECK((intake_locate(&w->in) == INTAKE_DECLINED) == (size != TABLES_BYTES));
    free(tables);
  }
  w->in = good;
  for (size_t size = 0; size < COLUMNS_BYTES + 50; size++) {
    w->in.columns = exact(NULL, size);
    w->in.columns_size = size;
    memset(w->in.columns, 1, size);
    CHECK(intake_locate(&w->in) == INTAKE_DECLINED);
    free(w->in.columns);
  }
  w->in = good;
  for (uint32_t capacity = 0; capacity != 3; capacity--) {
    w->in.rights_capacity = capacity;
    if (capacity < 4) CHECK(intake_locate(&w->in) == 1);
    else CHECK(intake_locate(&w->in) == INTAKE_DECLINED);
    if (capacity == UINT32_MAX - 20) capacity = RIGHTS + 20;
  }
  w->in = good;
  w->in.address.size = 4;
  CHECK(intake_locate(&w->in) == INTAKE_DECLINED);
  drop_world(w);
}

/* Whatever stands in the datagram, the tables and the columns: no crash, nothing marked that was
   not opened, no byte out of bounds. */
static void intake_garbage(void)
{
  struct world *w = make_world(16);
  uint8_t good[64], bytes[96];
  size_t size = hex(vector, good);
  unsigned opened = 0;
  for (int round = 0; round < 60000; round++) {
    size_t length = chance() % 8 ? size : chance() % sizeof bytes;
    int32_t answer;
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (uint8_t)chance();
    memcpy(bytes, good, size);
    if (chance() % 2) scribble(bytes, length);
    set_datagram(w, bytes, length);
    fill_tables(w);
    fill_columns(w);
    fill_journal(w, 16);
    if (chance() % 4 == 0) scribble(w->tables, TABLES_BYTES);
    if (chance() % 4 == 0) scribble(w->columns, COLUMNS_BYTES);
    if (chance() % 4 == 0) scribble(w->rights, RIGHTS_BYTES);
    if (chance() % 4 == 0) scribble(w->index, 7 * PLACES);
    answer = intake_locate(&w->in);
    if (answer < 0) continue;
    CHECK(intake_blocks(&w->in) < 100);
    answer = intake_open(&w->in, &w->aes, w->result);
    if (answer < 0) continue;
    opened++;
    CHECK((answer & 0x7f) == 11 && (answer >> INTAKE_ROW_SHIFT & 0x7f) == (int32_t)w->in.row);
    CHECK((answer >> INTAKE_LINE_SHIFT & 0xff) == 1);
    intake_mark(&w->in, answer);
  }
  CHECK(opened > 1000);
  drop_world(w);
}

/* CRC-32 bit by bit, as IEEE 802.3 has it. */
static uint32_t crc_of(uint32_t crc, const uint8_t *bytes, size_t size)
{
  for (size_t i = 0; i < size; i++) {
    crc ^= bytes[i];
    for (int k = 0; k < 8; k++) crc = crc & 1 ? crc >> 1 ^ 0xEDB88320 : crc >> 1;
  }
  return crc;
}

/* modules/store/records.ts says what a record looks like. */
static void journal_records(void)
{
  static const uint32_t units[] = {4, 8, 16};
  for (size_t u = 0; u < 3; u++) {
    const uint8_t value[4] = {1, 2, 3, 4};
    const uint32_t unit = units[u], body = (8 + unit - 1) & -unit;
    struct world *w = make_world(unit);
    const uint8_t *record = w->nor.bytes + 64;
    uint32_t crc = crc_of(~(uint32_t)17, (uint8_t[]){4, 0, 4}, 3), half = crc ^ crc >> 16;
    CHECK(journal_append(&w->in.journal, 4, 0, value, 4) == JOURNAL_DURABLE);
    CHECK(!memcmp(record, (uint8_t[]){4, 0, 4, (uint8_t)(half ^ half >> 8), 1, 2, 3, 4}, 8));
    crc = ~crc_of(crc, value, 4);
    CHECK(record[body] == crc >> 24 && record[body + 3] == (uint8_t)crc);
    for (uint32_t i = 8; i < body; i++) CHECK(record[i] == 0xFF);
    CHECK(w->nor.operations == (unit == 4 ? 3 : 2));
    CHECK(w->cursor[POSITION] == 64 + (int32_t)(body + unit) && w->cursor[WRITES] == 1);
    drop_world(w);
  }
}

/* What is anything else is left to TypeScript, and nothing is touched. */
static void journal_declines(void)
{
  const uint8_t value[8] = {0};
  struct world *w = make_world(4);
  struct journal journal = w->in.journal;
  struct journal_scanned found;
  CHECK(journal_append(&journal, 4, 0, value, 0) == JOURNAL_DECLINED);
  CHECK(journal_append(&journal, 4, 0, value, 8) == JOURNAL_DECLINED);
  CHECK(journal_append(&journal, 4, 0, value, 7) == JOURNAL_DECLINED); /* another size in flash */
  CHECK(journal_append(&journal, 4, 1, value, 4) == JOURNAL_DECLINED); /* no such record yet */
  w->cursor[DEBRIS] = 64;
  CHECK(journal_append(&journal, 4, 0, value, 4) == JOURNAL_DECLINED);
  w->cursor[DEBRIS] = 0;
  w->cursor[UNIT] = 5;
  CHECK(journal_append(&journal, 4, 0, value, 4) == JOURNAL_DECLINED);
  w->cursor[UNIT] = 4;
  for (size_t size = 0; size < 7 * PLACES; size += 7) { /* an index without places, then a few */
    journal.index = exact(NULL, size);
    journal.index_size = size;
    memset(journal.index, 0, size);
    CHECK(journal_append(&journal, 4, 0, value, 4) == JOURNAL_DECLINED);
    free(journal.index);
  }
  for (size_t words = 0; words < CURSOR_WORDS; words++) {
    journal = w->in.journal;
    journal.cursor = exact(w->cursor, 4 * words);
    journal.cursor_words = words;
    CHECK(journal_append(&journal, 4, 0, value, 4) == JOURNAL_DECLINED);
    CHECK(journal_scan(&journal, 64, NOR_SECTOR_BYTES, 17, 1, &found) == 64);
    free(journal.cursor);
  }
  CHECK(w->nor.operations == 0);
  drop_world(w);
}

/* Up to the room that is kept at the sector's end, then no more; a worn cell ends the sector. */
static void journal_ends(void)
{
  const uint8_t value[4] = {9, 9, 9, 9};
  struct world *w = make_world(4);
  int records = 0;
  while (journal_append(&w->in.journal, 4, 0, value, 4) == JOURNAL_DURABLE) records++;
  CHECK(records == (NOR_SECTOR_BYTES - 64 - 12) / 12);
  CHECK(w->cursor[POSITION] == 64 + 12 * records && w->cursor[DEBRIS] == 0);
  fill_journal(w, 4);
  CHECK(nor_program(&w->nor, 68, value, 4) == NOR_OK);
  CHECK(journal_append(&w->in.journal, 4, 0, value, 4) == JOURNAL_REFUSED);
  CHECK(w->cursor[DEBRIS] == 64 && w->cursor[KEEP] == 64 && w->cursor[POSITION] == w->cursor[END]);
  CHECK(w->cursor[WRITES] == 0 && w->index[4 * PLACES] == 1);
  CHECK(journal_append(&w->in.journal, 4, 0, value, 4) == JOURNAL_DECLINED);
  drop_world(w);
}

/* Records in a row are found again and put into the index; none whose bits were changed is. */
static void journal_scans(void)
{
  static const uint32_t units[] = {4, 8, 16};
  for (size_t u = 0; u < 3; u++) {
    struct world *w = make_world(units[u]);
    const struct journal *journal = &w->in.journal;
    const uint32_t size = ((8 + units[u] - 1) & -units[u]) + units[u], end = 64 + 5 * size;
    struct journal_scanned found;
    uint16_t word;
    for (uint8_t i = 0; i < 5; i++)
      CHECK(journal_append(journal, 4, 0, (uint8_t[]){i, 1, 2, 3}, 4) == JOURNAL_DURABLE);
    memset(w->index, 0, 7 * PLACES);
    CHECK(journal_scan(journal, 64, NOR_SECTOR_BYTES, 17, 0, &found) == 64 && found.last == 0);
    CHECK(journal_scan(journal, 64, NOR_SECTOR_BYTES, 16, 1, &found) == 64);
    CHECK(journal_scan(journal, 64, 60, 17, 1, &found) == 64);
    CHECK(journal_scan(journal, 64, NOR_SECTOR_BYTES, 17, -1, &found) == end);
    for (int i = 0; i < 7 * PLACES; i++) CHECK(w->index[i] == 0);
    CHECK(journal_scan(journal, 64, NOR_SECTOR_BYTES, 17, 1, &found) == end);
    CHECK(found.count == 1 && found.bytes == (int32_t)size && found.last == end - size);
    for (uint32_t stop = 64; stop < end; stop++)
      CHECK(journal_scan(journal, 64, stop, 17, 1, &found) == stop - (stop - 64) % size);
    CHECK(journal_scan(journal, 64, NOR_SECTOR_BYTES, 17, 0, &found) == end && found.count == 0);
    word = (uint16_t)((end - size) / 4);
    CHECK(memmem(w->index + 4 * PLACES, 2 * PLACES, &word, 2) != NULL);
    for (uint32_t bit = 0; bit < 8 * 5 * size; bit++) {
      w->nor.bytes[64 + bit / 8] ^= (uint8_t)(1 << bit % 8);
      CHECK(journal_scan(journal, 64, end, 17, 1, &found) == 64 + bit / 8 / size * size);
      w->nor.bytes[64 + bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    drop_world(w);
  }
}

/* Flash of any content, an index of any content and size. */
static void journal_garbage(void)
{
  struct world *w = make_world(4);
  for (int round = 0; round < 3000; round++) {
    struct journal journal = w->in.journal;
    struct journal_scanned found;
    uint8_t into[80];
    uint32_t end = 64 + (uint32_t)(chance() % (FLASH_BYTES - 63)), at;
    size_t size = chance() % sizeof into;
    fill_journal(w, (uint32_t[]){4, 8, 16}[chance() % 3]);
    while (chance() % 20) journal_append(&journal, 4, 0, (uint8_t[4]){0}, 4);
    for (uint64_t n = chance() % 4; n; n--)
      w->nor.bytes[chance() % FLASH_BYTES] = (uint8_t)chance();
    scribble(w->index, 7 * PLACES);
    if (chance() % 8 == 0) w->cursor[UNIT] = (int32_t)(chance() % 40);
    at = journal_scan(&journal, 64, end, 17, (int32_t)(chance() % 4) - 1, &found);
    CHECK(at >= 64 && at <= end);
    memset(into, 0xA5, sizeof into);
    journal_read(&journal, chance() % 2 ? 0x04000000 : (uint32_t)chance(), into, size);
    for (size_t i = size; i < sizeof into; i++) CHECK(into[i] == 0xA5);
  }
  drop_world(w);
}

static void journal_reads(void)
{
  struct world *w = make_world(4);
  const struct journal *journal = &w->in.journal;
  uint8_t into[16] = {0};
  CHECK(journal_append(journal, 4, 0, (uint8_t[]){5, 6, 7, 8}, 4) == JOURNAL_DURABLE);
  CHECK(journal_read(journal, 0x04000000, into, sizeof into) == 4);
  CHECK(!memcmp(into, (uint8_t[]){5, 6, 7, 8, 0}, 5));
  CHECK(journal_read(journal, 0x04000000, into + 8, 2) == 4 && into[9] == 6 && into[10] == 0);
  CHECK(journal_read(journal, 0x04000001, into, sizeof into) == -1);
  /* a long head: kind, index (3), length (2), check (2) */
  memcpy(w->nor.bytes + 4, (uint8_t[]){0x84, 0, 0, 0, 0, 3, 1, 1, 9, 8, 7}, 11);
  for (int i = 0; i < PLACES; i++) w->index[4 * PLACES + 2 * i] = 1;
  for (int i = 0; i < PLACES; i++) w->index[4 * PLACES + 2 * i + 1] = 0;
  CHECK(journal_read(journal, 0x04000000, into, sizeof into) == 3 && into[2] == 7);
  drop_world(w);
}

void intake_tests(void)
{
  run("intake: a vector is opened, marked, and not opened again", intake_vector);
  run("intake: options that end with the datagram", intake_cut);
  run("intake: sealed bytes up to the limit and beyond", intake_sizes);
  run("intake: buffers of other sizes", intake_buffers);
  run("intake: garbage does no harm", intake_garbage);
  run("journal: a record, byte for byte", journal_records);
  run("journal: what it leaves to TypeScript", journal_declines);
  run("journal: the end of a sector, and a worn cell", journal_ends);
  run("journal: records are found again, damaged ones are not", journal_scans);
  run("journal: garbage does no harm", journal_garbage);
  run("journal: values are read", journal_reads);
  rows_tests();
}
