/**
 * What an authority did, in order, so that nobody can change the story unseen.
 *
 * Problem: who can write the database can also write its log. Rejected: a log that each decision
 * writes for itself (one that forgets to is the hole), and signatures on single entries (removing
 * one would go unseen).
 *
 * Choice: the ledger itself writes an entry for every transaction that changed a row: who, what,
 * and a digest of each row as it is now. An entry carries the hash of the one before it; the number
 * and hash of the last are signed with the authority's key before it is durable. So an entry
 * that was edited, removed or moved breaks the chain; one that was cut off disagrees with the
 * signed head; a row that was changed behind the program's back disagrees with its last entry. An
 * older database put back as a whole is told by the head that the authority keeps elsewhere, as its
 * caller remembers it (`latest`).
 */
import { concat } from "../bytes/concat.js";
import { equalBytes } from "../bytes/equal.js";
import { toHex } from "../bytes/hex.js";
import { utf8 } from "../bytes/utf8.js";
import { decodeList } from "../cbor/containers.js";
import type { Cbor } from "../cbor/decode.js";
import { encode } from "../cbor/encode.js";
import type { Crypto, Signer } from "../ports/crypto.js";
import { type Ledger, type Rows, type Store, TABLES, type Table } from "./ledger.js";
import { numberKey } from "./records.js";

/** What changes all the time and is nobody's right or key. */
const UNLOGGED: readonly Table[] = [
  ...(["authority", "place", "push", "notice", "node", "heard", "log"] as const),
];
/** Numbers that only rise. Set back, they would be given again, or let in what was over. */
const COUNTERS: Table = "authority";
const HEAD = "log";
const CONTEXT = "lumicast log";
const UNSIGNED = "the head of the log is not signed by this authority";
const SUM_BYTES = 16;
const NO_HASH_BYTES = 32;
/** An entry of a renewal for hundreds of members. */
const LIMITS = { depthMax: 4, itemsMax: 100_000 };

export interface Note {
  /** Who wanted it: "operator", or a device. */
  readonly by: string;
  /** What was wanted; empty: the changes say it. */
  readonly what: string;
}

export interface Change {
  readonly table: Table;
  readonly key: string;
  /** Digest of the row, or a counter as it is; undefined: it is gone. */
  readonly sum: Uint8Array | undefined;
}

export interface Entry extends Note {
  /** 1 for the first. */
  readonly number: number;
  /** Unix seconds. */
  readonly at: number;
  readonly changes: readonly Change[];
}

export interface Head {
  /** Entries there are. */
  readonly count: number;
  /** Of the last one. */
  readonly hash: Uint8Array;
}

export interface SignedHead extends Head {
  /** Undefined before the first entry. */
  readonly signature: Uint8Array | undefined;
}

export interface Keeper {
  readonly crypto: Pick<Crypto, "sha256">;
  readonly signer: Signer;
  /** Unix seconds. */
  readonly now: () => number;
  /** Who is behind the transaction that runs just now, where it does not say so itself. */
  readonly note: () => Note;
}

/** A ledger whose every change is in its log. */
export class LoggedLedger implements Ledger {
  readonly #store: Store;
  readonly #keeper: Keeper;
  #latest: Head | undefined;
  /** Of entries that are not durable yet. */
  #unsigned: Head | undefined;

  constructor(store: Store, keeper: Keeper) {
    this.#store = store;
    this.#keeper = keeper;
  }

  /** The newest head that is known to be durable; undefined before the first. */
  get latest(): Head | undefined {
    return this.#latest;
  }

