/**
 * Who an authority is: `authority.key`, the one file of a state folder that must never be lost and
 * never be read by others. JSON, so that a person sees what it is; the secrets in it are hex.
 *
 * Two authorities that share a database share this file too: to devices they are one.
 */
import { randomBytes } from "node:crypto";
import { chmodSync, existsSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { fromHex, toHex } from "../../modules/bytes/hex.js";
import { Fault } from "./fault.js";

export const ROLES = ["both", "as", "kdc"] as const;
export type Role = (typeof ROLES)[number];

/** Another authority, as its `authority show --json` describes it. */
export interface Card {
  readonly role: Role;
  /** Issuer of its tokens. */
  readonly name: string;
  readonly domain: string;
  /** Ed25519, in hex. */
  readonly signing: string;
  /** P-256 point of 65 bytes, in hex: its end of a channel. */
  readonly channel: string;
  /** Where it listens: `[address]:port`; absent in one that only asks. */
  readonly at?: string;
  /** Of a KDC, as its AS keeps it: tokens for it are names, and it asks what they stand for. */
  readonly byReference?: true;
  /** The same: they are the rights of whoever bears them first. */
  readonly bearer?: true;
  /** Secret of an OSCORE context with it, in hex; absent: DTLS. */
  readonly oscore?: string;
}

export interface Identity {
  /** Whom tokens of the KDC are for: all receivers of this place. */
  readonly domain: string;
  readonly role: Role;
  /** Ed25519 seed, 32 bytes. */
  readonly signing: Uint8Array;
  /** P-256 private key, 32 bytes. */
  readonly channel: Uint8Array;
  /** X.509 of that key and its issuers, DER in hex; absent: it is shown raw alone. */
  readonly chain?: readonly string[];
  /** Of PostgreSQL; absent: SQLite in the folder. */
  readonly database?: string;
  readonly trusts: readonly Card[];
}

const FORMAT = "authority key 1";
const SEED_BYTES = 32;
const OTHERS = 0o077;
/** With "/kdc" behind it, it is a claim of at most 64 characters. */
const DOMAIN = /^[a-z0-9][a-z0-9.-]{0,47}$/;

export function newIdentity(domain: string, role: Role, database?: string): Identity {
  if (!DOMAIN.test(domain)) {
    throw new Fault(`--domain: ${domain} is no name; use a-z, 0-9, . and -, at most 48`);
  }
  const draw = () => new Uint8Array(randomBytes(SEED_BYTES));
  const channel = draw();
  // Below the order of P-256, whatever was drawn.
  channel[0] &= 0x7f;
  const where = database === undefined ? {} : { database };
  return { domain, role, signing: draw(), channel, trusts: [], ...where };
}

export function emitIdentity(identity: Identity): string {
  const { signing, channel, ...rest } = identity;
  const secrets = { signing: toHex(signing), channel: toHex(channel) };
  return `${JSON.stringify({ lumicast: FORMAT, ...rest, ...secrets }, undefined, 2)}\n`;
}

/** Throws a Fault that names `where`. */
export function parseIdentity(text: string, where: string): Identity {
  const damaged = new Fault(`${where} is damaged; restore a backup: lumicast restore FILE`);
  let read: Record<string, unknown>;
  try {
    read = JSON.parse(text) as Record<string, unknown>;
  } catch {
    throw damaged;
  }
  if (read.lumicast !== FORMAT) throw damaged;
  const { domain, role, database } = read as Record<string, string>;
  const secret = (name: string) => {
    const hex = String(read[name]);
    if (!/^[0-9a-f]{64}$/.test(hex)) throw damaged;
    return fromHex(hex);
  };
  const isWhole = DOMAIN.test(String(domain)) && ROLES.includes(role as Role);
  if (!isWhole || !Array.isArray(read.trusts)) throw damaged;
  const { chain } = read;
  const isChain = chain === undefined || (Array.isArray(chain) && chain.every(isHex));
  if (!isChain) throw damaged;
  return {
    domain,
    role: role as Role,
    signing: secret("signing"),
    channel: secret("channel"),
    trusts: read.trusts as Card[],
    ...(chain === undefined ? {} : { chain: chain as string[] }),
    ...(database === undefined ? {} : { database }),
  };
}

function isHex(value: unknown): boolean {
  return /^([0-9a-f]{2})+$/.test(String(value));
}

/** Throws a Fault where it is missing, or where others may read it. */
export function readIdentity(path: string): Identity {
  if (!existsSync(path)) {
    throw new Fault(
      `${path} is missing; begin an authority: lumicast authority init, ` +
        "or restore a backup: lumicast restore FILE",
    );
  }
  checkRights(path);
  return parseIdentity(readFileSync(path, "utf8"), path);
}

/** Whoever reads the key can issue any token: a file that others may read is not used. */
export function checkRights(path: string): void {
  if (process.platform === "win32") return;
  const { mode, uid } = statSync(path);
  const right = statSync(path).isDirectory() ? "700" : "600";
  if ((mode & OTHERS) !== 0) {
    throw new Fault(`${path} can be read by others; chmod ${right} ${path}`);
  }
  const own = process.getuid?.();
  if (own !== undefined && own !== 0 && uid !== own) {
    throw new Fault(`${path} is another user's; run this as its owner, or chown it`);
  }
}

/** Whole or not at all. */
export function writeIdentity(path: string, identity: Identity): void {
  writeSecret(path, emitIdentity(identity));
}

/** A file for its owner only, in place of the one that was there. */
export function writeSecret(path: string, content: string | Uint8Array): void {
  const fresh = `${path}.new`;
  writeFileSync(fresh, content, { mode: 0o600, flush: true });
  chmodSync(fresh, 0o600);
  renameSync(fresh, path);
}
