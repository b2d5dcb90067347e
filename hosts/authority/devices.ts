/** What an operator does with devices: enters them, looks at them, reports them lost. */

import { RECEIVER, type Scope, SENDER } from "../../modules/access/scope.js";
import { handedCounter } from "../../modules/authority/leaving.js";
import type { Rows } from "../../modules/authority/ledger.js";
import { issueAfter } from "../../modules/authority/narrowing.js";
import {
  applications,
  type Device,
  devices,
  inGroup,
  latestOf,
  members,
  NONE,
  numberKey,
  tokens,
} from "../../modules/authority/records.js";
import { goOnAbove, type Used } from "../../modules/authority/renewal.js";
import { enrol } from "../../modules/authority/server.js";
import { equalBytes } from "../../modules/bytes/equal.js";
import { fromHex, toHex } from "../../modules/bytes/hex.js";
import { parseCertificate } from "../../modules/dtls/certificate.js";
import type { Authority } from "./authority.js";
import { type Factory, factoryIn, factoryOf, PSK_BYTES_MAX } from "./factory.js";
import { Fault } from "./fault.js";
import { checkName } from "./names.js";

/** As a factory ships it, one a device. */
export interface Shipped {
  /** 16 hex digits. */
  readonly eui64: string;
  readonly name: string;
  /** Hex; the identity under which it knows the key is its EUI-64 unless told otherwise. */
  readonly psk?: string;
  readonly identity?: string;
  /** Its public key, a P-256 point of 65 bytes in hex, where it has one instead. */
  readonly rawKey?: string;
  /** Its X.509 certificate in DER, in hex; the same. */
  readonly certificate?: string;
  /** How long tokens of its last, in seconds; absent: they do not end. */
  readonly tokenSeconds?: number;
  /** Of one that was another KDC's before (authority hand-over). */
  readonly before?: {
    /** Hex. */
    readonly clientId: string;
    readonly handOvers: number;
    /** Latest of its tokens. */
    readonly issuedAt: number;
    readonly keys: readonly Used[];
  };
}

export interface DeviceView {
  readonly eui64: string;
  readonly name: string;
  readonly clientId: string;
  readonly credential: string;
  readonly by: Factory["by"];
  readonly lost: boolean;
  readonly tokenSeconds: number | null;
  readonly grants: readonly GrantView[];
}

export interface GrantView {
  /** An application group; null: the device itself. */
  readonly group: string | null;
  readonly level: number;
  readonly roles: string;
  /** Whether it has come and taken the group's key. */
  readonly joined: boolean;
  /** Epoch of the newest key that it has in flash; null: none yet. */
  readonly key: number | null;
}

const PSK_BYTES_MIN = 16;
const POINT_BYTES = 65;

export async function addDevices(
  authority: Authority,
  { shipped }: { shipped: readonly Shipped[] },
): Promise<{ devices: readonly DeviceView[] }> {
  for (const one of shipped) checkShipped(one);
  const { crypto, identity } = authority;
  const names = shipped.map(({ name }) => name).join(", ");
  const added = await authority.decide(`device add ${names}`, (rows) => {
    const owners = new Map(devices.keys(rows).map((key) => [devices.need(rows, key).name, key]));
    return shipped.map((one) => {
      const { eui64, name, psk, tokenSeconds = NONE } = one;
      const point = pointOf(one);
      const credential =
        point === undefined ? fromHex(one.identity ?? eui64) : crypto.sha256(point);
      const namesake = owners.get(name);
      if (namesake !== undefined && namesake !== eui64) {
        throw new Fault(`${name} is the name of ${namesake} already; give another --name`);
      }
      owners.set(name, eui64);
      const scope = devices.get(rows, eui64)?.scope ?? [];
      forgetCredential(rows, eui64, credential, authority.now());
      goOn(authority, rows, one, credential);
      rows.put("factory", toHex(credential), fromHex(psk ?? one.certificate ?? ""));
      // Client ids are the AS's to give.
      if (identity.role === "kdc") return strangerOf(one, toHex(credential));
      const known = one.before === undefined ? {} : { clientId: fromHex(one.before.clientId) };
      enrol(rows, fromHex(eui64), { name, credential, scope, tokenSeconds, ...known });
      return viewOf(rows, eui64);
    });
  });
  return { devices: added };
}

