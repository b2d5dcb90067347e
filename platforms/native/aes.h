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
 * Hook: define LUMICAST_AES to the name of a header (with its quotes) that declares struct aes128
 * and the two functions below for hardware (nRF ECB, ESP AES, PSA); aes.c is then empty.
 */
#ifndef LUMICAST_AES_H
#define LUMICAST_AES_H

#include <stdint.h>

#ifdef LUMICAST_AES
#include LUMICAST_AES
#else

struct aes128 {
  uint32_t round_keys[44];
};

void aes128_set_key(struct aes128 *aes, const uint8_t key[16]);
/* `in` and `out` may be the same. */
void aes128_encrypt(const struct aes128 *aes, const uint8_t in[16], uint8_t out[16]);

#endif
#endif
