/*
 * What the device tells the outside: JSON lines to the medium, kept until output_flush(), or to
 * standard output when it runs stand-alone. In test mode only logs and fatal errors come out, on
 * standard error.
 */
#ifndef LUMICAST_OUTPUT_H
#define LUMICAST_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct usage;

void output_hello(const uint8_t eui64[8]);
void output_frame(const uint8_t *frame, size_t size, uint32_t id);
void output_address(unsigned pan, unsigned address);
/* x and y below 0: not set */
void output_light(int level, int mired, int x, int y);
/* What a status LED would show: a name of modules/ports/indicator.ts. */
void output_indicator(const char *pattern);
/* Counts the event, too; false when there are too many names. */
bool output_trace(const char *event);
void output_log(const char *text);
void output_usage(const struct usage *usage);
/* {"census":{"CLASS":{"objects":n,"bytes":n},...}} */
void output_census_begin(void);
void output_census_row(const char *name, uint32_t objects, size_t bytes);
void output_census_end(void);
/* `next` is UINT64_MAX when nothing is wanted. */
void output_done(uint64_t granted, uint64_t next);
void output_fatal(const char *text);
/* False when the medium is gone. */
bool output_flush(void);

/* Trace counters, one an event name. */
unsigned output_counter_count(void);
const char *output_counter(unsigned index, double *count);

#endif
