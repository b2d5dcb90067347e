/*
 * The medium's side of the control protocol: a unix stream socket on which the medium listens, JSON
 * lines, whole microseconds of the medium's time.
 *
 *   {"grant":T,"events":[{"at":t, ...}, ...]}   run up to and including T
 *        an event is one of  "frame":"hex"   "sent":id,"acked":bool,"transmitted":bool
 *                            "button":bool   "motion":bool   "lux":number   "lampFailed":bool
 *   {"usage":true}                              answer with the memory in use and the counters
 *   {"census":true}                             answer with what the heap is full of, by class
 *   {"stop":true}                               flush the flash file and exit 0
 *
 * The end of the stream is the same as stop. A line that is not JSON, that lacks what it needs, or
 * whose events are not in order is a fault of the medium's: the process says so and exits 65.
 */
#ifndef LUMICAST_CONTROL_H
#define LUMICAST_CONTROL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "device.h"

enum { CONTROL_LINE_MAX_BYTES = 4 << 20 };

enum request { REQUEST_GRANT, REQUEST_USAGE, REQUEST_CENSUS, REQUEST_STOP };

struct message {
  enum request request;
  uint64_t grant;
  struct event *events; /* valid until the next line is parsed */
  size_t event_count;
};

/* The platform's: waits for a line; false at the end of the stream. Bad lines end the process. */
bool control_read(struct message *message);
/* Parses one line; false, with a reason, when it is bad. For control_read and for tests. */
bool control_parse(const char *line, size_t size, struct message *message, const char **reason);

#endif
