/**
 * A group's keys in the Group Manager's words: `gkty`, `key`, `num` and what goes with them
 * (RFC 9594 §4.3.1, draft-ietf-ace-key-groupcomm-oscore §6.4).
 *
 * `group-oscore` has the Group_OSCORE_Input_Material of that draft, key type 1. The other schemes
 * have no registered type: theirs is their name in WIRE.md, and the key a COSE_Key as in tokens.
 */
import { treeKeyValue } from "../access/tree.js";
import { type Cbor, decode } from "../cbor/decode.js";
import { encode } from "../cbor/encode.js";
import { HMAC_256_256 } from "../cose/vouched.js";
import { derivation, derive } from "../oscore/derive.js";
import { EDDSA } from "../ports/crypto.js";
import type { Center } from "./center.js";
import { P, popInput } from "./groupcomm.js";
import { numbersOf } from "./heard.js";
import { pathOf } from "./keytree.js";
import type { Rows } from "./ledger.js";
import { draw, keyValue, schemeOf } from "./material.js";
import { groups, inGroup, type Key, keys, NONE, numberKey, policyOf } from "./records.js";
import { isSilent } from "./tasks.js";
import { KCCS } from "./vetting.js";

/** Group_OSCORE_Input_Material, and the profile that has it (the draft's §16.4 and §16.5). */
const GROUP_OSCORE_KEY = 1;
const COAP_GROUP_OSCORE_APP = 1;

/** OSCORE Security Context Parameters (RFC 9203 §3.2.1, the draft's §16.6). */
const O = Object.freeze({
  MS: 2,
  HKDF: 3,
  ALG: 4,
  SALT: 5,
  CONTEXT_ID: 6,
  GROUP_SENDER_ID: 7,
  CRED_FMT: 8,
  GP_ENC_ALG: 9,
  SIGN_ALG: 10,
  SIGN_PARAMS: 11,
  ECDH_ALG: 12,
  ECDH_PARAMS: 13,
});
/** Labels of `group-oscore`'s material (material.ts). */
const M = Object.freeze({ SECRET: 1, SALT: 2, AEAD: 3, ENCRYPTION: 4, SIGNATURE: 5, AGREEMENT: 6 });

/** COSE key type and curves: capabilities of EdDSA and of ECDH-SS with X25519. */
const OKP = 1;
const ED25519 = 6;
const X25519 = 4;
const SIGNATURE_KEY_BYTES = 16;
const NONCE_BYTES = 16;

/** "exi" of a key without an end: 136 years. */
const ENDLESS_SECONDS = 0xffffffff;

/** RFC 9594 Table 8: policies of a group. */
const SYNCHRONISATION = 0;
const CHECK_INTERVAL = 1;
const EXPIRATION_DELTA = 2;
/** Point-to-Point of RFC 9594 Table 9; a key tree is ours. */
const POINT_TO_POINT = 0;
export const KEY_TREE = -70001;

export interface Asking {
  readonly group: number;
  readonly now: number;
  /** With the id of its own; absent: what all members have alike. */
  readonly clientId?: Uint8Array;
  readonly tasks?: number;
}

/** The newest key, its number and its end. */
export function keying(rows: Rows, asking: Asking): Map<Cbor, Cbor> {
  const { group, now, clientId, tasks = 0 } = asking;
  const { epoch, profile, validitySeconds } = groups.need(rows, numberKey(group));
  const key = keys.need(rows, inGroup(group, epoch));
  const id = clientId === undefined || isSilent(tasks) ? undefined : clientId;
  const isModern = profile === "group-oscore";
  const answer = new Map<Cbor, Cbor>([
    [P.GKTY, isModern ? GROUP_OSCORE_KEY : profile],
    [P.KEY, isModern ? inputMaterial(key, id) : keyValue(key)],
    [P.NUM, epoch],
  ]);
  if (isModern) answer.set(P.ACE_GROUPCOMM_PROFILE, COAP_GROUP_OSCORE_APP);
  else if (id !== undefined) answer.set(P.GROUP_SENDER_ID, id);
  const path = clientId && pathOf(rows, group, clientId);
  if (path !== undefined) answer.set(P.MGT_KEY_MATERIAL, encode(path.map(treeKeyValue)));
  const isEndless = validitySeconds === NONE;
  const end = key.madeAt + validitySeconds;
  if (!isEndless) answer.set(P.EXP, end);
  return answer.set(P.EXI, isEndless ? ENDLESS_SECONDS : Math.max(0, end - now));
}

