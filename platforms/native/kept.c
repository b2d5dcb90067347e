#include "kept.h"

#include <string.h>

#include "sha256.h"

enum { MAGIC = 0x54504B4C, HEAD_BYTES = 48, PIECE_BYTES = 256 };

struct head {
  uint32_t magic, size;
  uint8_t zero[8];
  uint8_t digest[SHA256_BYTES];
};

_Static_assert(sizeof(struct head) == HEAD_BYTES, "whole units");

bool partition_has(const struct partition *partition, uint32_t offset, uint32_t size,
    const uint8_t digest[32], void (*step)(void))
{
  uint8_t piece[PIECE_BYTES], found[SHA256_BYTES];
  struct sha256 hash;
  sha256_start(&hash);
  for (uint32_t at = 0; at < size; at += PIECE_BYTES) {
    uint32_t part = size - at < PIECE_BYTES ? size - at : PIECE_BYTES;
    if (!partition_read(partition, offset + at, piece, part)) return false;
    sha256_add(&hash, piece, part);
    if (step && at % PARTITION_SECTOR_BYTES == 0) step();
  }
  sha256_finish(&hash, found);
  return !memcmp(found, digest, sizeof found);
}

uint32_t kept_size(const struct partition *partition)
{
  struct head head;
  if (!partition_read(partition, 0, &head, sizeof head)) return 0;
  if (head.magic != MAGIC || head.size > partition->size - HEAD_BYTES) return 0;
  return partition_has(partition, HEAD_BYTES, head.size, head.digest, NULL) ? head.size : 0;
}

bool kept_read(const struct partition *partition, void *into, uint32_t size)
{
  return partition_read(partition, HEAD_BYTES, into, size);
}

static void digest_of(const void *bytes, uint32_t size, uint8_t digest[SHA256_BYTES])
{
  struct sha256 hash;
  sha256_start(&hash);
  sha256_add(&hash, bytes, size);
  sha256_finish(&hash, digest);
}

bool kept_put(const struct partition *partition, const void *bytes, uint32_t size)
{
  struct head head = {.magic = MAGIC, .size = size};
  uint8_t last[PARTITION_UNIT_BYTES_MAX];
  uint32_t whole = size - size % sizeof last;
  if (size == 0 || size > partition->size - HEAD_BYTES) return false;
  digest_of(bytes, size, head.digest);
  if (kept_size(partition) == size && partition_has(partition, HEAD_BYTES, size, head.digest, NULL))
    return true;
  for (uint32_t at = 0; at < HEAD_BYTES + size; at += PARTITION_SECTOR_BYTES)
    if (!partition_erase(partition, at)) return false;
  if (!partition_program(partition, HEAD_BYTES, bytes, whole)) return false;
  memset(last, 0xFF, sizeof last);
  memcpy(last, (const uint8_t *)bytes + whole, size - whole);
  if (whole < size && !partition_program(partition, HEAD_BYTES + whole, last, sizeof last))
    return false;
  return partition_program(partition, 0, &head, sizeof head);
}
