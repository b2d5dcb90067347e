/**
 * The Authorization Server: who a device is, and what it may be granted (draft-somaraju §3.2).
 *
 * It knows each device by the credential that came with it, and gives it a token for the Key
 * Distribution Center. Everything here is a decision on rows (ledger.ts); who asks was found out by
 * the secure channel the question came over.
 */
import type { Claims } from "../access/claims.js";
import type { Scope } from "../access/scope.js";
import { isWithin } from "../access/scope.js";
import { fault, issueToken, type Verdict } from "../access/token.js";
import { equalBytes } from "../bytes/equal.js";
import { toHex } from "../bytes/hex.js";
import { uintBytes } from "../bytes/uint.js";
import { decodeList } from "../cbor/containers.js";
import type { Cbor } from "../cbor/decode.js";
import { encode } from "../cbor/encode.js";
import { type Voucher, vouch } from "../cose/vouched.js";
import type { Crypto } from "../ports/crypto.js";
import type { Random } from "../ports/random.js";
import type { Rows } from "./ledger.js";
import { type Device, devices, type Issued, latestOf, NONE, nextOf, tokens } from "./records.js";

/** Tokens of one device that the AS knows of, the latest. */
export const TOKENS_KEPT_MAX = 8;
/** Of a token's name: 128 bits of chance. */
export const REFERENCE_BYTES = 16;

/** The most a nonce of somebody who asks for the time may have. */
const TIME_NONCE_BYTES_MAX = 16;

/** One who issues: an AS or a KDC. */
export interface Issuer {
  readonly crypto: Crypto;
  readonly name: string;
  readonly voucher: Voucher;
  /** The name of its key. */
  readonly kid: Uint8Array;
}

/** A device that is new here: what it may be granted, and how it is known. */
export type NewDevice = Pick<Device, "name" | "credential" | "scope" | "tokenSeconds"> & {
  /** What another authority named it, and its flash knows; absent: it is given one. */
  readonly clientId?: Uint8Array;
};

/**
 * Enters a device and gives it a client id that nobody in this domain has or ever had. The same
 * device entered again keeps it. Throws an Error where its credential is another device's.
 */
export function enrol(rows: Rows, eui64: Uint8Array, device: NewDevice): Device {
  const key = toHex(eui64);
  const owner = ownerOf(rows, device.credential);
  if (owner !== undefined && owner !== key) {
    const { name } = devices.need(rows, owner);
    throw new Error(`${device.name}: its credential is that of ${name} (${owner})`);
  }
  const known = devices.get(rows, key);
  if (known?.isLost === true) {
    throw new Error(`${known.name} (${key}) was reported lost; its credential has to be replaced`);
  }
  const clientId = known?.clientId ?? device.clientId ?? freeClientId(rows);
  const isItsOwn = isNamed(rows, key, clientId) && isWanted(device, clientId);
  if (!isItsOwn) throw new Error(idText(device, clientId)); // check: enrol-id
  const latestIssued = known?.latestIssued ?? NONE;
  const entered: Device = { ...device, clientId, isLost: false, latestIssued };
  if (known !== undefined) rows.delete("credential", toHex(known.credential));
  const isOther = known !== undefined && !equalBytes(known.credential, device.credential);
  if (isOther) voidTokens(rows, clientId); // check: enrol-other
  devices.put(rows, key, entered);
  rows.put("credential", toHex(device.credential), eui64);
  rows.put("client", toHex(clientId), eui64);
  return entered;
}

/** Whether a client id is this device's, or nobody's. */
function isNamed(rows: Rows, eui64: string, clientId: Uint8Array): boolean {
  const owner = rows.get("client", toHex(clientId));
  return owner === undefined || toHex(owner) === eui64;
}

function isWanted(device: NewDevice, clientId: Uint8Array): boolean {
  return device.clientId === undefined || equalBytes(device.clientId, clientId);
}

function idText({ name, clientId: wanted }: NewDevice, clientId: Uint8Array): string {
  const id = toHex(wanted ?? clientId);
  return `${name} has to be client ${id}, which it is not here; enter it at another authority`;
}

/** Of a credential that was replaced nothing counts any more: only tokens of from now on do. */
function voidTokens(rows: Rows, clientId: Uint8Array): void {
  const from = latestOf(rows, "issued", 0) + 1;
  latestOf(rows, "issued", from);
  latestOf(rows, `latest/${toHex(clientId)}`, from);
}

/** Counts up, so that the id of a device that is gone is not somebody else's. */
export function freeClientId(rows: Rows): Uint8Array {
  const isTaken = (id: Uint8Array) => rows.get("client", toHex(id)) !== undefined;
  let id = uintBytes(nextOf(rows, "client"));
  while (isTaken(id)) id = uintBytes(nextOf(rows, "client")); // check: client-id-unique
  return id;
}

/** The device that a secure channel shows; undefined when it is none of ours. */
export function deviceBy(rows: Rows, credential: Uint8Array): Device | undefined {
  const owner = ownerOf(rows, credential);
  return owner === undefined ? undefined : devices.need(rows, owner);
}

