/*
 * AES by the processor's own instructions (AES-NI), which take the same time whatever key and data;
 * processors without them get the portable code. The first user of the hook in
 * platforms/native/aes.h.
 */
#ifndef LUMICAST_AES_X86_H
#define LUMICAST_AES_X86_H

#include <stdbool.h>

struct aes128 {
  bool hardware;
  union {
    struct aes128_portable portable;
    uint8_t round_keys[176]; /* in byte order, for the instructions */
  };
};

void aes128_set_key(struct aes128 *aes, const uint8_t key[16]);
void aes128_hardware_encrypt(const struct aes128 *aes, const uint8_t in[16], uint8_t out[16]);

static inline void aes128_encrypt(const struct aes128 *aes, const uint8_t in[16], uint8_t out[16])
{
  if (aes->hardware) aes128_hardware_encrypt(aes, in, out);
  else aes128_portable_encrypt(&aes->portable, in, out);
}

#endif
