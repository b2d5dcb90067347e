/**
 * What a device knows of itself before it is anybody's: written in the factory, in flash once, and
 * left there by a reset.
 *
 *   {0: 1, 1: EUI-64, 2: role, ? 3: label secret of now, 4: how many labels were used,
 *    ? 5: raw key (P-256, private), ? 6: true: who comes first after a press is believed,
 *    ? 7: so many short starts in a row reset it (cycles.ts)}
 *
 * It comes as field 22 of a blob that has none of the fields of an installation. What is in flash
 * counts from then on: the same blob, shown again at every start, must not bring a used label back.
 */

import { equalBytes } from "../bytes/equal.js";
import { utf8 } from "../bytes/utf8.js";
import { type Cbor, encode } from "../cbor/encode.js";
import { CborReader } from "../cbor/reader.js";
import type { Crypto } from "../ports/crypto.js";
import type { Flash } from "../ports/flash.js";
import { KIND, key } from "../store/keys.js";
import type { Store } from "../store/store.js";
import { turnOver } from "../store/turn.js";
import { CYCLES_MAX, CYCLES_MIN } from "./cycles.js";
import { LABEL_BYTES, nextLabel } from "./label.js";

/** Of a provisioning blob. */
export const FACTORY_FIELD = 22;
const RECORD = key(KIND.FACTORY, 0);
/** Up to which label flash holds none any more: a number as text. */
const CLEAN = key(KIND.FACTORY, 1);
const FILLER = key(KIND.FACTORY, 2);
/** What outlives a factory reset. */
export const FACTORY_KEPT: readonly number[] = Object.freeze([RECORD, CLEAN]);

const FORMAT = 1;
const EUI64_BYTES = 8;
const ROLE_MAX = 4;
const KEY_BYTES = 32;
const N_MAX = 0xffffffff;
/** Fields of an installation, from the client id on. */
const INSTALLATION_FIELD = 3;

export interface Factory {
  readonly eui64: Uint8Array;
  /** 1: luminaire, and so on as ports/role.ts. */
  readonly role: number;
  /** L_n (label.ts); undefined: this device has no label. */
  readonly label: Uint8Array | undefined;
  readonly n: number;
  /** Undefined: it has none, and is joined by its label. */
  readonly rawKey: Uint8Array | undefined;
  /** The commissioner's key is taken on first use; such a join gives little (joined.ts). */
  readonly trustOnPress: boolean;
  /** Starts in a row that reset it; absent: none do, however many. */
  readonly cycles?: number;
}

/**
 * Of a blob with field 22; undefined for one with an installation, and for whatever is no CBOR map.
 * Throws an Error that names what is wrong in the field.
 */
export function factoryIn(blob: Uint8Array): Factory | undefined {
  const reader = new CborReader(blob);
  let last = -1;
  for (let left = reader.map(); left > 0; left--) {
    last = reader.key(last);
    if (last === FACTORY_FIELD) {
      const factory = parse(reader);
      if (!reader.complete) throw new Error("factory: something else behind it");
      return factory;
    }
    if (last >= INSTALLATION_FIELD || reader.failed) return undefined;
    reader.skip();
  }
  return undefined;
}

/** What a factory writes into a blob. */
export function emitFactory(factory: Factory): Uint8Array {
  return encode(new Map<Cbor, Cbor>([[FACTORY_FIELD, mapOf(factory)]]));
}

/** What is in flash; undefined: this device was never given a record. */
export function factoryOf(store: Store): Factory | undefined {
  const record = store.get(RECORD);
  if (record === undefined) return undefined;
  const reader = new CborReader(record);
  const factory = parse(reader);
  if (!reader.complete) throw new Error("factory: the record in flash does not parse");
  return factory;
}

/** False when flash refuses. */
export function keepFactory(store: Store, factory: Factory): boolean {
  return store.put(RECORD, encode(mapOf(factory)));
}

/**
 * Uses up label `n`, that of a join which is in flash: what the record holds from here on is the
 * next one. Undefined when flash refuses.
 */
export function useUp(
  crypto: Crypto,
  store: Store,
  { factory, n }: { factory: Factory; n: number },
): Factory | undefined {
  if (factory.n > n) return factory;
  const { eui64, label } = factory;
  const next = { ...factory, label: label && nextLabel(crypto, eui64, label), n: n + 1 };
  return keepFactory(store, next) ? next : undefined;
}

/** Erases what is left in flash of labels before `n`; false when flash refuses. */
export function clean(flash: Flash, store: Store, n: number): boolean {
  const mark = utf8(`${n}`);
  const before = store.get(CLEAN) ?? utf8("0");
  if (equalBytes(before, mark)) return true;
  return turnOver(flash, store, FILLER) && store.put(CLEAN, mark);
}

function mapOf(factory: Factory): Map<Cbor, Cbor> {
  const { eui64, role, label, n, rawKey, trustOnPress, cycles } = factory;
  const map = new Map<Cbor, Cbor>([
    [0, FORMAT],
    [1, eui64],
    [2, role],
  ]);
  if (label !== undefined) map.set(3, label);
  map.set(4, n);
  if (rawKey !== undefined) map.set(5, rawKey);
  if (trustOnPress) map.set(6, true);
  if (cycles !== undefined) map.set(7, cycles);
  return map;
}

function parse(reader: CborReader): Factory {
  let [format, role, n, last] = [-1, -1, -1, -1];
  let eui64: Uint8Array | undefined;
  let label: Uint8Array | undefined;
  let rawKey: Uint8Array | undefined;
  let trustOnPress = false;
  let cycles: number | undefined;
  for (let left = reader.map(); left > 0; left--) {
    last = reader.key(last);
    if (last === 0) format = reader.uint();
    else if (last === 1) eui64 = reader.byteString();
    else if (last === 2) role = reader.uint();
    else if (last === 3) label = reader.byteString();
    else if (last === 4) n = reader.uint();
    else if (last === 5) rawKey = reader.byteString();
    else if (last === 6) trustOnPress = reader.bool();
    else if (last === 7) cycles = reader.uint();
    else reader.skip();
  }
  if (reader.failed) throw new Error("factory: not the CBOR map of a factory record");
  if (format !== FORMAT) throw new Error(`factory.version: ${format}, this reads ${FORMAT}`);
  if (eui64?.length !== EUI64_BYTES) throw new Error("factory.eui64: 8 bytes expected");
  if (role < 1 || role > ROLE_MAX) throw new Error(`factory.role: 1 to ${ROLE_MAX} expected`);
  const isLabel = label === undefined || label.length === LABEL_BYTES;
  if (!isLabel) throw new Error("factory.label: 16 bytes expected");
  if (n < 0 || n > N_MAX) throw new Error("factory.n: how many labels were used is missing");
  const isKey = rawKey === undefined || rawKey.length === KEY_BYTES;
  if (!isKey) throw new Error("factory.rawKey: 32 bytes expected");
  const hasProof = label !== undefined || (rawKey !== undefined && trustOnPress);
  if (!hasProof) throw new Error("factory: neither a label nor a key: nobody could join it");
  const made = { eui64, role, label, n, rawKey, trustOnPress };
  if (cycles === undefined) return made;
  const isRow = cycles >= CYCLES_MIN && cycles <= CYCLES_MAX;
  if (!isRow) throw new Error(`factory.cycles: ${CYCLES_MIN} to ${CYCLES_MAX} expected`);
  return { ...made, cycles };
}
