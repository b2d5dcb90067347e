#include "aesccm.h"

#include <string.h>

struct ccm_sizes ccm_sizes(int algorithm)
{
  if (algorithm == AES_CCM_16_64_128) return (struct ccm_sizes){8, CCM_NONCE_BYTES};
  if (algorithm == AES_CCM_16_128_128) return (struct ccm_sizes){16, CCM_NONCE_BYTES};
  if (algorithm == AES_CCM_64_64_128) return (struct ccm_sizes){8, 7};
  if (algorithm == AES_128_CCM_8) return (struct ccm_sizes){8, 12};
  return (struct ccm_sizes){0, 0};
}

/* to ^= from, whole blocks; memcpy compiles to plain loads and stores */
static inline void xor16(uint8_t *to, const uint8_t *from)
{
  uint64_t a[2], b[2];
  memcpy(a, to, 16);
  memcpy(b, from, 16);
  a[0] ^= b[0];
  a[1] ^= b[1];
  memcpy(to, a, 16);
}

static inline void xor_bytes(uint8_t *to, const uint8_t *from, size_t size)
{
  if (size == 16) {
    xor16(to, from);
    return;
  }
  for (size_t i = 0; i < size; i++) to[i] ^= from[i];
}

static bool possible(const struct ccm_box *box, size_t size)
{
  return size <= CCM_MESSAGE_MAX_BYTES && box->aad_size <= CCM_AAD_MAX_BYTES &&
         (box->sizes.tag == 8 || box->sizes.tag == 16) &&
         box->sizes.nonce >= CCM_NONCE_BYTES_MIN && box->sizes.nonce <= CCM_NONCE_BYTES;
}

/* Flags and nonce, and zeros up to the two last bytes. */
static inline void block_start(const struct ccm_box *box, unsigned flags, uint8_t block[16])
{
  block[0] = (uint8_t)(flags | (14u - box->sizes.nonce));
  if (box->sizes.nonce == CCM_NONCE_BYTES) { /* nearly always: a copy of known size */
    memcpy(block + 1, box->nonce, CCM_NONCE_BYTES);
  } else {
    memcpy(block + 1, box->nonce, box->sizes.nonce);
    memset(block + 1 + box->sizes.nonce, 0, CCM_NONCE_BYTES - box->sizes.nonce);
  }
}

/* RFC 3610 section 2.2: the MAC over B0 and the associated data. */
static void mac_start(const struct aes128 *aes, const struct ccm_box *box, size_t size,
    uint8_t mac[16])
{
  const uint8_t *aad = box->aad;
  size_t left = box->aad_size;
  size_t room = 14; /* the length takes two bytes of the first block */
  block_start(box, (left ? 0x40u : 0) | (box->sizes.tag - 2u) / 2 << 3, mac);
  mac[14] = (uint8_t)(size >> 8);
  mac[15] = (uint8_t)size;
  aes128_encrypt(aes, mac, mac);
  if (!left) return;
  mac[0] ^= (uint8_t)(left >> 8);
  mac[1] ^= (uint8_t)left;
  do {
    size_t take = left < room ? left : room;
    xor_bytes(mac + 16 - room, aad, take);
    aes128_encrypt(aes, mac, mac);
    aad += take;
    left -= take;
    room = 16;
  } while (left);
}

/* Section 2.3: counter block i; i = 0 encrypts the tag. */
static void counter_start(const struct ccm_box *box, uint8_t counter[16])
{
  block_start(box, 0, counter);
  counter[14] = 0;
  counter[15] = 0;
}

static inline void count_up(uint8_t counter[16])
{
  if (++counter[15] == 0) counter[14]++;
}

bool ccm_seal(const struct aes128 *aes, const struct ccm_box *box, const uint8_t *plain,
    size_t size, uint8_t *sealed)
{
  uint8_t mac[16], counter[16], stream[16], tag_stream[16];
  if (!possible(box, size)) return false;
  counter_start(box, counter);
  aes128_encrypt(aes, counter, tag_stream);
  mac_start(aes, box, size, mac);
  for (size_t at = 0; at < size; at += 16) {
    size_t take = size - at < 16 ? size - at : 16;
    count_up(counter);
    aes128_encrypt(aes, counter, stream);
    xor_bytes(mac, plain + at, take);
    aes128_encrypt(aes, mac, mac);
    xor_bytes(stream, plain + at, take);
    memcpy(sealed + at, stream, take);
  }
  for (size_t i = 0; i < box->sizes.tag; i++) sealed[size + i] = mac[i] ^ tag_stream[i];
  return true;
}

bool ccm_open(const struct aes128 *aes, const struct ccm_box *box, const uint8_t *sealed,
    size_t size, uint8_t *plain)
{
  uint8_t mac[16], counter[16], stream[16], tag_stream[16];
  uint8_t difference = 0;
  if (size < box->sizes.tag || !possible(box, size - box->sizes.tag)) return false;
  size -= box->sizes.tag;
  counter_start(box, counter);
  aes128_encrypt(aes, counter, tag_stream);
  mac_start(aes, box, size, mac);
  for (size_t at = 0; at < size; at += 16) {
    size_t take = size - at < 16 ? size - at : 16;
    count_up(counter);
    aes128_encrypt(aes, counter, stream);
    xor_bytes(stream, sealed + at, take);
    memcpy(plain + at, stream, take);
    xor_bytes(mac, stream, take);
    aes128_encrypt(aes, mac, mac);
  }
  for (size_t i = 0; i < box->sizes.tag; i++)
    difference |= (uint8_t)(mac[i] ^ tag_stream[i] ^ sealed[size + i]);
  if (difference) memset(plain, 0, size);
  return difference == 0;
}

size_t ccm_blocks(size_t aad_size, size_t size)
{
  size_t header = aad_size ? (aad_size + 2 + 15) / 16 : 0;
  return 2 + header + 2 * ((size + 15) / 16);
}
