/**
 * The room of a switch that is its own authority: what stands in its ledger, as decisions on rows.
 * One security group, one application group, the switch that sends and luminaires that listen.
 */
import { RECEIVER, type ScopeEntry, SENDER } from "../access/scope.js";
import type { TrustAnchor } from "../access/token.js";
import { type Center, createGroup, expel } from "../authority/distribution.js";
import type { Listening } from "../authority/heard.js";
import { expectJoiner, joinersIn, type Pending, pinKey } from "../authority/joiners.js";
import type { Rows } from "../authority/ledger.js";
import {
  applications,
  type Device,
  devices,
  groups,
  NONE,
  numberKey,
  policies,
  USUAL,
} from "../authority/records.js";
import { enrol } from "../authority/server.js";
import { equalBytes } from "../bytes/equal.js";
import { toHex } from "../bytes/hex.js";
import { readUint } from "../bytes/uint.js";
import { decodeList } from "../cbor/containers.js";
import { type Cbor, encode } from "../cbor/encode.js";
import { type Crypto, EDDSA } from "../ports/crypto.js";
import type { Endpoint } from "../ports/datagram.js";
import type { Random } from "../ports/random.js";
import { homeAddress, SECURE_PORT } from "./home.js";

/** More would be a longer rekey than a switch has time for, and more flash than it has. */
export const LUMINAIRES_MAX = 64;
const GROUP = 1;
const LEVEL = 2;
const GRACE_SECONDS = 60;
const COAP_PORT = 5683;
const SWITCH_ROLE = 2;
export const LUMINAIRE_ROLE = 1;
/** Of answers to all: a room's are few. */
const LEISURE_SETTING = 5;
const LEISURE_MS = 500;
const SEED_BYTES = 32;
const KID_BYTES = 8;
const PSK_BYTES = 16;
const PAN_MAX = 0xfffd;
/** Of short addresses; they are given once, as client ids are. */
const SHORT_MAX = 0xfffd;
/** This switch, in its "authority" row. */
const SELF = "self";
/** COSE_Key of Ed25519 (RFC 9053 §7.2). */
const OKP = [
  [1, 1],
  [-1, 6],
] as const;

/** Who this authority is. Secret. */
export interface Self {
  readonly domain: string;
  /** Of its Ed25519 key. */
  readonly seed: Uint8Array;
  /** P-256: its end of channels to luminaires that are nobody's yet. */
  readonly channel: Uint8Array;
  readonly eui64: Uint8Array;
  readonly clientId: Uint8Array;
  /** Of the channel between the switch and itself. */
  readonly identity: Uint8Array;
  readonly psk: Uint8Array;
  readonly group: Uint8Array;
  /** Of the mesh, where its radio has no other network. */
  readonly pan: number;
  readonly prefix: Uint8Array;
}

/** Everything that is drawn by chance, once. */
export function drawSelf(random: Random, eui64: Uint8Array): Omit<Self, "clientId"> {
  const draw = (count: number) => {
    const bytes = new Uint8Array(count);
    random.fill(bytes);
    return bytes;
  };
  const channel = draw(SEED_BYTES);
  // Below the order of P-256, whatever was drawn.
  channel[0] &= 0x7f;
  // RFC 4291 §2.7: transient, realm-local; RFC 3307 §4.3: an id that was drawn.
  const group = Uint8Array.of(0xff, 0x15, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, ...draw(4));
  group[12] |= 0x80;
  return {
    domain: `switch-${toHex(eui64)}-${toHex(draw(2))}`,
    ...{ seed: draw(SEED_BYTES), channel, eui64, group },
    ...{ identity: draw(PSK_BYTES), psk: draw(PSK_BYTES) },
    pan: 1 + (readUint(draw(2)) % PAN_MAX),
    // RFC 4193 §3.2.
    prefix: Uint8Array.of(0xfd, ...draw(5), 0, 0),
  };
}

