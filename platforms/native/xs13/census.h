/* census.c: live heap by class, biggest first; strings and bytes in chunks are not in it. */
#ifndef LUMICAST_CENSUS_H
#define LUMICAST_CENSUS_H

#include <stddef.h>
#include <stdint.h>

typedef void (*census_row)(const char *name, uint32_t objects, size_t bytes);

void census_take(void *machine, census_row row);

#endif
