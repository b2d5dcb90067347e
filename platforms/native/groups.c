#include "groups.h"

#include <string.h>

static unsigned find(const struct groups *groups, const uint8_t address[BOARD_ADDRESS_BYTES])
{
  unsigned i = 0;
  while (i < groups->count && memcmp(groups->address[i], address, BOARD_ADDRESS_BYTES)) i++;
  return i;
}

bool groups_add(struct groups *groups, const uint8_t address[BOARD_ADDRESS_BYTES])
{
  unsigned at = find(groups, address);
  if (at < groups->count) return true;
  if (address[0] != 0xFF || at == GROUPS_MAX) return false;
  memcpy(groups->address[at], address, BOARD_ADDRESS_BYTES);
  groups->count++;
  return true;
}

bool groups_remove(struct groups *groups, const uint8_t address[BOARD_ADDRESS_BYTES])
{
  unsigned at = find(groups, address);
  if (at == groups->count) return false;
  groups->count--;
  memmove(groups->address[at], groups->address[groups->count], BOARD_ADDRESS_BYTES);
  return true;
}

bool groups_join(struct groups *groups, const uint8_t address[BOARD_ADDRESS_BYTES],
    groups_tell *tell)
{
  unsigned before = groups->count;
  if (!groups_add(groups, address)) return false;
  if (groups->count == before || tell(address, true)) return true;
  groups->count = before;
  return false;
}

void groups_leave(struct groups *groups, const uint8_t address[BOARD_ADDRESS_BYTES],
    groups_tell *tell)
{
  if (groups_remove(groups, address)) (void)tell(address, false);
}
