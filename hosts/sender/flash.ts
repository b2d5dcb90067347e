/**
 * A sender's flash: a file with its numbers, its tokens and keys, by the rules of NOR. What is
 * programmed is on the disk before anything is sent that relies on it.
 *
 * One program at a time has it: two would each use the numbers that the other uses. Its lock is
 * SQLite's, which ends with the program, however that ends.
 */
import {
  closeSync,
  existsSync,
  fdatasyncSync,
  fstatSync,
  openSync,
  readSync,
  writeSync,
} from "node:fs";
import Database from "libsql";
import type { Flash } from "../../modules/ports/flash.js";
import { Fault } from "../authority/fault.js";
import { checkRights, writeSecret } from "../authority/identity.js";

const FLASH_BYTES = 65_536;
const SECTOR_BYTES = 4096;
const PROGRAM_BYTES = 4;
const ERASED = 0xff;
const BUSY = "this sender is at work already, in another program; try again when that ended";

export class FileFlash implements Flash {
  readonly size = FLASH_BYTES;
  readonly eraseBytes = SECTOR_BYTES;
  readonly programBytes = PROGRAM_BYTES;
  readonly #lock: Database.Database;
  readonly #file: number;
  readonly #bytes = new Uint8Array(FLASH_BYTES);

  /** Throws a Fault where another program has it (`busy`), or the file is not one. */
  constructor(path: string, busy = BUSY) {
    this.#lock = locked(`${path}.lock`, busy);
    if (!existsSync(path)) writeSecret(path, new Uint8Array(FLASH_BYTES).fill(ERASED));
    checkRights(path);
    this.#file = openSync(path, "r+");
    if (fstatSync(this.#file).size !== FLASH_BYTES) {
      throw new Fault(
        `${path} is damaged; delete it: the next run begins anew, under a new key of the group`,
      );
    }
    readSync(this.#file, this.#bytes, 0, FLASH_BYTES, 0);
  }

  read(offset: number, into: Uint8Array): void {
    into.set(this.#bytes.subarray(offset, offset + into.length));
  }

  program(offset: number, bytes: Uint8Array): boolean {
    for (let i = 0; i < bytes.length; i++) this.#bytes[offset + i] &= bytes[i];
    return this.#write(offset, bytes.length);
  }

  erase(offset: number): boolean {
    this.#bytes.fill(ERASED, offset, offset + SECTOR_BYTES);
    return this.#write(offset, SECTOR_BYTES);
  }

  close(): void {
    closeSync(this.#file);
    this.#lock.exec("ROLLBACK");
    this.#lock.close();
  }

  /** A full disk is flash that refuses. */
  #write(offset: number, length: number): boolean {
    try {
      const written = writeSync(this.#file, this.#bytes, offset, length, offset);
      fdatasyncSync(this.#file);
      return written === length;
    } catch {
      return false;
    }
  }
}

function locked(path: string, busy: string): Database.Database {
  const lock = new Database(path);
  try {
    lock.exec("BEGIN EXCLUSIVE");
  } catch {
    lock.close();
    throw new Fault(busy);
  }
  return lock;
}
