/*
 * Native help of the store for TypeScript: modules/ports/flash.ts Journal over journal.c, on this
 * device's partition. Nothing is allocated in the heap meanwhile, so no pointer can move.
 */
#include "natives.h"

#include <string.h>

#include "../journal.h"
#include "../rows.h"
#include "flash.h"

enum { CURSOR, INDEX };
enum { KEYS_MAX = 256 };

static void read_flash(void *context, uint32_t offset, uint8_t *into, size_t size)
{
  (void)context;
  flash_read(offset, into, size);
}

static struct journal get_journal(xsMachine *the)
{
  struct bytes cursor = get_writable(the, &xsArg(CURSOR));
  struct bytes index = get_writable(the, &xsArg(INDEX));
  return (struct journal){
    .cursor = (int32_t *)(void *)cursor.data,
    .cursor_words = cursor.size / 4,
    .index = index.data,
    .index_size = index.size,
    .partition = flash_partition(),
    .read = read_flash,
  };
}

/* journalScan(cursor, index, start, end, generation, placesLeft, scanned) -> offset */
static void native_scan(xsMachine *the)
{
  struct journal journal = get_journal(the);
  uint32_t start = (uint32_t)get_whole(the, &xsArg(2), flash_partition(), "journal: start");
  uint32_t end = (uint32_t)get_whole(the, &xsArg(3), flash_partition(), "journal: end");
  int32_t generation = xsmcToInteger(xsArg(4));
  int32_t places_left = xsmcToInteger(xsArg(5));
  struct bytes scanned = get_writable(the, &xsArg(6));
  struct journal_scanned found;
  uint32_t at;
  if (scanned.size != sizeof found) xsRangeError("journal: scan");
  at = journal_scan(&journal, start, end, generation, places_left, &found);
  memcpy(scanned.data, &found, sizeof found);
  xsmcSetInteger(xsResult, (xsIntegerValue)at);
}

/* journalRead(cursor, index, key, into) -> length, -1 when there is none */
static void native_read(xsMachine *the)
{
  struct journal journal = get_journal(the);
  uint32_t key = (uint32_t)get_whole(the, &xsArg(2), UINT32_MAX, "journal: key");
  struct bytes into = get_writable(the, &xsArg(3));
  xsmcSetInteger(xsResult, journal_read(&journal, key, into.data, into.size));
}

/* journalIsErased(start, end) -> boolean */
static void native_is_erased(xsMachine *the)
{
  struct journal journal = {.read = read_flash};
  uint32_t start = (uint32_t)get_whole(the, &xsArg(0), flash_partition(), "journal: start");
  uint32_t end = (uint32_t)get_whole(the, &xsArg(1), flash_partition(), "journal: end");
  xsmcSetBoolean(xsResult, journal_is_erased(&journal, start, end));
}

/* journalKeys(cursor, index, kind) -> array of keys, ascending */
static void native_keys(xsMachine *the)
{
  uint32_t found[KEYS_MAX];
  struct journal journal = get_journal(the);
  uint8_t kind = (uint8_t)get_whole(the, &xsArg(2), 255, "journal: kind");
  size_t count = journal_keys(&journal, kind, found, KEYS_MAX);
  if (count > KEYS_MAX) xsRangeError("journal: more than %d keys of a kind", KEYS_MAX);
  xsmcVars(1);
  xsResult = xsNewArray((xsIntegerValue)count);
  for (size_t i = 0; i < count; i++) {
    xsmcSetNumber(xsVar(0), kind * 16777216.0 + found[i]);
    xsmcSetIndex(xsResult, (xsIntegerValue)i, xsVar(0));
  }
}

/* journalHeads(cursor, sectorBytes, columns) */
static void native_heads(xsMachine *the)
{
  struct bytes cursor = get_writable(the, &xsArg(0));
  uint32_t sector = (uint32_t)get_whole(the, &xsArg(1), flash_partition(), "journal: sector");
  struct bytes columns = get_writable(the, &xsArg(2));
  struct journal journal = {
    .cursor = (int32_t *)(void *)cursor.data,
    .cursor_words = cursor.size / 4,
    .read = read_flash,
  };
  if (sector == 0 || columns.size != 20 * (flash_partition() / sector))
    xsRangeError("journal: heads");
  journal_heads(&journal, sector, (int32_t *)(void *)columns.data, flash_partition() / sector);
}

/* journalLoad(cursor, index, kind, columns, capacity) -> number of rows, -1 when declined */
static void native_load(xsMachine *the)
{
  struct journal journal = get_journal(the);
  double kind = get_whole(the, &xsArg(2), 255, "journal: kind");
  struct bytes columns = get_writable(the, &xsArg(3));
  uint32_t capacity = (uint32_t)get_whole(the, &xsArg(4), 65535, "journal: capacity");
  int32_t count = ROWS_DECLINED;
  if (kind == ROWS_OF_RIGHTS)
    count = rows_of_rights(&journal, columns.data, columns.size, capacity);
  else if (kind == ROWS_OF_RECIPIENTS)
    count = rows_of_recipients(&journal, columns.data, columns.size, capacity);
  xsmcSetInteger(xsResult, count);
}

const struct native journal_natives[] = {
  {"journalScan", native_scan, 7},
  {"journalRead", native_read, 4},
  {"journalIsErased", native_is_erased, 2},
  {"journalKeys", native_keys, 3},
  {"journalLoad", native_load, 5},
  {"journalHeads", native_heads, 3},
  {0},
};
