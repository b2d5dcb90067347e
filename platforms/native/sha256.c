#include "sha256.h"

#include <string.h>

static const uint32_t round_constants[64] = {
  0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
  0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
  0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
  0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
  0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
  0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
  0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
  0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

void wipe(void *secret, size_t size)
{
  volatile uint8_t *p = secret;
  while (size--) *p++ = 0;
}

static uint32_t big_endian(const uint8_t *p)
{
  return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

#define ROTATE(x, n) ((x) >> (n) | (x) << (32 - (n)))

/* One round; the caller turns the letters round instead of moving the words. */
#define ROUND(a, b, c, d, e, f, g, h, t) do { \
    uint32_t t1 = (h) + (ROTATE(e, 6) ^ ROTATE(e, 11) ^ ROTATE(e, 25)) + \
                  ((g) ^ ((e) & ((f) ^ (g)))) + round_constants[t] + w[(t) & 15]; \
    (d) += t1; \
    (h) = t1 + (ROTATE(a, 2) ^ ROTATE(a, 13) ^ ROTATE(a, 22)) + \
          (((a) & (b)) | ((c) & ((a) | (b)))); \
  } while (0)

/* The next 16 words of the schedule, which is kept as a ring. */
static void extend(uint32_t w[16])
{
  for (int t = 0; t < 16; t++) {
    uint32_t x = w[(t + 1) & 15], y = w[(t + 14) & 15];
    w[t] += (ROTATE(x, 7) ^ ROTATE(x, 18) ^ x >> 3) + w[(t + 9) & 15] +
            (ROTATE(y, 17) ^ ROTATE(y, 19) ^ y >> 10);
  }
}

/* FIPS 180-4, 6.2.2. */
static void compress(uint32_t state[8], const uint8_t block[64])
{
  uint32_t w[16];
  uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
  uint32_t e = state[4], f = state[5], g = state[6], h = state[7];
  for (int t = 0; t < 16; t++) w[t] = big_endian(block + 4 * t);
  for (int t = 0; t < 64; t += 8) {
    if (t > 0 && (t & 15) == 0) extend(w);
    ROUND(a, b, c, d, e, f, g, h, t);
    ROUND(h, a, b, c, d, e, f, g, t + 1);
    ROUND(g, h, a, b, c, d, e, f, t + 2);
    ROUND(f, g, h, a, b, c, d, e, t + 3);
    ROUND(e, f, g, h, a, b, c, d, t + 4);
    ROUND(d, e, f, g, h, a, b, c, t + 5);
    ROUND(c, d, e, f, g, h, a, b, t + 6);
    ROUND(b, c, d, e, f, g, h, a, t + 7);
  }
  state[0] += a;
  state[1] += b;
  state[2] += c;
  state[3] += d;
  state[4] += e;
  state[5] += f;
  state[6] += g;
  state[7] += h;
  wipe(w, sizeof w);
}

void sha256_start(struct sha256 *hash)
{
  static const uint32_t initial[8] = {
    0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
  };
  memcpy(hash->state, initial, sizeof initial);
  hash->bytes = 0;
}

void sha256_add(struct sha256 *hash, const uint8_t *data, size_t size)
{
  size_t held = hash->bytes & 63;
  if (size == 0) return; /* data may be NULL then */
  hash->bytes += size;
  if (held) {
    size_t room = 64 - held;
    size_t take = size < room ? size : room;
    memcpy(hash->block + held, data, take);
    data += take;
    size -= take;
    if (take < room) return;
    compress(hash->state, hash->block);
  }
  for (; size >= 64; data += 64, size -= 64) compress(hash->state, data);
  if (size) memcpy(hash->block, data, size);
}

void sha256_finish(struct sha256 *hash, uint8_t out[SHA256_BYTES])
{
  static const uint8_t padding[64] = {0x80};
  uint64_t bits = hash->bytes * 8;
  size_t held = hash->bytes & 63;
  uint8_t length[8];
  for (int i = 0; i < 8; i++) length[i] = (uint8_t)(bits >> (56 - 8 * i));
  sha256_add(hash, padding, held < 56 ? 56 - held : 120 - held);
  sha256_add(hash, length, 8);
  for (int i = 0; i < 32; i++) out[i] = (uint8_t)(hash->state[i >> 2] >> (24 - 8 * (i & 3)));
  wipe(hash, sizeof *hash);
}

void hmac_start(struct hmac *mac, const uint8_t *key, size_t key_size)
{
  uint8_t pad[SHA256_BLOCK_BYTES] = {0};
  if (key_size > sizeof pad) {
    sha256_start(&mac->inner);
    sha256_add(&mac->inner, key, key_size);
    sha256_finish(&mac->inner, pad);
  } else if (key_size) {
    memcpy(pad, key, key_size);
  }
  for (size_t i = 0; i < sizeof pad; i++) pad[i] ^= 0x36;
  sha256_start(&mac->inner);
  sha256_add(&mac->inner, pad, sizeof pad);
  for (size_t i = 0; i < sizeof pad; i++) pad[i] ^= 0x36 ^ 0x5c;
  sha256_start(&mac->outer);
  sha256_add(&mac->outer, pad, sizeof pad);
  wipe(pad, sizeof pad);
}

void hmac_add(struct hmac *mac, const uint8_t *data, size_t size)
{
  sha256_add(&mac->inner, data, size);
}

void hmac_finish(struct hmac *mac, uint8_t out[SHA256_BYTES])
{
  sha256_finish(&mac->inner, out);
  sha256_add(&mac->outer, out, SHA256_BYTES);
  sha256_finish(&mac->outer, out);
}

bool hkdf(const struct hkdf_input *input, uint8_t *out, size_t size)
{
  struct hmac mac;
  uint8_t key[SHA256_BYTES];
  struct hkdf_input expanded = {.secret = key, .secret_size = sizeof key};
  bool good;
  hmac_start(&mac, input->salt, input->salt_size);
  hmac_add(&mac, input->secret, input->secret_size);
  hmac_finish(&mac, key);
  expanded.info = input->info;
  expanded.info_size = input->info_size;
  good = hkdf_expand(&expanded, out, size);
  wipe(key, sizeof key);
  return good;
}

bool hkdf_expand(const struct hkdf_input *input, uint8_t *out, size_t size)
{
  struct hmac mac;
  uint8_t block[SHA256_BYTES];
  size_t held = 0;
  if (size > HKDF_MAX_BYTES) return false;
  for (uint8_t number = 1; size; number++) { /* RFC 5869 section 2.3: T(n) over T(n-1), info, n */
    size_t take = size < sizeof block ? size : sizeof block;
    hmac_start(&mac, input->secret, input->secret_size);
    hmac_add(&mac, block, held);
    hmac_add(&mac, input->info, input->info_size);
    hmac_add(&mac, &number, 1);
    hmac_finish(&mac, block);
    memcpy(out, block, take);
    out += take;
    size -= take;
    held = sizeof block;
  }
  wipe(block, sizeof block);
  return true;
}
