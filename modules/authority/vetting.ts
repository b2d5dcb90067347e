/**
 * Whether a member's public key is its own: proof of possession, tried a bounded number of times
 * (RFC 9594 §4.3.1, draft-ietf-core-oscore-groupcomm-02 Appendix D.2).
 *
 * Two kinds of groups. Where the Group Manager keeps credentials, a member shows one, and signs
 * `scope ‖ N_S ‖ N_C` with its key; one that was proven in another group of this manager need not
 * be proven again. Where it does not, a member shows a certificate: here a CWT that a certifier
 * signed (RFC 10021 §2.4 takes CWTs as credentials), and the manager remembers its subject only,
 * with the repositories that have it.
 */

import type { Scope } from "../access/scope.js";
import type { TrustAnchor } from "../access/token.js";
import { equalBytes } from "../bytes/equal.js";
import { decodeMap } from "../cbor/containers.js";
import { type Cbor, decode } from "../cbor/decode.js";
import { Tagged } from "../cbor/value.js";
import { isMemberKey, publicKeyOf } from "../cose/ccs.js";
import { TAG_CWT } from "../cose/headers.js";
import { isVouched, vouchedOf } from "../cose/vouched.js";
import { type Crypto, EDDSA } from "../ports/crypto.js";
import type { Asker } from "../secure/request.js";
import { popInput } from "./groupcomm.js";
import type { Rows } from "./ledger.js";
import { schemeOf } from "./material.js";
import {
  applications,
  groups,
  inGroup,
  type Member,
  members,
  NONE,
  numberKey,
  numberOf,
  policyOf,
} from "./records.js";

/** Proofs that may fail before the client has to come with a newer token. */
export const PROOFS_MAX = 3;

/** COSE headers "kccs" and "kcwt" (RFC 9528 §10.6): a CWT Claims Set, or a CWT. */
export const KCCS = 14;
export const KCWT = 13;
const OKP = 1;
const ED25519 = 6;
/** Of the drafts before RFC 10021, a credential is the key itself. */
const RAW_KEY_BYTES = 32;
const ISS = 1;
const SUB = 2;
const EXP = 4;

/** The row of what a client presented: ids of DTLS and of OSCORE are different worlds. */
export function accessName({ by, id }: Asker): string {
  return `${by}/${id}`;
}

/** A credential that fits a group: whose key it is. */
export interface Vetted {
  readonly publicKey: Uint8Array;
  /** Of a certificate: who its certifier says it is. */
  readonly subject?: Uint8Array;
}

export interface Vetting {
  readonly crypto: Crypto;
  readonly profile: string;
  /** False: members show certificates. */
  readonly keepsCredentials: boolean;
  readonly certifiers: readonly TrustAnchor[];
  readonly now: number;
}

/** Undefined for a credential that is of no use in the group. */
export function vet(credential: Uint8Array, vetting: Vetting): Vetted | undefined {
  const { crypto, profile, keepsCredentials } = vetting;
  if (!keepsCredentials) return certified(credential, vetting);
  const isClaimsSet = profile === "group-oscore";
  const publicKey = isClaimsSet ? publicKeyOf(credential) : rawKey(credential);
  const isKey = isMemberKey(crypto, publicKey);
  if (!isKey) return undefined; // check: vet-key
  return publicKey && { publicKey };
}

function rawKey(credential: Uint8Array): Uint8Array | undefined {
  return credential.length === RAW_KEY_BYTES ? credential : undefined;
}

/** Appendix D.2, the second variant: the certifier's signature, then the key in it. */
function certified(
  certificate: Uint8Array,
  { crypto, certifiers, now }: Vetting,
): Vetted | undefined {
  const decoded = decode(certificate, { depthMax: 4, itemsMax: 16 });
  const outer = decoded.ok ? decoded.value : undefined;
  if (!(outer instanceof Tagged) || outer.tag !== TAG_CWT) return undefined;
  const vouched = vouchedOf(outer.value);
  if (vouched === undefined) return undefined;
  const { content, kid } = vouched.object;
  const claims = claimsOf(content);
  const [issuer, subject, end] = [claims?.get(ISS), claims?.get(SUB), claims?.get(EXP)];
  const certifier = certifiers.find((one) => {
    return one.issuer === issuer && kid !== undefined && equalBytes(one.kid, kid);
  });
  if (certifier === undefined) return undefined;
  if (!isVouched(crypto, vouched, certifier)) return undefined; // check: certificate-vouched
  const isOver = end !== undefined && !(typeof end === "number" && end > now);
  if (isOver) return undefined; // check: certificate-over
  const publicKey = publicKeyOf(content);
  if (!isMemberKey(crypto, publicKey)) return undefined;
  return subject instanceof Uint8Array && publicKey ? { publicKey, subject } : undefined;
}

function claimsOf(payload: Uint8Array): Map<Cbor, Cbor> | undefined {
  return decodeMap(payload, { depthMax: 5, itemsMax: 64 });
}

/** Whether somebody who has the private key signed this very question. */
export function isProof(
  crypto: Pick<Crypto, "signatures">,
  proof: {
    publicKey: Uint8Array;
    signature: Uint8Array;
    scope: Uint8Array;
    challenge: Uint8Array;
    nonce: Uint8Array;
  },
): boolean {
  const { publicKey, signature, scope, challenge, nonce } = proof;
  const data = popInput(scope, challenge, nonce);
  return crypto.signatures?.verify({ data, signature, publicKey }) === true;
}

/** A credential that the client has shown to be its own in any group. */
export function isProvenAnywhere(
  rows: Rows,
  clientId: Uint8Array,
  credential: Uint8Array,
): boolean {
  if (credential.length === 0) return false;
  return membershipsOf(rows, clientId).some(({ isProven, credential: known }) => {
    return isProven && equalBytes(known, credential);
  });
}

/** Latest of its proven credentials in groups of a form; undefined where there is none. */
export function provenCredential(rows: Rows, clientId: Uint8Array): Uint8Array | undefined {
  const known = membershipsOf(rows, clientId);
  return known.find(({ isProven, credential }) => isProven && credential.length > 0)?.credential;
}

/** His own, one group after the other: everybody's would be a thousand rows for each who joins. */
function membershipsOf(rows: Rows, clientId: Uint8Array): Member[] {
  return groups.keys(rows).flatMap((key) => {
    const member = members.get(rows, inGroup(numberOf(key), clientId));
    return member === undefined ? [] : [member];
  });
}

/** Algorithm, parameters and form of credentials, as `sign_info` tells them (RFC 9594 §3.3.1). */
export function signInfoEntry(rows: Rows, group: number, keepsCredentials: boolean): Cbor {
  const { profile } = groups.need(rows, numberKey(group));
  const format = profile === "group-oscore" || !keepsCredentials ? KCCS : null;
  const form = keepsCredentials ? format : KCWT;
  return [`${group}`, EDDSA, [OKP], [OKP, ED25519], form];
}

/** Of all signed groups that a scope reaches. */
export function signInfo(rows: Rows, scope: Scope): Cbor {
  const reached = scope.map(({ appGroup }) => {
    return applications.get(rows, numberKey(appGroup ?? NONE))?.group;
  });
  const ids = [...new Set(reached)].filter((id): id is number => id !== undefined);
  const signed = ids.filter((id) => schemeOf(groups.need(rows, numberKey(id)).profile).signs);
  return signed.map((id) => signInfoEntry(rows, id, policyOf(rows, id).keepsCredentials));
}
