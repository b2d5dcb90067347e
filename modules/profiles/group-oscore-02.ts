/**
 * `group-oscore-02`: draft-ietf-core-oscore-groupcomm-02 over draft-ietf-core-object-security-13
 * (both of June 2018), in the layout of WIRE.md.
 *
 *   keys          HKDF-SHA-256(salt = Master Salt, IKM = Master Secret,
 *                              [id or h'', id_context = Gid, 10, "Key" or "IV", L])
 *   external_aad  [1, [10, -8], request_kid, request_piv, options]
 *   signature     EdDSA over ["CounterSignature0", h'', h'', external_aad, ciphertext]
 *
 * The rest, which multicast-oscore-04 does in the same way, is in oscore/signed-group.ts.
 */
import { Writer } from "../bytes/writer.js";
import { CborWriter } from "../cbor/encode.js";
import { ECHO, FORBIDDEN } from "../coap/options.js";
import { derivation } from "../oscore/derive.js";
import {
  identifySigned,
  openSigned,
  type RecipientKeys,
  recipientKeys,
  type SignedGroupKey,
  type SignedScheme,
  sealSigned,
  secretsOf,
  signedGroupKey,
  signedPart,
} from "../oscore/signed-group.js";
import { AES_CCM_16_64_128, type Crypto, EDDSA } from "../ports/crypto.js";
import type { KeyInput, Profile } from "./profile.js";

const VERSION = 1;
const SCHEME: SignedScheme = Object.freeze({ observe: "both", counter: "CounterSignature0" });

export const groupOscore02: Profile<SignedGroupKey, RecipientKeys> = {
  name: "group-oscore-02",
  layer: "message",
  proof: "member",
  numbering: "key",
  window: 32,
  windowCovers: "requests",
  challenge: { code: FORBIDDEN, option: ECHO },
  importKey,
  peer: recipientKeys,
  identify: identifySigned,
  open: (key, arrival, context) => openSigned(key, SCHEME, arrival, context),
  signed: (key, arrival, context) => signedPart(key, SCHEME, arrival, context),
  seal: (key, departure, work) => sealSigned(key, SCHEME, departure, work),
};

/** `raw` is CBOR `{1: Master Secret, 2: Master Salt}`; a salt of no bytes is the default. */
function importKey(crypto: Crypto, input: KeyInput): SignedGroupKey {
  const { keyId: gid, own } = input;
  const [secret, salt] = secretsOf(input.raw, 2);
  // §2: the Gid is the ID Context, which enters every key (object-security-13 §3.2.1).
  const from = derivation(crypto, { secret, salt, idContext: gid.slice() });
  secret.fill(0);
  const ivId = new Uint8Array(0);
  return signedGroupKey(crypto, { gid, derivation: from, ivId, external: around(), own });
}

/** §3: external_aad up to the request's ids, and behind them. No option is of class I. */
function around(): { head: Uint8Array; tail: Uint8Array } {
  const head = new Writer(5);
  const before = new CborWriter(head);
  before.array(5);
  before.uint(VERSION);
  before.array(2);
  before.int(AES_CCM_16_64_128);
  before.int(EDDSA);
  const tail = new Writer(1);
  new CborWriter(tail).bytes(new Uint8Array(0));
  return { head: head.finish(), tail: tail.finish() };
}
