/**
 * What lets a computer be a sender: a file that its authority wrote (`lumicast sender`). It holds a
 * secret, so only its owner may read it. JSON, with bytes in hex.
 */
import { existsSync, readFileSync } from "node:fs";
import { fromHex } from "../../modules/bytes/hex.js";
import { type Cbor, encode } from "../../modules/cbor/encode.js";
import { FORMAT_VERSION, type ROLE } from "../../modules/device/provision.js";
import { LEISURE } from "../../modules/lighting/settings.js";
import { Fault } from "../authority/fault.js";
import { checkRights } from "../authority/identity.js";
import { endpointOf } from "../authority/net.js";
import { parseIpv6 } from "../installation/address.js";
import { membershipIn } from "./member.js";

export interface SenderGroup {
  readonly name: string;
  /** On the air. */
  readonly number: number;
  readonly securityGroup: number;
  readonly profile: string;
  readonly address: string;
  readonly port: number;
  readonly graceSeconds: number;
}

export interface SenderFile {
  readonly name: string;
  readonly eui64: string;
  readonly clientId: string;
  /** Of its pre-shared key with the authority. */
  readonly identity: string;
  readonly psk: string;
  readonly kdc: {
    readonly issuer: string;
    readonly kid: string;
    /** Ed25519. */
    readonly publicKey: string;
    /** Whom its tokens are for: all receivers of the place. */
    readonly audience: string;
    /** `[address]:port` */
    readonly at: string;
  };
  /** Where its Authorization Server listens. */
  readonly server: string;
  /** All groups of the place; which of them it may be in, the authority decides each time. */
  readonly groups: readonly SenderGroup[];
}

const FORMAT = "sender 1";
/** Reports of lamps are waited for so long, and two seconds. */
const LEISURE_MS = 500;

export function emitSender(file: SenderFile): string {
  return `${JSON.stringify({ lumicast: FORMAT, ...file }, undefined, 2)}\n`;
}

/** Throws a Fault that says how to come by a good one. */
export function readSender(path: string): SenderFile {
  if (!existsSync(path)) {
    throw new Fault(`there is no ${path}; make it at the authority: lumicast sender NAME FILE`);
  }
  checkRights(path);
  const broken = `${path} is no sender's file; make it anew: lumicast sender NAME FILE`;
  let read: Partial<SenderFile & { lumicast: string }>;
  try {
    read = JSON.parse(readFileSync(path, "utf8")) as typeof read;
  } catch {
    throw new Fault(broken);
  }
  const { lumicast, ...file } = read;
  const isWhole = lumicast === FORMAT && file.kdc !== undefined && Array.isArray(file.groups);
  const isHex = (text: unknown) => /^([0-9a-f]{2})+$/.test(String(text));
  const { eui64, clientId, identity, psk, kdc } = file;
  const isGood = isWhole && [eui64, clientId, identity, psk, kdc?.kid, kdc?.publicKey].every(isHex);
  if (!isGood) throw new Fault(broken);
  return file as SenderFile;
}

/** By name or number. Throws a Fault. */
export function groupIn({ groups, name }: SenderFile, text: string): SenderGroup {
  const group = groups.find((one) => one.name === text || `${one.number}` === text);
  if (group !== undefined) return group;
  const known = groups.map((one) => one.name).join(", ") || "none";
  throw new Fault(
    `the file of ${name} knows no group ${text} (${known}); if it is a new one, write the file ` +
      `anew at the authority: lumicast sender ${name} FILE`,
  );
}

/** What a device is told, as modules/device/provision.ts reads it: no key of a group, no right. */
export function provisioningOf(
  file: SenderFile,
  {
    role,
    groups,
    target,
    manager,
  }: { role: (typeof ROLE)[keyof typeof ROLE] } & {
    groups: readonly SenderGroup[];
    target?: number;
    /** As whom its KDC commands it, and the highest level of that. */
    manager?: { readonly id: Uint8Array; readonly level: number };
  },
): Uint8Array {
  const { kdc } = file;
  const securities = new Map(groups.map((one) => [one.securityGroup, one]));
  const blob = map(
    [0, FORMAT_VERSION],
    [1, fromHex(file.eui64)],
    [2, role],
    [3, fromHex(file.clientId)],
    [
      4,
      [...securities].map(([id, group]) => {
        const { profile, graceSeconds } = group;
        const own = membershipIn(file, group);
        return map([0, id], [1, profile], [2, []], [3, graceSeconds], ...own);
      }),
    ],
    [5, groups.map(applicationPart)],
    [6, manager === undefined ? [] : [[manager.id, null, manager.level]]],
    [8, map([LEISURE, LEISURE_MS])],
    [
      21,
      map(
        [0, kdc.issuer],
        [1, fromHex(kdc.kid)],
        [2, fromHex(kdc.publicKey)],
        [3, kdc.audience],
        [4, fromHex(file.identity)],
        [5, fromHex(file.psk)],
        [6, placePart(kdc.at)],
        [7, placePart(file.server)],
        ...(manager === undefined ? [] : [[8, manager.id] as const]),
      ),
    ],
  );
  if (target !== undefined) blob.set(7, target);
  return encode(blob);
}

function applicationPart({ number, securityGroup, address, port }: SenderGroup): Cbor {
  return map([0, number], [1, securityGroup], [2, parseIpv6(address) as Uint8Array], [3, port]);
}

function placePart(at: string): Cbor {
  const { address, port } = endpointOf("at", at);
  return map([0, address], [1, port]);
}

function map(...entries: readonly (readonly [number, Cbor])[]): Map<Cbor, Cbor> {
  return new Map<Cbor, Cbor>(entries);
}
