/**
 * How the messages of a key tree's renewal (keytree.ts) are said to a group: how often, and when.
 * Nobody confirms a multicast, and what collides is lost to half of the group at once, so each is
 * said more than once and all of it in three rounds; who has one already drops it unread
 * (device/said.ts). The last message has the group's own key: until it comes all have the old one,
 * and whoever lacks one of the others then is without light, so it is said last, and most often.
 */
import { emitMessage, NON, type Option } from "../coap/message.js";
import { addPath, POST } from "../coap/options.js";

const SECOND = 1_000_000;
/** On a mesh routers repeat each message within that, every one of them twice (lowpan/relay.ts). */
const SPACING_MICROS = 100_000;
const ROUNDS_MICROS: readonly number[] = Object.freeze([0, 3 * SECOND, 8 * SECOND]);
/** By then who missed some of it has asked for the rest. */
export const SAID_MICROS = 15 * SECOND;
const MID_COUNT = 0x10000;

export interface Said {
  readonly afterMicros: number;
  readonly payload: Uint8Array;
}

/** All that is said of one renewal, in order of time. */
export function sayings(messages: readonly Uint8Array[]): Said[] {
  const before = messages.slice(0, -1);
  const last = messages.slice(-1);
  const round = [...before, ...before, ...last, ...last, ...last];
  return ROUNDS_MICROS.flatMap((startMicros) =>
    round.map((payload, at) => ({ afterMicros: startMicros + at * SPACING_MICROS, payload })),
  );
}

/** One of them as a datagram: plain CoAP, for what counts is the signature. */
export function emitSaying(mid: number, payload: Uint8Array): Uint8Array {
  const options: Option[] = [];
  addPath(options, "/keys/tree");
  const head = { type: NON, code: POST, mid: mid % MID_COUNT, token: new Uint8Array(0) } as const;
  return emitMessage({ ...head, options, payload });
}
