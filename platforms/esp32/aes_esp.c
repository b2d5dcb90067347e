#include "../native/aes.h"

#include <string.h>

#include "aes/esp_aes.h"

void aes128_set_key(struct aes128 *aes, const uint8_t key[16])
{
  memcpy(aes->key, key, sizeof aes->key);
}

void aes128_encrypt(const struct aes128 *aes, const uint8_t in[16], uint8_t out[16])
{
  uint32_t block[4]; /* the hardware is fed by words */
  esp_aes_context hardware;
  int failed;
  memcpy(block, in, sizeof block);
  esp_aes_init(&hardware);
  failed = esp_aes_setkey(&hardware, aes->key, 128);
  if (!failed)
    failed = esp_aes_crypt_ecb(&hardware, ESP_AES_ENCRYPT, (uint8_t *)block, (uint8_t *)block);
  esp_aes_free(&hardware);
  if (failed) {
    /* What the hardware left must not become a key stream. */
    struct aes128_portable portable;
    aes128_portable_set_key(&portable, aes->key);
    aes128_portable_encrypt(&portable, in, out);
    return;
  }
  memcpy(out, block, sizeof block);
}
