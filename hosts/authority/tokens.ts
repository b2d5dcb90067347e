/** Tokens and the log, as an operator looks at them. */
import { type Claims, parseClaims } from "../../modules/access/claims.js";
import { type TokenFault, verifyToken } from "../../modules/access/token.js";
import { changesText, type Entry, entriesOf, faultsOf } from "../../modules/authority/log.js";
import { devices, tokens } from "../../modules/authority/records.js";
import { toHex } from "../../modules/bytes/hex.js";
import { decode, Tagged } from "../../modules/cbor/decode.js";
import { vouchedOf } from "../../modules/cose/vouched.js";
import { type Authority, latestSeen } from "./authority.js";
import { rolesText } from "./devices.js";
import { Fault } from "./fault.js";

export interface TokenView {
  readonly issuer: string;
  readonly clientId: string;
  readonly audience: string;
  readonly issuedAt: number;
  readonly expiresAt: number | null;
  readonly id: string;
  /** Whom it belongs to; null: who bears it. */
  readonly holder: string | null;
  readonly scope: readonly { group: number | null; level: number; roles: string }[];
  readonly securityGroup: string | null;
  readonly bytes: number;
}

function claimsOf(token: Uint8Array): Claims | undefined {
  const decoded = decode(token);
  const outer = decoded.ok && decoded.value instanceof Tagged ? decoded.value.value : undefined;
  const vouched = outer === undefined ? undefined : vouchedOf(outer);
  return vouched && parseClaims(vouched.object.content);
}

/** Whose it says it is. */
export function clientOf(token: Uint8Array): Uint8Array | undefined {
  return claimsOf(token)?.subject;
}

/** What a token says, whoever made it. Throws a Fault for what is none. */
export function showToken(token: Uint8Array): TokenView {
  const claims = claimsOf(token);
  if (claims === undefined) {
    throw new Fault("this is no token of ours: a CWT in a COSE_Sign1 or COSE_Mac0, tagged 61");
  }
  return viewOf(claims, token.length);
}

function viewOf(claims: Claims, bytes: number): TokenView {
  const { confirmation } = claims;
  const holder =
    confirmation === undefined ? null : "kid" in confirmation ? toHex(confirmation.kid) : "a key";
  return {
    issuer: claims.issuer,
    clientId: toHex(claims.subject),
    audience: claims.audience,
    issuedAt: claims.issuedAt,
    expiresAt: claims.expiresAt ?? null,
    id: toHex(claims.id),
    holder,
    scope: claims.scope.map(({ appGroup: group, level, roles }) => ({
      group,
      level,
      roles: rolesText(roles),
    })),
    securityGroup: claims.securityGroup === undefined ? null : toHex(claims.securityGroup),
    bytes,
  };
}

export interface Verified extends TokenView {
  readonly valid: boolean;
  /** Why not; null when it is. */
  readonly fault: TokenFault | null;
  readonly device: string | null;
}

/** Whether this authority, or one that it trusts, issued it, and it is in force. */
export function verifyOne(authority: Authority, args: { token: string }): Promise<Verified> {
  const token = new Uint8Array(Buffer.from(args.token, "hex"));
  const view = showToken(token);
  return authority.read((rows) => {
    const anchors = [...authority.anchors("as"), ...authority.anchors("kdc")];
    const nowSeconds = Math.max(authority.now(), latestSeen(rows));
    const rules = { anchors, audience: view.audience, nowSeconds };
    const verdict = verifyToken(authority.crypto, token, rules);
    const issued = tokens.get(rows, view.id);
    const isRevoked =
      (issued?.isRevoked ?? false) || rows.get("revoked", view.clientId) !== undefined;
    const fault = verdict.ok ? (isRevoked ? "revoked" : null) : verdict.fault;
    const eui64 = rows.get("client", view.clientId);
    const device = eui64 === undefined ? undefined : devices.get(rows, toHex(eui64));
    return { ...view, valid: fault === null, fault, device: device?.name ?? null };
  });
}

export interface LogView {
  readonly entries: readonly (Omit<Entry, "changes"> & { readonly changes: string })[];
  readonly count: number;
}

export function readLog(authority: Authority, args: { last: number }): Promise<LogView> {
  return authority.read((rows) => {
    const all = entriesOf(rows);
    const shown = args.last > 0 ? all.slice(-args.last) : all;
    const entries = shown.map(({ number, at, by, what, ...rest }) => {
      return { number, at, by, what, changes: changesText({ number, at, by, what, ...rest }) };
    });
    return { entries, count: all.length };
  });
}

export function verifyLog(
  authority: Authority,
): Promise<{ ok: boolean; count: number; faults: readonly string[] }> {
  authority.see();
  return authority.read((rows) => {
    const { crypto, signer, state } = authority;
    const { publicKey } = signer;
    const faults = faultsOf(rows, { crypto, publicKey, seen: state.seen() });
    return { ok: faults.length === 0, count: entriesOf(rows).length, faults };
  });
}