/** The room without a luminaire; its switch is a device like others. */
export function furnish(rows: Rows, center: Center, drawn: Omit<Self, "clientId">): void {
  const { identity: credential, eui64, group: address } = drawn;
  createGroup(rows, center, GROUP, {
    ...{ profile: "lowlatency", graceSeconds: GRACE_SECONDS },
    // Keys of a room that nobody looks after do not end.
    ...{ validitySeconds: NONE, messages: NONE, renewsOnJoin: false, renewsOnLeave: true },
  });
  // The only one who sends is here, and knows how far it came.
  policies.put(rows, numberKey(GROUP), { ...USUAL, numbers: "heard" });
  const application = { name: "room", group: GROUP, address, port: COAP_PORT };
  applications.put(rows, numberKey(GROUP), application);
  const scope = [entryFor(SENDER)];
  const { clientId } = enrol(rows, eui64, {
    name: "switch",
    credential,
    scope,
    tokenSeconds: NONE,
  });
  rows.put("factory", toHex(credential), drawn.psk);
  const { domain, seed, channel, psk, pan, prefix } = drawn;
  const self = [domain, seed, channel, eui64, clientId, credential, psk, address, pan, prefix];
  rows.put("authority", SELF, encode(self));
}

function entryFor(roles: number): ScopeEntry {
  return { appGroup: GROUP, level: LEVEL, roles };
}

/** Throws an Error where it does not read back. */
export function selfIn(rows: Rows): Self {
  const row = rows.get("authority", SELF);
  const [domain, ...rest] = (row && decodeList(row)) ?? [];
  const [seed, channel, eui64, clientId, identity, psk, group, pan, prefix] = rest;
  const all = [seed, channel, eui64, clientId, identity, psk, group, prefix];
  const isWhole = typeof domain === "string" && typeof pan === "number";
  if (!isWhole || !all.every((one) => one instanceof Uint8Array)) {
    throw new Error("ledger: who this authority is does not read back; reset this switch");
  }
  const bytes = all as Uint8Array[];
  return {
    ...{ domain, pan, seed: bytes[0], channel: bytes[1], eui64: bytes[2], clientId: bytes[3] },
    ...{ identity: bytes[4], psk: bytes[5], group: bytes[6], prefix: bytes[7] },
  };
}

/** How far the room's only sender came: newcomers take nothing from before for new. */
export function listeningAt(
  run: <T>(decide: (rows: Rows) => T) => T,
  { clientId }: Pick<Self, "clientId">,
  used: () => number,
): Listening {
  return {
    of: (group) => {
      const { epoch } = run((rows) => groups.need(rows, numberKey(group)));
      const number = used();
      const numbers = number < 0 ? [] : [{ clientId, number }];
      return { since: 0, epoch, numbers, waits: false };
    },
  };
}

/** AS and KDC are one, with one key. Throws an Error in a build that cannot sign. */
export function centerOf(
  self: Pick<Self, "domain" | "seed">,
  crypto: Crypto,
  random: Random,
): Center {
  const { domain, seed } = self;
  const { signatures } = crypto;
  if (signatures === undefined) throw new Error("this build has no Ed25519");
  const signer = signatures.signer(seed.slice());
  const { publicKey } = signer;
  const kid = crypto.sha256(publicKey).slice(0, KID_BYTES);
  const anchor: TrustAnchor = { issuer: `${domain}/as`, kid, alg: EDDSA, publicKey };
  return {
    ...{ crypto, random, domain, kid, anchors: [anchor] },
    name: `${domain}/kdc`,
    voucher: { alg: EDDSA, signer },
    managerCredential: encode(map([8, map([1, map(...OKP, [3, EDDSA], [-2, publicKey])])])),
  };
}

/** What a device of this room lives by (device/provision.ts). */
interface Part {
  readonly eui64: Uint8Array;
  readonly role: number;
  readonly clientId: Uint8Array;
  readonly identity: Uint8Array;
  readonly psk: Uint8Array;
  /** Where it finds the authority. */
  readonly at: Uint8Array;
}

export function blobFor(
  self: Self,
  publicKey: Uint8Array,
  kid: Uint8Array,
  part: Part,
): Uint8Array {
  const { domain, group, pan, prefix } = self;
  const { eui64, role, clientId, identity, psk, at } = part;
  const place = map([0, at], [1, SECURE_PORT]);
  const trusted = map([0, `${domain}/kdc`], [1, kid], [2, publicKey], [3, domain]);
  const blob = map(
    ...([
      [0, 1],
      [1, eui64],
      [2, role],
      [3, clientId],
    ] as const),
    [4, [map([0, GROUP], [1, "lowlatency"], [2, []], [3, GRACE_SECONDS])]],
    [5, [map([0, GROUP], [1, GROUP], [2, group], [3, COAP_PORT])]],
    [6, []],
    [8, map([LEISURE_SETTING, LEISURE_MS])],
    [9, map([0, pan], [1, Math.min(SHORT_MAX, readUint(clientId))], [2, prefix], [4, true])],
    [21, new Map([...trusted, ...map([4, identity], [5, psk], [6, place], [7, place])])],
  );
  if (role !== LUMINAIRE_ROLE) blob.set(7, GROUP);
  return encode(blob);
}

