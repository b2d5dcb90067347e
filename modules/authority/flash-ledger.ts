/**
 * The ledger of a switch that is its own authority, in its flash log (modules/store).
 *
 * Problem: a room of 64 luminaires is a thousand small rows, a decision changes a dozen of them,
 * and the power goes at any moment. Rejected: a record for each row (the store's index alone would
 * take 16 KB of heap, and a dozen records are not all or nothing), a journal of changes (read twice
 * after each cut), all rows in memory (100 KB on XS).
 *
 * Choice: rows lie in pages, sorted by table and key, a record each. A decision that changed
 * something writes the pages that it changed under numbers that nobody refers to; then the root,
 * one record that names every page: with it all of them are durable, before it none. What nobody
 * refers to any more goes afterwards, or at the next start. In memory is where each page begins.
 */
import { fromHex, toHex } from "../bytes/hex.js";
import { fromUtf8, utf8 } from "../bytes/utf8.js";
import { decodeList } from "../cbor/containers.js";
import { type Cbor, encode } from "../cbor/encode.js";
import { KIND, key } from "../store/keys.js";
import type { Store as Flash } from "../store/store.js";
import { followed, type Rows, type Store, TABLES, type Table } from "./ledger.js";

/** Pages there may be; numbers 1 to twice that are records of the store. */
export const LEDGER_PAGES_MAX = 120;
/** With those of a decision that is being written, and the root. */
export const LEDGER_RECORDS = 2 * LEDGER_PAGES_MAX + 1;
/** Of a page: what one row changes is written anew with it. */
const PAGE_BYTES = 480;
/** A page that became this small goes to the one before it. */
const SMALL_BYTES = PAGE_BYTES / 4;
/** A row that is longer has a page of its own, up to what a record takes. */
const RECORD_BYTES_MAX = 1024;
const KEY_BYTES_MAX = 0x7f;
const HEX = 0x80;
const HEAD_BYTES = 3;
const ROOT = key(KIND.LEDGER, 0);
const FORMAT = 1;
/** Bounds tidying before a record is refused. */
const TIDY_STEPS = 64;
/** Erased sectors that a decision finds: more than it writes. */
const SPARE_SECTORS = 3;

interface Row {
  readonly key: string;
  readonly value: Uint8Array;
}

interface Page {
  /** Of its record. */
  readonly number: number;
  /** Key of its first row. */
  readonly first: string;
}

/** A page as a decision sees it. */
interface Open {
  readonly page: Page | undefined;
  rows: Row[];
  isChanged: boolean;
}

type Pages = ReadonlyMap<Table, readonly Page[]>;

export class FlashLedger implements Store {
  readonly #flash: Flash;
  #pages: Pages;
  /** Nobody knows what the root says until the next start. */
  #isInDoubt = false;

  private constructor(flash: Flash, pages: Pages) {
    this.#flash = flash;
    this.#pages = pages;
  }

  /** Whether there is one in this store. */
  static isIn(flash: Flash): boolean {
    return flash.has(ROOT);
  }

  /** An empty one where there is none. Throws an Error where what was written is damaged. */
  static open(flash: Flash): FlashLedger {
    const pages = readRoot(flash);
    const known = new Set([...pages.values()].flat().map(({ number }) => number));
    for (const one of flash.keys(KIND.LEDGER)) {
      const number = one - ROOT;
      // A cut left it: of a decision that never was, or of before one that was.
      const isLeft = number === 0 || known.has(number);
      if (!isLeft && !tidied(flash, () => flash.delete(one))) throw new Error(REFUSED);
    }
    return new FlashLedger(flash, pages);
  }

