/** Devices that come to a KDC one after the other, in groups of any profile. */
import { emitQuestion } from "../../modules/access/delivery.js";
import type { Scope } from "../../modules/access/scope.js";
import { popInput } from "../../modules/authority/groupcomm.js";
import type { Listening } from "../../modules/authority/heard.js";
import { fromHex } from "../../modules/bytes/hex.js";
import type { Cbor } from "../../modules/cbor/decode.js";
import { encode } from "../../modules/cbor/encode.js";
import { claimsSetOf } from "./authority.js";
import { ALL, type Kdc, memberSigner } from "./kdc.js";

const h = fromHex;
export const [REQUESTER, RESPONDER, MONITOR] = [2, 4, 8];
/** What everybody's flash was made with. */
export const INCARNATION = h("0102030405060708");
const NONCE = h("25a8991cd700ac01");
/** Documents whose members sign; the others have one key for all. */
const SIGNED = ["oscoap-00", "multicast-oscore-04", "group-oscore-02", "group-oscore"];

/** Who heard all that was ever said, which was nothing. */
export const UNBROKEN: Listening = Object.freeze({
  of: () => ({ since: 0, epoch: 0, numbers: [], waits: false }),
});

/** RFC 10021 has claims sets; its drafts bare keys; who does not sign has none. */
export function credentialIn(profile: string, at: number): Uint8Array {
  if (!SIGNED.includes(profile)) return h("");
  const { publicKey } = memberSigner(at);
  return profile === "group-oscore" ? claimsSetOf(publicKey) : publicKey;
}

export function joins(kdc: Kdc, at: number, tasks: number, granted: Scope = ALL) {
  const { profile } = kdc.group;
  const scope = encode(["9", tasks]);
  const challenge = kdc.admit(at, granted);
  const map = new Map<Cbor, Cbor>([
    [3, scope],
    [6, NONCE],
    // What its flash was made with, the same as in `keysOf`.
    [-70012, INCARNATION],
  ]);
  const credential = credentialIn(profile, at);
  if (credential.length > 0) {
    map.set(5, credential);
    map.set(24, memberSigner(at).sign(popInput(scope, challenge, NONCE)));
  }
  return kdc.say(at, "ace-group/9", { payload: encode(map) });
}

export function keysOf(kdc: Kdc, at: number, token: Uint8Array, incarnation = INCARNATION) {
  const credential = credentialIn(kdc.group.profile, at);
  const question = { token, wanted: [1], credential, incarnation };
  return kdc.say(at, "keys", { format: 60, payload: emitQuestion(question) });
}
