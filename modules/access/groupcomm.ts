/**
 * What a Group Manager and its members say to each other, in the numbers of RFC 9594 §8 and
 * draft-ietf-ace-key-groupcomm-oscore §10.
 */
import { encode } from "../cbor/encode.js";

/** RFC 9594 Table 5; of the OSCORE profile's §16.3 the numbers it suggests; below 0 ours. */
export const P = Object.freeze({
  GID: 0,
  GNAME: 1,
  GURI: 2,
  SCOPE: 3,
  GET_CREDS: 4,
  CLIENT_CRED: 5,
  CNONCE: 6,
  GKTY: 7,
  KEY: 8,
  NUM: 9,
  ACE_GROUPCOMM_PROFILE: 10,
  EXP: 11,
  EXI: 12,
  CREDS: 13,
  PEER_ROLES: 14,
  PEER_IDENTIFIERS: 15,
  GROUP_POLICIES: 16,
  KDC_CRED: 17,
  KDC_NONCE: 18,
  KDC_CRED_VERIFY: 19,
  REKEYING_SCHEME: 20,
  GROUP_SENDER_ID: 21,
  CLIENT_CRED_VERIFY: 24,
  CREDS_REPO: 25,
  MGT_KEY_MATERIAL: 27,
  SIGN_INFO: 29,
  KDCCHALLENGE: 30,
  SIGN_ENC_KEY: 33,
  /** `[[sender id, next number], ...]`. */
  SENDER_NUMBERS: -70010,
  /** Certificate subjects, in the order of peer_identifiers. */
  SUBJECTS: -70011,
  /** What the member's flash was made with, as in `/keys` (delivery.ts). */
  INCARNATION: -70012,
  /** Of a question with get_creds: how many credentials the answer may have. */
  CREDS_MAX: -70013,
});

/**
 * What members do in a group: bits of "Tperm" (draft-ietf-ace-key-groupcomm-oscore §3).
 * draft-ietf-core-oscore-groupcomm-02 Appendix D.1 says client for requester, server for responder
 * and silent server for monitor.
 */
export const REQUESTER = 2;
export const RESPONDER = 4;
export const MONITOR = 8;

/** Who one with these tasks speaks with: with any of these (the OSCORE profile's §6.4). */
export function peerTasks(tasks: number): number[] {
  const wanted: number[] = [];
  if ((tasks & REQUESTER) !== 0) wanted.push(RESPONDER);
  if ((tasks & (RESPONDER | MONITOR)) !== 0) wanted.push(REQUESTER);
  return wanted;
}

/** Byte strings in CBOR, one after the other: what is signed (RFC 9594 §4.3.1). */
export function popInput(...parts: readonly Uint8Array[]): Uint8Array {
  const encoded = parts.map((part) => encode(part));
  const all = new Uint8Array(encoded.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of encoded) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
