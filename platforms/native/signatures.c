#include "signatures.h"

#include <string.h>

#if __has_include(<sodium/crypto_sign_ed25519.h>)
#include <sodium/crypto_scalarmult_curve25519.h>
#include <sodium/crypto_scalarmult_ed25519.h>
#include <sodium/crypto_sign_ed25519.h>
#else
/* The SDK's build does not look where ESP-IDF unpacks the component. */
int crypto_sign_ed25519_seed_keypair(unsigned char *, unsigned char *, const unsigned char *);
int crypto_sign_ed25519_detached(unsigned char *, unsigned long long *, const unsigned char *,
    unsigned long long, const unsigned char *);
int crypto_sign_ed25519_verify_detached(const unsigned char *, const unsigned char *,
    unsigned long long, const unsigned char *);
int crypto_sign_ed25519_pk_to_curve25519(unsigned char *, const unsigned char *);
int crypto_sign_ed25519_sk_to_curve25519(unsigned char *, const unsigned char *);
int crypto_scalarmult_curve25519(unsigned char *, const unsigned char *, const unsigned char *);
int crypto_scalarmult_ed25519_noclamp(unsigned char *, const unsigned char *,
    const unsigned char *);
#endif

#include "sha256.h"

void signer_make(struct signer *signer, const uint8_t seed[SEED_BYTES])
{
  uint8_t public_key[PUBLIC_KEY_BYTES];
  crypto_sign_ed25519_seed_keypair(public_key, signer->secret, seed);
}

const uint8_t *signer_public_key(const struct signer *signer)
{
  return signer->secret + SEED_BYTES;
}

void signer_sign(const struct signer *signer, const uint8_t *data, size_t size,
    uint8_t signature[SIGNATURE_BYTES])
{
  crypto_sign_ed25519_detached(signature, NULL, data, size, signer->secret);
}

/*
 * The library refuses small and mixed order; no y below 19 has order L, so none that is p or more
 * passes either. Before 1.0.21 it misses a component of order 2, which X25519 then clears.
 */
bool signer_agree(const struct signer *signer, const uint8_t public_key[PUBLIC_KEY_BYTES],
    uint8_t secret[AGREED_BYTES])
{
  uint8_t scalar[32], u[32];
  bool good;
  if (crypto_sign_ed25519_pk_to_curve25519(u, public_key)) return false; // check: agree-public-key
  crypto_sign_ed25519_sk_to_curve25519(scalar, signer->secret);
  good = !crypto_scalarmult_curve25519(secret, scalar, u);
  wipe(scalar, sizeof scalar);
  return good;
}

/*
 * (L - 1)·A = -A says that A has order L: nothing of small order in it. The library's own check
 * (crypto_core_ed25519_is_valid_point) has the gap named above. What comes out is canonical, so a
 * public key that is not cannot be the same.
 */
bool is_public_key(const uint8_t public_key[PUBLIC_KEY_BYTES])
{
  static const uint8_t order_less_1[32] = {
    0xec, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0x10,
  };
  uint8_t negative[32];
  if (crypto_scalarmult_ed25519_noclamp(negative, order_less_1, public_key)) return false;
  negative[31] ^= 0x80;
  return !memcmp(negative, public_key, sizeof negative);
}

/* libsodium's verdicts are the ones agreed on: as long as it was not built with ED25519_COMPAT. */
bool signature_verify(const struct signed_data *input)
{
  return !crypto_sign_ed25519_verify_detached(input->signature, input->data, input->size,
      input->public_key);
}
