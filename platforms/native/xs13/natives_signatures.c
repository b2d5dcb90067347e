/*
 * Ed25519 and X25519 for TypeScript, where the build has libsodium (signatures.h).
 *
 * A private key is a host object that owns its seed in C memory: the bytes it came from are wiped
 * when it is made, its own when it is collected, and they cannot be read back.
 */
#include "natives.h"

#include "../sha256.h"
#include "../signatures.h"
#include "clock.h"
#include "costs.h"

static void destroy_signer(void *data)
{
  if (!data) return;
  wipe(data, sizeof(struct signer));
  memory_give(data);
}

/* signer(seed) */
static void native_signer(xsMachine *the)
{
  struct bytes seed = get_writable(the, &xsArg(0));
  struct signer *signer;
  if (seed.size != SEED_BYTES) xsRangeError("an Ed25519 seed of %d bytes", (int)seed.size);
  xsmcVars(1);
  xsmcGet(xsVar(0), xsGlobal, xsID("lumicastHost"));
  xsmcGet(xsVar(0), xsVar(0), xsID("signerPrototype"));
  xsResult = xsNewHostInstance(xsVar(0));
  signer = memory_take(the, sizeof *signer);
  seed = get_writable(the, &xsArg(0)); /* the lines above may have moved it */
  signer_make(signer, seed.data);
  wipe(seed.data, seed.size);
  xsmcSetHostData(xsResult, signer);
  clock_charge(COST_SIGN);
}

static struct signer *get_signer(xsMachine *the)
{
  struct signer *signer = NULL;
  if (is_host_object(&xsThis) && xsGetHostDestructor(xsThis) == destroy_signer)
    signer = xsmcGetHostData(xsThis);
  if (!signer) xsTypeError("this is no private key");
  return signer;
}

static void native_public_key(xsMachine *the)
{
  set_bytes(the, &xsResult, signer_public_key(get_signer(the)), PUBLIC_KEY_BYTES);
}

/* sign(data) -> 64 bytes */
static void native_sign(xsMachine *the)
{
  uint8_t signature[SIGNATURE_BYTES];
  const struct signer *signer = get_signer(the);
  struct bytes data = get_bytes(the, &xsArg(0));
  signer_sign(signer, data.data, data.size, signature);
  clock_charge(COST_SIGN);
  set_bytes(the, &xsResult, signature, sizeof signature);
}

/* agree(publicKey) -> 32 bytes, or undefined */
static void native_agree(xsMachine *the)
{
  uint8_t secret[AGREED_BYTES];
  const struct signer *signer = get_signer(the);
  struct bytes key = get_bytes(the, &xsArg(0));
  clock_charge(COST_AGREE);
  if (key.size != PUBLIC_KEY_BYTES || !signer_agree(signer, key.data, secret)) return;
  set_bytes(the, &xsResult, secret, sizeof secret);
  wipe(secret, sizeof secret);
}

/* isPublicKey(publicKey) */
static void native_is_public_key(xsMachine *the)
{
  struct bytes key = get_bytes(the, &xsArg(0));
  clock_charge(COST_AGREE); /* two multiplications, too */
  xsmcSetBoolean(xsResult, key.size == PUBLIC_KEY_BYTES && is_public_key(key.data));
}

/* verify({ data, signature, publicKey }) */
static void native_verify(xsMachine *the)
{
  struct bytes data, signature, key;
  struct signed_data input;
  xsmcVars(3);
  xsmcGet(xsVar(0), xsArg(0), xsID("data"));
  xsmcGet(xsVar(1), xsArg(0), xsID("signature"));
  xsmcGet(xsVar(2), xsArg(0), xsID("publicKey"));
  data = get_bytes(the, &xsVar(0));
  signature = get_bytes(the, &xsVar(1));
  key = get_bytes(the, &xsVar(2));
  input = (struct signed_data){data.data, data.size, signature.data, key.data};
  clock_charge(COST_VERIFY);
  xsmcSetBoolean(xsResult, signature.size == SIGNATURE_BYTES && key.size == PUBLIC_KEY_BYTES &&
                               signature_verify(&input));
}

/* `object`, in xsVar(1), gets these functions. */
static void define(xsMachine *the, const struct native *methods, size_t count)
{
  for (size_t i = 0; i < count; i++) {
    xsVar(2) = xsNewHostFunction(methods[i].callback, methods[i].length);
    xsmcDefine(xsVar(1), xsID((char *)methods[i].name), xsVar(2),
        xsDontSet | xsDontDelete | xsDontEnum);
  }
}

void signatures_build(xsMachine *the)
{
  static const struct native own[] = {{"sign", native_sign, 1}, {"agree", native_agree, 1}};
  static const struct native all[] = {
    {"signer", native_signer, 1}, {"isPublicKey", native_is_public_key, 1},
    {"verify", native_verify, 1},
  };
  const xsAttribute fixed = xsDontSet | xsDontDelete | xsDontEnum;
  xsVar(1) = xsNewHostObject(destroy_signer);
  define(the, own, sizeof own / sizeof *own);
  xsVar(2) = xsNewHostFunction(native_public_key, 0);
  xsmcDefine(xsVar(1), xsID("publicKey"), xsVar(2), xsDontDelete | xsDontEnum | xsIsGetter);
  xsmcDefine(xsVar(0), xsID("signerPrototype"), xsVar(1), fixed);
  xsVar(1) = xsNewObject();
  define(the, all, sizeof all / sizeof *all);
  xsmcSetString(xsVar(2), "libsodium");
  xsmcDefine(xsVar(1), xsID("provider"), xsVar(2), fixed);
  xsmcDefine(xsVar(0), xsID("signatures"), xsVar(1), fixed);
}
