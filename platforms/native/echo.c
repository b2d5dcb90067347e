#include "echo.h"

/* FNV-1a */
static uint64_t hash(uint64_t sum, const void *data, size_t size)
{
  for (const uint8_t *p = data; size--; p++) sum = (sum ^ *p) * 1099511628211u;
  return sum;
}

static uint64_t identity(uint16_t from_port, const uint8_t *to, uint16_t to_port,
    const void *bytes, size_t size)
{
  uint64_t sum = hash(14695981039346656037u, &from_port, sizeof from_port);
  sum = hash(hash(sum, to, BOARD_ADDRESS_BYTES), &to_port, sizeof to_port);
  return hash(sum, bytes, size) | 1;
}

void echo_sent(struct echo *echo, uint16_t from_port, const uint8_t to[BOARD_ADDRESS_BYTES],
    uint16_t to_port, const void *bytes, size_t size)
{
  if (to[0] != 0xFF) return;
  echo->recent[echo->at] = identity(from_port, to, to_port, bytes, size);
  echo->at = (echo->at + 1) % ECHO_RECENT_MAX;
}

bool echo_returns(struct echo *echo, const struct board_datagram *d)
{
  uint64_t sum;
  if (d->to[0] != 0xFF) return false;
  sum = identity(d->from_port, d->to, d->to_port, d->bytes, d->size);
  for (unsigned i = 0; i < ECHO_RECENT_MAX; i++)
    if (echo->recent[i] == sum) {
      echo->recent[i] = 0;
      return true;
    }
  return false;
}
