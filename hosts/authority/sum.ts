/**
 * The checksum that a ledger keeps with each row: stores notice damage to their own structure, not
 * to what is in it. Against accidents, not against people; those meet the log (modules/authority).
 */
import { createHash } from "node:crypto";
import { TABLES, type Table } from "../../modules/authority/ledger.js";
import { equalBytes } from "../../modules/bytes/equal.js";

const SUM_BYTES = 8;

export interface Stored {
  readonly kind: string;
  readonly name: string;
  /** libsql's iterators give an ArrayBuffer. */
  readonly value: Uint8Array | ArrayBuffer;
  readonly sum: Uint8Array | ArrayBuffer;
}

/** A row's value, a copy. Throws an Error that begins with "is damaged" where the sum differs. */
export function contentOf({ kind, name, value, sum }: Stored): Uint8Array {
  const isKnown = (TABLES as readonly string[]).includes(kind);
  const content = new Uint8Array(value);
  const isWhole = isKnown && equalBytes(sumOf(kind as Table, name, content), new Uint8Array(sum));
  if (!isWhole) throw new Error(`is damaged (${kind} ${name}); restore a backup`);
  return content;
}

export function sumOf(table: Table, key: string, value: Uint8Array): Buffer {
  const hash = createHash("sha256").update(`${table}\0${key}\0`).update(value);
  return hash.digest().subarray(0, SUM_BYTES);
}