/** A device that has another one from now on: nothing comes of the old, nor of its tokens. */
function forgetCredential(rows: Rows, eui64: string, credential: Uint8Array, now: number): void {
  const before = devices.get(rows, eui64);
  if (before === undefined || equalBytes(before.credential, credential)) return;
  rows.delete("factory", toHex(before.credential));
  const from = latestOf(rows, "issued", now) + 1;
  latestOf(rows, "issued", from);
  latestOf(rows, `latest/${toHex(before.clientId)}`, from);
}

/** What its flash knows of the KDC before stays below what it is told from here. */
export function goOn(
  authority: Authority,
  rows: Rows,
  { before }: Shipped,
  credential: Uint8Array,
): void {
  if (before === undefined) return;
  const { clientId, handOvers, issuedAt, keys } = before;
  latestOf(rows, handedCounter(credential), handOvers);
  issueAfter(rows, fromHex(clientId), issuedAt);
  if (authority.identity.role === "as") return;
  for (const used of keys) goOnAbove(rows, authority.center, used, authority.now());
}

/** A device as a KDC alone knows it: how it shows who it is, and no more. */
function strangerOf(shipped: Shipped, credential: string): DeviceView {
  const { eui64, name, psk, certificate } = shipped;
  const { by } = factoryIn(fromHex(psk ?? certificate ?? ""));
  const rest = { lost: false, tokenSeconds: null, grants: [] };
  return { eui64, name, clientId: "", credential, by, ...rest };
}

/** Of its public key, where it shows one. */
function pointOf({ rawKey, certificate }: Shipped): Uint8Array | undefined {
  if (certificate !== undefined) return parseCertificate(fromHex(certificate))?.publicKey;
  return rawKey === undefined ? undefined : fromHex(rawKey);
}

function checkShipped(shipped: Shipped): void {
  const { eui64, name, psk, identity, rawKey, certificate, before } = shipped;
  const isHex = (text: string, least: number, most: number) =>
    /^([0-9a-f]{2})+$/.test(text) && text.length >= 2 * least && text.length <= 2 * most;
  if (!isHex(eui64, 8, 8)) throw new Fault(`${eui64} is no EUI-64; write 16 hex digits`);
  checkName(name);
  if ([psk, rawKey, certificate].filter((one) => one !== undefined).length !== 1) {
    throw new Fault(`${name}: give its key, by --psk-file, --raw-key or --certificate`);
  }
  const isWhole = certificate === undefined || isHex(certificate, PSK_BYTES_MAX + 1, 1024);
  if (!isWhole || (certificate !== undefined && pointOf(shipped) === undefined)) {
    throw new Fault(`${name}: its certificate is no X.509 v3 on P-256 of at most 1024 bytes`);
  }
  if (psk !== undefined && !isHex(psk, PSK_BYTES_MIN, PSK_BYTES_MAX)) {
    throw new Fault(`${name}: its key has to be 16 to 64 bytes, written as hex digits`);
  }
  if (identity !== undefined && !isHex(identity, 1, 64)) {
    throw new Fault(`${name}: --identity is hex digits, of 1 to 64 bytes`);
  }
  if (before !== undefined && !(isHex(`${before.clientId}`, 1, 8) && isBefore(before)))
    throw new Fault(`${name}: "before" is not what hand-over --list wrote; write it again there`);
  if (rawKey !== undefined && !(isHex(rawKey, POINT_BYTES, POINT_BYTES) && rawKey.startsWith("04")))
    throw new Fault(`${name}: --raw-key is a P-256 point, 65 bytes that begin with 04, as hex`);
}

