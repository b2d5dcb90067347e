/*
 * AES-128-CCM (RFC 3610, NIST SP 800-38C) of messages of up to 65,535 bytes: COSE's
 * AES-CCM-16-64-128 (10) and AES-CCM-16-128-128 (30) with nonces of 13 bytes and tags of 8 and 16,
 * AES-CCM-64-64-128 (12) with 7 and 8, and AES_128_CCM_8 of DTLS with 12 and 8.
 *
 * In four steps: the first block B0 binds nonce, lengths and tag size; CBC-MAC runs over B0, the
 * associated data and the plaintext; counter mode encrypts the plaintext from block 1 on; the tag
 * is the MAC encrypted with counter block 0. MAC and counter block of the same index are
 * independent, so they are computed side by side, which superscalar processors overlap.
 *
 * The key schedule is made once a key. Tags are compared in constant time, and when a tag is wrong
 * the output is wiped: no unverified plaintext leaves. For the AES beneath see aes.h.
 */
#ifndef LUMICAST_AESCCM_H
#define LUMICAST_AESCCM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aes.h"

/* COSE, RFC 9053 section 4.2; RFC 6655, which has no number there: one for private use */
enum { AES_CCM_16_64_128 = 10, AES_CCM_64_64_128 = 12, AES_CCM_16_128_128 = 30 };
enum { AES_128_CCM_8 = -65538 };
enum { CCM_NONCE_BYTES = 13, CCM_NONCE_BYTES_MIN = 7 };
enum { CCM_MESSAGE_MAX_BYTES = 65535, CCM_AAD_MAX_BYTES = 65279 };

struct ccm_box {
  const uint8_t *nonce;
  const uint8_t *aad;
  size_t aad_size;
  struct ccm_sizes {
    uint8_t tag;   /* 8 or 16 */
    uint8_t nonce; /* 7 to 13 */
  } sizes;
};

/* Of an algorithm; the tag's is 0 when it is none of the four above. */
struct ccm_sizes ccm_sizes(int algorithm);

/* `sealed` takes size + sizes.tag bytes; false when a length is beyond the limits above. */
bool ccm_seal(const struct aes128 *aes, const struct ccm_box *box, const uint8_t *plain,
    size_t size, uint8_t *sealed);

/* `plain` takes size - sizes.tag bytes; false when the tag is wrong or a length impossible. */
bool ccm_open(const struct aes128 *aes, const struct ccm_box *box, const uint8_t *sealed,
    size_t size, uint8_t *plain);

/* AES calls of one box with `size` bytes of plaintext: its cost. */
size_t ccm_blocks(size_t aad_size, size_t size);

#endif