  transaction<T>(decide: (rows: Rows) => T, last?: (rows: Rows) => void): Promise<T> {
    try {
      return Promise.resolve(this.run(followed(decide, last)));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** The same, at once. */
  run<T>(decide: (rows: Rows) => T): T {
    if (this.#isInDoubt) throw new Error(REFUSED); // check: ledger-doubt
    const decision = new Decision(this.#flash, this.#pages);
    const result = decide(decision);
    this.#keep(decision);
    return result;
  }

  /** Pages there are. */
  get size(): number {
    return [...this.#pages.values()].reduce((sum, { length }) => sum + length, 0);
  }

  #keep(decision: Decision): void {
    const flash = this.#flash;
    for (let step = 0; step < TIDY_STEPS && flash.spareSectors < SPARE_SECTORS; step++) {
      if (!flash.tidy()) break;
    }
    const before = new Set(numbersOf(this.#pages));
    const written: number[] = [];
    try {
      const pages = decision.pages((bytes) => {
        const number = freeNumber(before, written);
        written.push(number);
        put(this.#flash, ROOT + number, bytes);
        return number;
      });
      if (pages === undefined) return;
      this.#isInDoubt = true;
      put(this.#flash, ROOT, emitRoot(pages));
      this.#isInDoubt = false;
      this.#pages = pages;
    } catch (error) {
      // A root that was refused may be what counts after a restart.
      if (!this.#isInDoubt) for (const number of written) this.#flash.delete(ROOT + number);
      throw error;
    }
    const now = new Set(numbersOf(this.#pages));
    // What is refused here goes at the next start.
    for (const number of before) {
      if (!now.has(number)) tidied(this.#flash, () => this.#flash.delete(ROOT + number));
    }
  }
}

/** Rows as one decision sees and changes them; pages are read as they are needed. */
class Decision implements Rows {
  readonly #flash: Flash;
  readonly #before: Pages;
  readonly #open = new Map<Table, Open[]>();

  constructor(flash: Flash, pages: Pages) {
    this.#flash = flash;
    this.#before = pages;
  }

  get(table: Table, of: string): Uint8Array | undefined {
    const rows = this.#rowsFor(table, of)?.rows ?? [];
    const at = placeOf(rows, of);
    return rows[at]?.key === of ? rows[at].value.slice() : undefined;
  }

  put(table: Table, of: string, value: Uint8Array): void {
    const bytes = HEAD_BYTES + of.length + value.length;
    const isName = of.length <= KEY_BYTES_MAX && utf8(of).length === of.length;
    if (bytes > RECORD_BYTES_MAX || !isName) {
      throw new Error(`ledger: ${table} ${of} has ${value.length} bytes, more than fit here`);
    }
    const open = this.#rowsFor(table, of) ?? this.#begin(table);
    const { rows } = open;
    const at = placeOf(rows, of);
    const known = rows[at]?.key === of ? rows[at] : undefined;
    if (known !== undefined && toHex(known.value) === toHex(value)) return;
    rows.splice(at, known === undefined ? 0 : 1, { key: of, value: value.slice() });
    open.isChanged = true;
  }

  delete(table: Table, of: string): void {
    const open = this.#rowsFor(table, of);
    const at = placeOf(open?.rows ?? [], of);
    if (open?.rows[at]?.key !== of) return;
    open.rows.splice(at, 1);
    open.isChanged = true;
  }

  keys(table: Table, prefix: string): readonly string[] {
    const found: string[] = [];
    const all = this.#openTable(table);
    for (let at = Math.max(0, this.#indexFor(table, prefix)); at < all.length; at++) {
      const { rows } = this.#read(all, at);
      for (const row of rows) if (row.key.startsWith(prefix)) found.push(row.key);
      const last = rows.at(-1)?.key ?? "";
      if (last > prefix && !last.startsWith(prefix)) break;
    }
    return found;
  }

  /** The pages as they are then, changed ones written by `write`; undefined: none changed. */
  pages(write: (bytes: Uint8Array) => number): Pages | undefined {
    const pages = new Map(this.#before);
    let isAny = false;
    for (const [table, all] of this.#open) {
      if (!all.some(({ isChanged }) => isChanged)) continue;
      isAny = true;
      const kept: Page[] = [];
      for (const { page, rows, isChanged } of this.#merged(all)) {
        if (page !== undefined && !isChanged) kept.push(page);
        else for (const part of split(rows)) kept.push({ number: write(emit(part)), ...of(part) });
      }
      pages.set(table, kept);
    }
    if (numbersOf(pages).length > LEDGER_PAGES_MAX) {
      throw new Error("ledger: no more room; remove devices that are gone");
    }
    return isAny ? pages : undefined;
  }

  /** Small ones that changed go to what is before them. */
  #merged(all: readonly Open[]): Open[] {
    const merged: Open[] = [];
    for (const [at, open] of all.entries()) {
      const before = merged.at(-1);
      const isSmall = open.isChanged && sizeOf(open.rows) < SMALL_BYTES;
      if (!isSmall || before === undefined) {
        merged.push(open);
        continue;
      }
      const { rows } = before.isChanged ? before : this.#read(all, at - 1);
      merged[merged.length - 1] = { ...before, rows: [...rows, ...open.rows], isChanged: true };
    }
    return merged;
  }

  #begin(table: Table): Open {
    const open = { page: undefined, rows: [], isChanged: true };
    this.#openTable(table).push(open);
    return open;
  }

  #openTable(table: Table): Open[] {
    const known = this.#open.get(table);
    if (known !== undefined) return known;
    const pages = this.#before.get(table) ?? [];
    const all = pages.map((page): Open => ({ page, rows: [], isChanged: false }));
    this.#open.set(table, all);
    return all;
  }

  /** The page that a key is in, or belongs into; -1 before all of them. */
  #indexFor(table: Table, of: string): number {
    const all = this.#openTable(table);
    let at = all.length - 1;
    while (at > 0 && firstOf(all[at]) > of) at--;
    return at;
  }

  #rowsFor(table: Table, of: string): Open | undefined {
    const at = this.#indexFor(table, of);
    return at < 0 ? undefined : this.#read(this.#openTable(table), at);
  }

  #read(all: readonly Open[], at: number): Open {
    const open = all[at];
    if (open.page !== undefined && !open.isChanged && open.rows.length === 0) {
      open.rows = readPage(this.#flash, open.page.number);
    }
    return open;
  }
}

const DAMAGED = "ledger: what this authority wrote does not read back; reset this switch";
const REFUSED = "ledger: flash refuses to be written; restart this switch, or reset it";

/** Nobody waits for light while an authority decides: what is full is tidied first. */
function tidied(flash: Flash, write: () => boolean): boolean {
  for (let step = 0; step < TIDY_STEPS; step++) {
    if (write()) return true;
    if (!flash.needsTidy) return false;
    flash.tidy();
  }
  return false;
}

function put(flash: Flash, at: number, bytes: Uint8Array): void {
  if (tidied(flash, () => flash.put(at, bytes))) return;
  throw new Error("ledger: flash is full; remove devices that are gone");
}

/** Where a key stands among rows, or would. */
function placeOf(rows: readonly Row[], of: string): number {
  let at = 0;
  while (at < rows.length && rows[at].key < of) at++;
  return at;
}

function firstOf({ page, rows }: Open): string {
  return page?.first ?? rows[0]?.key ?? "";
}

function of(rows: readonly Row[]): Pick<Page, "first"> {
  return { first: rows[0].key };
}

function numbersOf(pages: Pages): number[] {
  return [...pages.values()].flat().map(({ number }) => number);
}

function freeNumber(before: ReadonlySet<number>, written: readonly number[]): number {
  let number = 1;
  while (before.has(number) || written.includes(number)) number++;
  return number;
}

function sizeOf(rows: readonly Row[]): number {
  return rows.reduce((sum, { key: name, value }) => {
    const bytes = isHex(name) ? name.length / 2 : name.length;
    return sum + HEAD_BYTES + bytes + value.length;
  }, 0);
}

/** Most keys are ids in hex, which take half as much as bytes. */
function isHex(name: string): boolean {
  return /^(?:[0-9a-f]{2})+$/.test(name);
}

/** In parts of a page at most, as equal as they get; none of nothing. */
function split(rows: readonly Row[]): Row[][] {
  const bytes = sizeOf(rows);
  const most = bytes / Math.ceil(bytes / PAGE_BYTES);
  const parts: Row[][] = [];
  let size = PAGE_BYTES;
  for (const row of rows) {
    const more = sizeOf([row]);
    if (size >= most || size + more > PAGE_BYTES) {
      parts.push([]);
      size = 0;
    }
    parts[parts.length - 1].push(row);
    size += more;
  }
  return parts;
}

/**
 * Row after row: length of the key and its bytes (with `HEX` they are what its text is the hex of),
 * length in two bytes and bytes of the value.
 */
function emit(rows: readonly Row[]): Uint8Array {
  const page = new Uint8Array(sizeOf(rows));
  let at = 0;
  for (const { key: name, value } of rows) {
    const bytes = isHex(name) ? fromHex(name) : utf8(name);
    page[at] = isHex(name) ? bytes.length | HEX : bytes.length;
    page.set(bytes, at + 1);
    at += 1 + bytes.length;
    page[at] = value.length >> 8;
    page[at + 1] = value.length;
    page.set(value, at + 2);
    at += 2 + value.length;
  }
  return page;
}

function readPage(flash: Flash, number: number): Row[] {
  const page = flash.get(ROOT + number);
  if (page === undefined) throw new Error(DAMAGED);
  const rows: Row[] = [];
  let at = 0;
  while (at < page.length) {
    const end = at + 1 + (page[at] & KEY_BYTES_MAX);
    const bytes = page.subarray(at + 1, end);
    const name = page[at] < HEX ? fromUtf8(bytes) : toHex(bytes);
    at = end;
    const length = (page[at] << 8) | page[at + 1];
    const value = page.subarray(at + 2, at + 2 + length);
    at += 2 + length;
    if (name === undefined || value.length !== length) throw new Error(DAMAGED);
    rows.push({ key: name, value });
  }
  return rows;
}

/** `[1, [table, [page, ...]], ...]` */
function emitRoot(pages: Pages): Uint8Array {
  const tables = [...pages].filter(([, all]) => all.length > 0);
  const list = tables.map(([name, all]): Cbor => [name, all.map(({ number }) => number)]);
  return encode([FORMAT, ...list]);
}

function readRoot(flash: Flash): Pages {
  const pages = new Map<Table, readonly Page[]>();
  const root = flash.get(ROOT);
  if (root === undefined) return pages;
  const [format, ...tables] = decodeList(root, { depthMax: 4, itemsMax: 1024 }) ?? [];
  if (format !== FORMAT) throw new Error(DAMAGED);
  for (const one of tables) {
    const [name, numbers] = Array.isArray(one) ? one : [];
    const table = TABLES.find((known) => known === name);
    if (table === undefined || !Array.isArray(numbers)) throw new Error(DAMAGED);
    const all = numbers.map((number) => {
      if (typeof number !== "number") throw new Error(DAMAGED);
      const [row] = readPage(flash, number);
      if (row === undefined) throw new Error(DAMAGED);
      return { number, first: row.key };
    });
    pages.set(table, all);
  }
  return pages;
}
