/*
 * P-256 for TypeScript, where the build has libmbedcrypto (p256.h).
 *
 * A private key is a host object that owns its secret in C memory: the bytes it came from are wiped
 * when it is made, its own when it is collected, and they cannot be read back.
 */
#include "natives.h"

#include "../p256.h"
#include "../sha256.h"
#include "clock.h"
#include "costs.h"
#include "host.h"

/* The kernel's even where the firmware's is repeatable: how much is taken is the library's. */
static int chance(void *context, unsigned char *bytes, size_t size)
{
  (void)context;
  host_random(bytes, size);
  return 0;
}

static void destroy_key(void *data)
{
  if (!data) return;
  wipe(data, sizeof(struct p256_key));
  memory_give(data);
}

/* keyPair(secret) */
static void native_key_pair(xsMachine *the)
{
  struct bytes secret = get_writable(the, &xsArg(0));
  struct p256_key *key;
  bool good;
  xsmcVars(1);
  xsmcGet(xsVar(0), xsGlobal, xsID("lumicastHost"));
  xsmcGet(xsVar(0), xsVar(0), xsID("p256Prototype"));
  xsResult = xsNewHostInstance(xsVar(0));
  key = memory_take(the, sizeof *key);
  secret = get_writable(the, &xsArg(0)); /* the lines above may have moved it */
  good = p256_make(key, secret.data, secret.size, chance);
  wipe(secret.data, secret.size);
  xsmcSetHostData(xsResult, key);
  clock_charge(COST_P256_MAKE);
  if (!good) xsRangeError("a P-256 key of %d bytes", (int)secret.size);
}

static struct p256_key *get_key(xsMachine *the)
{
  struct p256_key *key = NULL;
  if (is_host_object(&xsThis) && xsGetHostDestructor(xsThis) == destroy_key)
    key = xsmcGetHostData(xsThis);
  if (!key) xsTypeError("this is no private key");
  return key;
}

static void native_public_key(xsMachine *the)
{
  set_bytes(the, &xsResult, get_key(the)->public_key, P256_POINT_BYTES);
}

/* sign(data) -> 64 bytes */
static void native_sign(xsMachine *the)
{
  uint8_t signature[P256_SIGNATURE_BYTES];
  const struct p256_key *key = get_key(the);
  struct bytes data = get_bytes(the, &xsArg(0));
  clock_charge(COST_P256_SIGN);
  if (!p256_sign(key, data.data, data.size, chance, signature)) xsUnknownError("no signature");
  set_bytes(the, &xsResult, signature, sizeof signature);
}

/* agree(publicKey) -> 32 bytes, or undefined */
static void native_agree(xsMachine *the)
{
  uint8_t secret[P256_AGREED_BYTES];
  const struct p256_key *key = get_key(the);
  struct bytes other = get_bytes(the, &xsArg(0));
  clock_charge(COST_P256_AGREE);
  if (other.size != P256_POINT_BYTES || !p256_agree(key, other.data, chance, secret)) return;
  set_bytes(the, &xsResult, secret, sizeof secret);
  wipe(secret, sizeof secret);
}

/* verify({ data, signature, publicKey }) */
static void native_verify(xsMachine *the)
{
  struct bytes data, signature, key;
  struct p256_signed input;
  xsmcVars(3);
  xsmcGet(xsVar(0), xsArg(0), xsID("data"));
  xsmcGet(xsVar(1), xsArg(0), xsID("signature"));
  xsmcGet(xsVar(2), xsArg(0), xsID("publicKey"));
  data = get_bytes(the, &xsVar(0));
  signature = get_bytes(the, &xsVar(1));
  key = get_bytes(the, &xsVar(2));
  input = (struct p256_signed){data.data, data.size, signature.data, key.data};
  clock_charge(COST_P256_VERIFY);
  xsmcSetBoolean(xsResult, signature.size == P256_SIGNATURE_BYTES &&
                               key.size == P256_POINT_BYTES && p256_verify(&input));
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

void p256_build(xsMachine *the)
{
  static const struct native own[] = {{"sign", native_sign, 1}, {"agree", native_agree, 1}};
  static const struct native all[] = {
    {"keyPair", native_key_pair, 1},
    {"verify", native_verify, 1},
  };
  const xsAttribute fixed = xsDontSet | xsDontDelete | xsDontEnum;
  xsVar(1) = xsNewHostObject(destroy_key);
  define(the, own, sizeof own / sizeof *own);
  xsVar(2) = xsNewHostFunction(native_public_key, 0);
  xsmcDefine(xsVar(1), xsID("publicKey"), xsVar(2), xsDontDelete | xsDontEnum | xsIsGetter);
  xsmcDefine(xsVar(0), xsID("p256Prototype"), xsVar(1), fixed);
  xsVar(1) = xsNewObject();
  define(the, all, sizeof all / sizeof *all);
  xsmcSetString(xsVar(2), "mbedTLS");
  xsmcDefine(xsVar(1), xsID("provider"), xsVar(2), fixed);
  xsmcDefine(xsVar(0), xsID("p256"), xsVar(1), fixed);
}
