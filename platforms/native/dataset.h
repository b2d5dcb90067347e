/*
 * A Thread operational dataset (Thread 1.3 §8.10.1: type, length, value; what `dataset active -x`
 * of an OpenThread router prints in hex), checked before it is handed to OpenThread: that takes
 * what it is given and then looks for its network for ever.
 */
#ifndef LUMICAST_DATASET_H
#define LUMICAST_DATASET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { DATASET_BYTES_MAX = 254 }; /* OT_OPERATIONAL_DATASET_MAX_LENGTH */

/* NULL, or what is wrong, naming the field. */
const char *dataset_fault(const uint8_t *bytes, size_t size);

/* Whether `ours` is to take the place of the one kept from before: another network (extended PAN
   id), or the same one with a later active timestamp. A network that was given new keys over the
   air is kept so. Both have no fault. */
bool dataset_replaces(const uint8_t *ours, size_t ours_size, const uint8_t *kept,
    size_t kept_size);

/* The dataset's bytes, or -1 when the text is not pairs of hex digits or is too long. */
int dataset_from_hex(const char *text, uint8_t bytes[DATASET_BYTES_MAX]);

#endif
