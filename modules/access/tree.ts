/**
 * A key tree as its members see it (RFC 2627 §5.4): what a Group Manager says to all of them at
 * once when a group's key is renewed, and how one of them gets at it.
 *
 * Keys are at the nodes of a binary tree, members are its leaves, and each has the keys from its
 * leaf up to the root. New keys travel under keys that the one who was put out never had, so a
 * renewal costs as many messages as the tree is high. The messages are heard by everybody, and
 * under keys that several have: that they are the Group Manager's, only his signature shows
 * (RFC 9594 §6.2.1; here a COSE_Sign1 around the whole).
 *
 *     message = COSE_Sign1([security group, epoch, number, of, [COSE_Encrypt0, ...], broken])
 *     key     = [level, position, name, key]     or the group's own: [COSE_Key, name of the
 *               sealing key], under the root's
 *
 * `broken`: the keys before are in the wrong hands and have no grace (draft-somaraju §5.5). The
 * name of the key that it is under is the COSE_Encrypt0's kid. Whoever missed one of the
 * messages asks the Group Manager for all of it.
 *
 * The sealing key, under which tokens are shown to the group's receivers, is new with each of
 * the group's (WIRE.md). It is not said but derived, from the root's key and the epoch: the root
 * is new whenever somebody comes or goes, so who was put out knows it no more than what is said
 * under it, and a newcomer cannot go back behind his own first epoch. Rejected: a key of chance
 * beside the group's (16 bytes more, often one frame more of the message that all need), and one
 * derived from the group's key (it would open what brings that key to whoever has it already, and
 * to nobody else). Its name is told, for names count up over all of a Group Manager's keys. The
 * ledger keeps it as it keeps a drawn one: who asks, or is pushed it, has the same under the same
 * name.
 */

import { equalBytes } from "../bytes/equal.js";
import { toHex } from "../bytes/hex.js";
import { type Cbor, decode } from "../cbor/decode.js";
import { encode } from "../cbor/encode.js";
import { envelopeKeyId, openEnvelope } from "../cose/envelope.js";
import { type Anchor, isVouched, type Voucher, vouch, vouchedOf } from "../cose/vouched.js";
import { AES_CCM_16_64_128, type Crypto } from "../ports/crypto.js";

export const TREE_KEY_BYTES = 16;
export const SEALING_KEY_BYTES = 16;
/** 2^20 leaves. */
export const LEVELS_MAX = 20;
/** A key in a message of this many: two make some 250 bytes. */
export const WRAPS_MAX = 2;
/** Messages of one renewal, and a bound for what a member keeps of one. */
const MESSAGES_MAX = LEVELS_MAX + 2;
const NAME_BYTES_MAX = 8;
const LIMITS = { depthMax: 6, itemsMax: 96 };

/** Where a key is in the tree: leaves are level 0, a node's children 2p and 2p + 1. */
export interface TreeKey {
  readonly level: number;
  readonly position: number;
  /** Unlike that of every other key of the Group Manager. */
  readonly name: Uint8Array;
  readonly key: Uint8Array;
}

export function treeKeyValue({ level, position, name, key }: TreeKey): Cbor {
  return [level, position, name, key];
}

export function treeKeyOf(value: Cbor): TreeKey | undefined {
  if (!Array.isArray(value) || value.length !== 4) return undefined;
  const [level, position, name, key] = value;
  if (!isUint(level, LEVELS_MAX) || !isUint(position, 2 ** LEVELS_MAX)) return undefined;
  if (!(name instanceof Uint8Array) || !(key instanceof Uint8Array)) return undefined;
  const isName = name.length > 0 && name.length <= NAME_BYTES_MAX;
  return isName && key.length === TREE_KEY_BYTES ? { level, position, name, key } : undefined;
}

/** What all messages of one renewal have in common. */
export interface Renewed {
  readonly securityGroup: Uint8Array;
  /** Of the group's key that they bring. */
  readonly epoch: number;
  /** Nothing under an older key counts any more. */
  readonly isBroken: boolean;
}

export function wrapAad({
  securityGroup,
  epoch,
}: Pick<Renewed, "securityGroup" | "epoch">): Uint8Array {
  return encode([securityGroup, epoch]);
}

/** What a group's tokens are sealed under from this epoch on, by the root that it comes under. */
export function sealingKeyOf(
  crypto: Pick<Crypto, "hkdf">,
  { securityGroup, epoch }: Pick<Renewed, "securityGroup" | "epoch">,
  root: Uint8Array,
): Uint8Array {
  return crypto.hkdf({
    salt: new Uint8Array(0),
    secret: root,
    // The root's key is one of AES-CCM, too: nothing else of it has this label.
    info: encode(["tree sealing", securityGroup, epoch, SEALING_KEY_BYTES]),
    length: SEALING_KEY_BYTES,
  });
}

