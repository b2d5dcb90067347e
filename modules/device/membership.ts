/**
 * The part of provisioning that only schemes with a key for each member have. In images without
 * them membership.small.ts stands in its place (hosts/bundle.mjs).
 */
import {
  CREDENTIAL_BYTES_MAX,
  KEY_ID_BYTES_MAX,
  MEMBER_ID_BYTES_MAX,
  RAW_BYTES_MAX,
} from "../groups/bounds.js";
import type { KeyOffer } from "../groups/keyring.js";
import {
  type Policy,
  type Repository,
  SIGNATURE_POLICIES,
  SYNCHRONISATION_POLICIES,
} from "../groups/policy.js";
import type { Member } from "../profiles/profile.js";
import type { Fields } from "./fields.js";

/** This device as a member of a security group, and who else is in it. */
export interface MembershipPart {
  readonly id: Uint8Array;
  readonly credential: Uint8Array;
  /** Of an Ed25519 key; empty in a silent server, and in schemes without signatures. */
  readonly seed: Uint8Array;
  readonly members: readonly Member[];
}

/** What a security group's part has from field 4 on. */
function read(fields: Fields): { membership: MembershipPart; policy: Policy } {
  return { membership: membershipOf(fields), policy: policyOf(fields) };
}

/** Key id and secret in whatever form the scheme has. */
function readKey(fields: Fields): Pick<KeyOffer, "keyId" | "raw"> {
  const keyId = fields.bytes(0, "keyId", 0, KEY_ID_BYTES_MAX);
  return { keyId, raw: fields.bytes(1, "key", 1, RAW_BYTES_MAX) };
}

function membershipOf(group: Fields): MembershipPart {
  const own = group.fields(4, "own");
  const id = own.bytes(0, "id", 0, MEMBER_ID_BYTES_MAX);
  const credential = own.bytes(1, "credential", 0, CREDENTIAL_BYTES_MAX);
  const seed = own.has(2) ? own.bytes(2, "seed", 32, 32) : new Uint8Array(0);
  own.leave();
  return { id, credential, seed, members: group.items(5, "members", member) };
}

function policyOf(group: Fields): Policy {
  const choice = (key: number, name: string, most: number) =>
    group.has(key) ? group.uint(key, name, most) : 0;
  const signatures = choice(6, "signatures", SIGNATURE_POLICIES.length - 1);
  const synchronisation = choice(7, "synchronisation", SYNCHRONISATION_POLICIES.length - 1);
  // Drafts' Appendix E and F: not recommended, so nobody gets there by a slip of one number.
  const isAccepted = group.isTrue(8);
  const isSlip = signatures > 0 && !isAccepted;
  if (isSlip) group.fail("acceptUnverified", "true"); // check: accept-unverified
  return {
    signatures: SIGNATURE_POLICIES[signatures],
    synchronisation: SYNCHRONISATION_POLICIES[synchronisation],
    gapMax: group.has(9) ? group.uint(9, "gapMax", 0xffffffff) : undefined,
    // In the order of their keys.
    repository: group.has(10) ? repositoryOf(group.fields(10, "repository")) : undefined,
    listeners: group.has(11) ? group.uint(11, "listeners", 0xffff) : undefined,
    renegotiate: group.isTrue(12),
  };
}

function repositoryOf(fields: Fields): Repository {
  const repository = {
    address: fields.bytes(0, "address", 4, 16),
    port: fields.uint(1, "port", 0xffff),
    path: fields.text(2, "path"),
    security: fields.uint(3, "security", 0xffffff),
  };
  fields.leave();
  return repository;
}

function member(fields: Fields): Member {
  return {
    id: fields.bytes(0, "id", 0, MEMBER_ID_BYTES_MAX),
    credential: fields.bytes(1, "credential", 0, CREDENTIAL_BYTES_MAX),
  };
}

interface Reading {
  readonly read: typeof read;
  readonly readKey: typeof readKey;
}

export const membership: Reading | undefined = Object.freeze({ read, readKey });
