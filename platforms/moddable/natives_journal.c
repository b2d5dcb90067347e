/*
 * The store's native help: modules/ports/flash.ts Journal over platforms/native/journal.c, on the
 * board's partition. Nothing is allocated in XS's heap while a buffer is read or written.
 */
#include "natives.h"

#include <string.h>

#include "../native/board.h"
#include "../native/journal.h"
#include "../native/rows.h"

enum { CURSOR, INDEX };

/* The board could not read: what it should have read reads erased, until somebody is told. */
static bool is_unreadable;

static void read_flash(void *context, uint32_t offset, uint8_t *into, size_t size)
{
  uint32_t partition = lumicast_partition();
  size_t there = offset >= partition ? 0 : partition - offset;
  (void)context;
  if (there > size) there = size;
  if (there && !board_flash_read(offset, into, there)) {
    is_unreadable = true;
    there = 0;
  }
  memset(into + there, 0xFF, size - there);
}

/* Nothing that was found may be used when this throws. */
static void check_read(xsMachine *the)
{
  bool failed = is_unreadable;
  is_unreadable = false;
  if (failed) xsUnknownError("flash: the board cannot read its partition");
}

static struct journal get_journal(xsMachine *the)
{
  struct bytes cursor = lumicast_writable(the, &xsArg(CURSOR));
  struct bytes index = lumicast_writable(the, &xsArg(INDEX));
  return (struct journal){
    .cursor = (int32_t *)(void *)cursor.data,
    .cursor_words = cursor.size / 4,
    .index = index.data,
    .index_size = index.size,
    .partition = lumicast_partition(),
    .read = read_flash,
  };
}

/* scan(cursor, index, start, end, generation, placesLeft, scanned) -> offset */
void xs_lumicast_journal_scan(xsMachine *the)
{
  struct journal journal = get_journal(the);
  uint32_t start = lumicast_whole(the, &xsArg(2), lumicast_partition(), "journal: start");
  uint32_t end = lumicast_whole(the, &xsArg(3), lumicast_partition(), "journal: end");
  int32_t generation = xsmcToInteger(xsArg(4));
  int32_t places_left = xsmcToInteger(xsArg(5));
  struct bytes scanned = lumicast_writable(the, &xsArg(6));
  struct journal_scanned found;
  uint32_t at;
  if (scanned.size != sizeof found) xsRangeError("journal: scan");
  at = journal_scan(&journal, start, end, generation, places_left, &found);
  check_read(the);
  memcpy(scanned.data, &found, sizeof found);
  xsmcSetInteger(xsResult, (xsIntegerValue)at);
}

/* heads(cursor, sectorBytes, columns) */
void xs_lumicast_journal_heads(xsMachine *the)
{
  struct bytes cursor = lumicast_writable(the, &xsArg(CURSOR));
  uint32_t sector = lumicast_whole(the, &xsArg(1), lumicast_partition(), "journal: sector");
  struct bytes columns = lumicast_writable(the, &xsArg(2));
  struct journal journal = {
    .cursor = (int32_t *)(void *)cursor.data,
    .cursor_words = cursor.size / 4,
    .read = read_flash,
  };
  if (sector == 0 || columns.size != 20 * (lumicast_partition() / sector))
    xsRangeError("journal: heads");
  journal_heads(&journal, sector, (int32_t *)(void *)columns.data, lumicast_partition() / sector);
  check_read(the);
}

/* isErased(start, end) -> boolean */
void xs_lumicast_journal_is_erased(xsMachine *the)
{
  struct journal journal = {.read = read_flash};
  uint32_t start = lumicast_whole(the, &xsArg(0), lumicast_partition(), "journal: start");
  uint32_t end = lumicast_whole(the, &xsArg(1), lumicast_partition(), "journal: end");
  bool is_erased = journal_is_erased(&journal, start, end);
  check_read(the);
  xsmcSetBoolean(xsResult, is_erased);
}

/* keys(cursor, index, kind, into) -> how many there are; as many as fit are in `into`, ascending */
void xs_lumicast_journal_keys(xsMachine *the)
{
  struct journal journal = get_journal(the);
  uint8_t kind = (uint8_t)lumicast_whole(the, &xsArg(2), 255, "journal: kind");
  struct bytes into = lumicast_writable(the, &xsArg(3));
  size_t count = journal_keys(&journal, kind, (uint32_t *)(void *)into.data, into.size / 4);
  xsmcSetInteger(xsResult, (xsIntegerValue)count);
}

/* load(cursor, index, kind, columns, capacity) -> number of rows, -1 when declined */
void xs_lumicast_journal_load(xsMachine *the)
{
  struct journal journal = get_journal(the);
  uint32_t kind = lumicast_whole(the, &xsArg(2), 255, "journal: kind");
  struct bytes columns = lumicast_writable(the, &xsArg(3));
  uint32_t capacity = lumicast_whole(the, &xsArg(4), 65535, "journal: capacity");
  int32_t count = ROWS_DECLINED;
  if (kind == ROWS_OF_RIGHTS)
    count = rows_of_rights(&journal, columns.data, columns.size, capacity);
  else if (kind == ROWS_OF_RECIPIENTS)
    count = rows_of_recipients(&journal, columns.data, columns.size, capacity);
  check_read(the);
  xsmcSetInteger(xsResult, count);
}

/* read(cursor, index, key, into) -> length, -1 when there is none */
void xs_lumicast_journal_read(xsMachine *the)
{
  struct journal journal = get_journal(the);
  uint32_t key = lumicast_whole(the, &xsArg(2), UINT32_MAX, "journal: key");
  struct bytes into = lumicast_writable(the, &xsArg(3));
  int32_t size = journal_read(&journal, key, into.data, into.size);
  check_read(the);
  xsmcSetInteger(xsResult, size);
}
