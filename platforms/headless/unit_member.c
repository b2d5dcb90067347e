/*
 * make unit: intake_member.c on buffers of exactly their sizes, under the sanitizers: a message
 * that is sealed here, everything of it cut and changed, tables and columns of any content. What
 * comes of good datagrams: test/headless/intake-member.test.ts.
 */
#include <stdlib.h>
#include <string.h>

#include "../native/columns.h"
#include "../native/intake_member.h"
#include "unit_world.h"

enum { HEAD = 20, GROUP = 48, MEMBER = 32, FIRST = 10, MIDDLE = 5, LAST = 42, CREDENTIAL = 48 };
enum { PARTS_AT = HEAD + GROUP + MEMBER };
enum { TABLES_BYTES = PARTS_AT + MIDDLE + LAST + FIRST + CREDENTIAL };

static const uint8_t light[] = {0x02, 0xb1, 0x6c, 0xff, 0xa1, 0x00, 0xf5};
static const uint8_t key_id[] = {0x44, 0x61, 0x6c};

static void put16(uint8_t *at, unsigned value)
{
  at[0] = (uint8_t)(value >> 8);
  at[1] = (uint8_t)value;
}

/* One group at the device's address, one member, 11; parts of the additional data count up. */
static void fill_tables(uint8_t *tables)
{
  uint8_t *group = tables + HEAD, *member = group + GROUP;
  const unsigned sizes[] = {MIDDLE, LAST, FIRST, CREDENTIAL};
  uint8_t *const places[] = {group + 24, group + 28, member + 24, member + 28};
  unsigned at = PARTS_AT;
  memset(tables, 0, TABLES_BYTES);
  tables[0] = tables[1] = tables[2] = 1;
  put16(tables + 4, 5683);
  memcpy(group, world_address, 16);
  group[19] = 1;
  group[21] = 5;
  group[22] = 32;
  group[23] = 8;
  group[32] = sizeof key_id;
  memcpy(group + 33, key_id, sizeof key_id);
  member[1] = 5;
  member[2] = 1;
  member[3] = 0x11;
  for (unsigned i = 0; i < 4; i++) {
    put16(places[i], at);
    put16(places[i] + 2, sizes[i]);
    at += sizes[i];
  }
  for (unsigned i = PARTS_AT; i < TABLES_BYTES; i++) tables[i] = (uint8_t)i;
}

/* Header, option, marker, ciphertext, 64 bytes; returns how many. */
static size_t make(const struct world *w, const uint8_t *option, size_t size, const uint8_t *plain,
    size_t plain_size, uint8_t *out)
{
  static const uint8_t head[] = {0x83, 0x68, 'E', 'n', 'c', 'r', 'y', 'p', 't', '0', 0x40, 0x58};
  uint8_t aad[256], nonce[13] = {0}, *at = aad + sizeof head + 1, *sealed;
  const uint8_t *middle = w->tables + PARTS_AT, *last = middle + MIDDLE, *first = last + LAST;
  struct ccm_box box = {nonce, aad, 0, {8, 13}};
  unsigned piv = option[0] & 7;
  memcpy(aad, head, sizeof head);
  memcpy(at, first, FIRST);
  at += FIRST;
  *at++ = (uint8_t)(0x40 + piv);
  memcpy(at, option + 1, piv);
  at += piv;
  memcpy(at, middle, MIDDLE);
  at += MIDDLE;
  *at++ = (uint8_t)(0x40 + size);
  memcpy(at, option, size);
  at += size;
  memcpy(at, first + FIRST, CREDENTIAL);
  at += CREDENTIAL;
  memcpy(at, last, LAST);
  at += LAST;
  aad[sizeof head] = (uint8_t)(at - aad - (ptrdiff_t)sizeof head - 1);
  box.aad_size = (size_t)(at - aad);
  memcpy(nonce + 13 - piv, option + 1, piv);
  memcpy(out, (uint8_t[]){0x50, 2, 0, 1, (uint8_t)(0x90 + size)}, 5);
  memcpy(out + 5, option, size);
  out[5 + size] = 0xFF;
  sealed = out + 6 + size;
  ccm_seal(&w->aes, &box, plain, plain_size, sealed);
  memset(sealed + plain_size + 8, 0x5A, 64);
  return 6 + size + plain_size + 8 + 64;
}

static struct world *make_world(void)
{
  struct world *w = new_world(7, TABLES_BYTES);
  fill_tables(w->tables);
  return w;
}

static int32_t take(struct world *w)
{
  return intake_member_open(&w->in, w->keys, 1, w->result);
}

static const uint8_t good_option[] = {0x39, 5, 3, 0x44, 0x61, 0x6c, 0x11};

static size_t good(const struct world *w, uint8_t *out)
{
  return make(w, good_option, sizeof good_option, light, sizeof light, out);
}

static void opened(void)
{
  struct world *w = make_world();
  uint8_t bytes[256];
  size_t size = good(w, bytes);
  int32_t answer;
  set_datagram(w, bytes, size);
  answer = take(w);
  CHECK(answer >= 0 && (answer & 0x7f) == sizeof light && answer & INTAKE_LIGHT);
  CHECK((answer >> INTAKE_LEVEL_SHIFT & 7) == 2 && answer & INTAKE_NEWEST);
  CHECK(!memcmp(w->result + INTAKE_RESULT_HEAD_BYTES, light, sizeof light));
  CHECK(intake_member_tag(&w->in.tables, 0) == 8 && intake_member_tag(&w->in.tables, 1) == 0);
  for (size_t at = 6 + sizeof good_option; at < size - 64; at++) {
    set_datagram(w, bytes, size);
    w->datagram[at] ^= 0x10;
    CHECK(take(w) == INTAKE_FORGED);
  }
  for (size_t end = 0; end < size; end++) {
    set_datagram(w, bytes, end);
    answer = take(w);
    CHECK(answer == INTAKE_DECLINED || answer == INTAKE_FORGED);
  }
  drop_world(w);
}

