/*
 * AES by the ESP's hardware, through the hook in platforms/native/aes.h.
 *
 * The reason is not speed. ESPs run from cached flash, so the table of the portable version leaks
 * the key's bytes into timing, and the hardware does not. By ESP-IDF's own account
 * (components/mbedtls/port/aes/esp_aes.c) a block takes 208 cycles and the lock around it up to
 * 3400; a command's eight to twelve blocks are then 0.2 ms at 160 MHz, of the 200 ms it has.
 * mbedtls_ccm and PSA use the same hardware block by block, and PSA imports the key anew for each
 * box; one lock around a whole box would save most of it, but means a CCM of our own for ESPs only.
 *
 * The key is expanded by the hardware: 16 bytes a key instead of 176.
 */
#ifndef LUMICAST_AES_ESP_H
#define LUMICAST_AES_ESP_H

#include <stdint.h>

struct aes128 {
  uint8_t key[16];
};

void aes128_set_key(struct aes128 *aes, const uint8_t key[16]);
void aes128_encrypt(const struct aes128 *aes, const uint8_t in[16], uint8_t out[16]);

#endif
