/**
 * `group-oscore-02`: draft-ietf-core-oscore-groupcomm-02 over draft-ietf-core-object-security-13
 * (both of June 2018), in the layout of WIRE.md.
 *
 *   keys          HKDF-SHA-256(salt = Master Salt, IKM = Master Secret,
 *                              [id or h'', id_context = Gid, 10, "Key" or "IV", L])
 *   external_aad  [1, [10, -8], request_kid, request_piv, options]
 *   signature     EdDSA over ["CounterSignature0", h'', h'', external_aad, ciphertext]
 *
 * The rest, which multicast-oscore-04 does in the same way, is in oscore/signed-group.ts, with the
 * deviations that both have. Those of this profile alone, on purpose:
 * - "CounterSignature0" signs five elements, the signer's protected header as h'' among them: so do
 *   the cose-wg examples and the live peers of the later drafts; the text can be read otherwise.
 * - The cancellation of an observation is bound to its own piv, not to the registration's (base
 *   §5.4): RFC 8613 has dropped that exception, and a group's servers need not remember.
 * - The Master Salt is always in the key material; h'' is the default.
 *
 * What §6 makes the Group Manager's, seen from a member, and where it is:
 * - Gid, unique and renewed with every rekeying: `keyId`. groups/keyring.ts holds the new context
 *   beside the old one; prefix ‖ epoch (Appendix C) in oscore/gid.ts. Gids of two managers that
 *   coincide (§7.3): groups/candidates.ts tries each.
 * - Common and Sender Context, Endpoint ID: `importKey` of what a join brings; ids have up to 7
 *   bytes.
 * - Silent servers have no Endpoint ID and no Sender Context: `Own.signer` is undefined, `seal`
 *   throws. They cannot challenge and fall back to baseline synchronisation (Appendix E).
 * - Public keys: groups/members.ts is our copy of the repository; who is not in it is
 *   `unknownMember`, and whose key is of small order is not in it. Contexts are kept once a message
 *   verified (groups/contexts.ts).
 * - Signature algorithms: EdDSA alone, and it is in the external_aad: another one opens nothing.
 * - Policies of synchronisation (Appendix E) and of signatures (Appendix F) are those of the group
 *   and applied where it opens (groups/verify.ts); here is only how to challenge. Sequence numbers
 *   start at 0 in a new context only, and no context is made twice from one secret.
 * - Multicast router: ports/datagram.ts joins the addresses of the groups.
 */
import { Writer } from "../bytes/writer.js";
import { CborWriter } from "../cbor/encode.js";
import type { RecipientKeys, SignedContext, SignedGroupKey } from "../oscore/signed-group.js";
import { signedMember } from "../oscore/signed-group.js";
import { AES_CCM_16_64_128, EDDSA } from "../ports/crypto.js";
import type { Profile } from "./profile.js";

const VERSION = 1;

export const groupOscore02: Profile<SignedGroupKey, RecipientKeys> = {
  name: "group-oscore-02",
  ...signedMember({ observe: "both", counter: "CounterSignature0", secrets: 2, contextOf }),
};

/** §2: the Gid is the ID Context, which enters every key (object-security-13 §3.2.1). */
function contextOf(gid: Uint8Array, salt: Uint8Array): SignedContext {
  return { salt, idContext: gid.slice(), ivId: new Uint8Array(0), external: around() };
}

/** §3: external_aad up to the request's ids, and behind them. No option is of class I. */
function around(): SignedContext["external"] {
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
