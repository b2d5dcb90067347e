/**
 * Key trees at the Group Manager (LKH, RFC 2627 §5.4): who comes and who goes changes the keys from
 * his leaf up to the root, and nothing else.
 *
 * A newcomer's path is renewed under the keys that stood there before, which he never had; the path
 * of one who goes is renewed under its siblings' keys, which he never had either. What has to be
 * sent is planned first, as pairs of a key and the key that it travels under, and sealed and signed
 * for one renewal of the group's key after that (modules/access/tree.ts). A node is in the ledger
 * while somebody is below it.
 */
import {
  groupKeyValue,
  LEVELS_MAX,
  type Renewed,
  TREE_KEY_BYTES,
  type TreeKey,
  treeKeyOf,
  treeKeyValue,
  treeMessages,
  wrapAad,
} from "../access/tree.js";
import { toHex } from "../bytes/hex.js";
import { uintBytes } from "../bytes/uint.js";
import { type Cbor, decode } from "../cbor/decode.js";
import { encode } from "../cbor/encode.js";
import { NONCE_BYTES, sealEnvelope } from "../cose/envelope.js";
import { AES_CCM_16_64_128 } from "../ports/crypto.js";
import type { Center } from "./center.js";
import type { Rows } from "./ledger.js";
import { draw, keyValue } from "./material.js";
import { groups, inGroup, keys, membersOf, nextOf, numberKey } from "./records.js";

/** A new key, and the one that it travels under. */
export interface Wrap {
  readonly under: TreeKey;
  readonly carries: TreeKey;
}

/** What a tree has of itself. */
interface Shape {
  readonly height: number;
  readonly members: number;
  /** No leaf is at this position or beyond. */
  readonly end: number;
}

const SHAPE = "shape";

/** The newcomer's path, the leaf first, and what the others have to hear. */
export interface Planted {
  readonly path: readonly TreeKey[];
  readonly wraps: readonly Wrap[];
}

/** Gives somebody a leaf. Throws an Error when he has one. */
export function plant(rows: Rows, center: Center, group: number, clientId: Uint8Array): Planted {
  if (leafOf(rows, group, clientId) !== undefined) {
    throw new Error(`${toHex(clientId)} is in the key tree of group ${group} already`);
  }
  const shape = shapeOf(rows, group);
  const position = freeLeaf(rows, group, shape);
  const end = Math.max(shape.end, position + 1);
  const height = heightFor(end);
  if (height > LEVELS_MAX) throw new Error(`the key tree of group ${group} is full`);
  rows.put("node", leafKey(group, clientId), encode(position));
  putShape(rows, group, {
    height: Math.max(height, shape.height),
    members: shape.members + 1,
    end,
  });
  const path = [renewNode(rows, center, group, { level: 0, position })];
  const wraps: Wrap[] = [];
  for (let level = 1; level <= Math.max(height, shape.height); level++) {
    const at = { level, position: Math.floor(position / 2 ** level) };
    const before = nodeAt(rows, group, at);
    // Where nobody was above those below, they get to know it under their own.
    const under = before ?? nodeAt(rows, group, siblingOf(level - 1, position));
    const carries = renewNode(rows, center, group, at);
    if (under !== undefined) wraps.push({ under, carries });
    path.push(carries);
  }
  return { path, wraps };
}

/**
 * Leaves for all who are in a group already. Nobody has anything of the tree yet: what comes next
 * goes to each alone, with his branch.
 */
export function grow(rows: Rows, center: Center, group: number): void {
  for (const { clientId } of membersOf(rows, group)) {
    if (leafOf(rows, group, clientId) === undefined) plant(rows, center, group, clientId);
  }
}

/** Takes somebody's leaf; what the others have to hear, from the leaves up. */
export function prune(rows: Rows, center: Center, group: number, clientId: Uint8Array): Wrap[] {
  const position = leafOf(rows, group, clientId);
  if (position === undefined) return [];
  const shape = shapeOf(rows, group);
  rows.delete("node", leafKey(group, clientId));
  rows.delete("node", nodeKey(group, { level: 0, position }));
  putShape(rows, group, { ...shape, members: shape.members - 1 });
  const wraps: Wrap[] = [];
  for (let level = 1; level <= shape.height; level++) {
    const at = { level, position: Math.floor(position / 2 ** level) };
    const below = [at.position * 2, at.position * 2 + 1]
      .map((child) => nodeAt(rows, group, { level: level - 1, position: child }))
      .filter((child): child is TreeKey => child !== undefined);
    if (below.length === 0) {
      rows.delete("node", nodeKey(group, at));
      continue;
    }
    const carries = renewNode(rows, center, group, at);
    for (const under of below) wraps.push({ under, carries });
  }
  return wraps;
}

/** The key that all members have; undefined of a group without a tree, or without members. */
export function rootOf(rows: Rows, group: number): TreeKey | undefined {
  const { height } = shapeOf(rows, group);
  return nodeAt(rows, group, { level: height, position: 0 });
}

