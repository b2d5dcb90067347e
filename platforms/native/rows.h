/*
 * Rows of a table from their records, all at once, when a device starts: what modules/access/
 * rights.ts and modules/oscore/recipients.ts do in their constructors, which are the reference. The
 * columns come to be the same, byte for byte.
 *
 * Both return the number of rows, of recipients with ROWS_ORPHANS where the key of one is not in
 * the store. ROWS_DECLINED: a record is not as it should be, or has no place; the columns are all
 * zero then, and the reference says what is wrong.
 */
#ifndef LUMICAST_ROWS_H
#define LUMICAST_ROWS_H

#include "journal.h"

enum { ROWS_DECLINED = -1, ROWS_ORPHANS = 0x100 };
enum { ROWS_OF_RECIPIENTS = 0x03, ROWS_OF_RIGHTS = 0x08 }; /* modules/store/keys.ts */

int32_t rows_of_rights(const struct journal *journal, uint8_t *columns, size_t size,
    uint32_t capacity);
int32_t rows_of_recipients(const struct journal *journal, uint8_t *columns, size_t size,
    uint32_t capacity);

#endif
