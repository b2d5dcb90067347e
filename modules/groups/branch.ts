/**
 * A member's branch of a key tree (modules/access/tree.ts), from its leaf up to the root: kept in
 * flash, and changed by what the Group Manager says to everybody at once when somebody comes or
 * goes. One eviction is a few messages for a hundred members, and each takes from them what is its.
 *
 * The branch comes with keys, from `/keys` or by push. First the group's new key is in flash, then
 * the branch: a cut in between leaves one that is too old, and the same messages mend it. Who
 * missed one of them asks for keys, and has the newest branch with them.
 */
import type { Branch } from "../access/delivery.js";
import {
  type GroupRenewal,
  type TreeKey,
  TreeMember,
  treeKeyOf,
  treeKeyValue,
} from "../access/tree.js";
import { readUint } from "../bytes/uint.js";
import { type Cbor, decode } from "../cbor/decode.js";
import { encode } from "../cbor/encode.js";
import type { Anchor } from "../cose/vouched.js";
import type { Clock } from "../ports/clock.js";
import type { Crypto } from "../ports/crypto.js";
import { indexOf, KIND, key } from "../store/keys.js";
import type { Store } from "../store/store.js";

/** Messages of one renewal come within that; who has not got all by then missed one. */
const MISSED_MICROS = 5_000_000;
const LIMITS = { depthMax: 3, itemsMax: 128 };
const ID_BYTES_MAX = 4;

export interface BranchParts {
  readonly store: Pick<Store, "get" | "put" | "keys">;
  readonly crypto: Crypto;
  readonly clock: Clock;
  /** Of the Group Manager's signatures. */
  readonly anchor: () => Anchor | undefined;
  /** Takes a group's new keys, and ends those before it; true when that is in flash. */
  readonly install: (securityGroup: Uint8Array, renewal: GroupRenewal) => boolean;
  /** A renewal was not heard whole. */
  readonly missed: () => void;
}

export class Branches {
  readonly #parts: BranchParts;
  /** By security group; made of flash when the first message comes. */
  readonly #members = new Map<number, TreeMember>();
  #isWaiting = false;
  #isEmpty: boolean;

  constructor(parts: BranchParts) {
    this.#parts = parts;
    this.#isEmpty = parts.store.keys(KIND.BRANCH).length === 0;
  }

  get isEmpty(): boolean {
    return this.#isEmpty;
  }

  /** One that came with keys; false when flash refuses. An older one changes nothing. */
  keep({ securityGroup, epoch, path }: Branch): boolean {
    if (securityGroup.length > ID_BYTES_MAX || pathOf(path) === undefined) return true;
    const id = readUint(securityGroup);
    const known = this.#load(id);
    const isOld = known !== undefined && known.epoch > epoch;
    if (isOld) return true; // check: branch-newest
    this.#members.delete(id);
    return this.#put(id, securityGroup, epoch, path);
  }

  /** Whether it may tell us something; its signature is not verified for that. */
  isNews(message: Uint8Array): boolean {
    const stored = this.#parts.store.keys(KIND.BRANCH);
    return stored.some((one) => this.#memberOf(indexOf(one))?.isNews(message) === true);
  }

  /** A message to everybody; true when a group of ours has a new key by it. */
  take(message: Uint8Array): boolean {
    for (const stored of this.#parts.store.keys(KIND.BRANCH)) {
      const id = indexOf(stored);
      const member = this.#memberOf(id);
      const outcome = member?.accept(message);
      if (member === undefined || outcome === undefined) continue;
      if (outcome.what === "waiting") {
        this.#wait();
        return false;
      }
      if (outcome.what !== "renewed") continue;
      this.#renewed(id, member, outcome);
      return true;
    }
    return false;
  }

  #renewed(id: number, member: TreeMember, renewal: GroupRenewal): void {
    const securityGroup = this.#load(id)?.securityGroup ?? new Uint8Array(0);
    const path = encode(member.path.map(treeKeyValue));
    const isInstalled = this.#parts.install(securityGroup, renewal);
    const isDone = isInstalled && this.#put(id, securityGroup, member.epoch, path);
    this.#isWaiting = false;
    if (isDone) return;
    // As flash has it: the same messages once more, or all of it anew.
    this.#members.delete(id);
    this.#parts.missed();
  }

  #wait(): void {
    if (this.#isWaiting) return;
    this.#isWaiting = true;
    const { clock, missed } = this.#parts;
    clock.after(MISSED_MICROS, () => {
      if (!this.#isWaiting) return;
      this.#isWaiting = false;
      missed();
    });
  }

  #memberOf(id: number): TreeMember | undefined {
    const known = this.#members.get(id);
    if (known !== undefined) return known;
    const { crypto, anchor: anchorOf } = this.#parts;
    const stored = this.#load(id);
    const [anchor, path] = [anchorOf(), stored && pathOf(stored.path)];
    if (anchor === undefined || stored === undefined || path === undefined) return undefined;
    const { securityGroup, epoch } = stored;
    const member = new TreeMember(crypto, { securityGroup, anchor, path, epoch });
    this.#members.set(id, member);
    return member;
  }

  #load(id: number): Branch | undefined {
    const record = this.#parts.store.get(key(KIND.BRANCH, id));
    const decoded = record && decode(record, LIMITS);
    const items = decoded?.ok === true && Array.isArray(decoded.value) ? decoded.value : [];
    const [securityGroup, epoch, path] = items;
    if (!(securityGroup instanceof Uint8Array) || !(path instanceof Uint8Array)) return undefined;
    return typeof epoch === "number" ? { securityGroup, epoch, path } : undefined;
  }

  #put(id: number, securityGroup: Uint8Array, epoch: number, path: Uint8Array): boolean {
    const record = encode([securityGroup, epoch, path]);
    this.#isEmpty = false;
    return this.#parts.store.put(key(KIND.BRANCH, id), record);
  }
}

function pathOf(bytes: Uint8Array): TreeKey[] | undefined {
  const decoded = decode(bytes, LIMITS);
  const items: readonly Cbor[] =
    decoded.ok && Array.isArray(decoded.value) ? (decoded.value as readonly Cbor[]) : [];
  const path = items.map(treeKeyOf);
  const isWhole = path.length > 0 && path[0]?.level === 0 && !path.includes(undefined);
  return isWhole ? (path as TreeKey[]) : undefined;
}