/** Keys of a member, from the leaf up; undefined for one without a leaf. */
export function pathOf(rows: Rows, group: number, clientId: Uint8Array): TreeKey[] | undefined {
  const position = leafOf(rows, group, clientId);
  if (position === undefined) return undefined;
  const { height } = shapeOf(rows, group);
  const path: TreeKey[] = [];
  for (let level = 0; level <= height; level++) {
    const key = nodeAt(rows, group, { level, position: Math.floor(position / 2 ** level) });
    if (key !== undefined) path.push(key);
  }
  return path;
}

/**
 * The messages of one renewal: the tree's new keys, then the group's newest key under the root.
 * None where nobody is left to hear them.
 */
export function renewalMessages(
  rows: Rows,
  center: Center,
  group: number,
  wraps: readonly Wrap[],
): Uint8Array[] {
  const root = rootOf(rows, group);
  const { epoch, brokenBefore, kekNumber } = groups.need(rows, numberKey(group));
  if (root === undefined || epoch === 0) return [];
  const isBroken = brokenBefore === epoch;
  const renewed: Renewed = { securityGroup: uintBytes(group), epoch, isBroken };
  const sealed = wraps.map(({ under, carries }) => {
    return seal(center, renewed, under, encode(treeKeyValue(carries)));
  });
  const key = keys.need(rows, inGroup(group, epoch));
  const own = groupKeyValue(keyValue(key), uintBytes(kekNumber));
  sealed.push(seal(center, renewed, root, encode(own)));
  const { crypto, voucher, kid } = center;
  return treeMessages(crypto, { renewed, wraps: sealed, voucher, kid });
}

function seal(
  { crypto, random }: Center,
  renewed: Renewed,
  under: TreeKey,
  plain: Uint8Array,
): Cbor {
  const key = crypto.aeadKey(AES_CCM_16_64_128, under.key.slice());
  return sealEnvelope({
    under: { kid: under.name, key },
    nonce: draw(random, NONCE_BYTES),
    plain,
    externalAad: wrapAad(renewed),
  });
}

/** The newest renewal's messages, until the next one: to be said to the group, more than once. */
export function keepMessages(rows: Rows, group: number, messages: readonly Uint8Array[]): void {
  for (const key of rows.keys("node", sayKey(group))) rows.delete("node", key);
  messages.forEach((message, at) => {
    rows.put("node", `${sayKey(group)}${numberKey(at)}`, message);
  });
}

export function messagesOf(rows: Rows, group: number): Uint8Array[] {
  const all = rows.keys("node", sayKey(group)).map((key) => rows.get("node", key));
  return all.filter((message): message is Uint8Array => message !== undefined);
}

interface Place {
  readonly level: number;
  readonly position: number;
}

function siblingOf(level: number, leaf: number): Place {
  const position = Math.floor(leaf / 2 ** level);
  return { level, position: position % 2 === 0 ? position + 1 : position - 1 };
}

/** Levels above the leaves that so many of them need. */
function heightFor(leaves: number): number {
  let height = 0;
  while (2 ** height < leaves) height++;
  return height;
}

/** The first that is free, so that a tree does not grow by coming and going. */
function freeLeaf(rows: Rows, group: number, { members, end }: Shape): number {
  if (members === end) return end;
  for (let position = 0; position < end; position++) {
    if (rows.get("node", nodeKey(group, { level: 0, position })) === undefined) return position;
  }
  return end;
}

function leafOf(rows: Rows, group: number, clientId: Uint8Array): number | undefined {
  const value = rows.get("node", leafKey(group, clientId));
  const decoded = value && decode(value);
  return decoded?.ok === true ? (decoded.value as number) : undefined;
}

function nodeAt(rows: Rows, group: number, place: Place): TreeKey | undefined {
  const name = nodeKey(group, place);
  const value = rows.get("node", name);
  if (value === undefined) return undefined;
  const decoded = decode(value);
  const key = decoded.ok ? treeKeyOf(decoded.value) : undefined;
  if (key === undefined) throw new Error(`ledger: node ${name} does not parse; restore a backup`);
  return key;
}

function renewNode(rows: Rows, center: Center, group: number, place: Place): TreeKey {
  const key = draw(center.random, TREE_KEY_BYTES);
  const made: TreeKey = { ...place, name: uintBytes(nextOf(rows, "kek")), key };
  rows.put("node", nodeKey(group, place), encode(treeKeyValue(made)));
  return made;
}

function shapeOf(rows: Rows, group: number): Shape {
  const value = rows.get("node", shapeKey(group));
  const decoded = value && decode(value);
  const items = decoded?.ok === true && Array.isArray(decoded.value) ? decoded.value : [0, 0, 0];
  const [height, members, end] = items as number[];
  return { height, members, end };
}

function putShape(rows: Rows, group: number, { height, members, end }: Shape): void {
  rows.put("node", shapeKey(group), encode([height, members, end]));
}

function shapeKey(group: number): string {
  return `${numberKey(group)}/${SHAPE}`;
}

function sayKey(group: number): string {
  return `${numberKey(group)}/say/`;
}

function leafKey(group: number, clientId: Uint8Array): string {
  return `${numberKey(group)}/leaf/${toHex(clientId)}`;
}

function nodeKey(group: number, { level, position }: Place): string {
  return `${numberKey(group)}/${`${level}`.padStart(2, "0")}/${numberKey(position)}`;
}
