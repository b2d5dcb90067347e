/**
 * What passes between a member and its Key Distribution Center beside the tokens themselves
 * (WIRE.md "Tokens and keys"): the question of `/keys`, and what its answer and `/keys/push` bring.
 * CBOR maps in one encoding, fields that say nothing left out. Who sends them, the secure channel
 * proves.
 */
import { type Cbor, decode } from "../cbor/decode.js";
import { encode } from "../cbor/encode.js";
import { TOKEN_BYTES_MAX } from "./token.js";

/** What a client asks of `/keys`. */
export interface KeysQuestion {
  /** AT-KDC, self-contained or the name of one. */
  readonly token: Uint8Array;
  /** Application groups. */
  readonly wanted: readonly number[];
  /** What vouches for its public key, in groups of a signed scheme; empty without one. */
  readonly credential: Uint8Array;
  /**
   * 8 bytes of chance, as old as the sender's numbers: other ones than before say that those begin
   * anew, so that he must not have the same key again. Empty: he does not say.
   */
  readonly incarnation: Uint8Array;
  /** Keys whose budget of messages nears its end; absent: none. */
  readonly spent?: readonly SpentKey[];
}

/** A key of the security group that this application group is in. */
export interface SpentKey {
  readonly appGroup: number;
  readonly keyId: Uint8Array;
}

/** What seals the tokens that are presented to receivers of one security group. */
export interface GroupSealing {
  readonly securityGroup: Uint8Array;
  /** The key's name in envelopes. */
  readonly kid: Uint8Array;
  /** 16 bytes. */
  readonly key: Uint8Array;
}

/** How long a member may use a group's newest key. */
export interface KeyTerms {
  readonly securityGroup: Uint8Array;
  /** Seconds; undefined: no end. */
  readonly validitySeconds: number | undefined;
  /** Messages of his own; undefined: no end. */
  readonly messages: number | undefined;
}

/** A client whose tokens issued up to a time count for nothing. */
export interface Revoked {
  readonly clientId: Uint8Array;
  /** Compared with `issuedAt`. */
  readonly upTo: number;
  /** What they say of this application group is meant alone; absent: all. */
  readonly appGroup?: number;
}

/** A sender's next number, for who comes late. */
export interface NextNumber {
  readonly securityGroup: Uint8Array;
  readonly sender: Uint8Array;
  /** Below it all count as seen. */
  readonly next: number;
}

/** Body of an answer of `/keys`, and of `/keys/push`. */
export interface KeyDelivery {
  /** AT-Rs: the member's own under the channel's key, others' under their group's. */
  readonly tokens: readonly Uint8Array[];
  readonly sealings: readonly GroupSealing[];
  /** Security groups whose keys before these are in the wrong hands: nobody gets a grace. */
  readonly broken: readonly Uint8Array[];
  readonly revoked: readonly Revoked[];
  readonly terms: readonly KeyTerms[];
  /** Under the newest key of each group. */
  readonly numbers: readonly NextNumber[];
  /** The present KDC's word for the one that follows it (groups/trust.ts). */
  readonly handOver?: Uint8Array;
  /** Who left his groups lately. */
  readonly gone?: readonly GoneMembers[];
  /** Of groups with a key tree, the member's keys there (modules/groups/branch.ts). */
  readonly branches?: readonly Branch[];
}

/** Members of a group that are none any more (RFC 9594 §6: stale sender ids). */
export interface GoneMembers {
  readonly securityGroup: Uint8Array;
  readonly ids: readonly Uint8Array[];
}

/** Keys from a leaf of a group's key tree up to its root: an array of those of tree.ts, in CBOR. */
export interface Branch {
  readonly securityGroup: Uint8Array;
  /** Of the group's key that it comes with. */
  readonly epoch: number;
  readonly path: Uint8Array;
}

export const EMPTY_DELIVERY: KeyDelivery = Object.freeze({
  tokens: [],
  sealings: [],
  broken: [],
  revoked: [],
  terms: [],
  numbers: [],
});

/** Tokens, groups or clients in one message, at the most. */
export const DELIVERED_MAX = 32;
const APP_GROUP_MAX = 0xffffffff;
const ID_BYTES_MAX = 16;
const CLIENT_BYTES_MAX = 8;
const SEALING_BYTES = 16;
const CREDENTIAL_BYTES_MAX = 256;
const HAND_OVER_BYTES_MAX = 512;
const LIMITS = { depthMax: 4, itemsMax: 1024 };

const TOKEN = 1;
const WANTED = 2;
const CREDENTIAL = 3;
const INCARNATION = 4;
const SPENT = 5;
export const INCARNATION_BYTES = 8;
/** Groups in one question: a member that sends and receives is given two tokens for each. */
export const WANTED_MAX = 16;

