/*
 * Where the columns of modules/oscore/recipients.ts begin, in bytes a row: a table of n rows has
 * its highest numbers at 0 and the near halves of its windows at 8n. Of the columns behind the hash
 * places, which are one more than two a row, one byte further.
 */
#ifndef LUMICAST_COLUMNS_H
#define LUMICAST_COLUMNS_H

enum {
  COLUMN_NEAR = 8, COLUMN_FAR = 12, COLUMN_HIGH = 16, COLUMN_LOW = 20, COLUMN_TAG = 24,
  COLUMN_PLACES = 26, COLUMN_AHEAD = 28, COLUMN_EXACT = 29, COLUMN_APPLIED = 30,
  COLUMNS_ROW_BYTES = 31, COLUMNS_MORE_BYTES = 1,
};

/* Highest number - number of the command applied last + 1: there was none; so far or farther. */
enum { NONE_APPLIED = 0, APPLIED_MAX = 255 };

#endif
