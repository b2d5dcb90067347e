/*
 * make unit: rows.c on buffers of exactly their sizes, flash and index of any content. What comes
 * of sound records: test/headless/rows.test.ts.
 */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "../native/rows.h"

enum { FLASH_BYTES = 2048, PLACES = 12 };

static void read_flash(void *context, uint32_t offset, uint8_t *into, size_t size)
{
  const uint8_t *flash = context;
  for (size_t i = 0; i < size; i++) into[i] = offset + i < FLASH_BYTES ? flash[offset + i] : 0xFF;
}

static void fill(uint8_t *flash, uint8_t *index)
{
  for (int i = 0; i < FLASH_BYTES; i++) flash[i] = (uint8_t)(chance() % (chance() % 4 ? 9 : 256));
  for (int i = 0; i < PLACES; i++) {
    uint32_t key = (uint32_t)(chance() % 2 ? ROWS_OF_RIGHTS : ROWS_OF_RECIPIENTS) << 24;
    uint16_t word = (uint16_t)(chance() % 4 ? 0 : chance() % (FLASH_BYTES / 4));
    if (chance() % 8) key |= chance() % 6;
    else key ^= (uint32_t)chance();
    memcpy(index + 4 * i, &key, sizeof key);
    memcpy(index + 4 * PLACES + 2 * i, &word, sizeof word);
  }
}

static void garbage(void)
{
  uint8_t *flash = malloc(FLASH_BYTES), *index = calloc(1, 7 * PLACES);
  const struct journal journal = {.index = index, .index_size = 7 * PLACES,
      .partition = FLASH_BYTES, .context = flash, .read = read_flash};
  int loaded[2] = {0};
  for (int round = 0; round < 20000; round++) {
    int kind = round & 1;
    uint32_t capacity = (uint32_t)(1 + chance() % 6);
    size_t whole = kind ? 31 * capacity + 1 : 13 * capacity + (capacity > 4 ? 16 : 8);
    size_t size = chance() % 8 ? whole : chance() % 300;
    uint8_t *columns = malloc(size ? size : 1);
    fill(flash, index);
    if (chance() % 16 == 0) capacity = (uint32_t)chance();
    if ((kind ? rows_of_recipients : rows_of_rights)(&journal, columns, size, capacity) > 0)
      loaded[kind]++;
    free(columns);
  }
  CHECK(loaded[0] > 5 && loaded[1] > 5);
  free(flash);
  free(index);
}

void rows_tests(void)
{
  run("rows: garbage does no harm", garbage);
}