/** Signed messages, with up to `WRAPS_MAX` keys each. */
export function treeMessages(
  crypto: Pick<Crypto, "hmac">,
  input: { renewed: Renewed; wraps: readonly Cbor[]; voucher: Voucher; kid: Uint8Array },
): Uint8Array[] {
  const { renewed, wraps, voucher, kid } = input;
  const of = Math.ceil(wraps.length / WRAPS_MAX);
  const messages: Uint8Array[] = [];
  for (let number = 0; number < of; number++) {
    const some = wraps.slice(number * WRAPS_MAX, (number + 1) * WRAPS_MAX);
    const { securityGroup, epoch, isBroken } = renewed;
    const payload = encode([securityGroup, epoch, number, of, some, isBroken]);
    messages.push(encode(vouch(crypto, { voucher, kid, payload })));
  }
  return messages;
}

/** What became of a message, by name. */
export type TreeOutcome =
  | { readonly what: "malformed" | "forged" | "other" | "older" | "again" }
  /** It was taken, or there was nothing in it for us; more are to come. */
  | { readonly what: "waiting" }
  | ({ readonly what: "renewed"; readonly epoch: number } & GroupRenewal);

/** What a renewal comes to. */
export interface GroupRenewal {
  /** The group's new key, a COSE_Key map in CBOR. */
  readonly key: Uint8Array;
  readonly isBroken: boolean;
  /** What tokens are sealed under from now on, and its name. */
  readonly sealing: { readonly kid: Uint8Array; readonly key: Uint8Array };
}

/** One member's keys of one group's tree. */
export class TreeMember {
  readonly #crypto: Crypto;
  readonly #securityGroup: Uint8Array;
  readonly #anchor: Anchor;
  readonly #leaf: number;
  /** By name in hex. */
  #keys: Map<string, TreeKey>;
  #epoch: number;
  /** Keys of a renewal that is not complete; nothing of it counts before the group's key came. */
  #coming: { epoch: number; keys: Map<string, TreeKey>; left: Map<number, readonly Cbor[]> };

  /** `path`: from the leaf up to the root, as the Group Manager gave it when we joined. */
  constructor(
    crypto: Crypto,
    input: { securityGroup: Uint8Array; anchor: Anchor; path: readonly TreeKey[]; epoch: number },
  ) {
    this.#crypto = crypto;
    this.#securityGroup = input.securityGroup;
    this.#anchor = input.anchor;
    this.#leaf = input.path[0].position;
    this.#keys = new Map(input.path.map((key) => [toHex(key.name), key]));
    this.#epoch = input.epoch;
    this.#coming = { epoch: 0, keys: new Map(), left: new Map() };
  }

  get epoch(): number {
    return this.#epoch;
  }

