/*
 * AES-CCM keys, SHA-256, HMAC and HKDF for TypeScript.
 *
 * A key is a host object that owns its expanded schedule in C memory: the raw bytes are wiped when
 * it is made, the schedule when it is collected, and neither can be read back. open() and seal()
 * allocate their result first and only then look at their arguments' bytes, which the collector may
 * have moved; they work in place, without copies.
 */
#include "natives.h"

#include <stdlib.h>
#include <string.h>

#include "../aesccm.h"
#include "../sha256.h"
#include "clock.h"
#include "costs.h"
#include "random.h"

struct key {
  struct aes128 aes;
  struct ccm_sizes sizes;
};

static void destroy_key(void *data)
{
  if (!data) return;
  wipe(data, sizeof(struct key));
  memory_give(data);
}

static void native_aead_key(xsMachine *the)
{
  xsIntegerValue algorithm = xsmcToInteger(xsArg(0));
  struct bytes raw = get_writable(the, &xsArg(1));
  struct key *key;
  struct ccm_sizes sizes = ccm_sizes(algorithm);
  if (sizes.tag == 0)
    xsRangeError("AEAD algorithm %d is none of 10, 12, 30 and -65538", (int)algorithm);
  if (raw.size != 16) xsRangeError("the key has %d bytes, not 16", (int)raw.size);
  xsmcVars(1);
  xsmcGet(xsVar(0), xsThis, xsID("aeadKeyPrototype"));
  xsResult = xsNewHostInstance(xsVar(0));
  key = memory_take(the, sizeof *key);
  raw = get_writable(the, &xsArg(1)); /* the lines above may have moved it */
  aes128_set_key(&key->aes, raw.data);
  wipe(raw.data, raw.size);
  key->sizes = sizes;
  xsmcSetHostData(xsResult, key);
  clock_charge(COST_KEY);
}

const struct aes128 *crypto_key(xsMachine *the, xsSlot *slot, int algorithm)
{
  struct ccm_sizes sizes = ccm_sizes(algorithm);
  const struct key *key = NULL;
  if (is_host_object(slot) && xsGetHostDestructor(*slot) == destroy_key)
    key = xsmcGetHostData(*slot);
  if (!key || key->sizes.tag != sizes.tag || key->sizes.nonce != sizes.nonce) return NULL;
  return &key->aes;
}

static struct key *get_key(xsMachine *the)
{
  struct key *key = xsmcGetHostData(xsThis);
  if (!key) xsTypeError("this is no AEAD key");
  return key;
}

/* The fields of { nonce, aad, [name] } in xsVar(0..2). */
static void get_fields(xsMachine *the, const struct key *key, const char *name)
{
  xsmcVars(3);
  xsmcGet(xsVar(0), xsArg(0), xsID("nonce"));
  xsmcGet(xsVar(1), xsArg(0), xsID("aad"));
  xsmcGet(xsVar(2), xsArg(0), xsID((char *)name));
  if (get_bytes(the, &xsVar(0)).size != key->sizes.nonce)
    xsRangeError("the nonce has not %d bytes", key->sizes.nonce);
  if (get_bytes(the, &xsVar(1)).size > CCM_AAD_MAX_BYTES) xsRangeError("the aad is too long");
}

static struct ccm_box get_box(xsMachine *the, const struct key *key)
{
  struct bytes aad = get_bytes(the, &xsVar(1));
  return (struct ccm_box){get_bytes(the, &xsVar(0)).data, aad.data, aad.size, key->sizes};
}

static uint64_t cost(const struct ccm_box *box, size_t size)
{
  return COST_CCM + COST_AES_BLOCK * ccm_blocks(box->aad_size, size);
}

static void native_open(xsMachine *the)
{
  const struct key *key = get_key(the);
  struct bytes sealed;
  struct ccm_box box;
  bool good;
  get_fields(the, key, "sealed");
  sealed = get_bytes(the, &xsVar(2));
  if (sealed.size < key->sizes.tag || sealed.size - key->sizes.tag > CCM_MESSAGE_MAX_BYTES) return;
  set_bytes(the, &xsResult, NULL, sealed.size - key->sizes.tag);
  sealed = get_bytes(the, &xsVar(2));
  box = get_box(the, key);
  clock_charge(COST_OPEN_BEFORE + cost(&box, sealed.size - key->sizes.tag));
  good = ccm_open(&key->aes, &box, sealed.data, sealed.size, get_bytes(the, &xsResult).data);
  if (good) clock_charge(COST_OPEN_AFTER);
  else xsmcSetUndefined(xsResult);
}

