/*
 * AES-CCM keys, SHA-256, HMAC and HKDF, as platforms/headless has them: the contract is
 * modules/ports/crypto.ts. A key owns its expanded schedule in C memory: the raw bytes are wiped
 * when it is made, the schedule when it is collected, and neither can be read back.
 */
#include "natives.h"

#include "../native/aesccm.h"
#include "../native/sha256.h"

struct key {
  struct aes128 aes;
  struct ccm_sizes sizes;
};

void xs_lumicast_key_destructor(void *data)
{
  if (!data) return;
  wipe(data, sizeof(struct key));
  c_free(data);
}

/* makeKey(instance, algorithm, raw) */
void xs_lumicast_key(xsMachine *the)
{
  xsIntegerValue algorithm = xsmcToInteger(xsArg(1));
  struct bytes raw = lumicast_writable(the, &xsArg(2));
  struct key *key;
  struct ccm_sizes sizes = ccm_sizes(algorithm);
  if (sizes.tag == 0)
    xsRangeError("AEAD algorithm %d is none of 10, 12, 30 and -65538", (int)algorithm);
  if (raw.size != 16) xsRangeError("the key has %d bytes, not 16", (int)raw.size);
  key = c_malloc(sizeof *key);
  if (!key) xsUnknownError("no memory for a key");
  aes128_set_key(&key->aes, raw.data);
  wipe(raw.data, raw.size);
  key->sizes = sizes;
  xsmcSetHostData(xsArg(0), key);
}

const struct aes128 *lumicast_key(xsMachine *the, xsSlot *slot, int algorithm)
{
  struct ccm_sizes sizes = ccm_sizes(algorithm);
  const struct key *key = fxGetHostDataIf(the, slot);
  if (!key || fxGetHostDestructor(the, slot) != xs_lumicast_key_destructor) return NULL;
  return key->sizes.tag == sizes.tag && key->sizes.nonce == sizes.nonce ? &key->aes : NULL;
}

static const struct key *get_key(xsMachine *the)
{
  const struct key *key = xsmcGetHostData(xsThis);
  if (!key) xsTypeError("this is no AEAD key");
  return key;
}

/* nonce and aad of the box in xsArg(0), to xsVar(0) and xsVar(1), and their lengths checked */
static void get_fields(xsMachine *the, const struct key *key)
{
  xsmcGet(xsVar(0), xsArg(0), xsID_nonce);
  xsmcGet(xsVar(1), xsArg(0), xsID_aad);
  if (lumicast_bytes(the, &xsVar(0)).size != key->sizes.nonce)
    xsRangeError("the nonce has not %d bytes", key->sizes.nonce);
  if (lumicast_bytes(the, &xsVar(1)).size > CCM_AAD_MAX_BYTES) xsRangeError("the aad is too long");
}

static struct ccm_box get_box(xsMachine *the, const struct key *key)
{
  struct bytes aad = lumicast_bytes(the, &xsVar(1));
  return (struct ccm_box){lumicast_bytes(the, &xsVar(0)).data, aad.data, aad.size, key->sizes};
}

/* open({ nonce, aad, sealed }) -> the plaintext, or undefined */
void xs_lumicast_key_open(xsMachine *the)
{
  const struct key *key = get_key(the);
  struct bytes sealed;
  struct ccm_box box;
  xsmcVars(3);
  get_fields(the, key);
  xsmcGet(xsVar(2), xsArg(0), xsID_sealed);
  sealed = lumicast_bytes(the, &xsVar(2));
  if (sealed.size < key->sizes.tag || sealed.size - key->sizes.tag > CCM_MESSAGE_MAX_BYTES) return;
  lumicast_set_bytes(the, &xsResult, NULL, sealed.size - key->sizes.tag);
  sealed = lumicast_bytes(the, &xsVar(2)); /* the line above may have moved it */
  box = get_box(the, key);
  if (!ccm_open(&key->aes, &box, sealed.data, sealed.size, lumicast_bytes(the, &xsResult).data))
    xsmcSetUndefined(xsResult);
}

