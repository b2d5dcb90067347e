/*
 * make unit: a device as the receive path's native help sees it (unit_intake.c, unit_member.c), in
 * buffers of exactly their sizes, so that the address sanitizer sees a byte too far.
 */
#ifndef LUMICAST_UNIT_WORLD_H
#define LUMICAST_UNIT_WORLD_H

#include "../native/intake.h"
#include "../native/nor.h"
#include "unit.h"

enum { ROWS = 4, COLUMNS_BYTES = 31 * ROWS + 1, RIGHTS = 3, RIGHTS_BYTES = 13 * RIGHTS + 8 };
enum { FLASH_BYTES = 2 * NOR_SECTOR_BYTES };

struct world {
  uint8_t *datagram, *tables, *columns, *rights, *result;
  struct aes128 aes;
  const struct aes128 *keys[1];
  struct intake in;
  /* unit_intake.c: the store; elsewhere there is none */
  uint8_t *index;
  int32_t *cursor;
  struct nor nor;
  uint8_t used[FLASH_BYTES / 4 / 8];
};

/* One address, port 5683, one key whose bytes are all `key`; tables of that size, still empty. */
struct world *new_world(uint8_t key, size_t tables_bytes);
void drop_world(struct world *w);
/* In row 0: association 5, the id 11, 4 its highest number, 2 its last command; its right is 2. */
void fill_columns(struct world *w);
void set_datagram(struct world *w, const uint8_t *bytes, size_t size);

extern const uint8_t world_address[16];

/* `from` NULL: of any content. */
void *exact(const void *from, size_t size);
/* In the machine's byte order. */
void put32(uint8_t *at, uint32_t value);
/* Changes a few bytes, or none. */
void scribble(uint8_t *bytes, size_t size);

#endif
