#include "random.h"

#include <stdbool.h>

#include "host.h"

static bool seeded;
static struct random_stream stream;

/* splitmix64, which Blackman and Vigna give for seeding xoshiro. */
static uint64_t split(uint64_t *state)
{
  uint64_t z = *state += 0x9E3779B97F4A7C15u;
  z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
  z = (z ^ z >> 27) * 0x94D049BB133111EBu;
  return z ^ z >> 31;
}

static uint64_t rotate(uint64_t x, int n)
{
  return x << n | x >> (64 - n);
}

void random_stream_seed(struct random_stream *r, uint64_t seed)
{
  for (int i = 0; i < 4; i++) r->s[i] = split(&seed);
}

/* xoshiro256** 1.0 (Blackman, Vigna 2018). */
uint64_t random_stream_next(struct random_stream *r)
{
  uint64_t *s = r->s;
  uint64_t result = rotate(s[1] * 5, 7) * 9;
  uint64_t t = s[1] << 17;
  s[2] ^= s[0];
  s[3] ^= s[1];
  s[1] ^= s[2];
  s[0] ^= s[3];
  s[2] ^= t;
  s[3] = rotate(s[3], 45);
  return result;
}

void random_seed(uint64_t seed, const uint8_t eui64[8])
{
  uint64_t id = 0;
  for (int i = 0; i < 8; i++) id = id << 8 | eui64[i];
  random_stream_seed(&stream, split(&seed) ^ split(&id));
  seeded = true;
}

void random_fill(uint8_t *bytes, size_t size)
{
  if (!seeded) {
    host_random(bytes, size);
    return;
  }
  while (size) {
    uint64_t word = random_stream_next(&stream);
    for (int i = 0; i < 8 && size; i++, size--, word >>= 8) *bytes++ = (uint8_t)word;
  }
}
