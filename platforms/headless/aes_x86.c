#include "../native/aes.h"

#include <string.h>
#include <wmmintrin.h>

/* The key schedule is the portable one; only its byte order differs. */
void aes128_set_key(struct aes128 *aes, const uint8_t key[16])
{
  struct aes128_portable words;
  aes128_portable_set_key(&words, key);
  aes->hardware = __builtin_cpu_supports("aes");
  if (aes->hardware)
    for (int i = 0; i < 176; i++)
      aes->round_keys[i] = (uint8_t)(words.round_keys[i >> 2] >> (24 - 8 * (i & 3)));
  else
    aes->portable = words;
  memset(&words, 0, sizeof words);
  __asm__ volatile("" : : "r"(&words) : "memory"); /* keeps the wiping */
}

__attribute__((target("aes,sse2")))
void aes128_hardware_encrypt(const struct aes128 *aes, const uint8_t in[16], uint8_t out[16])
{
  const __m128i *keys = (const __m128i *)(const void *)aes->round_keys;
  __m128i block = _mm_loadu_si128((const __m128i *)(const void *)in);
  block = _mm_xor_si128(block, _mm_loadu_si128(keys));
  for (int round = 1; round < 10; round++)
    block = _mm_aesenc_si128(block, _mm_loadu_si128(keys + round));
  block = _mm_aesenclast_si128(block, _mm_loadu_si128(keys + 10));
  _mm_storeu_si128((__m128i *)(void *)out, block);
}
