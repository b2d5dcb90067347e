import type { Journal } from "../../modules/ports/flash.js";
import {
  journalHeads,
  journalIsErased,
  journalKeys,
  journalLoad,
  journalRead,
  journalScan,
} from "./bound.js";

/** Most kinds have fewer keys. */
const KEYS = 32;
/** Keys of a kind, at most (modules/store/keys.ts). */
const INDEXES = 0x1000000;

/** The same C that the headless host runs (platforms/native/journal.c, rows.c). */
export const journal: Journal = Object.freeze({
  scan: journalScan,
  heads: journalHeads,
  isErased: journalIsErased,
  keys,
  load: journalLoad,
  read: journalRead,
});

function keys(cursor: ArrayBuffer, index: ArrayBuffer, kind: number): number[] {
  for (let room = KEYS; ; room *= 4) {
    const found = new Uint32Array(room);
    const count = journalKeys(cursor, index, kind, found.buffer);
    if (count <= room) return Array.from(found.subarray(0, count), (at) => kind * INDEXES + at);
  }
}
