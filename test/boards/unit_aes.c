/*
 * aes_esp.c over a stand-in for the ESP's AES hardware, which takes only what the hardware takes:
 * an initialised context, a key of 128 bits, blocks at a word's boundary.
 */
#include <string.h>

#include "../../platforms/native/aesccm.h"
#include "esp-idf.h"
#include "unit.h"

static int open_contexts;
static unsigned blocks;
static bool broken;

void esp_aes_init(esp_aes_context *context)
{
  memset(context, 0, sizeof *context);
  open_contexts++;
}

void esp_aes_free(esp_aes_context *context)
{
  memset(context, 0, sizeof *context);
  open_contexts--;
}

int esp_aes_setkey(esp_aes_context *context, const unsigned char *key, unsigned int bits)
{
  if (bits != 128) return -1;
  context->key_bytes = 16;
  memcpy(context->key, key, 16);
  return 0;
}

int esp_aes_crypt_ecb(esp_aes_context *context, int mode, const unsigned char input[16],
    unsigned char output[16])
{
  struct aes128_portable portable;
  blocks++;
  if (broken) {
    memset(output, 0, 16); /* as ESP-IDF does after a fault */
    return -1;
  }
  CHECK(context->key_bytes == 16 && mode == ESP_AES_ENCRYPT);
  CHECK((uintptr_t)input % 4 == 0 && (uintptr_t)output % 4 == 0);
  aes128_portable_set_key(&portable, context->key);
  aes128_portable_encrypt(&portable, input, output);
  return 0;
}

/* FIPS 197, appendix C.1 */
static const uint8_t key[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
static const uint8_t plain[16] = {
  0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff,
};
static const uint8_t sealed[16] = {
  0x69, 0xc4, 0xe0, 0xd8, 0x6a, 0x7b, 0x04, 0x30, 0xd8, 0xcd, 0xb7, 0x80, 0x70, 0xb4, 0xc5, 0x5a,
};

static void hook(void)
{
  uint8_t odd[33];
  struct aes128 aes;
  aes128_set_key(&aes, key);
  memcpy(odd + 1, plain, 16);
  aes128_encrypt(&aes, odd + 1, odd + 17);
  CHECK(!memcmp(odd + 17, sealed, 16) && !memcmp(odd + 1, plain, 16));
  aes128_encrypt(&aes, odd + 1, odd + 1); /* in place */
  CHECK(!memcmp(odd + 1, sealed, 16));
  CHECK(sizeof aes == 16 && open_contexts == 0);
}

static void failure(void)
{
  uint8_t out[16];
  struct aes128 aes;
  aes128_set_key(&aes, key);
  broken = true;
  aes128_encrypt(&aes, plain, out);
  broken = false;
  CHECK(!memcmp(out, sealed, 16) && open_contexts == 0);
}

/* The header's promise on cost: a command's box of 24 bytes. */
static void cost(void)
{
  uint8_t nonce[13] = {1}, aad[16] = {2}, box[32];
  const struct ccm_box parts = {nonce, aad, sizeof aad, {8, CCM_NONCE_BYTES}};
  struct aes128 aes;
  aes128_set_key(&aes, key);
  blocks = 0;
  CHECK(ccm_seal(&aes, &parts, plain, 16, box));
  CHECK(blocks == ccm_blocks(sizeof aad, 16) && blocks <= 12);
}

void aes_tests(void)
{
  unit_test("AES on an ESP: FIPS 197, at any address", hook);
  unit_test("AES on an ESP: a fault never makes a key stream", failure);
  unit_test("AES on an ESP: as many blocks as CCM says", cost);
}
