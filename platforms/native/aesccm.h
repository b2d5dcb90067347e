/*
 * AES-128-CCM (RFC 3610, NIST SP 800-38C) with 13-byte nonces, so messages of up to 65,535 bytes:
 * COSE's AES-CCM-16-64-128 (10) with an 8-byte tag and AES-CCM-16-128-128 (30) with 16.
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

enum { AES_CCM_16_64_128 = 10, AES_CCM_16_128_128 = 30 }; /* COSE, RFC 9053 section 4.2 */
enum { CCM_NONCE_BYTES = 13, CCM_MESSAGE_MAX_BYTES = 65535, CCM_AAD_MAX_BYTES = 65279 };

struct ccm_box {
  const uint8_t *nonce; /* CCM_NONCE_BYTES */
  const uint8_t *aad;
  size_t aad_size;
  size_t tag_size; /* 8 or 16 */
};

/* Tag size of a COSE algorithm; 0 when it is neither of the two above. */
size_t ccm_tag_size(int algorithm);

/* `sealed` takes size + tag_size bytes; false when a length is beyond the limits above. */
bool ccm_seal(const struct aes128 *aes, const struct ccm_box *box, const uint8_t *plain,
    size_t size, uint8_t *sealed);

/* `plain` takes size - tag_size bytes; false when the tag is wrong or a length impossible. */
bool ccm_open(const struct aes128 *aes, const struct ccm_box *box, const uint8_t *sealed,
    size_t size, uint8_t *plain);

/* AES calls of one box with `size` bytes of plaintext: its cost. */
size_t ccm_blocks(size_t aad_size, size_t size);

#endif
