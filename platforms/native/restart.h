/*
 * Why the board restarted, told after the restart.
 *
 * The record lies in memory that a restart leaves alone and a power-up fills with anything, so it
 * counts only when its CRC fits. Before a call into the vendor's code that could hang, its name is
 * noted: should the watchdog bite, the next boot can say where. A note is a pointer's worth of work
 * and no CRC: its text is checked letter by letter instead when it is read.
 */
#ifndef LUMICAST_RESTART_H
#define LUMICAST_RESTART_H

#include <stddef.h>
#include <stdint.h>

enum { RESTART_REASON_BYTES = 96, RESTART_NOTE_BYTES = 24 };

struct restart_record {
  uint32_t magic, crc;
  char reason[RESTART_REASON_BYTES];
  char note[RESTART_NOTE_BYTES];
};

/* What the hardware says. */
enum restart_cause {
  RESTART_POWER,    /* power-up, reset pin: nothing to tell */
  RESTART_SOFTWARE, /* asked for: the reason was kept, or there is none */
  RESTART_WATCHDOG,
  RESTART_CRASH,    /* a fault or a failed assertion of the vendor's code */
  RESTART_BROWNOUT,
};

/* Just before a wanted restart; long reasons lose their end. */
void restart_keep(struct restart_record *record, const char *reason);
/* Before and after a call that could hang; NULL after it. Names are plain ASCII, up to 23. */
void restart_note(struct restart_record *record, const char *name);
/* Once, early at boot: writes the reason into `text`, returns it, forgets the record.
   NULL: nothing to tell. */
const char *restart_take(struct restart_record *record, enum restart_cause cause, char *text,
    size_t size);

#endif
