/*
 * ECDSA with SHA-256 and ECDH on P-256 over mbedTLS's libmbedcrypto, 2.28 or later: the contract
 * is modules/ports/crypto.ts, and test/unit/p256.test.ts holds it against TypeScript's.
 *
 * What takes a private key is blinded by the library with `chance`; results do not depend on it.
 * The library allocates; where there is no memory left, operations fail.
 */
#ifndef LUMICAST_P256_H
#define LUMICAST_P256_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
  P256_SECRET_BYTES = 32,
  P256_CHANCE_BYTES = 48,
  P256_POINT_BYTES = 65,
  P256_SIGNATURE_BYTES = 64,
  P256_AGREED_BYTES = 32,
};

/* Fills `bytes` by chance; 0 when done. */
typedef int p256_random(void *context, unsigned char *bytes, size_t size);

/* Holds the secret: wipe it. */
struct p256_key {
  uint8_t secret[P256_SECRET_BYTES];
  uint8_t public_key[P256_POINT_BYTES];
};

/* From a private key, or from 48 bytes of chance (FIPS 186-5 A.2.1); false for 0, n and more. */
bool p256_make(struct p256_key *key, const uint8_t *secret, size_t size, p256_random *chance);
/* r and s, deterministic (RFC 6979). */
bool p256_sign(const struct p256_key *key, const uint8_t *data, size_t size, p256_random *chance,
    uint8_t signature[P256_SIGNATURE_BYTES]);
/* False when the other's is no point of the curve; `secret` is then not written. */
bool p256_agree(const struct p256_key *key, const uint8_t public_key[P256_POINT_BYTES],
    p256_random *chance, uint8_t secret[P256_AGREED_BYTES]);

struct p256_signed {
  const uint8_t *data;
  size_t size;
  const uint8_t *signature;  /* P256_SIGNATURE_BYTES */
  const uint8_t *public_key; /* P256_POINT_BYTES */
};
bool p256_verify(const struct p256_signed *input);

#endif
