/**
 * Turns the log over once, so that nothing is left in flash of what a record held before.
 *
 * PROBLEM. A record that was replaced or deleted still lies in its sector until tidying erases
 * that, which may be in years. A secret that was used up has to be gone.
 *
 * CHOICE. Records of nothing push the log on, and tidying behind it copies what lives and erases
 * the rest, until every sector that had anything in it when this began was erased. It takes each
 * sector of the log one erase, may be cut at any moment, and is then begun again.
 */
import type { Flash } from "../ports/flash.js";
import { OPENED, READY, SectorHead } from "./sector.js";
import type { Store } from "./store.js";

const FILLER_BYTES = 1000;
/** Of sectors: what is written at most until the last one was erased. */
const ROUNDS_MAX = 3;
/** A step of tidying copies eight records or erases a sector. */
const STEPS_A_SECTOR = 64;

/** False when flash refuses. `filler`: a key for records of nothing. */
export function turnOver(flash: Flash, store: Store, filler: number): boolean {
  const heads = new SectorHead(flash);
  const sectors = flash.size / flash.eraseBytes;
  const newest = newestIn(heads, sectors);
  const nothing = new Uint8Array(FILLER_BYTES);
  const records = Math.ceil((ROUNDS_MAX * flash.size) / FILLER_BYTES);
  for (let record = 0; record < records; record++) {
    for (let step = 0; step < sectors * STEPS_A_SECTOR && store.tidy(); step++);
    if (isOver(heads, sectors, newest)) return store.delete(filler);
    if (!store.put(filler, nothing)) return false;
  }
  return false;
}

function newestIn(heads: SectorHead, sectors: number): number {
  let newest = 0;
  for (let sector = 0; sector < sectors; sector++) {
    if (heads.read(sector) === OPENED) newest = Math.max(newest, heads.generation);
  }
  return newest;
}

/** Whether every sector was erased, or entered, since `newest` was the newest. */
function isOver(heads: SectorHead, sectors: number, newest: number): boolean {
  for (let sector = 0; sector < sectors; sector++) {
    const state = heads.read(sector);
    const isNew = state === READY || (state === OPENED && heads.generation > newest);
    if (!isNew) return false; // check: turn-all
  }
  return true;
}
