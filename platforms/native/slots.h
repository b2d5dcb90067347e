/*
 * A boot loader's record of two firmware slots, over NOR flash. No operating system, no SDK.
 *
 *   0      two sectors of entries: the newest whole one counts
 *   8192   slot A, then slot B, each of `slot_size` bytes
 *
 * An entry says which slot is started, whether that is a trial, and what each slot holds. One is
 * appended before every step, so that a cut leaves the one before or the one after: a trial is
 * marked as begun before it begins, and a trial that was begun and not confirmed is over.
 */
#ifndef LUMICAST_SLOTS_H
#define LUMICAST_SLOTS_H

#include <stdbool.h>
#include <stdint.h>

#include "nor.h"
#include "sha256.h"

enum { SLOTS_RECORD_BYTES = 2 * NOR_SECTOR_BYTES };

enum slots_trial { TRIAL_NONE, TRIAL_NEXT, TRIAL_NOW };

struct slots_entry {
  uint32_t magic, counter;
  uint8_t active, trial, zero[2];
  uint32_t size[2]; /* of each slot's image, 0: there is none */
  uint8_t digest[2][SHA256_BYTES];
  uint8_t sum[16]; /* the first bytes of the SHA-256 of all before */
};

struct slots {
  struct nor *nor;
  uint32_t slot_size;
  struct slots_entry entry;
  uint32_t end; /* where the next entry goes */
};

/* False when there is no entry: the slots were never filled. */
bool slots_open(struct slots *slots, struct nor *nor, uint32_t slot_size);
/* The first image, into slot A. */
enum nor_result slots_fill(struct slots *slots, const uint8_t *image, uint32_t size);
/* What is to be started now: 0 or 1 in `slot`; NOR_REFUSED: neither slot is whole. */
enum nor_result slots_choose(struct slots *slots, int *slot);
/* The one that was started does not run: the other one from now on. */
enum nor_result slots_reject(struct slots *slots);
/* The next start is a trial of the other slot's image. */
enum nor_result slots_activate(struct slots *slots, uint32_t size,
    const uint8_t digest[SHA256_BYTES]);
/* The one that runs stays. */
enum nor_result slots_confirm(struct slots *slots);

uint32_t slots_offset(const struct slots *slots, int slot);

#endif
