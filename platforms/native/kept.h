/*
 * A few KB in a partition of their own, for images that do not hold them: the device's
 * provisioning, which its first image was built with, and which one for many cannot have.
 *
 *   0    magic, size, 8 bytes of zeros, SHA-256 of the bytes
 *   48   the bytes
 *
 * The head is written last, so that a cut leaves the bytes whole or none. What was there before is
 * gone by then: only an image that holds the bytes itself puts them here.
 */
#ifndef LUMICAST_KEPT_H
#define LUMICAST_KEPT_H

#include <stdbool.h>
#include <stdint.h>

#include "partition.h"

/* 0: nothing that is whole. */
uint32_t kept_size(const struct partition *partition);
/* Of `size` bytes, as kept_size said. */
bool kept_read(const struct partition *partition, void *into, uint32_t size);
/* True when they are there now; nothing is written when they were. */
bool kept_put(const struct partition *partition, const void *bytes, uint32_t size);

/* Whether `size` bytes from the partition's beginning have this SHA-256; `step`, if any, is called
   after each 4 KB. */
bool partition_has(const struct partition *partition, uint32_t offset, uint32_t size,
    const uint8_t digest[32], void (*step)(void));

#endif
