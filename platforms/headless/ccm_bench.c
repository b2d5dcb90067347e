/*
 * make ccm-bench: our AES-CCM open against libmbedcrypto's, same box, same run, interleaved.
 *
 * 24 bytes of ciphertext with an 8-byte tag and 20 bytes of associated data, the shape of a
 * lighting command. Both expand the key once, outside the loop. Two rows: as built, where both use
 * the processor's AES instructions if it has them, and portable, where both use tables (mbedTLS
 * 2.28 is kept from the instructions by answering its own question in its place; a version that
 * does not let itself be asked shows as an odd ratio). Prints one JSON object; exits 1 if ours as
 * built takes more than 1.5 times as long at the median.
 */
#include <mbedtls/ccm.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../native/aesccm.h"

enum { ROUNDS = 61, OPENS = 10000, SEALED = 24, AAD = 20, TAG = 8 };

struct bench {
  uint8_t key[16], nonce[13], aad[AAD], plain[SEALED - TAG], sealed[SEALED];
  struct aes128 aes;
  mbedtls_ccm_context mbed;
};

static bool hardware = true;

/* Takes the place of the library's function of that name. */
int mbedtls_aesni_has_support(unsigned what);
int mbedtls_aesni_has_support(unsigned what)
{
  (void)what;
#ifdef LUMICAST_AES
  return hardware && __builtin_cpu_supports("aes");
#else
  return 0;
#endif
}

static void set_keys(struct bench *b)
{
  aes128_set_key(&b->aes, b->key);
#ifdef LUMICAST_AES
  if (!hardware) {
    b->aes.hardware = false;
    aes128_portable_set_key(&b->aes.portable, b->key);
  }
#endif
}

static double now(void)
{
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void must(int good)
{
  if (good) return;
  fprintf(stderr, "ccm-bench: a good box was refused\n");
  exit(1);
}

static double ours(struct bench *b)
{
  struct ccm_box box = {b->nonce, b->aad, AAD, {TAG, CCM_NONCE_BYTES}};
  double begin = now();
  for (int i = 0; i < OPENS; i++) must(ccm_open(&b->aes, &box, b->sealed, SEALED, b->plain));
  return (now() - begin) / OPENS;
}

static double theirs(struct bench *b)
{
  double begin = now();
  for (int i = 0; i < OPENS; i++)
    must(!mbedtls_ccm_auth_decrypt(&b->mbed, SEALED - TAG, b->nonce, 13, b->aad, AAD, b->sealed,
        b->plain, b->sealed + SEALED - TAG, TAG));
  return (now() - begin) / OPENS;
}

static int compare(const void *a, const void *b)
{
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* One row of the output; the ratio of the medians. */
static double measure(struct bench *b, const char *name)
{
  static double a[ROUNDS], m[ROUNDS];
  struct ccm_box box = {b->nonce, b->aad, AAD, {TAG, CCM_NONCE_BYTES}};
  double ratio;
  set_keys(b);
  mbedtls_ccm_init(&b->mbed);
  must(!mbedtls_ccm_setkey(&b->mbed, MBEDTLS_CIPHER_ID_AES, b->key, 128));
  must(ccm_seal(&b->aes, &box, b->plain, sizeof b->plain, b->sealed));
  for (int i = 0; i < ROUNDS; i++) {
    a[i] = ours(b);
    m[i] = theirs(b);
  }
  mbedtls_ccm_free(&b->mbed);
  qsort(a, ROUNDS, sizeof *a, compare);
  qsort(m, ROUNDS, sizeof *m, compare);
  ratio = a[ROUNDS / 2] / m[ROUNDS / 2];
  printf("\"%s\":{\"oursNanos\":%.0f,\"mbedNanos\":%.0f,\"ratio\":%.2f}", name, a[ROUNDS / 2],
      m[ROUNDS / 2], ratio);
  return ratio;
}

int main(void)
{
  static struct bench b;
  double ratio;
  for (int i = 0; i < 16; i++) b.key[i] = (uint8_t)(i * 7);
  printf("{");
  ratio = measure(&b, "asBuilt");
  hardware = false;
  printf(",");
  measure(&b, "portable");
  printf(",\"limit\":1.5}\n");
  return ratio > 1.5;
}
