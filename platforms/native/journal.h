/*
 * Steps of the store in C, for what nearly all of a log is: a short record, newer than one of the
 * same size, appended where the log stands; the sound short records of a sector put into the index
 * at start; a value read. modules/store is the reference (store.ts, log.ts, records.ts, stride.ts,
 * cursor.ts, index.ts); what is anything else is declined and left to it. Same flash operations, in
 * the same order.
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
  void (*read)(void *context, uint32_t offset, uint8_t *into, size_t size);
};

/* `index` of `kind` is below 256, `size` at most 7. */
enum journal_result journal_append(const struct journal *journal, uint8_t kind, uint8_t index,
    const uint8_t *value, size_t size);

/* What a scan changed of the index, and where the last record it passed lies. */
struct journal_scanned {
  int32_t count, bytes;
  uint32_t last;
};

/* stride.ts: passes sound short records from `start` on and returns where it stopped, at `end` or
   at what wants a closer look. With `places_left` >= 0 they are entered into the index, of which so
   many places may still be taken. */
uint32_t journal_scan(const struct journal *journal, uint32_t start, uint32_t end,
    int32_t generation, int32_t places_left, struct journal_scanned *scanned);

/* sector.ts: both heads of every sector of `sector_bytes`, in columns of `sectors` words: states,
   generations, steps, spans, ends. */
enum { HEAD_DIRTY, HEAD_READY, HEAD_OPENED, HEAD_FOREIGN = 4 };
void journal_heads(const struct journal *journal, uint32_t sector_bytes, int32_t *columns,
    uint32_t sectors);

/* The value of a key, at most `size` bytes of it; its length, -1 when there is none. */
int32_t journal_read(const struct journal *journal, uint32_t key, uint8_t *into, size_t size);

/* Whether flash reads 0xFF from `start` to `end`. */
bool journal_is_erased(const struct journal *journal, uint32_t start, uint32_t end);

/* All indexes of a kind, ascending, at most `most`; how many there are. */
size_t journal_keys(const struct journal *journal, uint8_t kind, uint32_t *into, size_t most);

#endif
