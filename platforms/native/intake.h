/*
 * Native help for the receive path, for what nearly every datagram is: locate, open, and mark, in
 * this order (ARCHITECTURE.md decision 4). modules/ports/intake.ts is the contract and says what
 * the tables hold; the TypeScript of modules/groups, modules/oscore and modules/profiles/
 * lowlatency.ts is the reference, and decides whatever is declined here. test/headless/
 * intake.test.ts holds the two equal, to the last byte of flash.
 */
#ifndef LUMICAST_INTAKE_H
#define LUMICAST_INTAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aesccm.h"
#include "journal.h"

/* What becomes of a datagram; below DECLINED the reasons, in the order of INTAKE_DROPS. */
enum {
  INTAKE_DECLINED = -1,
  INTAKE_MALFORMED = -2,
  INTAKE_NOT_FOR_US = -3,
  INTAKE_UNKNOWN_GROUP = -4,
  INTAKE_UNKNOWN_KEY = -5,
  INTAKE_REPLAYED = -6,
  INTAKE_FORGED = -7,
  INTAKE_STORE_FAILED = -8,
};

/* Of the plaintext, the most that is opened here. */
enum { INTAKE_PLAIN_MAX_BYTES = 104, INTAKE_TAG_BYTES = 8 };

/* The result block: sequence number (double), id as two 32-bit halves, its length, plaintext. */
enum { INTAKE_RESULT_HEAD_BYTES = 24, INTAKE_RESULT_BYTES = 128 };

/* In the packed answer, modules/ports/intake.ts. */
enum {
  INTAKE_LIGHT = 1 << 7, INTAKE_MARKED = 1 << 8, INTAKE_NEWEST = 1 << 9, INTAKE_LEVEL_SHIFT = 10,
  INTAKE_ROW_SHIFT = 13, INTAKE_LINE_SHIFT = 20, INTAKE_MULTICAST = 1 << 28,
  INTAKE_TOP = 1 << 29,
};

struct intake_bytes {
  const uint8_t *data;
  size_t size;
};

struct intake {
  struct intake_bytes datagram;
  struct intake_bytes address; /* destination */
  uint16_t port;
  struct intake_bytes tables;
  uint8_t *columns; /* modules/oscore/recipients.ts */
  size_t columns_size;
  struct intake_bytes rights; /* modules/access/rights.ts */
  uint32_t rights_capacity;
  struct journal journal;
  bool opened; /* by intake_take or intake_member_open: AES was run */
  size_t blocks; /* AES calls that intake_member_open took */
  /* found by intake_locate */
  unsigned line;
  unsigned row;
  size_t payload_start;
  const uint8_t *kid, *piv;
  uint8_t kid_size, piv_size;
  uint32_t kid_high, kid_low;
  uint64_t sequence;
};

/* The whole of it: locate, open with the line's key, mark a light command; the packed answer of
   modules/ports/intake.ts, or why not. `keys`: one for each of so many lines, NULL for none. */
int32_t intake_take(struct intake *in, const struct aes128 *const *keys, unsigned lines,
    uint8_t result[INTAKE_RESULT_BYTES]);

/* Everything up to the window, no crypto: the line of the tables, or why not. */
int32_t intake_locate(struct intake *in);

/* Nonce, additional data, AES-CCM with the line's key, into `result`; then the packed answer of
   modules/ports/intake.ts, or why not. Changes nothing. */
int32_t intake_open(const struct intake *in, const struct aes128 *aes,
    uint8_t result[INTAKE_RESULT_BYTES]);

/* Moves the window past an opened light command, on flash first: the answer, marked or as it was;
   INTAKE_STORE_FAILED when flash refused. */
int32_t intake_mark(const struct intake *in, int32_t answer);

/* AES calls that opening takes: its cost, if `opened`. */
size_t intake_blocks(const struct intake *in);

/* Its steps that intake_member.c has in common with it. */

/* Whether columns and rights have sizes that go together. */
bool intake_well_formed(const struct intake *in);
/* The kid's value, of at most 8 bytes. */
void intake_read_kid(struct intake *in);
/* modules/oscore/recipients.ts: the row of the sender under this association; false without. */
bool intake_find_row(struct intake *in, unsigned association);
/* modules/oscore/window.ts, of so many numbers, at most 64. */
bool intake_is_fresh(const struct intake *in, unsigned window);
/* modules/access/rights.ts: what was granted to this sender within an application group. */
unsigned intake_level(const struct intake *in, uint32_t group);
/* No command of this sender with a higher number was applied, nor may have been. */
bool intake_is_newest(const struct intake *in);
/* POST with the one option Uri-Path "l", and a payload. */
bool intake_is_light(const uint8_t *plain, size_t size);

#endif
