/**
 * Whose this device is since it was joined: the provisioning blob that a commissioner gave it, in
 * flash in pieces, for a record has a limit. The head is written last, so that a power cut leaves
 * a device that is joined or one that is not; what it leaves of the pieces is forgotten at the next
 * start.
 *
 *   head: {0: 1, 1: bytes of the blob, 2: its SHA-256, 3: how the joiner proved itself, 4: by
 *     which label}
 *
 * A join that a press alone has allowed gives little, and for good: whoever was the first to ask
 * commands no more than the light (access level 2), until a reset.
 */
import type { Level } from "../access/level.js";
import { equalBytes } from "../bytes/equal.js";
import { type Cbor, encode } from "../cbor/encode.js";
import { CborReader } from "../cbor/reader.js";
import type { Crypto } from "../ports/crypto.js";
import { KIND, key } from "../store/keys.js";
import type { Store } from "../store/store.js";

/** How the joiner showed that it may: it has the label's secret, or it came after a press. */
export type JoinProof = "label" | "press";

export interface Joined {
  readonly blob: Uint8Array;
  readonly proof: JoinProof;
  /** The label that was used. */
  readonly n: number;
}

/** Of a blob. */
export const JOIN_BYTES_MAX = 4096;

const HEAD = key(KIND.JOINED, 0);
/** There once it has started as that device. */
export const STARTED = key(KIND.JOINED, 0xff);
const PIECE_BYTES = 1024;
const FORMAT = 1;
const BY_LABEL = 1;
const BY_PRESS = 2;
const LEVEL_BY_LABEL = 5;
const LEVEL_BY_PRESS = 2;

/** The highest level that a join by this proof gives anybody. */
export function levelBy(proof: JoinProof): Level {
  return proof === "label" ? LEVEL_BY_LABEL : LEVEL_BY_PRESS;
}

/** True when it is in flash: the device is joined from here on. */
export function keepJoined(
  store: Store,
  crypto: Pick<Crypto, "sha256">,
  { blob, proof, n }: Joined,
): boolean {
  // The next start would not take it, nor would any after that.
  if (blob.length > JOIN_BYTES_MAX) return false; // check: join-bytes-max
  let index = 1;
  for (let at = 0; at < blob.length; at += PIECE_BYTES) {
    const piece = blob.subarray(at, at + PIECE_BYTES);
    if (!store.put(key(KIND.JOINED, index++), piece)) return false; // check: join-pieces
  }
  const head = new Map<Cbor, Cbor>([
    [0, FORMAT],
    [1, blob.length],
    [2, crypto.sha256(blob)],
    [3, proof === "label" ? BY_LABEL : BY_PRESS],
    [4, n],
  ]);
  return store.put(HEAD, encode(head));
}

/**
 * Undefined for a device that is not joined. Throws an Error when flash does not hold what was
 * written there: half a blob must not pass for one.
 */
export function joinedIn(store: Store, crypto: Pick<Crypto, "sha256">): Joined | undefined {
  const head = headIn(store);
  if (head === undefined) return undefined;
  const { length, digest, proof, n } = head;
  const blob = new Uint8Array(length);
  for (let at = 0, index = 1; at < length; at += PIECE_BYTES, index++) {
    const piece = store.get(key(KIND.JOINED, index));
    if (piece?.length === Math.min(PIECE_BYTES, length - at)) blob.set(piece, at);
  }
  const isWhole = equalBytes(crypto.sha256(blob), digest);
  if (!isWhole) throw new Error(DAMAGED); // check: join-whole
  return { blob, proof, n };
}

/** What a device that lives by this store may let anybody do. */
export function levelMaxIn(store: Store): Level {
  const head = headIn(store);
  return head === undefined ? LEVEL_BY_LABEL : levelBy(head.proof);
}

/** What a cut left of a join that never was: there is a credential in it. */
export function forgetPieces(store: Store): boolean {
  return store.keys(KIND.JOINED).every((piece) => store.delete(piece));
}

const DAMAGED = "flash: how this device was joined does not read back; reset it";

interface Head {
  readonly length: number;
  readonly digest: Uint8Array;
  readonly proof: JoinProof;
  readonly n: number;
}

function headIn(store: Store): Head | undefined {
  const record = store.get(HEAD);
  if (record === undefined) return undefined;
  const reader = new CborReader(record);
  const isMap = reader.map() === 5;
  const format = field(reader, 0);
  const length = field(reader, 1);
  const digest = reader.uint() === 2 ? reader.byteString() : undefined;
  const by = field(reader, 3);
  const n = field(reader, 4);
  const isOurs = isMap && format === FORMAT && length <= JOIN_BYTES_MAX;
  if (!isOurs || !reader.complete || digest === undefined) throw new Error(DAMAGED);
  return { length, digest, proof: by === BY_LABEL ? "label" : "press", n };
}

function field(reader: CborReader, wanted: number): number {
  return reader.uint() === wanted ? reader.uint() : reader.fail();
}
