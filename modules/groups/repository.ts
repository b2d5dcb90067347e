/**
 * Members whose public key is not known yet: whether to ask the group's repository for it, what to
 * ask, and whether to believe the answer (RFC 9594 §4.4.1, the FETCH handler of a group's creds).
 *
 * A message of a stranger is dropped; when it is heard again his key is there. Anybody can make up
 * ids, and say one to the whole group. So an id is asked for once in a while, at a moment of chance
 * where many heard it; half of the questions are for who is heard again, as every genuine command
 * is (lighting/repeater.ts); and when all are used up, there is one more now and then, so that who
 * keeps newcomers out has to keep at it. A question that found a key counts no more.
 */
import { equalBytes } from "../bytes/equal.js";
import { drop, type Outcome } from "../bytes/outcome.js";
import { decodeMap } from "../cbor/containers.js";
import { type Cbor, encode } from "../cbor/encode.js";
import { upTo } from "../coap/chance.js";
import type { Clock } from "../ports/clock.js";
import type { Random } from "../ports/random.js";
import { CREDENTIAL_BYTES_MAX, MEMBER_ID_BYTES_MAX } from "./bounds.js";
import type { Association } from "./directory.js";
import type { Members } from "./members.js";

/** Ids asked for within the time in which none is asked for again. */
export const STRANGERS_MAX = 32;
export const STRANGER_MICROS = 600_000_000;
/** Of these, for ids heard once. */
export const HEARD_ONCE_MAX = 16;
/** Ids remembered that were heard, and not asked for. */
const HEARD_MAX = 16;
/** Between two questions, and when there were too many. */
const SPACING_MICROS = 1_000_000;
const SPARE_SPACING_MICROS = 30_000_000;

/** RFC 9594 §8: whatever has these parameters is of this Content-Format. */
export const ACE_GROUPCOMM_CBOR = 261;

// RFC 9594 §8, table "ACE Groupcomm Parameters".
const GET_CREDS = 4;
const CREDS = 13;
const PEER_IDENTIFIERS = 15;

/** Who sent a message that nobody could open. */
export interface Stranger {
  readonly association: Association;
  readonly id: Uint8Array;
}

interface Heard {
  readonly security: number;
  readonly id: Uint8Array;
  readonly atMicros: number;
}

export class Strangers {
  readonly #clock: Clock;
  readonly #random: Random;
  /** Both the oldest first. */
  #asked: Heard[] = [];
  #heard: Heard[] = [];

  constructor({ clock, random }: { clock: Clock; random: Random }) {
    this.#clock = clock;
    this.#random = random;
  }

  /** Whether to ask for this one's key; then it counts as asked for. */
  ask(stranger: Stranger): boolean {
    const now = this.#clock.micros();
    const { id } = stranger;
    this.#asked = this.#asked.filter(({ atMicros }) => now - atMicros < STRANGER_MICROS);
    const asked = this.#asked;
    if (id.length > MEMBER_ID_BYTES_MAX) return false; // check: stranger-id
    const isSame = sameAs(stranger);
    if (asked.some(isSame)) return false; // check: stranger-once
    const one = { security: stranger.association.security.id, id: id.slice(), atMicros: now };
    const isHeardAgain = this.#heard.some(isSame);
    if (!isHeardAgain) this.#note(one);
    const isForOthers = !isHeardAgain && asked.length >= HEARD_ONCE_MAX;
    if (isForOthers) return false; // check: stranger-again
    let spacing = SPACING_MICROS;
    if (asked.length >= STRANGERS_MAX) spacing = SPARE_SPACING_MICROS; // check: strangers-max
    const last = asked.at(-1)?.atMicros ?? Number.NEGATIVE_INFINITY;
    if (now - last < spacing) return false; // check: stranger-spacing
    if (asked.length >= STRANGERS_MAX) asked.shift();
    asked.push(one);
    this.#heard = this.#heard.filter((other) => !isSame(other));
    return true;
  }

  /** Asks at a moment of chance within: others heard the stranger, too. */
  within(spread: number, ask: () => void): void {
    let delayMicros = 0;
    if (spread > 0) delayMicros = upTo(this.#random, spread); // check: stranger-spread
    this.#clock.after(delayMicros, ask);
  }

  /** A member now; he was worth asking for. */
  learned(stranger: Stranger): void {
    const isSame = sameAs(stranger);
    this.#asked = this.#asked.filter((one) => !isSame(one));
  }

  #note(one: Heard): void {
    const heard = this.#heard;
    if (heard.length >= HEARD_MAX) heard.shift(); // check: strangers-heard
    heard.push(one);
  }
}

function sameAs({ association, id }: Stranger): (one: Heard) => boolean {
  return (one) => one.security === association.security.id && equalBytes(one.id, id);
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
  const map = decodeMap(payload, { depthMax: 4, itemsMax: 32 });
  const creds = map?.get(CREDS);
  const ids = map?.get(PEER_IDENTIFIERS);
  if (!Array.isArray(creds) || !Array.isArray(ids)) return drop("malformed");
  const at = ids.findIndex((one) => one instanceof Uint8Array && equalBytes(one, id));
  const credential = creds[at];
  if (!(credential instanceof Uint8Array)) return drop("unknownMember");
  return { ok: true, value: credential };
}
