/*
 * Ed25519 (RFC 8032) and, with the same keys, X25519 (RFC 7748), over libsodium: the contract is
 * modules/ports/crypto.ts, and modules/crypto/noble.ts argues the verdicts.
 *
 * Only deterministic functions of the library are used, which neither need nor do without
 * sodium_init(): it would ask a board for random numbers. Needed are crypto_sign, crypto_scalarmult
 * (curve25519 and ed25519): not the minimal build.
 */
#ifndef LUMICAST_SIGNATURES_H
#define LUMICAST_SIGNATURES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SEED_BYTES = 32, PUBLIC_KEY_BYTES = 32, SIGNATURE_BYTES = 64, AGREED_BYTES = 32 };

/* Holds the secret: wipe it. */
struct signer {
  uint8_t secret[SEED_BYTES + PUBLIC_KEY_BYTES]; /* as libsodium has it: seed, public key */
};

/* Copies what it needs of `seed`. */
void signer_make(struct signer *signer, const uint8_t seed[SEED_BYTES]);
const uint8_t *signer_public_key(const struct signer *signer);
void signer_sign(const struct signer *signer, const uint8_t *data, size_t size,
    uint8_t signature[SIGNATURE_BYTES]);
/* False when the other's key is none of prime order; `secret` is then not written. */
bool signer_agree(const struct signer *signer, const uint8_t public_key[PUBLIC_KEY_BYTES],
    uint8_t secret[AGREED_BYTES]);

/* Whether key generation can give this: canonical, on the curve, of prime order. */
bool is_public_key(const uint8_t public_key[PUBLIC_KEY_BYTES]);

struct signed_data {
  const uint8_t *data;
  size_t size;
  const uint8_t *signature;  /* SIGNATURE_BYTES */
  const uint8_t *public_key; /* PUBLIC_KEY_BYTES */
};
bool signature_verify(const struct signed_data *input);

#endif
