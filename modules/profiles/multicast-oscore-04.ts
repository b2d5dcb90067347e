/**
 * `multicast-oscore-04`: draft-tiloca-core-multicast-oscoap-04 over
 * draft-ietf-core-object-security-06 (both of October 2017), in the layout of WIRE.md.
 *
 *   keys          HKDF-SHA-256(salt = Gid, IKM = Master Secret, [id or nil, 10, "Key" or "IV", L])
 *   external_aad  [1, 10, request_kid, request_piv, gid, options]
 *   signature     EdDSA over ["CounterSignature", h'', {1: -8}, external_aad, ciphertext]
 *
 * The rest, which group-oscore-02 does in the same way, is in oscore/signed-group.ts, with the
 * deviations that both have. Those of this profile alone, on purpose:
 * - The signature has the full form of RFC 8152 §4.5, context "CounterSignature" and the algorithm
 *   in a protected header of the signer, of which only the 64 bytes travel: the draft names the
 *   section and carries no header.
 * - Repeat has number 252, Echo's (draft-amsuess-core-repeat-request-tag-00 says "TBD"). The 4.03
 *   that carries it has its own piv: base §6.5.2 demands that, Appendix D.3 does not repeat it.
 * - Gids are prefix ‖ epoch as in Appendix B (oscore/gid.ts: 8 random bytes and 2), where we make
 *   them; of any length up to 255 where we read them.
 * Not a deviation, but to be known: Observe stands outside alone (base §4.2.3.4), so whoever is on
 * the way can add or remove it. What was never asked for is no notification all the same, and one
 * without a number of its own is refused.
 */
import { Writer } from "../bytes/writer.js";
import { CborWriter } from "../cbor/encode.js";
import { derivation } from "../oscore/derive.js";
import {
  type RecipientKeys,
  type SignedGroupKey,
  secretsOf,
  signedGroupKey,
  signedMember,
} from "../oscore/signed-group.js";
import { AES_CCM_16_64_128, type Crypto } from "../ports/crypto.js";
import type { KeyInput, Profile } from "./profile.js";

const VERSION = 1;

export const multicastOscore04: Profile<SignedGroupKey, RecipientKeys> = {
  ...signedMember({ observe: "outside", counter: "CounterSignature" }),
  name: "multicast-oscore-04",
  importKey,
};

/** `raw` is CBOR `{1: Master Secret}`. */
function importKey(crypto: Crypto, input: KeyInput): SignedGroupKey {
  const { keyId: gid, own } = input;
  const [secret] = secretsOf(input.raw, 1);
  // §3: the Gid is the Master Salt. info has no ID Context yet (object-security-06 §3.2.1).
  const from = derivation(crypto, { secret, salt: gid, idContext: undefined });
  secret.fill(0);
  return signedGroupKey(crypto, { gid, derivation: from, ivId: null, external: around(gid), own });
}

/** §4: external_aad up to the request's ids, and behind them. No option is of class I. */
function around(gid: Uint8Array): { head: Uint8Array; tail: Uint8Array } {
  const head = new Writer(3);
  const before = new CborWriter(head);
  before.array(6);
  before.uint(VERSION);
  before.int(AES_CCM_16_64_128);
  const tail = new Writer(gid.length + 4);
  const behind = new CborWriter(tail);
  behind.bytes(gid);
  behind.bytes(new Uint8Array(0));
  return { head: head.finish(), tail: tail.finish() };
}