const TOKENS = 1;
const SEALINGS = 2;
const BROKEN = 3;
const REVOKED = 4;
const TERMS = 5;
const NUMBERS = 6;
const HAND_OVER = 7;
const BRANCHES = 8;
const GONE = 9;
/** Of one group; the latest. */
export const GONE_MAX = 64;
/** 20 levels of some 30 bytes. */
const PATH_BYTES_MAX = 768;
/** Of one message; a hundred members of a group have one each. */
const NUMBERS_MAX = 128;

export function emitQuestion(question: KeysQuestion): Uint8Array {
  const { token, wanted, credential, incarnation } = question;
  const map = new Map<Cbor, Cbor>([
    [TOKEN, token],
    [WANTED, [...wanted]],
  ]);
  if (credential.length > 0) map.set(CREDENTIAL, credential);
  if (incarnation.length > 0) map.set(INCARNATION, incarnation);
  const { spent = [] } = question;
  if (spent.length > 0) {
    map.set(
      SPENT,
      spent.map(({ appGroup, keyId }) => [appGroup, keyId]),
    );
  }
  return encode(map);
}

/** Undefined for anything but what `emitQuestion` writes. */
export function parseQuestion(bytes: Uint8Array): KeysQuestion | undefined {
  const map = mapOf(bytes, SPENT);
  const token = bytesOf(map?.get(TOKEN), 1, TOKEN_BYTES_MAX);
  const wanted = map?.get(WANTED);
  if (map === undefined || token === undefined || !Array.isArray(wanted)) return undefined;
  const groups = wanted.filter((one): one is number => isUint(one, APP_GROUP_MAX));
  const isList = groups.length === wanted.length && groups.length <= WANTED_MAX;
  if (new Set(groups).size !== groups.length) return undefined; // check: wanted-once
  const hasCredential = map.has(CREDENTIAL);
  const credential = hasCredential
    ? bytesOf(map.get(CREDENTIAL), 1, CREDENTIAL_BYTES_MAX)
    : new Uint8Array(0);
  const incarnation = map.has(INCARNATION)
    ? bytesOf(map.get(INCARNATION), INCARNATION_BYTES, INCARNATION_BYTES)
    : new Uint8Array(0);
  if (!isList || credential === undefined || incarnation === undefined) return undefined;
  const asked = { token, wanted: groups, credential, incarnation };
  if (!map.has(SPENT)) return asked;
  const spent = listOf(map.get(SPENT), spentOf);
  return spent === undefined || spent.length === 0 ? undefined : { ...asked, spent };
}

function spentOf(item: Cbor): SpentKey | undefined {
  const [appGroup, id, ...more] = Array.isArray(item) ? item : [];
  const keyId = bytesOf(id, 1, ID_BYTES_MAX);
  if (!isUint(appGroup, APP_GROUP_MAX) || keyId === undefined) return undefined;
  return more.length > 0 ? undefined : { appGroup, keyId };
}

export function emitDelivery(delivery: KeyDelivery): Uint8Array {
  const map = new Map<Cbor, Cbor>();
  const set = (label: number, items: Cbor[]) => {
    if (items.length > 0) map.set(label, items);
  };
  set(TOKENS, [...delivery.tokens]);
  set(
    SEALINGS,
    delivery.sealings.map(({ securityGroup, kid, key }) => [securityGroup, kid, key]),
  );
  set(BROKEN, [...delivery.broken]);
  set(
    REVOKED,
    delivery.revoked.map(({ clientId, upTo, appGroup }) => {
      return appGroup === undefined ? [clientId, upTo] : [clientId, upTo, appGroup];
    }),
  );
  set(
    TERMS,
    delivery.terms.map(({ securityGroup, validitySeconds, messages }) => [
      securityGroup,
      validitySeconds ?? null,
      messages ?? null,
    ]),
  );
  set(
    NUMBERS,
    delivery.numbers.map(({ securityGroup, sender, next }) => [securityGroup, sender, next]),
  );
  if (delivery.handOver !== undefined) map.set(HAND_OVER, delivery.handOver);
  set(
    BRANCHES,
    (delivery.branches ?? []).map(({ securityGroup, epoch, path }) => [securityGroup, epoch, path]),
  );
  set(
    GONE,
    (delivery.gone ?? []).map(({ securityGroup, ids }) => [securityGroup, [...ids]]),
  );
  return encode(map);
}

