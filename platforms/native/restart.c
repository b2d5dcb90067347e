#include "restart.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define MAGIC 0x4C435231u

/* CRC-32 (IEEE 802.3), bit by bit: a hundred bytes, once a restart. */
static uint32_t crc32(const void *bytes, size_t size)
{
  const uint8_t *p = bytes;
  uint32_t crc = UINT32_MAX;
  while (size--) {
    crc ^= *p++;
    for (int i = 0; i < 8; i++) crc = crc >> 1 ^ (0xEDB88320u & (0u - (crc & 1)));
  }
  return ~crc;
}

static bool is_kept(const struct restart_record *record)
{
  return record->magic == MAGIC && record->crc == crc32(record->reason, sizeof record->reason) &&
         record->reason[sizeof record->reason - 1] == 0;
}

/* Length of a plain ASCII text that ends within `size`, else 0. */
static size_t plain(const char *text, size_t size)
{
  size_t length = 0;
  while (length < size && text[length] >= ' ' && text[length] <= '~') length++;
  return length < size && text[length] == 0 ? length : 0;
}

void restart_keep(struct restart_record *record, const char *reason)
{
  memset(record->reason, 0, sizeof record->reason);
  strncpy(record->reason, reason, sizeof record->reason - 1);
  record->crc = crc32(record->reason, sizeof record->reason);
  record->magic = MAGIC;
}

void restart_note(struct restart_record *record, const char *name)
{
  size_t length = name ? strlen(name) : 0;
  if (length > sizeof record->note - 1) length = sizeof record->note - 1;
  memcpy(record->note, name ? name : "", length);
  record->note[length] = 0;
}

const char *restart_take(struct restart_record *record, enum restart_cause cause, char *text,
    size_t size)
{
  static const char *const causes[] = {
    [RESTART_WATCHDOG] = "watchdog",
    [RESTART_CRASH] = "crash",
    [RESTART_BROWNOUT] = "supply voltage too low",
  };
  bool noted = plain(record->note, sizeof record->note) > 0;
  bool told = true;
  if (cause == RESTART_SOFTWARE && is_kept(record)) snprintf(text, size, "%s", record->reason);
  else if (cause == RESTART_WATCHDOG || cause == RESTART_CRASH || cause == RESTART_BROWNOUT)
    snprintf(text, size, noted ? "%s in %s" : "%s", causes[cause], record->note);
  else told = false;
  memset(record, 0, sizeof *record);
  return told ? text : NULL;
}
