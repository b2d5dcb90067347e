#include "unit_world.h"

#include <stdlib.h>
#include <string.h>

#include "../native/columns.h"

const uint8_t world_address[16] = {0xff, 0x15, [15] = 0xfd};

void *exact(const void *from, size_t size)
{
  uint8_t *block = malloc(size ? size : 1);
  if (from) memcpy(block, from, size);
  return block;
}

void put32(uint8_t *at, uint32_t value)
{
  memcpy(at, &value, 4);
}

void scribble(uint8_t *bytes, size_t size)
{
  for (uint64_t n = chance() % 6; n && size; n--) bytes[chance() % size] = (uint8_t)chance();
}

void fill_columns(struct world *w)
{
  const double highest = 4;
  memset(w->columns, 0, COLUMNS_BYTES);
  memcpy(w->columns, &highest, 8);
  put32(w->columns + COLUMN_NEAR * ROWS, 1);
  put32(w->columns + COLUMN_LOW * ROWS, 0x11);
  w->columns[COLUMN_TAG * ROWS] = 5 * 16 + 1;
  memset(w->columns + COLUMN_PLACES * ROWS, 1, 2 * ROWS + 1);
  w->columns[COLUMN_APPLIED * ROWS + 1] = 3;
  memset(w->rights, 0, RIGHTS_BYTES);
  put32(w->rights, 0x11);
  put32(w->rights + 8, 1);
  w->rights[12 * RIGHTS] = 2;
  memset(w->rights + 13 * RIGHTS, 1, 8);
}

void set_datagram(struct world *w, const uint8_t *bytes, size_t size)
{
  free(w->datagram);
  w->datagram = exact(bytes, size);
  w->in.datagram = (struct intake_bytes){w->datagram, size};
}

struct world *new_world(uint8_t key, size_t tables_bytes)
{
  uint8_t bytes[16];
  struct world *w = calloc(1, sizeof *w);
  memset(bytes, key, sizeof bytes);
  aes128_set_key(&w->aes, bytes);
  w->keys[0] = &w->aes;
  w->tables = exact(NULL, tables_bytes);
  w->columns = exact(NULL, COLUMNS_BYTES);
  w->rights = exact(NULL, RIGHTS_BYTES);
  w->result = exact(NULL, INTAKE_RESULT_BYTES);
  fill_columns(w);
  w->in.address = (struct intake_bytes){world_address, 16};
  w->in.port = 5683;
  w->in.tables = (struct intake_bytes){w->tables, tables_bytes};
  w->in.columns = w->columns;
  w->in.columns_size = COLUMNS_BYTES;
  w->in.rights = (struct intake_bytes){w->rights, RIGHTS_BYTES};
  w->in.rights_capacity = RIGHTS;
  return w;
}

void drop_world(struct world *w)
{
  void *const blocks[] = {w->datagram, w->tables, w->columns, w->rights, w->result, w->index,
      w->cursor, w->nor.bytes};
  for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++) free(blocks[i]);
  free(w);
}
