/*
 * A model of NOR flash, down to what a power cut leaves behind. No operating system, no SDK.
 *
 * - Erased bytes read 0xFF; erasing works on sectors of 4096 bytes.
 * - Programming works on whole units (4 bytes on nRF52, 16 on ESP with flash encryption), each once
 *   per erase. A second program of a unit is refused even if it would only clear bits: nRF52 allows
 *   two writes per word at most, and encrypted ESP flash none.
 * - A fault hits one operation, counted from 1 over programs and erases alike (refused and misused
 *   calls are not counted): NOT leaves the flash as it was; TORN clears a random subset of the bits
 *   a program had to clear, or leaves random bytes where an erase was under way; DONE completes it.
 *   Then the caller has to stop at once, as after a power cut: the result is NOR_CUT.
 */
#ifndef LUMICAST_NOR_H
#define LUMICAST_NOR_H

#include <stdbool.h>
#include <stdint.h>

enum { NOR_SECTOR_BYTES = 4096, NOR_FAULTS_MAX = 8 };

enum nor_result {
  NOR_OK,
  NOR_REFUSED, /* a unit was programmed since its erase */
  NOR_MISUSED, /* alignment or range: the caller's bug */
  NOR_CUT,     /* the power went out during this operation */
};

enum nor_fault_mode { NOR_FAULT_NOT, NOR_FAULT_TORN, NOR_FAULT_DONE };

struct nor_fault {
  uint64_t operation;
  enum nor_fault_mode mode;
  uint64_t seed;
};

struct nor {
  uint8_t *bytes;    /* size */
  uint8_t *used;     /* one bit a unit: programmed since its erase; nor_map_bytes() */
  uint32_t size;     /* a multiple of NOR_SECTOR_BYTES */
  uint32_t unit;
  uint64_t operations;
  struct nor_fault faults[NOR_FAULTS_MAX];
  unsigned fault_count;
};

uint32_t nor_map_bytes(uint32_t size, uint32_t unit);
/* Derives `used` from the contents: every unit that is not all 0xFF. */
void nor_derive_map(struct nor *nor);
enum nor_result nor_program(struct nor *nor, uint32_t offset, const uint8_t *data, uint32_t size);
enum nor_result nor_erase(struct nor *nor, uint32_t offset);
/* OP:MODE:SEED, e.g. "17:torn:4"; false when the text is something else or there are too many. */
bool nor_add_fault(struct nor *nor, const char *text);

#endif
