/**
 * DTLS sessions of an authority, over a restart: `authority.sessions` in its folder. Members that
 * were here go on without another full handshake, whoever begins.
 *
 * A file that is appended to with each session, so that a program that is killed loses none, and
 * now and then written anew, whole; not in the ledger, where a thousand joins a minute would wait
 * for it. It is synced once for all sessions of a second, while others go on: what a cut of power
 * takes away costs a handshake, and what is damaged is no session. As secret as authority.key. A
 * session that nobody used for a day is gone (RFC 5246 F.1.4).
 */
import { closeSync, existsSync, fdatasync, openSync, readFileSync, writeSync } from "node:fs";
import { toHex } from "../../modules/bytes/hex.js";
import { Reader } from "../../modules/bytes/reader.js";
import { Writer } from "../../modules/bytes/writer.js";
import {
  copySession,
  emitSession,
  parseSession,
  type Session,
  type SessionStore,
  wipeSession,
} from "../../modules/dtls/session.js";
import type { KeptSessions } from "../../modules/secure/dtls.js";
import { checkRights, writeSecret } from "./identity.js";

export const SESSION_SECONDS = 86_400;
const SYNC_MS = 1000;
const EMPTY = new Uint8Array(0);

interface Row {
  readonly session: Session;
  readonly usedAt: number;
}

type Rows = Map<string, Row>;

export class FileSessions implements SessionStore, KeptSessions {
  readonly #path: string;
  readonly #max: number;
  readonly #now: () => number;
  /** A server's by their ids, a client's by the server's name; the latest used last. */
  readonly #served: Rows = new Map();
  readonly #kept: Rows = new Map();
  #file: number;
  #appended = 0;
  #timer: NodeJS.Timeout | undefined = undefined;

  /** `max` of either side; `now` in Unix seconds. */
  constructor(path: string, { max, now }: { max: number; now: () => number }) {
    this.#path = path;
    this.#max = max;
    this.#now = now;
    if (existsSync(path)) this.#read();
    this.#file = this.#rewrite();
  }

  find(id: Uint8Array): Session | undefined {
    return this.#find(this.#served, EMPTY, id);
  }

  put(session: Session): void {
    this.#put(this.#served, EMPTY, session);
  }

  remove(id: Uint8Array): void {
    this.#remove(this.#served, EMPTY, id);
  }

  with(server: Uint8Array): Session | undefined {
    return this.#find(this.#kept, server, server);
  }

  keep(server: Uint8Array, session: Session): boolean {
    this.#put(this.#kept, server, session);
    return true;
  }

  forget(server: Uint8Array): boolean {
    this.#remove(this.#kept, server, server);
    return true;
  }

  close(): void {
    clearTimeout(this.#timer);
    closeSync(this.#file);
  }

  #find(rows: Rows, server: Uint8Array, name: Uint8Array): Session | undefined {
    const row = rows.get(toHex(name));
    if (row === undefined) return undefined;
    if (this.#now() - row.usedAt > SESSION_SECONDS) {
      this.#remove(rows, server, name);
      return undefined;
    }
    return copySession(row.session);
  }

  #put(rows: Rows, server: Uint8Array, session: Session): void {
    this.#take(rows, server, { session: copySession(session), usedAt: this.#now() });
    this.#append(recordOf(server, session, this.#now()));
  }

  #take(rows: Rows, server: Uint8Array, row: Row): void {
    const name = toHex(server.length > 0 ? server : row.session.id);
    const before = rows.get(name);
    rows.delete(name);
    if (before !== undefined) wipeSession(before.session);
    const [oldest] = rows;
    if (rows.size >= this.#max && oldest !== undefined) {
      wipeSession(oldest[1].session);
      rows.delete(oldest[0]);
    }
    rows.set(name, row);
  }

  #remove(rows: Rows, server: Uint8Array, name: Uint8Array): void {
    const row = rows.get(toHex(name));
    if (row === undefined) return;
    rows.delete(toHex(name));
    wipeSession(row.session);
    this.#append(goneOf(server, name));
  }

  #append(record: Uint8Array): void {
    if (this.#appended >= 4 * this.#max) {
      closeSync(this.#file);
      this.#file = this.#rewrite();
      return;
    }
    try {
      writeSync(this.#file, record);
      this.#appended++;
      this.#timer ??= setTimeout(() => this.#sync(), SYNC_MS).unref();
    } catch {
      // A full disk costs handshakes after the next start.
    }
    record.fill(0);
  }

  /** Whether the disk has it, nobody waits to hear. */
  #sync(): void {
    this.#timer = undefined;
    fdatasync(this.#file, () => {});
  }

  /** What counts, in a file of its own; the one to append to. */
  #rewrite(): number {
    const records = [...this.#served.values()].map((row) => [EMPTY, row] as const);
    const kept = [...this.#kept].map(([name, row]) => [Buffer.from(name, "hex"), row] as const);
    const all = [...records, ...kept].map(([server, { session, usedAt }]) =>
      recordOf(server, session, usedAt),
    );
    writeSecret(this.#path, Buffer.concat(all));
    for (const record of all) record.fill(0);
    this.#appended = 0;
    return openSync(this.#path, "a");
  }

  /** Up to where it makes no sense: what came after a cut is not known. */
  #read(): void {
    checkRights(this.#path);
    const reader = new Reader(new Uint8Array(readFileSync(this.#path)));
    while (reader.left > 0) {
      const server = reader.take(reader.u8());
      const usedAt = reader.u32();
      const bytes = reader.take(reader.u16());
      if (reader.failed) return;
      const rows = server.length > 0 ? this.#kept : this.#served;
      if (usedAt === 0) {
        rows.delete(toHex(server.length > 0 ? server : bytes));
        continue;
      }
      const session = parseSession(bytes);
      if (session === undefined) return;
      const isOld = this.#now() - usedAt > SESSION_SECONDS;
      if (!isOld) this.#take(rows, server, { session, usedAt });
    }
  }
}

/** name of a client's server 1 + n (empty: a server's own) ‖ when 4 ‖ session 2 + n */
function recordOf(server: Uint8Array, session: Session, usedAt: number): Uint8Array {
  const emitted = emitSession(session);
  const record = written(server, usedAt, emitted);
  emitted.fill(0);
  return record;
}

/** Time 0: it is gone; in place of the session its id. */
function goneOf(server: Uint8Array, id: Uint8Array): Uint8Array {
  return written(server, 0, server.length > 0 ? EMPTY : id);
}

function written(server: Uint8Array, at: number, bytes: Uint8Array): Uint8Array {
  const writer = new Writer(server.length + bytes.length + 8);
  writer.u8(server.length);
  writer.bytes(server);
  writer.u32(at);
  writer.u16(bytes.length);
  writer.bytes(bytes);
  return writer.finish();
}