  /** Keys that it has, the leaf first: to be kept in flash. */
  get path(): readonly TreeKey[] {
    return [...this.#keys.values()].sort((a, b) => a.level - b.level);
  }

  /** Whether it says what we have not got; nobody's signature is verified for that. */
  isNews(message: Uint8Array): boolean {
    const read = this.#read(message);
    return "said" in read;
  }

  accept(message: Uint8Array): TreeOutcome {
    const read = this.#read(message);
    if (!("said" in read)) return read;
    const { said, vouched } = read;
    // Every member has these keys: only the signature tells the Group Manager from one of them.
    const isSigned = isVouched(this.#crypto, vouched, this.#anchor);
    if (!isSigned) return { what: "forged" }; // check: tree-signed
    if (said.epoch > this.#coming.epoch) {
      this.#coming = { epoch: said.epoch, keys: new Map(this.#keys), left: new Map() };
    }
    this.#coming.left.set(said.number, said.wraps);
    return this.#advance(said);
  }

  /** What it says, unverified, or why that is nothing to us. */
  #read(message: Uint8Array): { said: Said; vouched: Vouched } | TreeOutcome {
    const decoded = decode(message, LIMITS);
    const vouched = decoded.ok ? vouchedOf(decoded.value) : undefined;
    const said = vouched && saidOf(vouched.object.content);
    if (vouched === undefined || said === undefined) return { what: "malformed" };
    const isOurs = equalBytes(said.securityGroup, this.#securityGroup);
    if (!isOurs) return { what: "other" }; // check: tree-group
    if (said.epoch <= this.#epoch) return { what: "older" }; // check: tree-older
    const { epoch, left } = this.#coming;
    if (said.epoch < epoch) return { what: "older" }; // check: tree-coming
    // It is said more than once.
    const isKnown = said.epoch === epoch && left.has(said.number);
    return isKnown ? { what: "again" } : { said, vouched };
  }

  /** Opens whatever can be opened by now: messages come in any order. */
  #advance(renewed: Renewed): TreeOutcome {
    const { keys, left } = this.#coming;
    let found = true;
    while (found) {
      found = false;
      for (const [number, wraps] of left) {
        const closed: Cbor[] = [];
        for (const wrap of wraps) {
          const opened = this.#open(wrap, renewed);
          if (opened === undefined) {
            closed.push(wrap);
            continue;
          }
          found = true;
          const [plain, root] = opened;
          const group = groupKeyOf(plain);
          if (group !== undefined) return this.#complete(renewed, group, root);
          const key = treeKeyOf(plain);
          if (key === undefined) continue;
          // A key for others is of no use here, whoever let us have it.
          const isOnPath = Math.floor(this.#leaf / 2 ** key.level) === key.position;
          if (isOnPath) keys.set(toHex(key.name), key); // check: tree-path
        }
        left.set(number, closed);
      }
    }
    return { what: "waiting" };
  }

  /** What is inside, and the key that it was under. */
  #open(wrap: Cbor, renewed: Renewed): readonly [Cbor, Uint8Array] | undefined {
    const kid = envelopeKeyId(wrap);
    const under = kid && this.#coming.keys.get(toHex(kid));
    if (under === undefined) return undefined;
    const key = this.#crypto.aeadKey(AES_CCM_16_64_128, under.key.slice());
    const plain = openEnvelope(wrap, { key, externalAad: wrapAad(renewed) });
    return plain && [decodedOf(plain), under.key];
  }

  /** The old keys of the path are of no use to anybody. */
  #complete(renewed: Renewed, { key, sealingName: kid }: GroupKey, root: Uint8Array): TreeOutcome {
    const { epoch, keys } = this.#coming;
    const { isBroken } = renewed;
    const newest = new Map<number, TreeKey>();
    for (const one of keys.values()) newest.set(one.level, one);
    this.#keys = new Map([...newest.values()].map((one) => [toHex(one.name), one]));
    this.#epoch = epoch;
    this.#coming = { epoch: 0, keys: new Map(), left: new Map() };
    const sealing = { kid, key: sealingKeyOf(this.#crypto, renewed, root) };
    return { what: "renewed", epoch, key, isBroken, sealing };
  }
}

/** The group's own, as it is under the root's. */
interface GroupKey {
  readonly key: Uint8Array;
  readonly sealingName: Uint8Array;
}

/** `key`: a COSE_Key. */
export function groupKeyValue(key: Cbor, sealingName: Uint8Array): Cbor {
  return [key, sealingName];
}

function groupKeyOf(value: Cbor): GroupKey | undefined {
  if (!Array.isArray(value) || value.length !== 2) return undefined;
  const [key, sealingName] = value;
  if (!(key instanceof Map) || !(sealingName instanceof Uint8Array)) return undefined;
  const isName = sealingName.length > 0 && sealingName.length <= NAME_BYTES_MAX;
  return isName ? { key: encode(key), sealingName } : undefined;
}

type Vouched = NonNullable<ReturnType<typeof vouchedOf>>;

function decodedOf(bytes: Uint8Array): Cbor {
  const decoded = decode(bytes);
  return decoded.ok ? decoded.value : undefined;
}

interface Said extends Renewed {
  readonly number: number;
  readonly wraps: readonly Cbor[];
}

function saidOf(payload: Uint8Array): Said | undefined {
  const items = decodedOf(payload);
  if (!Array.isArray(items) || items.length !== 6) return undefined;
  const [securityGroup, epoch, number, of, wraps, isBroken] = items;
  if (!(securityGroup instanceof Uint8Array) || !isUint(epoch, 0xffffffff)) return undefined;
  if (!isUint(of, MESSAGES_MAX) || !isUint(number, of - 1)) return undefined;
  if (!Array.isArray(wraps) || wraps.length > WRAPS_MAX) return undefined;
  if (typeof isBroken !== "boolean") return undefined;
  return { securityGroup, epoch, number, wraps, isBroken };
}

function isUint(value: Cbor, most: number): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= most;
}
