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
import type { RecipientKeys, SignedContext, SignedGroupKey } from "../oscore/signed-group.js";
import { signedMember } from "../oscore/signed-group.js";
import { AES_CCM_16_64_128 } from "../ports/crypto.js";
import type { Profile } from "./profile.js";

const VERSION = 1;

export const multicastOscore04: Profile<SignedGroupKey, RecipientKeys> = {
  name: "multicast-oscore-04",
  ...signedMember({ observe: "outside", counter: "CounterSignature", secrets: 1, contextOf }),
};

/** §3: the Gid is the Master Salt. info has no ID Context yet (object-security-06 §3.2.1). */
function contextOf(gid: Uint8Array): SignedContext {
  return { salt: gid, idContext: undefined, ivId: null, external: around(gid) };
}

/** §4: external_aad up to the request's ids, and behind them. No option is of class I. */
function around(gid: Uint8Array): SignedContext["external"] {
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
