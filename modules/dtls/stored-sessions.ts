/**
 * Sessions in flash: after a restart, or a night's sleep, two peers go on without their long-term
 * keys, in a flight less, and with raw public keys without one operation on a curve.
 *
 * A row holds one session and, a client's, whom it is with. What was stored first makes room. Only
 * a finished handshake writes, so nobody without a key wears flash down. What flash does not let go
 * of is not found any more, and `remove` says that it would be after a restart.
 *
 * As with keys, the bytes of what was removed stay in flash until their sector is erased.
 */
import { equalBytes } from "../bytes/equal.js";
import { Reader } from "../bytes/reader.js";
import { Writer } from "../bytes/writer.js";
import { indexOf, KIND, key } from "../store/keys.js";
import type { Store } from "../store/store.js";
import {
  emitSession,
  parseSession,
  type Session,
  type SessionStore,
  wipeSession,
} from "./session.js";

/** Beside a session: serial 4, length of the server's name 1. */
const HEAD_BYTES = 5;
/** What the store takes as one value. */
const ROW_BYTES_MAX = 1024;

interface Row {
  readonly storeKey: number;
  /** Later ones have higher ones. */
  readonly serial: number;
  /** Empty: the row is a server's. */
  readonly server: Uint8Array;
  readonly session: Session;
}

export type SessionsStore = Pick<Store, "get" | "put" | "delete" | "keys">;

export class StoredSessions implements SessionStore {
  readonly #store: SessionsStore;
  readonly #rows: number;
  /** Keys of rows that flash did not let go of. */
  readonly #gone = new Set<number>();

  /** `rows`: how many there may be, of some 90 bytes each and what names the peer. */
  constructor(store: SessionsStore, rows: number) {
    this.#store = store;
    this.#rows = rows;
  }

  /** A client's session with a server, by any name of 1 to 255 bytes; the caller wipes it. */
  with(server: Uint8Array): Session | undefined {
    return this.#find((row) => isWith(row, server))?.session;
  }

  /** Keeps a client's session in the place of an older one; false when flash does not. */
  keep(server: Uint8Array, session: Session): boolean {
    const isName = server.length > 0 && server.length <= 255;
    if (!isName) throw new RangeError(`a server's name of ${server.length} bytes`);
    return this.forget(server) && this.#write(server, session);
  }

  /** False when it would be there again after a restart. */
  forget(server: Uint8Array): boolean {
    return this.#delete((row) => isWith(row, server));
  }

  find(id: Uint8Array): Session | undefined {
    return this.#find((row) => isOf(row, id))?.session;
  }

  put(session: Session): void {
    if (this.remove(session.id)) this.#write(new Uint8Array(0), session);
  }

  remove(id: Uint8Array): boolean {
    return this.#delete((row) => isOf(row, id));
  }

  #find(matches: (row: Row) => boolean): Row | undefined {
    for (const storeKey of this.#keys()) {
      const row = this.#read(storeKey);
      if (row === undefined) continue;
      const isGone = this.#gone.has(storeKey);
      if (matches(row) && !isGone) return row; // check: session-gone
      wipeSession(row.session);
    }
    return undefined;
  }

  #delete(matches: (row: Row) => boolean): boolean {
    const row = this.#find(matches);
    if (row === undefined) return true;
    wipeSession(row.session);
    this.#gone.add(row.storeKey);
    if (!this.#store.delete(row.storeKey)) return false;
    this.#gone.delete(row.storeKey);
    return true;
  }

  #write(server: Uint8Array, session: Session): boolean {
    const emitted = emitSession(session);
    const length = HEAD_BYTES + server.length + emitted.length;
    if (length > ROW_BYTES_MAX) return false;
    const { storeKey, serial } = this.#next();
    const writer = new Writer(length);
    writer.u32(serial);
    writer.u8(server.length);
    writer.bytes(server);
    writer.bytes(emitted);
    emitted.fill(0);
    if (!this.#store.put(storeKey, writer.finish())) return false;
    this.#gone.delete(storeKey);
    return true;
  }

  /** Where the next one goes: a row that is free, or the oldest one's. */
  #next(): { readonly storeKey: number; readonly serial: number } {
    const keys = this.#keys();
    let last = 0;
    let oldest = Number.POSITIVE_INFINITY;
    let place = 0;
    for (const storeKey of keys) {
      const serial = serialOf(this.#store.get(storeKey));
      last = Math.max(last, serial);
      if (serial >= oldest) continue;
      oldest = serial;
      place = storeKey;
    }
    const serial = last + 1;
    for (let index = 0; index < this.#rows; index++) {
      const free = key(KIND.SESSION, index);
      if (!keys.includes(free)) return { storeKey: free, serial };
    }
    return { storeKey: place, serial };
  }

  #keys(): number[] {
    return this.#store.keys(KIND.SESSION).filter((storeKey) => indexOf(storeKey) < this.#rows);
  }

  #read(storeKey: number): Row | undefined {
    const bytes = this.#store.get(storeKey);
    if (bytes === undefined) return undefined;
    const reader = new Reader(bytes);
    const serial = reader.u32();
    const server = reader.take(reader.u8());
    const session = parseSession(reader.rest());
    bytes.fill(0);
    return session && { storeKey, serial, server, session };
  }
}

function serialOf(bytes: Uint8Array | undefined): number {
  return bytes === undefined ? 0 : new Reader(bytes).u32();
}

function isWith(row: Row, server: Uint8Array): boolean {
  return row.server.length > 0 && equalBytes(row.server, server);
}

function isOf(row: Row, id: Uint8Array): boolean {
  return row.server.length === 0 && equalBytes(row.session.id, id);
}
