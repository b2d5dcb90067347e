/*
 * SHA-256 (FIPS 180-4), HMAC (RFC 2104) and HKDF (RFC 5869) in portable C. No tables indexed by
 * secrets, no branches on them: time depends on lengths only.
 */
#ifndef LUMICAST_SHA256_H
#define LUMICAST_SHA256_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SHA256_BYTES = 32, SHA256_BLOCK_BYTES = 64, HKDF_MAX_BYTES = 255 * SHA256_BYTES };

struct sha256 {
  uint32_t state[8];
  uint64_t bytes;
  uint8_t block[SHA256_BLOCK_BYTES];
};

void sha256_start(struct sha256 *hash);
void sha256_add(struct sha256 *hash, const uint8_t *data, size_t size);
void sha256_finish(struct sha256 *hash, uint8_t out[SHA256_BYTES]);

struct hmac {
  struct sha256 inner, outer;
};

void hmac_start(struct hmac *mac, const uint8_t *key, size_t key_size);
void hmac_add(struct hmac *mac, const uint8_t *data, size_t size);
void hmac_finish(struct hmac *mac, uint8_t out[SHA256_BYTES]);

struct hkdf_input {
  const uint8_t *salt, *secret, *info;
  size_t salt_size, secret_size, info_size;
};

/* Extract, then expand. False when `size` exceeds HKDF_MAX_BYTES. */
bool hkdf(const struct hkdf_input *input, uint8_t *out, size_t size);
/* Expand alone: `secret` is the pseudorandom key, and there is no salt. */
bool hkdf_expand(const struct hkdf_input *input, uint8_t *out, size_t size);

/* Overwrites secrets in a way the compiler keeps. */
void wipe(void *secret, size_t size);

#endif
