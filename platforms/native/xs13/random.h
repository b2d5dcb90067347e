/*
 * Random bytes for the firmware: the kernel's, or a repeatable stream when the medium or a test
 * gave a seed. The repeatable stream is xoshiro256** and no secret: keys made with it are worth
 * nothing.
 */
#ifndef LUMICAST_RANDOM_H
#define LUMICAST_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/* One seed for a whole room: the EUI-64 makes each device's stream its own. */
void random_seed(uint64_t seed, const uint8_t eui64[8]);
void random_fill(uint8_t *bytes, size_t size);

/* A stream of its own, for the flash's faults. */
struct random_stream {
  uint64_t s[4];
};
void random_stream_seed(struct random_stream *stream, uint64_t seed);
uint64_t random_stream_next(struct random_stream *stream);

#endif