/** The switch's own: its authority is at home. */
export function ownBlob(
  self: Self,
  { publicKey, kid }: { publicKey: Uint8Array; kid: Uint8Array },
) {
  const part = { ...self, role: SWITCH_ROLE, at: homeAddress() };
  return blobFor(self, publicKey, kid, part);
}

/** A luminaire whose key was proven, and that a person has seen blink. */
export interface Confirmed {
  readonly eui64: Uint8Array;
  /** SHA-256 of its factory key: the first that was shown is the one from then on. */
  readonly keySum: Uint8Array;
}

/**
 * Writes down that it is about to be joined, before any key leaves. Throws an Error that says what
 * is in the way.
 */
export function expectLuminaire(
  rows: Rows,
  { eui64, keySum }: Confirmed,
  around: { random: Random; now: number },
): Pending {
  const name = toHex(eui64);
  const known = luminairesIn(rows);
  const isNew = !known.includes(name);
  const isFull = isNew && known.length >= LUMINAIRES_MAX;
  if (isFull) throw new Error(`${LUMINAIRES_MAX} luminaires are all`); // check: alone-full
  pinKey(rows, eui64, keySum);
  return expectJoiner(
    rows,
    {
      ...{ eui64, name: `luminaire-${name.slice(-4)}`, role: LUMINAIRE_ROLE },
      ...{ scope: [entryFor(RECEIVER)], proof: "press", by: "a press at this switch" },
    },
    around,
  );
}

/** EUI-64s in hex, of those that are in or about to be. */
export function luminairesIn(rows: Rows): string[] {
  const own = toHex(selfIn(rows).eui64);
  const pending = joinersIn(rows).map(({ eui64 }) => toHex(eui64));
  const all = [...devices.keys(rows), ...pending].filter((one) => one !== own);
  return [...new Set(all)];
}

/**
 * A luminaire that is no more of this room: the others get keys that it does not have. It may come
 * again, with a client id that nobody had.
 */
export function removeLuminaire(rows: Rows, center: Center, eui64: Uint8Array, now: number): void {
  const key = toHex(eui64);
  const device = devices.get(rows, key);
  for (const joiner of joinersIn(rows)) {
    if (!equalBytes(joiner.eui64, eui64)) continue;
    rows.delete("joiner", joiner.credential);
    rows.delete("factory", joiner.credential);
  }
  if (device === undefined) return;
  const { clientId, credential } = device;
  expel(rows, center, clientId, now);
  devices.delete(rows, key);
  for (const table of ["credential", "factory"] as const) rows.delete(table, toHex(credential));
  const client = toHex(clientId);
  rows.delete("access", `owner/${client}`);
  rows.delete("authority", `latest/${client}`);
}

/** The device that a channel shows. */
export function deviceOf(rows: Rows, id: string): (Device & { eui64: Uint8Array }) | undefined {
  const eui64 = rows.get("credential", id);
  const device = eui64 && devices.get(rows, toHex(eui64));
  return device && eui64 && { ...device, eui64 };
}

/** What nobody here asks for again: whose tokens they are, their rows say. */
export function forgetTokens(rows: Rows): void {
  for (const id of rows.keys("token", "")) rows.delete("token", id);
  for (const key of rows.keys("access", "tokens/")) rows.delete("access", key);
}

/** How a luminaire shows who it is: what its channel is opened with. */
export function secretOf(rows: Rows, identity: Uint8Array): Uint8Array | undefined {
  return rows.get("factory", toHex(identity));
}

export function endpointOf(address: Uint8Array): Endpoint {
  return { address, port: SECURE_PORT };
}

export function map(...entries: readonly (readonly [number, Cbor])[]): Map<Cbor, Cbor> {
  return new Map<Cbor, Cbor>(entries);
}
