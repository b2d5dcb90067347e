/*
 * The multicast groups a board is to be in, remembered over the loss of its network: a join is
 * asked for once, at boot, when there may be no network yet, and has to be made anew whenever one
 * comes back.
 */
#ifndef LUMICAST_GROUPS_H
#define LUMICAST_GROUPS_H

#include <stdbool.h>
#include <stdint.h>

#include "board.h"

enum { GROUPS_MAX = 16 }; /* modules/device/limits.ts allows ten application groups */

struct groups {
  uint8_t address[GROUPS_MAX][BOARD_ADDRESS_BYTES];
  unsigned count;
};

/* True when the group is in the list afterwards; false when it is full or `address` is not
   multicast. */
bool groups_add(struct groups *groups, const uint8_t address[BOARD_ADDRESS_BYTES]);
/* True when it was in the list. */
bool groups_remove(struct groups *groups, const uint8_t address[BOARD_ADDRESS_BYTES]);

/* Tells the network to let a group in, or no longer; false when it refuses. */
typedef bool groups_tell(const uint8_t address[BOARD_ADDRESS_BYTES], bool in);
/* The same with the network told of what changes; when it refuses, the list is as it was. */
bool groups_join(struct groups *groups, const uint8_t address[BOARD_ADDRESS_BYTES],
    groups_tell *tell);
void groups_leave(struct groups *groups, const uint8_t address[BOARD_ADDRESS_BYTES],
    groups_tell *tell);

#endif