static void native_seal(xsMachine *the)
{
  const struct key *key = get_key(the);
  struct bytes plain;
  struct ccm_box box;
  get_fields(the, key, "plain");
  plain = get_bytes(the, &xsVar(2));
  if (plain.size > CCM_MESSAGE_MAX_BYTES) xsRangeError("the plaintext is too long");
  set_bytes(the, &xsResult, NULL, plain.size + key->sizes.tag);
  plain = get_bytes(the, &xsVar(2));
  box = get_box(the, key);
  clock_charge(COST_SEAL + cost(&box, plain.size));
  ccm_seal(&key->aes, &box, plain.data, plain.size, get_bytes(the, &xsResult).data);
}

static void charge_hash(size_t size, unsigned passes)
{
  clock_charge(COST_SHA256_BLOCK * ((size + 9 + 63) / 64 + passes));
}

static void native_sha256(xsMachine *the)
{
  uint8_t digest[SHA256_BYTES];
  struct bytes data = get_bytes(the, &xsArg(0));
  struct sha256 hash;
  sha256_start(&hash);
  sha256_add(&hash, data.data, data.size);
  sha256_finish(&hash, digest);
  charge_hash(data.size, 0);
  set_bytes(the, &xsResult, digest, sizeof digest);
}

/* hmac(key, data) */
static void native_hmac(xsMachine *the)
{
  uint8_t digest[SHA256_BYTES];
  struct bytes key = get_bytes(the, &xsArg(0));
  struct bytes data = get_bytes(the, &xsArg(1));
  struct hmac mac;
  hmac_start(&mac, key.data, key.size);
  hmac_add(&mac, data.data, data.size);
  hmac_finish(&mac, digest);
  charge_hash(data.size, 3);
  set_bytes(the, &xsResult, digest, sizeof digest);
}

/* hkdf(salt, secret, info, length) */
static void native_hkdf(xsMachine *the)
{
  double length = get_whole(the, &xsArg(3), HKDF_MAX_BYTES, "hkdf: length");
  struct bytes salt, secret, info, out;
  struct hkdf_input input;
  set_bytes(the, &xsResult, NULL, (size_t)length);
  salt = get_bytes(the, &xsArg(0));
  secret = get_bytes(the, &xsArg(1));
  info = get_bytes(the, &xsArg(2));
  out = get_bytes(the, &xsResult);
  input = (struct hkdf_input){salt.data, secret.data, info.data, salt.size, secret.size, info.size};
  hkdf(&input, out.data, out.size);
  charge_hash(secret.size, 3 + 4 * (unsigned)((out.size + 31) / 32));
}

/* hkdfExpand(key, info, length) */
static void native_hkdf_expand(xsMachine *the)
{
  double length = get_whole(the, &xsArg(2), HKDF_MAX_BYTES, "hkdf: length");
  struct bytes key, info, out;
  struct hkdf_input input;
  set_bytes(the, &xsResult, NULL, (size_t)length);
  key = get_bytes(the, &xsArg(0));
  info = get_bytes(the, &xsArg(1));
  out = get_bytes(the, &xsResult);
  input = (struct hkdf_input){
    .secret = key.data, .secret_size = key.size, .info = info.data, .info_size = info.size};
  hkdf_expand(&input, out.data, out.size);
  charge_hash(0, 4 * (unsigned)((out.size + 31) / 32));
}

static void native_random(xsMachine *the)
{
  struct bytes into = get_writable(the, &xsArg(0));
  random_fill(into.data, into.size);
}

void crypto_build(xsMachine *the)
{
  static const struct native methods[] = {{"open", native_open, 1}, {"seal", native_seal, 1}};
  const xsAttribute fixed = xsDontSet | xsDontDelete | xsDontEnum;
  xsVar(1) = xsNewHostObject(destroy_key);
  for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
    xsVar(2) = xsNewHostFunction(methods[i].callback, methods[i].length);
    xsmcDefine(xsVar(1), xsID((char *)methods[i].name), xsVar(2), fixed);
  }
  xsmcDefine(xsVar(0), xsID("aeadKeyPrototype"), xsVar(1), fixed);
}

const struct native crypto_natives[] = {
  {"aeadKey", native_aead_key, 2},
  {"sha256", native_sha256, 1},
  {"hmac", native_hmac, 2},
  {"hkdf", native_hkdf, 4},
  {"hkdfExpand", native_hkdf_expand, 3},
  {"random", native_random, 1},
  {0},
};