/* Sealed all the same: whatever the option says of itself is in the tag. */
static void options(void)
{
  static const struct {
    uint8_t size, bytes[12];
  } bad[] = {
    {7, {0xB9, 5, 3, 0x44, 0x61, 0x6c, 0x11}}, {7, {0x79, 5, 3, 0x44, 0x61, 0x6c, 0x11}},
    {7, {0x19, 5, 3, 0x44, 0x61, 0x6c, 0x11}}, {8, {0x3A, 0, 5, 3, 0x44, 0x61, 0x6c, 0x11}},
    {6, {0x38, 3, 0x44, 0x61, 0x6c, 0x11}},
    {12, {0x3E, 1, 0, 0, 0, 0, 5, 3, 0x44, 0x61, 0x6c, 0x11}},
  };
  struct world *w = make_world();
  uint8_t bytes[256];
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    set_datagram(w, bytes, make(w, bad[i].bytes, bad[i].size, light, sizeof light, bytes));
    CHECK(take(w) == INTAKE_DECLINED);
  }
  drop_world(w);
}

/* An id with a leading zero has no right, even where its value has; no other association's. */
static void members(void)
{
  struct world *w = make_world();
  const uint8_t option[] = {0x39, 5, 3, 0x44, 0x61, 0x6c, 0, 0x11};
  uint8_t bytes[256], *member = w->tables + HEAD + GROUP;
  size_t size;
  member[2] = 2;
  member[3] = 0;
  member[4] = 0x11;
  w->columns[COLUMN_TAG * ROWS] = 5 * 16 + 2;
  size = make(w, option, sizeof option, light, sizeof light, bytes);
  set_datagram(w, bytes, size);
  CHECK(take(w) >= 0 && (take(w) >> INTAKE_LEVEL_SHIFT & 7) == 0);
  fill_tables(w->tables);
  fill_columns(w);
  member[1] = 6;
  w->columns[COLUMN_TAG * ROWS] = 6 * 16 + 1;
  set_datagram(w, bytes, good(w, bytes));
  CHECK(take(w) == INTAKE_DECLINED);
  drop_world(w);
}

static void sizes(void)
{
  struct world *w = make_world();
  uint8_t bytes[1600] = {0}, plain[1400];
  memset(plain, 0xF6, sizeof plain);
  memcpy(plain, light, 4);
  for (size_t size = 5; size < 120; size++) {
    set_datagram(w, bytes, make(w, good_option, sizeof good_option, plain, size, bytes));
    CHECK((take(w) >= 0) == (size <= INTAKE_PLAIN_MAX_BYTES));
  }
  for (size_t size = 0; size <= TABLES_BYTES; size++) {
    uint8_t *tables = exact(w->tables, size);
    w->in.tables = (struct intake_bytes){tables, size};
    set_datagram(w, bytes, good(w, bytes));
    CHECK((take(w) >= 0) == (size == TABLES_BYTES));
    free(tables);
  }
  /* Parts of the additional data that are all of the tables, four times. */
  w->in.tables = (struct intake_bytes){w->tables, TABLES_BYTES};
  for (unsigned i = 0; i < 4; i++) {
    uint8_t *place = w->tables + HEAD + (i < 2 ? 24 + 4 * i : GROUP + 24 + 4 * (i - 2));
    put16(place, 0);
    put16(place + 2, TABLES_BYTES);
  }
  CHECK(take(w) == INTAKE_DECLINED);
  drop_world(w);
}

static void garbage(void)
{
  struct world *w = make_world();
  uint8_t sealed[256], bytes[256];
  size_t size = good(w, sealed);
  unsigned count = 0;
  for (int round = 0; round < 60000; round++) {
    size_t length = chance() % 8 ? size : chance() % sizeof bytes;
    int32_t answer;
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (uint8_t)chance();
    memcpy(bytes, sealed, size);
    if (chance() % 2) scribble(bytes, chance() % 2 ? 20 : length);
    set_datagram(w, bytes, length);
    fill_tables(w->tables);
    fill_columns(w);
    if (chance() % 4 == 0) scribble(w->tables, chance() % 2 ? PARTS_AT : TABLES_BYTES);
    if (chance() % 4 == 0) scribble(w->columns, COLUMNS_BYTES);
    if (chance() % 4 == 0) scribble(w->rights, RIGHTS_BYTES);
    answer = take(w);
    if (answer < 0) continue;
    count++;
    CHECK((answer & 0x7f) == sizeof light && (answer >> INTAKE_LINE_SHIFT & 0xff) == 0);
  }
  CHECK(count > 1000);
  drop_world(w);
}

void member_tests(void)
{
  run("member: a message is opened, cut it is not", opened);
  run("member: options out of form", options);
  run("member: ids and associations", members);
  run("member: sizes, of messages and tables", sizes);
  run("member: garbage does no harm", garbage);
}
