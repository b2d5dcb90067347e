/**
 * Who knows which keys in the interop tests: the same facts as our provisioning and as the files of
 * the others. The keys are made up here, once, for nothing else.
 */
import { createHash, createPrivateKey, createPublicKey } from "node:crypto";
import { fromHex, toHex } from "../../modules/bytes/hex.js";
import { type Cbor, encode } from "../../modules/cbor/encode.js";
import { FORMAT_VERSION, ROLE } from "../../modules/device/provision.js";

const PORT = 5683;
/** Both an RFC 8613 context's and a group's. */
const SALT = "9e7ca92223786340";

function made(name: string, bytes: number): Uint8Array {
  return createHash("sha256").update(`interop ${name}`).digest().subarray(0, bytes);
}

/** `fd00:6c75::2` and the like, as 16 bytes. */
export function addressBytes(text: string): Uint8Array {
  const [head, tail = ""] = text.split("::");
  const words = (part: string) => (part === "" ? [] : part.split(":"));
  const [left, right] = [words(head), words(tail)];
  const middle = Array.from({ length: 8 - left.length - right.length }, () => "0");
  const all = [...left, ...middle, ...right].map((word) => word.padStart(4, "0"));
  return fromHex(all.join(""));
}

/** One end of an RFC 8613 context. */
export interface End {
  readonly own: string;
  readonly peer: string;
  readonly idContext?: string;
}

export const PAIR_SECRET = toHex(made("pair", 16));
export const PAIR_SALT = SALT;

/** Where the peer is, for whoever asks it. */
export function pairGroup(id: number, end: End): SecurityGroup {
  const raw = new Map<Cbor, Cbor>([
    [1, fromHex(PAIR_SECRET)],
    [2, fromHex(SALT)],
    [4, fromHex(end.peer)],
  ]);
  if (end.idContext !== undefined) raw.set(3, fromHex(end.idContext));
  return {
    id,
    profile: "oscore",
    keyId: fromHex(end.idContext ?? ""),
    raw: encode(raw),
    own: { id: fromHex(end.own), credential: new Uint8Array(0) },
    members: [],
  };
}

/** settings.json of aiocoap's FilesystemSecurityContext. */
export function pairSettings(end: End): string {
  const settings: Record<string, string> = {
    secret_hex: PAIR_SECRET,
    salt_hex: SALT,
    "sender-id_hex": end.own,
    "recipient-id_hex": end.peer,
  };
  if (end.idContext !== undefined) settings["id-context_hex"] = end.idContext;
  return JSON.stringify(settings);
}

/** A member of the RFC 10021 group. */
export interface Person {
  readonly id: Uint8Array;
  readonly seed: Uint8Array;
  readonly credential: Uint8Array;
}

const PKCS8_ED25519 = "302e020100300506032b657004220420";

/** RFC 8392: `{8: {1: {1: 1, 3: -8, -1: 6, -2: x}}}`. */
export function person(id: string): Person {
  const seed = made(`seed ${id}`, 32);
  const der = Buffer.from(PKCS8_ED25519 + toHex(seed), "hex");
  const key = createPublicKey(createPrivateKey({ key: der, format: "der", type: "pkcs8" }));
  const x = key.export({ format: "der", type: "spki" }).subarray(-32);
  const coseKey = new Map<Cbor, Cbor>([
    [1, 1],
    [3, -8],
    [-1, 6],
    [-2, Uint8Array.from(x)],
  ]);
  const credential = encode(new Map([[8, new Map([[1, coseKey]])]]));
  return { id: fromHex(id), seed, credential };
}

export const GID = "4c756d01";
const GROUP_SECRET = made("group", 16);
/** The Group Manager's; nothing of it is used but its bytes. */
const MANAGER = person("ff").credential;

/** RFC 10021 with both modes. `algorithm`: the Group Encryption Algorithm, 10 or 30. */
export function signedGroup(
  id: number,
  algorithm: 10 | 30,
  own: Person,
  others: readonly Person[],
): SecurityGroup {
  const raw = new Map<Cbor, Cbor>([
    [1, GROUP_SECRET],
    [2, fromHex(SALT)],
    [3, 10],
    [4, algorithm],
    [5, -8],
    [6, -27],
    [7, MANAGER],
  ]);
  const members = others.map((other) => ({ id: other.id, credential: other.credential }));
  return {
    id,
    profile: "group-oscore",
    keyId: fromHex(GID),
    raw: encode(raw),
    own: { id: own.id, credential: own.credential, seed: own.seed },
    members,
  };
}

/** The file of peers/contexts.py. */
export function groupFile(algorithm: 10 | 30, own: Person, others: readonly Person[]): string {
  return JSON.stringify({
    group: {
      gid: GID,
      secret: toHex(GROUP_SECRET),
      salt: SALT,
      algorithm,
      manager: toHex(MANAGER),
      id: toHex(own.id),
      seed: toHex(own.seed),
      credential: toHex(own.credential),
      peers: Object.fromEntries(others.map((one) => [toHex(one.id), toHex(one.credential)])),
    },
  });
}

