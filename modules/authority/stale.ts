/**
 * Members that are gone, by the key they were last heard under (draft-ietf-ace-key-groupcomm-oscore
 * §7.1): who missed a renewal asks whose contexts and public keys he has to forget.
 *
 * A set stands for a key's version; the newest set belongs to the newest key and is empty until
 * somebody leaves. Only so many are kept: who was away for longer forgets everybody.
 */
import { toHex } from "../bytes/hex.js";
import { decodeList } from "../cbor/containers.js";
import { encode } from "../cbor/encode.js";
import type { Rows } from "./ledger.js";
import { inGroup, numberKey } from "./records.js";

/** "max_stale_sets"; three are recommended (§12.1), a lamp in a store room sleeps longer. */
export const STALE_SETS_MAX = 8;

/** The set of a new key; the oldest goes where there are too many. */
export function openStaleSet(rows: Rows, group: number, epoch: number): void {
  const sets = rows.keys("stale", `${numberKey(group)}/`);
  const spare = sets.length - (STALE_SETS_MAX - 1);
  for (const key of sets.slice(0, Math.max(spare, 0))) rows.delete("stale", key);
  rows.put("stale", inGroup(group, epoch), encode([]));
}

/** Nobody hears this id any more from the next key on. */
export function addStale(rows: Rows, group: number, epoch: number, id: Uint8Array): void {
  const key = inGroup(group, epoch);
  const ids = idsIn(rows, key);
  if (ids.some((one) => toHex(one) === toHex(id))) return;
  rows.put("stale", key, encode([...ids, id]));
}

/** Whether somebody left under this very key: under it, his numbers may be used up to anywhere. */
export function isStale(rows: Rows, group: number, epoch: number, id: Uint8Array): boolean {
  return idsIn(rows, inGroup(group, epoch)).some((one) => toHex(one) === toHex(id));
}

/**
 * Everybody who is gone since the key of version `since`, each once; undefined when that is too
 * long ago to know (§9.10.1: SKEW sets, from the one of `since` to the newest).
 */
export function staleSince(
  rows: Rows,
  group: number,
  versions: { since: number; newest: number },
): Uint8Array[] | undefined {
  const { since, newest } = versions;
  const sets = rows.keys("stale", `${numberKey(group)}/`);
  const skew = newest - since + 1;
  if (skew > sets.length) return undefined; // check: stale-too-old
  const ids = new Map<string, Uint8Array>();
  for (const key of sets.slice(sets.length - skew)) {
    for (const id of idsIn(rows, key)) ids.set(toHex(id), id);
  }
  return [...ids.values()];
}

/** As many of those as are kept, who left last at the end. */
export function staleSets(rows: Rows, group: number, since: number): Uint8Array[] {
  const sets = rows.keys("stale", `${numberKey(group)}/`).filter((key) => {
    return key >= inGroup(group, Math.max(since, 0));
  });
  const ids = new Map<string, Uint8Array>();
  for (const id of sets.flatMap((key) => idsIn(rows, key))) {
    ids.delete(toHex(id));
    ids.set(toHex(id), id);
  }
  return [...ids.values()];
}

function idsIn(rows: Rows, key: string): Uint8Array[] {
  const value = rows.get("stale", key);
  if (value === undefined) return [];
  const ids = decodeList(value, { itemsMax: 4096 });
  if (ids === undefined) throw new Error(`ledger: stale ${key} does not parse; restore a backup`);
  return ids.filter((id): id is Uint8Array => id instanceof Uint8Array);
}