/** The draft's §6.4; without an id in a monitor's, and in what all have alike. */
function inputMaterial({ keyId, raw }: Key, id: Uint8Array | undefined): Cbor {
  const material = materialOf(raw);
  const part = new Map<Cbor, Cbor>([
    [O.MS, material.get(M.SECRET)],
    [O.HKDF, HMAC_256_256],
    [O.ALG, material.get(M.AEAD)],
    [O.SALT, material.get(M.SALT)],
    ...commonParts(keyId, material),
    [O.ECDH_ALG, material.get(M.AGREEMENT)],
    [O.ECDH_PARAMS, [[OKP], [OKP, X25519]]],
  ]);
  if (id !== undefined) part.set(O.GROUP_SENDER_ID, id);
  return part;
}

function commonParts(keyId: Uint8Array, material: Map<Cbor, Cbor>): [Cbor, Cbor][] {
  return [
    [O.CONTEXT_ID, keyId],
    [O.CRED_FMT, KCCS],
    [O.GP_ENC_ALG, material.get(M.ENCRYPTION)],
    [O.SIGN_ALG, material.get(M.SIGNATURE)],
    [O.SIGN_PARAMS, [[OKP], [OKP, ED25519]]],
  ];
}

function materialOf(raw: Uint8Array): Map<Cbor, Cbor> {
  const decoded = decode(raw);
  if (!decoded.ok || !(decoded.value instanceof Map)) throw new Error("a key without its material");
  return decoded.value;
}

/** What checks signatures and reads nothing (the draft's §9.6). */
export function verifying(rows: Rows, center: Center, asking: Asking): Map<Cbor, Cbor> {
  const { epoch } = groups.need(rows, numberKey(asking.group));
  const { keyId, raw } = keys.need(rows, inGroup(asking.group, epoch));
  const material = materialOf(raw);
  const answer = keying(rows, asking);
  answer.set(
    P.KEY,
    new Map<Cbor, Cbor>([
      [O.HKDF, HMAC_256_256],
      [O.ALG, material.get(M.AEAD)],
      ...commonParts(keyId, material),
      [O.ECDH_ALG, material.get(M.AGREEMENT)],
    ]),
  );
  const [secret, salt] = [material.get(M.SECRET), material.get(M.SALT)] as Uint8Array[];
  const from = derivation(center.crypto, { secret, salt, idContext: keyId });
  const signatureKey = derive(center.crypto, from, {
    id: new Uint8Array(0),
    algorithm: material.get(M.ENCRYPTION) as number,
    type: "SEKey",
    length: SIGNATURE_KEY_BYTES,
  });
  return answer.set(P.SIGN_ENC_KEY, signatureKey);
}

/** How the group is run. */
export function policiesOf(rows: Rows, group: number): Map<Cbor, Cbor> {
  const { synchronisation, checkSeconds } = policyOf(rows, group);
  const { graceSeconds } = groups.need(rows, numberKey(group));
  return new Map<Cbor, Cbor>([
    [SYNCHRONISATION, synchronisation],
    [CHECK_INTERVAL, checkSeconds],
    [EXPIRATION_DELTA, graceSeconds],
  ]);
}

/** What only newcomers have to be told: policies, the manager's credential, others' numbers. */
export function welcome(
  rows: Rows,
  center: Center,
  joined: { group: number; nonce: Uint8Array },
): Map<Cbor, Cbor> {
  const { group, nonce } = joined;
  const { profile } = groups.need(rows, numberKey(group));
  const { hasTree } = policyOf(rows, group);
  const answer = new Map<Cbor, Cbor>([
    [P.GROUP_POLICIES, policiesOf(rows, group)],
    [P.REKEYING_SCHEME, hasTree ? KEY_TREE : POINT_TO_POINT],
  ]);
  for (const [label, numbers] of numbersFor(rows, center, group)) answer.set(label, numbers);
  if (!schemeOf(profile).signs) return answer;
  return new Map<Cbor, Cbor>([...answer, ...managerCredential(center, nonce)]);
}

/** How far senders are under the newest key, for who had it not when they began. */
export function numbersFor(rows: Rows, center: Center, group: number): [number, Cbor][] {
  const others = numbersOf(rows, group, center.listening);
  const numbers = others.map(({ clientId, next }): Cbor => [clientId, next]);
  return numbers.length > 0 ? [[P.SENDER_NUMBERS, numbers]] : [];
}

/** The manager's credential, and that its key is its own (RFC 9594 §4.3.1 'kdc_cred_verify'). */
export function managerCredential(center: Center, nonce: Uint8Array): Map<Cbor, Cbor> {
  const { random, voucher, managerCredential: credential } = center;
  const own = draw(random, NONCE_BYTES);
  const answer = new Map<Cbor, Cbor>([
    [P.KDC_CRED, credential],
    [P.KDC_NONCE, own],
  ]);
  if (voucher.alg !== EDDSA) return answer;
  return answer.set(P.KDC_CRED_VERIFY, voucher.signer.sign(popInput(nonce, own)));
}