/** draft-keoh: epoch 1, ciphers or none (suites ff01 and ff02); ids are CS_IDs of one byte. */
export function recordGroup(
  id: number,
  suite: number,
  own: string,
  others: string[],
): SecurityGroup {
  const raw = new Map<Cbor, Cbor>([
    [1, made("tgk", 32)],
    [2, made("rand", 16)],
    [3, suite],
  ]);
  const nowhere = new Uint8Array(0);
  return {
    id,
    profile: "dtls-record",
    keyId: Uint8Array.of(0, 1),
    raw: encode(raw),
    own: { id: fromHex(own), credential: nowhere },
    members: others.map((other) => ({ id: fromHex(other), credential: nowhere })),
  };
}

export interface SecurityGroup {
  readonly id: number;
  readonly profile: string;
  readonly keyId: Uint8Array;
  readonly raw: Uint8Array;
  readonly own: { id: Uint8Array; credential: Uint8Array; seed?: Uint8Array };
  readonly members: readonly { id: Uint8Array; credential: Uint8Array }[];
  /** Whether senders whose numbers cannot be judged are challenged. */
  readonly challenges?: true;
  /** Whether the two make contexts of it (RFC 8613 Appendix B.2). */
  readonly renegotiates?: true;
}

/** What a device is told: modules/device/provision.ts. */
export interface Told {
  readonly number: number;
  readonly role: "luminaire" | "switch";
  readonly securities: readonly SecurityGroup[];
  /** [id, security group, address as text]. */
  readonly appGroups: readonly (readonly [number, number, string])[];
  /** [client in hex, application group or null, level]. */
  readonly rights: readonly (readonly [string, number | null, number])[];
  readonly target?: number;
  /** Who gives it its keys: modules/device/authority.ts. */
  readonly authority?: ReadonlyMap<number, Cbor>;
  /** Of whoever signs its firmware. */
  readonly firmwareKey?: Uint8Array;
  /** Of its application groups: 5683 unless named. */
  readonly port?: number;
}

export function provisioningOf(told: Told): Uint8Array {
  const root = new Map<Cbor, Cbor>([
    [0, FORMAT_VERSION],
    [1, eui64Of(told.number)],
    [2, told.role === "luminaire" ? ROLE.LUMINAIRE : ROLE.SWITCH],
    [3, Uint8Array.of(told.number)],
    [4, told.securities.map(securityPart)],
    [5, told.appGroups.map((group) => appGroupPart(group, told.port ?? PORT))],
    [6, told.rights.map(([client, group, level]) => [fromHex(client), group, level])],
  ]);
  if (told.target !== undefined) root.set(7, told.target);
  // No fade, off after a power cut, answers within 200 ms.
  root.set(8, settings());
  if (told.firmwareKey !== undefined) root.set(20, told.firmwareKey);
  if (told.authority !== undefined) root.set(21, new Map<Cbor, Cbor>(told.authority));
  return encode(root);
}

export function eui64Of(number: number): Uint8Array {
  return Uint8Array.of(2, 0, 0, 0, 0, 0, 0, number);
}

function settings(): Map<Cbor, Cbor> {
  return new Map<Cbor, Cbor>([
    [0, 0],
    [1, 0],
    [5, 200],
  ]);
}

/** modules/groups/policy.ts: synchronisation by challenge. */
const CHALLENGE: readonly (readonly [number, Cbor])[] = [[7, 2]];
const RENEGOTIATE: readonly (readonly [number, Cbor])[] = [[12, true]];

function securityPart(group: SecurityGroup): Cbor {
  const { id, profile, keyId, raw, own, members, challenges, renegotiates } = group;
  const ownPart = new Map<Cbor, Cbor>([
    [0, own.id],
    [1, own.credential],
  ]);
  if (own.seed !== undefined) ownPart.set(2, own.seed);
  const key = new Map<Cbor, Cbor>([
    [0, keyId],
    [1, raw],
  ]);
  const memberParts = members.map((member) => {
    return new Map<Cbor, Cbor>([
      [0, member.id],
      [1, member.credential],
    ]);
  });
  return new Map<Cbor, Cbor>([
    [0, id],
    [1, profile],
    [2, [key]],
    [3, 60],
    [4, ownPart],
    [5, memberParts],
    ...(challenges === true ? CHALLENGE : []),
    ...(renegotiates === true ? RENEGOTIATE : []),
  ]);
}

function appGroupPart([id, security, address]: Told["appGroups"][number], port: number): Cbor {
  return new Map<Cbor, Cbor>([
    [0, id],
    [1, security],
    [2, addressBytes(address)],
    [3, port],
  ]);
}
