/**
 * A factory reset of the partition: every secret gone, whenever the power goes.
 *
 * PROBLEM. Erasing sixteen sectors takes a second and more. A cut in the middle must leave neither
 * a device that starts with half of its keys nor one that takes the rest for damage and waits for
 * a person; and what has to outlive the reset (sender numbers, versions, marks of the keys that are
 * never to come again) must not be lost in between.
 *
 * REJECTED. `Store.format` alone: cut off, it leaves a log that does not open, and readable keys.
 * A record in the log: the log is what goes.
 *
 * CHOICE. A sector that is no part of the log is erased and gets a head of its own, with what is
 * kept. From then on every start finds the head and does the same again, from the beginning: erases
 * all other sectors, makes an empty store of them, puts back what is kept, and erases the head last
 * of all. Each step may be cut and repeated; before the head is whole, the record that asks for the
 * reset still stands in a log that opens (device/reset.ts).
 *
 *   "LCWP", length of what is kept (2), 0 (2), kept, CRC-32 (4), 0xFF to a whole program unit
 *   kept: records, each: key(4) length(2) value
 */
import { Reader } from "../bytes/reader.js";
import { Writer } from "../bytes/writer.js";
import type { Flash } from "../ports/flash.js";
import { CRC_START, crcStep } from "./crc32.js";
import { Log } from "./log.js";
import { OPENED } from "./sector.js";

const MAGIC = 0x4c435750;
const HEAD_BYTES = 8;
const SUM_BYTES = 4;
const UNIT_MAX = 16;

/** A record that outlives the reset. */
export interface Kept {
  readonly key: number;
  readonly value: Uint8Array;
}

/** A reset that was begun. */
export interface Wipe {
  /** The number of its sector. */
  readonly sector: number;
  readonly kept: readonly Kept[];
}

/** The reset that is to be finished; undefined where there is none. */
export function findWipe(flash: Flash): Wipe | undefined {
  const head = new Uint8Array(HEAD_BYTES);
  for (let sector = 0; sector * flash.eraseBytes < flash.size; sector++) {
    flash.read(sector * flash.eraseBytes, head);
    const reader = new Reader(head);
    if (reader.u32() !== MAGIC) continue;
    const length = reader.u16();
    const whole = new Uint8Array(HEAD_BYTES + length + SUM_BYTES);
    if (whole.length > flash.eraseBytes) continue;
    flash.read(sector * flash.eraseBytes, whole);
    const body = whole.subarray(0, HEAD_BYTES + length);
    const sum = new Reader(whole.subarray(body.length)).u32();
    if (sum !== sumOf(body)) continue; // check: wipe-head-whole
    return { sector, kept: recordsIn(body.subarray(HEAD_BYTES)) };
  }
  return undefined;
}

/**
 * Begins a reset: undefined when no sector is free or flash refuses. Nothing may be written to the
 * store any more. Throws RangeError when what is kept is too long (our bug).
 */
export function beginWipe(flash: Flash, kept: readonly Kept[]): Wipe | undefined {
  const bytes = emitHead(kept, flash);
  const { heads, sectors } = new Log(flash);
  // The first sector becomes the new log's.
  for (let sector = sectors - 1; sector > 0; sector--) {
    if (heads.read(sector) === OPENED) continue; // check: wipe-spares-log
    const base = sector * flash.eraseBytes;
    if (!flash.erase(base) || !flash.program(base, bytes)) continue;
    return { sector, kept };
  }
  return undefined;
}

/** All but the reset's own sector: erased, and an empty store. False when flash refuses. */
export function wipeRest(flash: Flash, { sector }: Wipe): boolean {
  return new Log(flash).format(sector);
}

/** The last step. */
export function endWipe(flash: Flash, { sector }: Wipe): boolean {
  return flash.erase(sector * flash.eraseBytes);
}

function emitHead(kept: readonly Kept[], { eraseBytes, programBytes }: Flash): Uint8Array {
  const writer = new Writer(256);
  for (const { key, value } of kept) {
    writer.u32(key);
    writer.u16(value.length);
    writer.bytes(value);
  }
  const records = writer.finish();
  const used = HEAD_BYTES + records.length + SUM_BYTES;
  if (used > eraseBytes) throw new RangeError(`wipe: ${records.length} bytes to keep`);
  const unit = Math.max(programBytes, UNIT_MAX);
  const head = new Writer(used);
  head.u32(MAGIC);
  head.u16(records.length);
  head.u16(0);
  head.bytes(records);
  const body = head.finish();
  const bytes = new Uint8Array(Math.ceil(used / unit) * unit).fill(0xff);
  const sum = new Writer(SUM_BYTES);
  sum.u32(sumOf(body));
  bytes.set(body);
  bytes.set(sum.finish(), body.length);
  return bytes;
}

function recordsIn(bytes: Uint8Array): Kept[] {
  const reader = new Reader(bytes);
  const kept: Kept[] = [];
  while (reader.left > 0) {
    const key = reader.u32();
    kept.push({ key, value: reader.take(reader.u16()) });
  }
  return kept;
}

function sumOf(bytes: Uint8Array): number {
  return ~crcStep(CRC_START, bytes, 0, bytes.length) >>> 0;
}
