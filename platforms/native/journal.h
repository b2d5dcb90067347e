/*
 * One step of the store in C: a short record, newer than one of the same size, appended where the
 * log stands. modules/store is the reference (store.ts, log.ts, records.ts, cursor.ts, index.ts);
 * what is anything else is declined and left to it. Same flash operations, in the same order.
 */
#ifndef LUMICAST_JOURNAL_H
#define LUMICAST_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum journal_result { JOURNAL_DECLINED, JOURNAL_DURABLE, JOURNAL_REFUSED };

struct journal {
  int32_t *cursor;     /* modules/store/cursor.ts, CURSOR_WORDS of them */
  size_t cursor_words;
  uint8_t *index;      /* columns of modules/store/index.ts: keys, words, sizes */
  size_t index_size;
  uint32_t partition;  /* bytes: to 256 KB an offset takes 2 bytes in the index, beyond 4 */
  /* Programs whole units; false when flash refused. */
  bool (*program)(void *context, uint32_t offset, const uint8_t *bytes, size_t size);
  void *context;
};

/* `index` of `kind` is below 256, `size` at most 7. */
enum journal_result journal_append(const struct journal *journal, uint8_t kind, uint8_t index,
    const uint8_t *value, size_t size);

#endif
