/**
 * Members whose public key is not known yet: whether to ask the group's repository for it, what to
 * ask, and whether to believe the answer (RFC 9594 §4.4, as the repository of a group speaks).
 *
 * A message of a stranger is dropped; when it is heard again his key is there. Anybody can make up
 * ids, so an id is asked for once in a while, and not many ids at all.
 */
import { equalBytes } from "../bytes/equal.js";
import { drop, type Outcome } from "../bytes/outcome.js";
import { decode } from "../cbor/decode.js";
import { type Cbor, encode } from "../cbor/encode.js";
import type { Clock } from "../ports/clock.js";
import { CREDENTIAL_BYTES_MAX, MEMBER_ID_BYTES_MAX } from "./bounds.js";
import type { Association } from "./directory.js";
import type { Members } from "./members.js";

/** Ids asked for within the time in which none is asked for again. */
export const STRANGERS_MAX = 32;
export const STRANGER_MICROS = 600_000_000;
/** Between two questions. */
const SPACING_MICROS = 1_000_000;

// RFC 9594 §8, CBOR abbreviations.
const GET_CREDS = 4;
const CREDS = 13;
const PEER_IDENTIFIERS = 15;

/** Who sent a message that nobody could open. */
export interface Stranger {
  readonly association: Association;
  readonly id: Uint8Array;
}

interface Asked {
  readonly security: number;
  readonly id: Uint8Array;
  readonly atMicros: number;
}

export class Strangers {
  readonly #clock: Clock;
  #asked: Asked[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether to ask for this one's key now; then it counts as asked for. */
  ask({ association, id }: Stranger): boolean {
    const now = this.#clock.micros();
    const security = association.security.id;
    this.#asked = this.#asked.filter(({ atMicros }) => now - atMicros < STRANGER_MICROS);
    const asked = this.#asked;
    if (id.length > MEMBER_ID_BYTES_MAX) return false; // check: stranger-id
    const isSame = (one: Asked) => one.security === security && equalBytes(one.id, id);
    if (asked.some(isSame)) return false; // check: stranger-once
    if (asked.length >= STRANGERS_MAX) return false; // check: strangers-max
    const last = asked.at(-1)?.atMicros ?? Number.NEGATIVE_INFINITY;
    if (now - last < SPACING_MICROS) return false; // check: stranger-spacing
    asked.push({ security, id: id.slice(), atMicros: now });
    return true;
  }
}

/** Payload of the FETCH: `{get_creds: [true, [], [id]]}`, the credentials of these members. */
export function questionFor(id: Uint8Array): Uint8Array {
  const wanted: Cbor = [true, [], [id]];
  return encode(new Map<Cbor, Cbor>([[GET_CREDS, wanted]]));
}

/**
 * Enters the stranger as a member when the answer has a credential of his. `malformed` for an
 * answer that is none, `unknownMember` when it says nothing of him or its key is not to be trusted.
 */
export function learn(
  parts: { readonly members: Members },
  { association, id }: Stranger,
  payload: Uint8Array,
): Outcome<true> {
  const { security } = association;
  const { own } = security;
  const credential = credentialIn(payload, id);
  if (!credential.ok) return credential;
  const member = { id, credential: credential.value };
  const isLong = member.credential.length > CREDENTIAL_BYTES_MAX;
  if (isLong) return drop("malformed"); // check: repository-length
  // Nobody else is this device.
  const isOurs = own !== undefined && equalBytes(own.id, id);
  if (isOurs) return drop("unknownMember"); // check: repository-own
  // What the installation said of a member, no repository changes.
  const known = parts.members.find(security.id, id, 0, id.length);
  if (known !== undefined) return drop("unknownMember"); // check: repository-known
  return parts.members.put(security, member);
}

/** `creds` and `peer_identifiers` are in the same order. */
function credentialIn(payload: Uint8Array, id: Uint8Array): Outcome<Uint8Array> {
  const decoded = decode(payload, { depthMax: 4, itemsMax: 32 });
  const map = decoded.ok && decoded.value instanceof Map ? decoded.value : undefined;
  const creds = map?.get(CREDS);
  const ids = map?.get(PEER_IDENTIFIERS);
  if (!Array.isArray(creds) || !Array.isArray(ids)) return drop("malformed");
  const at = ids.findIndex((one) => one instanceof Uint8Array && equalBytes(one, id));
  const credential = creds[at];
  if (!(credential instanceof Uint8Array)) return drop("unknownMember");
  return { ok: true, value: credential };
}
