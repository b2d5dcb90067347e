#include "p256.h"

#include <mbedtls/ecdsa.h>
#include <mbedtls/ecp.h>
#include <string.h>

#include "sha256.h"

/* What an operation works on: freed, and with that wiped, at its end. */
struct work {
  mbedtls_ecp_group group;
  mbedtls_ecp_point point;
  mbedtls_mpi secret, r, s;
};

static bool begin(struct work *work)
{
  mbedtls_ecp_group_init(&work->group);
  mbedtls_ecp_point_init(&work->point);
  mbedtls_mpi_init(&work->secret);
  mbedtls_mpi_init(&work->r);
  mbedtls_mpi_init(&work->s);
  return !mbedtls_ecp_group_load(&work->group, MBEDTLS_ECP_DP_SECP256R1);
}

static bool end(struct work *work, bool good)
{
  mbedtls_mpi_free(&work->s);
  mbedtls_mpi_free(&work->r);
  mbedtls_mpi_free(&work->secret);
  mbedtls_ecp_point_free(&work->point);
  mbedtls_ecp_group_free(&work->group);
  return good;
}

/* Uncompressed and on the curve; P-256 has no points of small order. */
static bool read_point(struct work *work, const uint8_t bytes[P256_POINT_BYTES])
{
  if (bytes[0] != 4) return false;
  if (mbedtls_ecp_point_read_binary(&work->group, &work->point, bytes, P256_POINT_BYTES))
    return false;
  return !mbedtls_ecp_check_pubkey(&work->group, &work->point); // check: p256-native-point
}

/* d = c mod (n - 1) + 1 */
static bool by_chance(struct work *work, const uint8_t *bytes)
{
  return !mbedtls_mpi_read_binary(&work->r, bytes, P256_CHANCE_BYTES) &&
         !mbedtls_mpi_sub_int(&work->s, &work->group.N, 1) &&
         !mbedtls_mpi_mod_mpi(&work->secret, &work->r, &work->s) &&
         !mbedtls_mpi_add_int(&work->secret, &work->secret, 1);
}

static bool make(struct work *work, struct p256_key *key, p256_random *chance)
{
  size_t size;
  return !mbedtls_ecp_check_privkey(&work->group, &work->secret) &&
         !mbedtls_ecp_mul(&work->group, &work->point, &work->secret, &work->group.G, chance,
             NULL) &&
         !mbedtls_mpi_write_binary(&work->secret, key->secret, P256_SECRET_BYTES) &&
         !mbedtls_ecp_point_write_binary(&work->group, &work->point,
             MBEDTLS_ECP_PF_UNCOMPRESSED, &size, key->public_key, P256_POINT_BYTES);
}

bool p256_make(struct p256_key *key, const uint8_t *secret, size_t size, p256_random *chance)
{
  struct work work;
  bool good = begin(&work);
  if (size == P256_CHANCE_BYTES) good = good && by_chance(&work, secret);
  else good = good && size == P256_SECRET_BYTES &&
              !mbedtls_mpi_read_binary(&work.secret, secret, P256_SECRET_BYTES);
  return end(&work, good && make(&work, key, chance));
}

static void hash_of(const uint8_t *data, size_t size, uint8_t hash[SHA256_BYTES])
{
  struct sha256 sha256;
  sha256_start(&sha256);
  sha256_add(&sha256, data, size);
  sha256_finish(&sha256, hash);
}

bool p256_sign(const struct p256_key *key, const uint8_t *data, size_t size, p256_random *chance,
    uint8_t signature[P256_SIGNATURE_BYTES])
{
  struct work work;
  uint8_t hash[SHA256_BYTES];
  bool good = begin(&work);
  hash_of(data, size, hash);
  good = good && !mbedtls_mpi_read_binary(&work.secret, key->secret, P256_SECRET_BYTES) &&
         !mbedtls_ecdsa_sign_det_ext(&work.group, &work.r, &work.s, &work.secret, hash,
             sizeof hash, MBEDTLS_MD_SHA256, chance, NULL) &&
         !mbedtls_mpi_write_binary(&work.r, signature, P256_SIGNATURE_BYTES / 2) &&
         !mbedtls_mpi_write_binary(&work.s, signature + P256_SIGNATURE_BYTES / 2,
             P256_SIGNATURE_BYTES / 2);
  return end(&work, good);
}

bool p256_agree(const struct p256_key *key, const uint8_t public_key[P256_POINT_BYTES],
    p256_random *chance, uint8_t secret[P256_AGREED_BYTES])
{
  struct work work;
  uint8_t point[P256_POINT_BYTES];
  size_t size;
  bool good = begin(&work) && read_point(&work, public_key) &&
              !mbedtls_mpi_read_binary(&work.secret, key->secret, P256_SECRET_BYTES) &&
              !mbedtls_ecp_mul(&work.group, &work.point, &work.secret, &work.point, chance,
                  NULL) &&
              !mbedtls_ecp_point_write_binary(&work.group, &work.point,
                  MBEDTLS_ECP_PF_UNCOMPRESSED, &size, point, sizeof point);
  if (good) memcpy(secret, point + 1, P256_AGREED_BYTES);
  wipe(point, sizeof point);
  return end(&work, good);
}

bool p256_verify(const struct p256_signed *input)
{
  struct work work;
  uint8_t hash[SHA256_BYTES];
  bool good = begin(&work) && read_point(&work, input->public_key);
  hash_of(input->data, input->size, hash);
  good = good &&
         !mbedtls_mpi_read_binary(&work.r, input->signature, P256_SIGNATURE_BYTES / 2) &&
         !mbedtls_mpi_read_binary(&work.s, input->signature + P256_SIGNATURE_BYTES / 2,
             P256_SIGNATURE_BYTES / 2) &&
         !mbedtls_ecdsa_verify(&work.group, hash, sizeof hash, &work.point, &work.r, &work.s);
  return end(&work, good);
}
