/*
 * AES-128 encryption of single blocks (FIPS 197); CCM needs no decryption.
 *
 * Portable version (aes.c): one table of 1 KB, the column form of SubBytes and MixColumns, rotated
 * for the other three columns. Four tables would save the rotations on x86, but on Cortex-M and
 * RISC-V rotations cost little and 3 KB of flash cache more; a version without tables (bit-sliced)
 * needs eight blocks at a time to pay, and CBC-MAC has one.
 *
 * Cache timing: table indices depend on key and data.
 *   Cortex-M4 (nRF52840)   no data cache; table in flash behind a small instruction cache that also
 *                          serves constants: an attacker would need code on the same chip
 *   ESP32 family           flash is cached: use the AES peripheral through the hook below
 *   Linux (headless)       leaks to other users of the CPU; this host is for development and tests
 *
 * Hook for hardware (nRF's ECB, the ESP's AES, PSA, AES-NI): define LUMICAST_AES to the name of a
 * header, quotes included, that declares struct aes128, aes128_set_key and aes128_encrypt in place
 * of the three below. It may fall back on the portable functions. platforms/headless/aes_x86.h is
 * one.
 */
#ifndef LUMICAST_AES_H
#define LUMICAST_AES_H

#include <stdint.h>

struct aes128_portable {
  uint32_t round_keys[44];
};

void aes128_portable_set_key(struct aes128_portable *aes, const uint8_t key[16]);
/* `in` and `out` may be the same. */
void aes128_portable_encrypt(const struct aes128_portable *aes, const uint8_t in[16],
    uint8_t out[16]);

#ifdef LUMICAST_AES
#include LUMICAST_AES
#else

struct aes128 {
  struct aes128_portable portable;
};

static inline void aes128_set_key(struct aes128 *aes, const uint8_t key[16])
{
  aes128_portable_set_key(&aes->portable, key);
}

static inline void aes128_encrypt(const struct aes128 *aes, const uint8_t in[16], uint8_t out[16])
{
  aes128_portable_encrypt(&aes->portable, in, out);
}

#endif
#endif
