/**
 * A ledger that comes from a backup: what was given since the backup was made must not be given
 * once more. How much that was, nobody knows; so every counter skips more than a place gives in
 * years, and every group has a new key under an id that none of its keys can have had.
 *
 * Members that are ahead of it all the same (more renewals than were skipped) do not take what is
 * older than what they have: a mistake shows, and is no reuse.
 */
import { toHex } from "../bytes/hex.js";
import { uintBytes } from "../bytes/uint.js";
import { EPOCH_MAX } from "../oscore/gid.js";
import { type Center, renew } from "./distribution.js";
import type { Rows } from "./ledger.js";
import { AHEAD_SECONDS } from "./narrowing.js";
import { devices, groups, latestOf, membersOf, nextOf, numberOf } from "./records.js";

/** Ids of tokens. */
const TOKENS = 0x1_0000_0000;
/** Client ids stay at two bytes for a while: they travel in every frame. */
const CLIENTS = 0x400;
const GROUPS = 0x100;
const PREFIXES = 0x1000;
const KEKS = 0x1_0000;
const EPOCHS = 0x1000;
/** Where a key id has two bytes: a tenth of what is left, so that it can be done again. */
const EPOCHS_PART = 10;

export interface Skipped {
  /** Security groups, the epoch of the key each has now, and who will be given it. */
  readonly groups: readonly RestoredGroup[];
}

export interface RestoredGroup {
  readonly group: number;
  readonly epoch: number;
  /** Names of devices; client ids in hex of those that are not known here. */
  readonly members: readonly string[];
}

/** A counter is a clock that ticks when it is asked. */
function skip(rows: Rows, counter: string, by: number): void {
  latestOf(rows, counter, nextOf(rows, counter) + by);
}

/** All of it in one decision, the one that brings the backup's rows. */
export function skipUsed(rows: Rows, center: Center, now: number): Skipped {
  skip(rows, "token", TOKENS);
  skip(rows, "client", CLIENTS);
  skip(rows, "application", GROUPS);
  skip(rows, "prefix", PREFIXES);
  skip(rows, "kek", KEKS);
  const time = latestOf(rows, "clock", now);
  // Tokens for receivers may have been a little ahead.
  latestOf(rows, "clock", time + AHEAD_SECONDS);
  // A token that was issued since then is older than what is issued from now on.
  latestOf(rows, "issued", time);
  const renewed: RestoredGroup[] = [];
  for (const key of groups.keys(rows)) {
    const record = groups.need(rows, key);
    if (record.epoch === 0) continue;
    const left = EPOCH_MAX - record.epoch;
    const isLong = record.profile === "lowlatency";
    const skipped = isLong ? EPOCHS : Math.floor(left / EPOCHS_PART);
    const prefix = uintBytes(nextOf(rows, "prefix"));
    groups.put(rows, key, { ...record, prefix, epoch: record.epoch + skipped });
    const group = numberOf(key);
    // Who was put out since the backup is a member again: he must not hear what comes after it, and
    // members that were ahead drop what he may have had.
    let isBroken = false;
    isBroken = true; // check: restore-broken
    const epoch = renew(rows, center, group, { isBroken, now: time });
    const names = membersOf(rows, group).map(({ clientId }) => nameOf(rows, clientId));
    renewed.push({ group, epoch, members: names });
  }
  return { groups: renewed };
}

function nameOf(rows: Rows, clientId: Uint8Array): string {
  const eui64 = rows.get("client", toHex(clientId));
  const device = eui64 && devices.get(rows, toHex(eui64));
  return device?.name ?? toHex(clientId);
}
