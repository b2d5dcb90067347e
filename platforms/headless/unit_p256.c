/* P-256 over mbedTLS; test/unit/p256.test.ts holds more. */
#include <string.h>

#include "../native/p256.h"
#include "unit.h"

/* RFC 6979 section A.2.5, message "sample" */
static const char secret_text[] =
  "c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721";
static const char signature_text[] =
  "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"
  "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8";

/* Blinds in one way only: results do not depend on it. */
static int blinding(void *context, unsigned char *bytes, size_t size)
{
  (void)context;
  memset(bytes, 0x5a, size);
  return 0;
}

static struct p256_key make_key(const char *text)
{
  uint8_t secret[P256_SECRET_BYTES];
  struct p256_key key;
  hex(text, secret);
  CHECK(p256_make(&key, secret, sizeof secret, blinding));
  return key;
}

static void signs_and_verifies(void)
{
  struct p256_key key = make_key(secret_text);
  uint8_t signature[P256_SIGNATURE_BYTES], expected[P256_SIGNATURE_BYTES];
  const uint8_t data[] = "sample";
  struct p256_signed input = {data, 6, signature, key.public_key};
  hex(signature_text, expected);
  CHECK(p256_sign(&key, data, 6, blinding, signature));
  CHECK(!memcmp(signature, expected, sizeof expected));
  CHECK(p256_verify(&input));
  for (int bit = 0; bit < 512; bit += 31) {
    signature[bit / 8] ^= (uint8_t)(1 << bit % 8);
    CHECK(!p256_verify(&input));
    signature[bit / 8] ^= (uint8_t)(1 << bit % 8);
  }
  key.public_key[64] ^= 1;
  CHECK(!p256_verify(&input));
}

static void agrees(void)
{
  struct p256_key one = make_key(secret_text), other = one;
  uint8_t here[P256_AGREED_BYTES], there[P256_AGREED_BYTES], drawn[P256_CHANCE_BYTES];
  memset(drawn, 7, sizeof drawn);
  CHECK(p256_make(&other, drawn, sizeof drawn, blinding));
  CHECK(p256_agree(&one, other.public_key, blinding, here));
  CHECK(p256_agree(&other, one.public_key, blinding, there));
  CHECK(!memcmp(here, there, sizeof here));
  other.public_key[64] ^= 1;
  CHECK(!p256_agree(&one, other.public_key, blinding, here));
}

static void refuses(void)
{
  uint8_t secret[P256_CHANCE_BYTES] = {0};
  struct p256_key key;
  CHECK(!p256_make(&key, secret, P256_SECRET_BYTES, blinding));
  CHECK(!p256_make(&key, secret, 31, blinding));
  memset(secret, 0xff, sizeof secret);
  CHECK(!p256_make(&key, secret, P256_SECRET_BYTES, blinding));
}

void p256_tests(void)
{
  run("p256: RFC 6979, and bits flipped", signs_and_verifies);
  run("p256: both agree, and only on the curve", agrees);
  run("p256: keys that are none", refuses);
}
