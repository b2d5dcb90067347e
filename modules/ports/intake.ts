/**
 * Native help on the receive path, handed in by boards that have it: from a datagram to its
 * plaintext, marked as seen, in one call, for what nearly every datagram is. A call of a TypeScript
 * function costs a Cortex-M4 490 instructions and reading a byte 400; doing it that way takes
 * 150,000, of which AES needs 13,000.
 *
 * It does what `device/receive.ts`, `groups/locate.ts`, `groups/open.ts`, `profiles/lowlatency.ts`
 * and `oscore/recipients.ts` do up to the marked message: those are the reference, and take over
 * whatever it declines (confirmable messages, answers, plain CoAP, first contacts, keys that end,
 * options outside, long messages, a log at the end of its sector).
 */
import type { Drop } from "../bytes/outcome.js";
import type { AeadKey } from "./crypto.js";

/** The reference has to look at this datagram. */
export const DECLINED = -1;
/** Answer -2 is the first of these reasons, -3 the second, and so on. */
export const INTAKE_DROPS: readonly Drop[] = Object.freeze([
  "malformed",
  "notForUs",
  "unknownGroup",
  "unknownKey",
  "replayed",
  "forged",
  "storeFailed",
] as const);

/**
 * The options of POST /l (Uri-Path, 11) where nothing else is asked for: nearly every command.
 * Whoever makes such a message uses this array, so that it is known without a look inside. The
 * value is a plain array, for it lies in read-only memory: bytes by index and their number are all
 * that is read of it.
 */
export const LIGHT_OPTIONS: readonly { readonly number: number; readonly value: Uint8Array }[] =
  Object.freeze([
    Object.freeze({ number: 11, value: Object.freeze([0x6c]) as unknown as Uint8Array }),
  ]);

// An answer of 0 or more is an opened message: size of the plaintext in the lowest bits, and:
export const ANSWER_SIZE_MASK = 0x7f;
/** POST with the one option Uri-Path "l"; its payload begins at byte 4 of the plaintext. */
export const ANSWER_LIGHT = 0x80;
/** Its number is marked, and a bound that covers it durable; only if it is a light command. */
export const ANSWER_MARKED = 0x100;
/** No command of this sender with a higher number was applied under this key, nor may have been. */
export const ANSWER_NEWEST = 0x200;
/** The level granted to the sender within the application group. */
export const ANSWER_LEVEL_SHIFT = 10;
export const ANSWER_LEVEL_MASK = 7;
export const ANSWER_ROW_SHIFT = 13;
export const ANSWER_ROW_MASK = 0x7f;
export const ANSWER_LINE_SHIFT = 20;
export const ANSWER_LINE_MASK = 0xff;
/** It was sent to a multicast address. */
export const ANSWER_MULTICAST = 0x10000000;
/** It is marked, and its number is the highest of its sender's so far. */
export const ANSWER_TOP = 0x20000000;

// What the tables hold, numbers big-endian: a head, then a line for each application group and key.
/** Lines; ports listened on (at most 8); length of our own client id; one byte unused. */
export const TABLE_LINES = 0;
export const TABLE_PORT_COUNT = 1;
export const TABLE_OWN_LENGTH = 2;
/** Our own client id, right-aligned in 8 bytes. */
export const TABLE_OWN = 4;
/** Two bytes each. */
export const TABLE_PORTS = 12;
export const TABLE_PORTS_MAX = 8;
export const TABLE_HEAD_BYTES = 28;
/** Application group, 4 bytes. */
export const LINE_GROUP = 0;
/** 1: native help may open it; else only what is dropped before a key is needed is decided. */
export const LINE_OPEN = 4;
export const LINE_KEY_ID_LENGTH = 5;
export const LINE_KEY_ID = 6;
/** The association's index, 2 bytes. */
export const LINE_ASSOCIATION = 14;
export const LINE_PREFIX_LENGTH = 16;
/** 13 bytes. */
export const LINE_IV = 17;
/** The constant beginning of the external_aad, at most 24 bytes. */
export const LINE_PREFIX = 30;
export const LINE_PREFIX_MAX = 24;
export const LINE_BYTES = 54;
export const LINES_MAX = 255;

/** The result: sequence number (double), id (two 32-bit halves, length), 4 unused, plaintext. */
export const RESULT_ID = 8;
export const RESULT_PLAIN = 24;
export const RESULT_BYTES = 128;

/** What it reads and writes, element by element. */
export type IntakeState = [
  tables: ArrayBuffer,
  result: ArrayBuffer,
  /** `Recipients.columns` */
  recipients: ArrayBuffer,
  /** `Rights.columns` */
  rights: ArrayBuffer,
  /** `Store.journal` */
  cursor: ArrayBuffer,
  index: ArrayBuffer,
  /** The key of each line. */
  keys: AeadKey[],
  /** How many rights there may be. */
  rightsCapacity: number,
];

export interface Intake {
  /** Once for each directory. Throws TypeError or RangeError on buffers of the wrong size. */
  bind(state: IntakeState): BoundIntake;
  /** The same for schemes with a key for each member (intake-member.ts), where the build has it. */
  readonly bindMembers?: ((state: IntakeState) => BoundMembers) | undefined;
}

export interface BoundIntake {
  /**
   * Takes a datagram that was sent to `address` and `port`; fills the result when it answers 0 or
   * more.
   */
  open(datagram: Uint8Array, address: Uint8Array, port: number): number;
}

/** What the tables hold: intake-member.ts. */
export interface BoundMembers extends BoundIntake {
  /**
   * Moves the window past the message opened last, on flash first: the answer of `open`, with
   * ANSWER_MARKED where that was done; below 0 when flash refused. Throws TypeError when there is
   * none.
   */
  mark(): number;
}