function isBefore({ handOvers, issuedAt, keys }: NonNullable<Shipped["before"]>): boolean {
  const isCount = (value: unknown) => Number.isSafeInteger(value) && (value as number) >= 0;
  if (!isCount(handOvers) || !isCount(issuedAt) || !Array.isArray(keys)) return false;
  return keys.every(({ group, prefix, epoch }) => [group, prefix, epoch].every(isCount));
}

export function listDevices(authority: Authority): Promise<{ devices: readonly DeviceView[] }> {
  return authority.read((rows) => ({
    devices: devices.keys(rows).map((eui64) => viewOf(rows, eui64)),
  }));
}

export interface DeviceDetails extends DeviceView {
  readonly tokens: readonly {
    id: string;
    issuedAt: number;
    expiresAt: number | null;
    revoked: boolean;
  }[];
}

export function showDevice(
  authority: Authority,
  { device }: { device: string },
): Promise<DeviceDetails> {
  return authority.read((rows) => {
    const eui64 = keyOf(rows, device);
    const { clientId } = devices.need(rows, eui64);
    const own = tokens.keys(rows).flatMap((id) => {
      const token = tokens.need(rows, id);
      if (!equalBytes(token.clientId, clientId)) return [];
      const { issuedAt, expiresAt, isRevoked: revoked } = token;
      return [{ id, issuedAt, expiresAt: orNull(expiresAt), revoked }];
    });
    return { ...viewOf(rows, eui64), tokens: own };
  });
}

/** By name, EUI-64 or client id. Throws a Fault. */
export function keyOf(rows: Rows, device: string): string {
  const text = device.toLowerCase();
  if (/^[0-9a-f]{16}$/.test(text) && devices.get(rows, text) !== undefined) return text;
  const named = keyByName(rows, device);
  if (named !== undefined) return named;
  throw new Fault(`there is no device ${device}; lumicast device list shows them`);
}

function keyByName(rows: Rows, name: string): string | undefined {
  return devices.keys(rows).find((key) => devices.need(rows, key).name === name);
}

/** What people call who has this client id. */
export function nameOfClient(rows: Rows, clientId: Uint8Array): string {
  const eui64 = rows.get("client", toHex(clientId));
  const device = eui64 && devices.get(rows, toHex(eui64));
  return device?.name ?? `client ${toHex(clientId)}`;
}

function viewOf(rows: Rows, eui64: string): DeviceView {
  const device = devices.need(rows, eui64);
  const { name, clientId, credential, isLost: lost, tokenSeconds } = device;
  return {
    eui64,
    name,
    clientId: toHex(clientId),
    credential: toHex(credential),
    by: factoryOf(rows, toHex(credential)).by,
    lost,
    tokenSeconds: orNull(tokenSeconds),
    grants: grantsOf(rows, device),
  };
}

function grantsOf(rows: Rows, { scope, clientId }: Device): GrantView[] {
  return scope.map(({ appGroup, level, roles }) => {
    if (appGroup === null) {
      return { group: null, level, roles: rolesText(roles), joined: false, key: null };
    }
    const application = applications.get(rows, numberKey(appGroup));
    const member = application && members.get(rows, inGroup(application.group, clientId));
    return {
      group: application?.name ?? `${appGroup}`,
      level,
      roles: rolesText(roles),
      joined: member !== undefined,
      key: member === undefined ? null : orNull(member.confirmed),
    };
  });
}

export function rolesText(roles: number): string {
  return ["", "sender", "receiver", "both"][roles & (SENDER | RECEIVER)];
}

export function orNull(value: number): number | null {
  return value === NONE ? null : value;
}

/** Replaces what a device may be granted. */
export function putScope(rows: Rows, eui64: string, scope: Scope): void {
  devices.put(rows, eui64, { ...devices.need(rows, eui64), scope });
}