/** Undefined for anything but what `emitDelivery` writes. */
export function parseDelivery(bytes: Uint8Array): KeyDelivery | undefined {
  const map = mapOf(bytes, GONE);
  if (map === undefined) return undefined;
  const tokens = listOf(map.get(TOKENS), (item) => bytesOf(item, 1, TOKEN_BYTES_MAX));
  const sealings = listOf(map.get(SEALINGS), sealingOf);
  const broken = listOf(map.get(BROKEN), (item) => bytesOf(item, 1, ID_BYTES_MAX));
  const revoked = listOf(map.get(REVOKED), revokedOf);
  const terms = listOf(map.get(TERMS), termsOf);
  const numbers = listOf(map.get(NUMBERS), numberOf, NUMBERS_MAX);
  if (!tokens || !sealings || !broken || !revoked || !terms || !numbers) return undefined;
  const branches = listOf(map.get(BRANCHES), branchOf);
  const gone = listOf(map.get(GONE), goneOf);
  if (branches === undefined || gone === undefined) return undefined;
  const told = { tokens, sealings, broken, revoked, terms, numbers };
  const delivery = {
    ...told,
    ...(branches.length === 0 ? {} : { branches }),
    ...(gone.length === 0 ? {} : { gone }),
  };
  if (!map.has(HAND_OVER)) return delivery;
  const handOver = bytesOf(map.get(HAND_OVER), 1, HAND_OVER_BYTES_MAX);
  return handOver && { ...delivery, handOver };
}

function branchOf(item: Cbor): Branch | undefined {
  if (!Array.isArray(item) || item.length !== 3) return undefined;
  const securityGroup = bytesOf(item[0], 1, ID_BYTES_MAX);
  const [, epoch] = item;
  const path = bytesOf(item[2], 1, PATH_BYTES_MAX);
  if (!isUint(epoch, 0xffffffff)) return undefined;
  return securityGroup && path && { securityGroup, epoch, path };
}

function goneOf(item: Cbor): GoneMembers | undefined {
  if (!Array.isArray(item) || item.length !== 2) return undefined;
  const securityGroup = bytesOf(item[0], 1, ID_BYTES_MAX);
  const ids = listOf(item[1], (id) => bytesOf(id, 0, ID_BYTES_MAX), GONE_MAX);
  return securityGroup && ids && { securityGroup, ids };
}

function sealingOf(item: Cbor): GroupSealing | undefined {
  if (!Array.isArray(item) || item.length !== 3) return undefined;
  const securityGroup = bytesOf(item[0], 1, ID_BYTES_MAX);
  const kid = bytesOf(item[1], 1, ID_BYTES_MAX);
  const key = bytesOf(item[2], SEALING_BYTES, SEALING_BYTES);
  return securityGroup && kid && key && { securityGroup, kid, key };
}

function revokedOf(item: Cbor): Revoked | undefined {
  if (!Array.isArray(item) || item.length < 2 || item.length > 3) return undefined;
  const clientId = bytesOf(item[0], 1, CLIENT_BYTES_MAX);
  const [, upTo, appGroup] = item;
  if (clientId === undefined || !isUint(upTo, Number.MAX_SAFE_INTEGER)) return undefined;
  if (item.length === 2) return { clientId, upTo };
  return isUint(appGroup, APP_GROUP_MAX) ? { clientId, upTo, appGroup } : undefined;
}

function numberOf(item: Cbor): NextNumber | undefined {
  if (!Array.isArray(item) || item.length !== 3) return undefined;
  const securityGroup = bytesOf(item[0], 1, ID_BYTES_MAX);
  const sender = bytesOf(item[1], 0, ID_BYTES_MAX);
  const next = item[2];
  if (!isUint(next, Number.MAX_SAFE_INTEGER)) return undefined;
  return securityGroup && sender && { securityGroup, sender, next };
}

function termsOf(item: Cbor): KeyTerms | undefined {
  if (!Array.isArray(item) || item.length !== 3) return undefined;
  const securityGroup = bytesOf(item[0], 1, ID_BYTES_MAX);
  const [, validity, messages] = item;
  if (!isTerm(validity) || !isTerm(messages) || securityGroup === undefined) return undefined;
  return {
    securityGroup,
    validitySeconds: validity ?? undefined,
    messages: messages ?? undefined,
  };
}

/** A map with labels from 1 to `last` alone. */
function mapOf(bytes: Uint8Array, last: number): Map<Cbor, Cbor> | undefined {
  const decoded = decode(bytes, LIMITS);
  if (!decoded.ok || !(decoded.value instanceof Map)) return undefined;
  const isKnown = [...decoded.value.keys()].every((label) => isUint(label, last) && label > 0);
  return isKnown ? decoded.value : undefined;
}

/** Undefined where an item is none; no items where there is no list. */
function listOf<T>(
  value: Cbor,
  parse: (item: Cbor) => T | undefined,
  most = DELIVERED_MAX,
): T[] | undefined {
  if (value === undefined) return [];
  if (!Array.isArray(value) || value.length > most) return undefined;
  const items: T[] = [];
  for (const item of value) {
    const parsed = parse(item);
    if (parsed === undefined) return undefined;
    items.push(parsed);
  }
  return items;
}

function bytesOf(value: Cbor, least: number, most: number): Uint8Array | undefined {
  if (!(value instanceof Uint8Array)) return undefined;
  return value.length >= least && value.length <= most ? value : undefined;
}

function isTerm(value: Cbor): value is number | null {
  return value === null || isUint(value, 0xfffffffe);
}

function isUint(value: Cbor, most: number): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= most;
}
