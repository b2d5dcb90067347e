/**
 * Capture files (draft-ietf-opsawg-pcap), link type 195: IEEE 802.15.4 with FCS. Times are virtual
 * microseconds since the run began, shown as seconds after 1970: nothing of the machine is in the
 * file, so that the same seed gives the same bytes.
 */
import { closeSync, openSync, writeSync } from "node:fs";
import { withFcs } from "./fcs.js";

const MAGIC = 0xa1b2c3d4;
const LINKTYPE_IEEE802_15_4_WITHFCS = 195;
const SNAPSHOT_BYTES = 256;
const HEADER_BYTES = 24;
const RECORD_BYTES = 16;
const MICROS = 1_000_000;
const BUFFER_BYTES = 1 << 16;

/**
 * Writes as it goes; a run that is broken off leaves whole records behind once `close` was called.
 */
export class PcapWriter {
  readonly #file: number;
  #pending: Uint8Array[] = [];
  #pendingBytes = 0;

  /** Replaces the file. Throws when it cannot be written. */
  constructor(path: string) {
    this.#file = openSync(path, "w");
    const header = new DataView(new ArrayBuffer(HEADER_BYTES));
    header.setUint32(0, MAGIC, true);
    header.setUint16(4, 2, true);
    header.setUint16(6, 4, true);
    header.setUint32(16, SNAPSHOT_BYTES, true);
    header.setUint32(20, LINKTYPE_IEEE802_15_4_WITHFCS, true);
    this.#push(new Uint8Array(header.buffer));
  }

  /** `frame` without its FCS, which is added. `atMicros` is the start of the preamble. */
  write(atMicros: number, frame: Uint8Array): void {
    const bytes = withFcs(frame);
    const record = new DataView(new ArrayBuffer(RECORD_BYTES));
    record.setUint32(0, Math.floor(atMicros / MICROS), true);
    record.setUint32(4, atMicros % MICROS, true);
    record.setUint32(8, bytes.length, true);
    record.setUint32(12, bytes.length, true);
    this.#push(new Uint8Array(record.buffer));
    this.#push(bytes);
  }

  flush(): void {
    if (this.#pending.length === 0) return;
    writeSync(this.#file, Buffer.concat(this.#pending));
    this.#pending = [];
    this.#pendingBytes = 0;
  }

  close(): void {
    this.flush();
    closeSync(this.#file);
  }

  #push(bytes: Uint8Array): void {
    this.#pending.push(bytes);
    this.#pendingBytes += bytes.length;
    if (this.#pendingBytes >= BUFFER_BYTES) this.flush();
  }
}

/** A captured frame, FCS removed. */
export interface Captured {
  readonly atMicros: number;
  readonly frame: Uint8Array;
}

/** Reads back what PcapWriter wrote. Throws RangeError on anything else. */
export function readPcap(bytes: Uint8Array): Captured[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const known = bytes.length >= HEADER_BYTES && view.getUint32(0, true) === MAGIC;
  if (!known || view.getUint32(20, true) !== LINKTYPE_IEEE802_15_4_WITHFCS) {
    throw new RangeError("not a capture of this program: 802.15.4 with FCS, microseconds");
  }
  const frames: Captured[] = [];
  for (let at = HEADER_BYTES; at < bytes.length; ) {
    if (at + RECORD_BYTES > bytes.length) throw new RangeError("the capture ends inside a record");
    const length = view.getUint32(at + 8, true);
    const start = at + RECORD_BYTES;
    if (length < 2 || start + length > bytes.length) {
      throw new RangeError("the capture ends inside a frame");
    }
    const atMicros = view.getUint32(at, true) * MICROS + view.getUint32(at + 4, true);
    frames.push({ atMicros, frame: new Uint8Array(bytes.subarray(start, start + length - 2)) });
    at = start + length;
  }
  return frames;
}