  /** With a note there is an entry even where nothing changed. */
  async transaction<T>(decide: (rows: Rows) => T, note?: Note): Promise<T> {
    // Who asked is known now; the store may run the decision when somebody else's turn is.
    const said = note ?? this.#keeper.note();
    const keeper = this.#keeper;
    const isSaid = note !== undefined;
    const { result, head } = await this.#store.transaction((rows) => {
      const done = chained(rows, keeper, { note: said, isSaid, decide });
      this.#unsigned = done.head ?? this.#unsigned;
      return done;
    }, this.#sign);
    if (head !== undefined && head.count > (this.#latest?.count ?? 0)) this.#latest = head;
    return result;
  }

  /** For who looks at the log as well: rows as they are between two decisions, and signed. */
  read<T>(look: (rows: Rows) => T): Promise<T> {
    return this.transaction((rows) => {
      this.#sign(rows);
      return look(rows);
    });
  }

  /** Once for all that become durable together: before that, nobody is answered. */
  readonly #sign = (rows: Rows): void => {
    const head = this.#unsigned;
    this.#unsigned = undefined;
    // What is signed is what was written here just now, never what somebody left in the store.
    const isNewest = head !== undefined && headOf(rows).count === head.count;
    if (isNewest) signHead(rows, this.#keeper, head);
  };
}

interface Decision<T> {
  readonly note: Note;
  readonly isSaid: boolean;
  readonly decide: (rows: Rows) => T;
}

/** A decision, and its entry, signed for, where it changed a row or `isSaid`. */
export function entered<T>(
  rows: Rows,
  keeper: Pick<Keeper, "crypto" | "signer" | "now">,
  decision: Decision<T>,
): { result: T; head: Head | undefined } {
  const entry = chained(rows, keeper, decision);
  if (entry.head !== undefined) signHead(rows, keeper, entry.head);
  return entry;
}

/** The same, before the head is signed. */
function chained<T>(
  rows: Rows,
  { crypto, now }: Pick<Keeper, "crypto" | "now">,
  { note, isSaid, decide }: Decision<T>,
): { result: T; head: Head | undefined } {
  const changed = new Map<string, Change>();
  const result = decide(watched(crypto, rows, changed));
  const changes = [...changed.values()];
  // A counter alone is no entry: they rise with every question. The next one tells where it stood.
  const isSilent = changes.every(({ table }) => table === COUNTERS) && !isSaid;
  if (isSilent) return { result, head: undefined };
  const { count, hash } = headOf(rows);
  const entry = { ...note, number: count + 1, at: now(), changes };
  const value = emitEntry(entry, hash);
  const head = { count: entry.number, hash: crypto.sha256(value) };
  rows.put("log", numberKey(entry.number), value);
  putHead(rows, head, new Uint8Array(0));
  return { result, head };
}

function signHead(rows: Rows, { signer }: Pick<Keeper, "signer">, head: Head): void {
  putHead(rows, head, signer.sign(signedData(head)));
}

function putHead(rows: Rows, { count, hash }: Head, signature: Uint8Array): void {
  rows.put("authority", HEAD, encode([count, hash, signature]));
}

/** The rows, and a note of each that changed. */
function watched(crypto: Pick<Crypto, "sha256">, rows: Rows, changes: Map<string, Change>): Rows {
  const note = (table: Table, key: string, sum: Uint8Array | undefined) => {
    if (!UNLOGGED.includes(table)) changes.set(`${table}/${key}`, { table, key, sum });
  };
  return {
    get: (table, key) => rows.get(table, key),
    keys: (table, prefix) => rows.keys(table, prefix),
    put: (table, key, value) => {
      rows.put(table, key, value);
      if (table !== COUNTERS) note(table, key, sumOf(crypto, { table, key, value }));
      else changes.set(`${table}/${key}`, { table, key, sum: value });
    },
    delete: (table, key) => {
      if (rows.get(table, key) !== undefined) note(table, key, undefined);
      if (table === COUNTERS) changes.set(`${table}/${key}`, { table, key, sum: undefined });
      rows.delete(table, key);
    },
  };
}

function sumOf(
  crypto: Pick<Crypto, "sha256">,
  row: { table: Table; key: string; value: Uint8Array },
): Uint8Array {
  const whole = crypto.sha256(encode([row.table, row.key, row.value]));
  return whole.slice(0, SUM_BYTES);
}

function emitEntry(entry: Entry, before: Uint8Array): Uint8Array {
  const { number, at, by, what } = entry;
  const changes = entry.changes.map(({ table, key, sum }): Cbor => [table, key, sum ?? null]);
  return encode([number, before, at, by, what, changes]);
}

/** Undefined for anything that `emitEntry` does not write. */
function parseEntry(bytes: Uint8Array): { entry: Entry; before: Uint8Array } | undefined {
  const fields = decodeList(bytes, LIMITS);
  if (fields === undefined) return undefined;
  const [number, before, at, by, what, list] = fields;
  if (typeof number !== "number" || typeof at !== "number") return undefined;
  if (typeof by !== "string" || typeof what !== "string") return undefined;
  if (!(before instanceof Uint8Array) || !Array.isArray(list)) return undefined;
  const changes: Change[] = [];
  for (const item of list) {
    const [table, key, sum] = Array.isArray(item) ? item : [];
    const known = TABLES.find((name) => name === table);
    if (known === undefined || typeof key !== "string") return undefined;
    changes.push({ table: known, key, sum: sum instanceof Uint8Array ? sum : undefined });
  }
  return { entry: { number, at, by, what, changes }, before };
}

function signedData({ count, hash }: Head): Uint8Array {
  return concat(utf8(CONTEXT), encode([count, hash]));
}

/** Where the log stands; an empty one has no entry and a hash of zeros. */
export function headOf(rows: Rows): SignedHead {
  const value = rows.get("authority", HEAD);
  const items = (value && decodeList(value)) ?? [];
  const [count, hash, signature] = items;
  if (value === undefined) {
    return { count: 0, hash: new Uint8Array(NO_HASH_BYTES), signature: undefined };
  }
  const isHead = typeof count === "number" && hash instanceof Uint8Array;
  if (!isHead || !(signature instanceof Uint8Array)) {
    throw new Error("ledger: the head of the log does not parse; restore a backup");
  }
  return { count, hash, signature };
}

/** Entries as they stand, from number `from` on; what does not parse is left out. */
export function entriesOf(rows: Rows, from = 1): Entry[] {
  const entries: Entry[] = [];
  for (const key of rows.keys("log", "")) {
    if (key < numberKey(from)) continue;
    const parsed = parseEntry(rows.get("log", key) ?? new Uint8Array(0));
    if (parsed !== undefined) entries.push(parsed.entry);
  }
  return entries;
}

/** Whose signature a log has to bear. */
export interface LogOwner {
  readonly crypto: Pick<Crypto, "sha256" | "signatures">;
  readonly publicKey: Uint8Array;
}

/** Whether it is that owner's log; one without entries is everybody's. */
export function isSignedBy({ crypto, publicKey }: LogOwner, head: SignedHead): boolean {
  const { signature } = head;
  if (signature === undefined) return true;
  return crypto.signatures?.verify({ data: signedData(head), signature, publicKey }) === true;
}

export interface Verifier extends LogOwner {
  /** The newest head that was seen of this log, kept apart from it. */
  readonly seen?: Head | undefined;
}

/** Everything that is not as the authority left it, one sentence each; empty when all is. */
export function faultsOf(rows: Rows, verifier: Verifier): string[] {
  const faults: string[] = [];
  const head = headOf(rows);
  const { seen } = verifier;
  const isSigned = isSignedBy(verifier, head);
  if (!isSigned) faults.push(UNSIGNED); // check: log-signed
  const walked = walk(rows, verifier, faults);
  const isCut = walked.count < head.count;
  if (isCut) faults.push(cutOff(walked.count, head.count)); // check: log-cut
  if (walked.count > head.count) {
    faults.push(`entry ${head.count + 1} was added by somebody else`);
  }
  const isLast = walked.count !== head.count || equalBytes(walked.hash, head.hash);
  if (!isLast) faults.push(changed(head.count)); // check: log-last
  const isOld = seen !== undefined && head.count < seen.count;
  if (isOld) faults.push(cutOff(head.count, seen.count)); // check: log-rollback
  faults.push(...strayRows(rows, verifier, walked.sums));
  return faults;
}

interface Walked extends Head {
  /** What the log says of each row. */
  readonly sums: ReadonlyMap<string, Change>;
}

function walk(rows: Rows, { crypto, seen }: Verifier, faults: string[]): Walked {
  let count = 0;
  let hash = new Uint8Array(NO_HASH_BYTES) as Uint8Array;
  const sums = new Map<string, Change>();
  for (const key of rows.keys("log", "")) {
    const number = count + 1;
    const isNext = key === numberKey(number);
    if (!isNext) {
      faults.push(`entry ${number} was removed`); // check: log-removed
      count = Number(key) - 1;
    }
    const value = rows.get("log", key) ?? new Uint8Array(0);
    const parsed = parseEntry(value);
    count++;
    if (parsed === undefined) faults.push(changed(count));
    else {
      const isInPlace = parsed.entry.number === count;
      if (!isInPlace) faults.push(`entry ${count} was put in another's place`); // check: log-place
      const follows = !isNext || equalBytes(parsed.before, hash);
      if (!follows) faults.push(changed(count - 1)); // check: log-chain
      for (const change of parsed.entry.changes) sums.set(`${change.table}/${change.key}`, change);
    }
    hash = crypto.sha256(value);
    const isSeen = seen?.count !== count || equalBytes(seen.hash, hash);
    if (!isSeen) faults.push(`entry ${count} is not the one that was written`); // check: log-seen
  }
  return { count, hash, sums };
}

function changed(number: number): string {
  return number === 0 ? "the first entry is another" : `entry ${number} was changed`;
}

function cutOff(count: number, written: number): string {
  return `the log ends with entry ${count}, and there were ${written}: the end was cut off`;
}

/** Rows that are not what the log says they are. */
function strayRows(rows: Rows, { crypto }: Verifier, sums: ReadonlyMap<string, Change>): string[] {
  const faults: string[] = [];
  const met = new Set<string>();
  for (const table of TABLES) {
    if (UNLOGGED.includes(table)) continue;
    for (const key of rows.keys(table, "")) {
      const name = `${table}/${key}`;
      met.add(name);
      const value = rows.get(table, key) ?? new Uint8Array(0);
      const sum = sums.get(name)?.sum;
      const isLogged = sum !== undefined && equalBytes(sum, sumOf(crypto, { table, key, value }));
      if (!isLogged) faults.push(`${table} ${key} was changed outside the log`); // check: log-rows
    }
  }
  for (const [name, { table, key, sum }] of sums) {
    if (table === COUNTERS) {
      const isBack = sum !== undefined && counterOf(rows.get(table, key)) < counterOf(sum);
      if (isBack) faults.push(`the counter ${key} was set back`); // check: log-counters
      continue;
    }
    const isGone = sum !== undefined && !met.has(name);
    if (isGone) faults.push(`${table} ${key} was removed outside the log`); // check: log-row-gone
  }
  return faults;
}

/** Its number; -1 where there is none. */
function counterOf(row: Uint8Array | undefined): number {
  const [value] = (row && decodeList(row)) ?? [];
  return typeof value === "number" ? value : -1;
}

/** What an entry did, as words: "group 0000000009, key 0000000009/0000000002; no member ..." */
export function changesText({ changes: all }: Entry): string {
  const changes = all.filter(({ table }) => table !== COUNTERS);
  const put = changes.filter(({ sum }) => sum !== undefined);
  const gone = changes.filter(({ sum }) => sum === undefined);
  const list = (some: readonly Change[]) =>
    some.map(({ table, key }) => `${table} ${key}`).join(", ");
  return [list(put), gone.length === 0 ? "" : `gone: ${list(gone)}`].filter(Boolean).join("; ");
}

/** A head as it is kept in a file: `count hash`. */
export function headText({ count, hash }: Head): string {
  return `${count} ${toHex(hash)}`;
}
