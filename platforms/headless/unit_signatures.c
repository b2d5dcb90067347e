/* Ed25519 and X25519 over libsodium; test/unit/signatures.test.ts holds more, for TypeScript. */
#include <string.h>

#include "../native/signatures.h"
#include "unit.h"

/* RFC 8032 section 7.1, TEST 2 */
static const char seed_text[] = "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb";
static const char key_text[] = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c";
static const char signature_text[] =
  "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
  "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00";

static struct signer make_signer(const char *text)
{
  uint8_t seed[SEED_BYTES];
  struct signer signer;
  hex(text, seed);
  signer_make(&signer, seed);
  return signer;
}

static void signs_and_verifies(void)
{
  struct signer signer = make_signer(seed_text);
  uint8_t signature[SIGNATURE_BYTES], expected[SIGNATURE_BYTES], key[PUBLIC_KEY_BYTES];
  uint8_t data = 0x72;
  struct signed_data input = {&data, 1, signature, key};
  hex(key_text, key);
  hex(signature_text, expected);
  CHECK(!memcmp(signer_public_key(&signer), key, sizeof key));
  signer_sign(&signer, &data, 1, signature);
  CHECK(!memcmp(signature, expected, sizeof expected));
  CHECK(signature_verify(&input));
  for (int bit = 0; bit < 512; bit += 7) {
    signature[bit / 8] ^= (uint8_t)(1 << bit % 8);
    CHECK(!signature_verify(&input));
    signature[bit / 8] ^= (uint8_t)(1 << bit % 8);
  }
  data = 0;
  CHECK(!signature_verify(&input));
}

/* shared/vectors/pairwise-ecdh.json, pair-0 */
static void agrees(void)
{
  static const char *const refused[] = {
    "0100000000000000000000000000000000000000000000000000000000000000",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d",
    "f0ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  };
  struct signer signer =
    make_signer("397ceb5a8d21d74a9258c20c33fc45ab152b02cf479b2e3081285f77454cf347");
  uint8_t peer[PUBLIC_KEY_BYTES], secret[AGREED_BYTES], expected[AGREED_BYTES];
  hex("2668ba6ca302f14e952228da1250a890c143fdba4daed27246188b9e42c94b6d", peer);
  hex("4546babdb9482396c167af11d21953bfa49eb9f630c45de93ee4d3b9ef059576", expected);
  CHECK(is_public_key(peer));
  CHECK(signer_agree(&signer, peer, secret) && !memcmp(secret, expected, sizeof expected));
  for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
    hex(refused[i], peer);
    CHECK(!is_public_key(peer));
    CHECK(!signer_agree(&signer, peer, secret));
  }
}

void signatures_tests(void)
{
  run("signatures: RFC 8032, and any bit flipped", signs_and_verifies);
  run("signatures: what is no key agrees with nobody", agrees);
}
