/*
 * Ed25519 and X25519, as platforms/headless has them: the contract is modules/ports/crypto.ts. A
 * private key owns its seed in C memory: the bytes it came from are wiped when it is made, its own
 * when it is collected, and they cannot be read back.
 *
 * With the define lumicast.ed25519, which a platform's manifest_signatures.json sets and brings
 * libsodium and platforms/native/signatures.c along with; without, TypeScript is told that there
 * are none.
 */
#include "natives.h"

#include "mc.defines.h"

#include "../native/sha256.h"
#include "../native/signatures.h"

/* hasSignatures() */
void xs_lumicast_signatures(xsMachine *the)
{
#if MODDEF_LUMICAST_ED25519
  xsmcSetTrue(xsResult);
#else
  xsmcSetFalse(xsResult);
#endif
}

void xs_lumicast_signer_destructor(void *data)
{
  if (!data) return;
  wipe(data, sizeof(struct signer));
  c_free(data);
}

#if MODDEF_LUMICAST_ED25519

static const struct signer *get_signer(xsMachine *the)
{
  const struct signer *signer = xsmcGetHostData(xsThis);
  if (!signer) xsTypeError("this is no private key");
  return signer;
}

/* makeSigner(instance, seed) -> the public key */
void xs_lumicast_signer(xsMachine *the)
{
  struct bytes seed = lumicast_writable(the, &xsArg(1));
  struct signer *signer;
  if (seed.size != SEED_BYTES) xsRangeError("an Ed25519 seed of %d bytes", (int)seed.size);
  signer = c_malloc(sizeof *signer);
  if (!signer) xsUnknownError("no memory for a key");
  signer_make(signer, seed.data);
  wipe(seed.data, seed.size);
  xsmcSetHostData(xsArg(0), signer);
  lumicast_set_bytes(the, &xsResult, signer_public_key(signer), PUBLIC_KEY_BYTES);
}

/* sign(data) -> 64 bytes */
void xs_lumicast_signer_sign(xsMachine *the)
{
  uint8_t signature[SIGNATURE_BYTES];
  const struct signer *signer = get_signer(the);
  struct bytes data = lumicast_bytes(the, &xsArg(0));
  signer_sign(signer, data.data, data.size, signature);
  lumicast_set_bytes(the, &xsResult, signature, sizeof signature);
}

/* agree(publicKey) -> 32 bytes, or undefined */
void xs_lumicast_signer_agree(xsMachine *the)
{
  uint8_t secret[AGREED_BYTES];
  const struct signer *signer = get_signer(the);
  struct bytes key = lumicast_bytes(the, &xsArg(0));
  if (key.size != PUBLIC_KEY_BYTES || !signer_agree(signer, key.data, secret)) return;
  lumicast_set_bytes(the, &xsResult, secret, sizeof secret);
  wipe(secret, sizeof secret);
}

/* isPublicKey(publicKey) */
void xs_lumicast_public_key(xsMachine *the)
{
  struct bytes key = lumicast_bytes(the, &xsArg(0));
  xsmcSetBoolean(xsResult, key.size == PUBLIC_KEY_BYTES && is_public_key(key.data));
}

/* verifySignature(data, signature, publicKey) */
void xs_lumicast_verify(xsMachine *the)
{
  struct bytes data = lumicast_bytes(the, &xsArg(0));
  struct bytes signature = lumicast_bytes(the, &xsArg(1));
  struct bytes key = lumicast_bytes(the, &xsArg(2));
  struct signed_data input = {data.data, data.size, signature.data, key.data};
  bool whole = signature.size == SIGNATURE_BYTES && key.size == PUBLIC_KEY_BYTES;
  xsmcSetBoolean(xsResult, whole && signature_verify(&input));
}

#else

static void refuse(xsMachine *the)
{
  xsUnknownError("an image without signatures");
}

void xs_lumicast_signer(xsMachine *the)
{
  refuse(the);
}

void xs_lumicast_signer_sign(xsMachine *the)
{
  refuse(the);
}

void xs_lumicast_signer_agree(xsMachine *the)
{
  refuse(the);
}

void xs_lumicast_public_key(xsMachine *the)
{
  refuse(the);
}

void xs_lumicast_verify(xsMachine *the)
{
  refuse(the);
}

#endif