/* seal({ nonce, aad, plain }) -> ciphertext and tag */
void xs_lumicast_key_seal(xsMachine *the)
{
  const struct key *key = get_key(the);
  struct bytes plain;
  struct ccm_box box;
  xsmcVars(3);
  get_fields(the, key);
  xsmcGet(xsVar(2), xsArg(0), xsID_plain);
  plain = lumicast_bytes(the, &xsVar(2));
  if (plain.size > CCM_MESSAGE_MAX_BYTES) xsRangeError("the plaintext is too long");
  lumicast_set_bytes(the, &xsResult, NULL, plain.size + key->sizes.tag);
  plain = lumicast_bytes(the, &xsVar(2));
  box = get_box(the, key);
  ccm_seal(&key->aes, &box, plain.data, plain.size, lumicast_bytes(the, &xsResult).data);
}

void xs_lumicast_sha256(xsMachine *the)
{
  uint8_t digest[SHA256_BYTES];
  struct bytes data = lumicast_bytes(the, &xsArg(0));
  struct sha256 hash;
  sha256_start(&hash);
  sha256_add(&hash, data.data, data.size);
  sha256_finish(&hash, digest);
  lumicast_set_bytes(the, &xsResult, digest, sizeof digest);
}

/* hmac({ key, data }) */
void xs_lumicast_hmac(xsMachine *the)
{
  uint8_t digest[SHA256_BYTES];
  struct bytes key, data;
  struct hmac mac;
  xsmcVars(2);
  xsmcGet(xsVar(0), xsArg(0), xsID_key);
  xsmcGet(xsVar(1), xsArg(0), xsID_data);
  key = lumicast_bytes(the, &xsVar(0));
  data = lumicast_bytes(the, &xsVar(1));
  hmac_start(&mac, key.data, key.size);
  hmac_add(&mac, data.data, data.size);
  hmac_finish(&mac, digest);
  lumicast_set_bytes(the, &xsResult, digest, sizeof digest);
}

/* hkdf({ salt, secret, info, length }) */
void xs_lumicast_hkdf(xsMachine *the)
{
  struct bytes salt, secret, info, out;
  struct hkdf_input input;
  xsmcVars(4);
  xsmcGet(xsVar(3), xsArg(0), xsID_length);
  lumicast_set_bytes(the, &xsResult, NULL,
      lumicast_whole(the, &xsVar(3), HKDF_MAX_BYTES, "hkdf: length"));
  xsmcGet(xsVar(0), xsArg(0), xsID_salt);
  xsmcGet(xsVar(1), xsArg(0), xsID_secret);
  xsmcGet(xsVar(2), xsArg(0), xsID_info);
  salt = lumicast_bytes(the, &xsVar(0));
  secret = lumicast_bytes(the, &xsVar(1));
  info = lumicast_bytes(the, &xsVar(2));
  out = lumicast_bytes(the, &xsResult);
  input = (struct hkdf_input){salt.data, secret.data, info.data, salt.size, secret.size, info.size};
  hkdf(&input, out.data, out.size);
}

/* hkdfExpand({ key, info, length }) */
void xs_lumicast_hkdf_expand(xsMachine *the)
{
  struct bytes key, info, out;
  struct hkdf_input input;
  xsmcVars(3);
  xsmcGet(xsVar(2), xsArg(0), xsID_length);
  lumicast_set_bytes(the, &xsResult, NULL,
      lumicast_whole(the, &xsVar(2), HKDF_MAX_BYTES, "hkdfExpand: length"));
  xsmcGet(xsVar(0), xsArg(0), xsID_key);
  xsmcGet(xsVar(1), xsArg(0), xsID_info);
  key = lumicast_bytes(the, &xsVar(0));
  info = lumicast_bytes(the, &xsVar(1));
  out = lumicast_bytes(the, &xsResult);
  input = (struct hkdf_input){
    .secret = key.data, .secret_size = key.size, .info = info.data, .info_size = info.size};
  hkdf_expand(&input, out.data, out.size);
}
