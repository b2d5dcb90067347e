/**
 * Everything of an authority in one encrypted file: its key and all rows of its ledger.
 *
 *   "LUMICAST BACKUP 1\n" ‖ log2 N ‖ r ‖ p ‖ salt 16 ‖ nonce 12 ‖ AES-256-GCM of JSON ‖ tag 16
 *
 * The key comes from a passphrase by scrypt (RFC 7914); what stands before the ciphertext is
 * authenticated with it. Nothing of a file that does not verify is used.
 */
import { createCipheriv, createDecipheriv, randomBytes, scryptSync } from "node:crypto";
import { gunzipSync, gzipSync } from "node:zlib";
import { type Rows, type Store, TABLES, type Table } from "../../modules/authority/ledger.js";
import { Fault } from "./fault.js";

const MAGIC = Buffer.from("LUMICAST BACKUP 1\n");
const SALT_BYTES = 16;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const KEY_BYTES = 32;
/** 128 MB and half a second for each guess. */
const LOG_N = 17;
const R = 8;
const P = 1;
const HEAD_BYTES = MAGIC.length + 3 + SALT_BYTES + NONCE_BYTES;

/** Table, key, value in base64. */
type Row = readonly [Table, string, string];

export interface Contents {
  /** Unix seconds. */
  readonly madeAt: number;
  /** The key file, as it is. */
  readonly identity: string;
  readonly rows: readonly Row[];
}

export function rowsOf(rows: Rows): Row[] {
  return TABLES.flatMap((table) =>
    rows.keys(table, "").map((key): Row => {
      const value = rows.get(table, key) ?? new Uint8Array(0);
      return [table, key, Buffer.from(value).toString("base64")];
    }),
  );
}

/** A ledger whose next transaction begins with these rows in place of all there were. */
export function beginningWith(store: Store, content: readonly Row[], replaces: boolean): Store {
  return {
    transaction: (decide, last) =>
      store.transaction((rows) => {
        empty(rows, replaces);
        for (const [table, key, value] of content) {
          rows.put(table, key, new Uint8Array(Buffer.from(value, "base64")));
        }
        return decide(rows);
      }, last),
  };
}

function empty(rows: Rows, isAllowed: boolean): void {
  for (const table of TABLES) {
    const keys = rows.keys(table, "");
    const isTaken = keys.length > 0 && !isAllowed;
    if (isTaken) throw new Fault("the database holds an authority already; give --replace");
    for (const key of keys) rows.delete(table, key);
  }
}

export function seal(contents: Contents, passphrase: string): Buffer {
  const parameters = Buffer.from([LOG_N, R, P]);
  const salt = randomBytes(SALT_BYTES);
  const nonce = randomBytes(NONCE_BYTES);
  const head = Buffer.concat([MAGIC, parameters, salt, nonce]);
  const cipher = createCipheriv("aes-256-gcm", keyOf(passphrase, salt), nonce);
  cipher.setAAD(head);
  const plain = gzipSync(JSON.stringify(contents));
  return Buffer.concat([head, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
}

/** Throws a Fault for whatever `seal` did not make under this passphrase. */
export function open(file: Buffer, passphrase: string): Contents {
  const isBackup = file.length > HEAD_BYTES + TAG_BYTES && MAGIC.equals(file.subarray(0, 18));
  if (!isBackup) throw new Fault("this is no backup of an authority, or its beginning is damaged");
  const head = file.subarray(0, HEAD_BYTES);
  const [logN, r, p] = head.subarray(MAGIC.length);
  // Whoever changes them could ask for all memory there is.
  const isUsual = logN === LOG_N && r === R && p === P;
  const wrong = new Fault(
    "wrong passphrase, or the backup is damaged: nothing of it was used. Try the passphrase " +
      "again, or another backup",
  );
  if (!isUsual) throw wrong;
  const salt = head.subarray(MAGIC.length + 3, MAGIC.length + 3 + SALT_BYTES);
  const nonce = head.subarray(HEAD_BYTES - NONCE_BYTES);
  const options = { authTagLength: TAG_BYTES };
  const cipher = createDecipheriv("aes-256-gcm", keyOf(passphrase, salt), nonce, options);
  cipher.setAAD(head);
  cipher.setAuthTag(file.subarray(file.length - TAG_BYTES));
  const plain = cipher.update(file.subarray(HEAD_BYTES, file.length - TAG_BYTES));
  try {
    cipher.final();
  } catch {
    throw wrong;
  }
  return JSON.parse(gunzipSync(plain).toString("utf8")) as Contents;
}

function keyOf(passphrase: string, salt: Uint8Array): Buffer {
  // scrypt takes 128 * N * r bytes, and some.
  const maxmem = 130 * 2 ** LOG_N * R;
  return scryptSync(passphrase.normalize("NFC"), salt, KEY_BYTES, {
    N: 2 ** LOG_N,
    r: R,
    p: P,
    maxmem,
  });
}