function ownerOf(rows: Rows, credential: Uint8Array): string | undefined {
  const eui64 = rows.get("credential", toHex(credential));
  return eui64 === undefined ? undefined : toHex(eui64);
}

/** What a device asks its AS for. */
export interface TokenRequest {
  /** What the secure channel proves of the one who asks. */
  readonly credential: Uint8Array;
  /** The Key Distribution Center the token is for. */
  readonly audience: string;
  /** Undefined: all that it may have. */
  readonly scope?: Scope;
  /** Unix seconds, as far as is known. */
  readonly now: number;
  /** A name of the token instead of itself: drawn by chance, and asked for at `/introspect`. */
  readonly reference?: Random;
  /** Who has it, has its rights. */
  readonly isBearer?: boolean;
}

/** An AT-KDC; `holder` for who is not known or no longer trusted, `scope` for too much. */
export function grantToken(rows: Rows, issuer: Issuer, request: TokenRequest): Verdict<Uint8Array> {
  const device = deviceBy(rows, request.credential);
  if (device === undefined) return fault("holder");
  if (device.isLost) return fault("revoked"); // check: token-device-lost
  const scope = request.scope ?? device.scope;
  if (scope.length === 0) return fault("scope");
  if (!isWithin(scope, device.scope)) return fault("scope"); // check: token-scope-granted
  const issuedAt = latestOf(rows, "issued", request.now);
  const { reference, audience } = request;
  const id = reference === undefined ? uintBytes(nextOf(rows, "token")) : nameOf(reference);
  const { clientId: subject, tokenSeconds } = device;
  const isEndless = tokenSeconds === NONE;
  const expiresAt = isEndless ? NONE : issuedAt + tokenSeconds;
  const holder = request.isBearer === true ? new Uint8Array(0) : device.credential;
  const issued = { clientId: subject, audience, scope, holder, issuedAt, expiresAt };
  tokens.put(rows, toHex(id), { ...issued, isRevoked: false });
  keepLatest(rows, subject, id);
  // RFC 9200 §5.8.2: what only the AS can resolve, here a byte string in CBOR.
  if (reference !== undefined) return { ok: true, value: encode(id) };
  const { crypto, voucher, kid } = issuer;
  const claims = claimsOf(issuer, id, issued);
  return { ok: true, value: issueToken(crypto, { claims, voucher, kid }) };
}

/** Who asks and asks is no reason for a full disk: his older tokens are forgotten. */
function keepLatest(rows: Rows, clientId: Uint8Array, id: Uint8Array): void {
  const key = `tokens/${toHex(clientId)}`;
  const ids = decodeList(rows.get("access", key) ?? encode([])) ?? [];
  const all = [...ids.filter((one): one is Uint8Array => one instanceof Uint8Array), id];
  const spare = all.splice(0, Math.max(0, all.length - TOKENS_KEPT_MAX));
  for (const one of spare) tokens.delete(rows, toHex(one)); // check: tokens-kept
  rows.put("access", key, encode(all));
}

/** Of a token of ours, by its row. */
export function claimsOf(
  { name }: Pick<Issuer, "name">,
  id: Uint8Array,
  issued: Omit<Issued, "isRevoked">,
): Claims {
  const { clientId, audience, scope, holder, issuedAt, expiresAt } = issued;
  return {
    issuer: name,
    subject: clientId,
    audience,
    ...(expiresAt === NONE ? {} : { expiresAt }),
    issuedAt,
    id,
    ...(holder.length === 0 ? {} : { confirmation: { kid: holder } }),
    scope,
  };
}

/** Nobody guesses it. */
function nameOf(random: Random): Uint8Array {
  const name = new Uint8Array(REFERENCE_BYTES);
  random.fill(name);
  return name;
}

/** Takes a device out of service for good, with every token it has; how many those were. */
export function reportLost(rows: Rows, eui64: Uint8Array): number {
  const key = toHex(eui64);
  const device = devices.need(rows, key);
  devices.put(rows, key, { ...device, isLost: true });
  let revoked = 0;
  for (const id of tokens.keys(rows)) {
    const token = tokens.need(rows, id);
    if (token.isRevoked || !equalBytes(token.clientId, device.clientId)) continue;
    tokens.put(rows, id, { ...token, isRevoked: true });
    revoked++;
  }
  return revoked;
}

/**
 * The time, signed, for a device without a clock: `{1: unix seconds, 2: nonce}` in a COSE_Sign1.
 * The nonce is the asker's: without it a recorded answer would stop his clock. Undefined for a
 * nonce of no length, or too much of it.
 */
export function signTime(
  issuer: Issuer,
  input: { now: number; nonce: Uint8Array },
): Uint8Array | undefined {
  const { now, nonce } = input;
  if (nonce.length === 0 || nonce.length > TIME_NONCE_BYTES_MAX) return undefined;
  const { crypto, voucher, kid } = issuer;
  const said: [number, Cbor][] = [
    [1, now],
    [2, nonce],
  ];
  const payload = encode(new Map<Cbor, Cbor>(said));
  return encode(vouch(crypto, { voucher, kid, payload }));
}
