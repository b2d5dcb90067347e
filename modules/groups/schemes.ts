/**
 * What groups need whose scheme has a key for each member: every scheme but `lowlatency`.
 *
 * A device in groups of `lowlatency` alone has none of this, neither in memory nor, where the build
 * leaves those schemes out, in its image: `Groups.schemes` is undefined there, and what a message
 * without Application-Group-Id comes to is decided without it.
 */
import { Id64 } from "../bytes/id64.js";
import type { Outcome, Proof } from "../bytes/outcome.js";
import type { Exchange } from "../coap/exchange.js";
import { Sequence } from "../oscore/sequence.js";
import type { Crypto } from "../ports/crypto.js";
import type { Endpoint } from "../ports/datagram.js";
import type { Member, RequestBinding, Signed } from "../profiles/profile.js";
import type { Store } from "../store/store.js";
import { Chains } from "./chains.js";
import { Contexts } from "./contexts.js";
import type { AppGroup, Association } from "./directory.js";
import { Heard } from "./heard.js";
import { Members } from "./members.js";
import type { Outgoing, Sealed } from "./outgoing.js";
import type { Stranger, Strangers } from "./repository.js";
import type { Synchronisation, Verdict } from "./synchronise.js";
import type { Unverified } from "./unverified.js";

const BY_GROUP: Proof = Object.freeze({ by: "group" });
/** Of a scheme that keeps no context for a member. */
export const NO_CONTEXT = Object.freeze({});

/** A request of ours that an answer is held against. */
export interface Awaited {
  readonly request: RequestBinding;
  /** The key it was sent under. */
  readonly association: Association;
  readonly heard: Heard;
}

/** A request of somebody's that was accepted, as its answers need it. */
export interface Taken extends RequestBinding {
  readonly association: Association;
  /** Whom to answer in pairwise mode; in group mode undefined. */
  readonly asker: Uint8Array | undefined;
  /** An answer used its number already. */
  isAnswered: boolean;
}

/** What this device said to a group last; what it was is the device's to know. */
export interface LastCommand {
  readonly appGroup: AppGroup;
  readonly payload: Uint8Array;
  readonly atMicros: number;
}

/** Where a message came from, and whose it was found to be. */
export interface Claimed {
  readonly appGroup: AppGroup;
  readonly from: Endpoint;
}

export class Schemes {
  readonly crypto: Crypto;
  readonly members: Members;
  readonly contexts = new Contexts();
  /** Of the message being read, as `Arriving`: what it was shown to prove. */
  proof: Proof = BY_GROUP;
  /** Who sent it: his id in the group. */
  sender: Uint8Array = new Uint8Array(0);
  /** Of an answer: which request of ours it was held against. */
  answered: Awaited | undefined = undefined;
  /** The request that was accepted last. */
  taken: Taken | undefined = undefined;
  /** Makes `taken` of a request whose answers nobody was sure of wanting. */
  take: (() => Taken | undefined) | undefined = undefined;
  /** Whether it may be obeyed, as far as its sender's numbers tell. */
  verdict: Verdict = "fresh";
  /** Who sent a message that could not be opened for want of his key. */
  stranger: Stranger | undefined = undefined;
  /** Where the sender's row in `Recipients` is filed: his id, or what stands for a long one. */
  readonly filedAs = new Id64();
  /** Block-wise bodies under way (`oscoap-00`). */
  chains: Pick<Chains, keyof Chains> = new Chains();

  // Of groups with a policy (policy.ts); a device in none has none of it.
  unverified: Unverified | undefined = undefined;
  synchronisation: Synchronisation | undefined = undefined;
  strangers: Strangers | undefined = undefined;
  /** Asks the Group Manager who somebody is, where there is one. */
  inquire: ((stranger: Stranger, found: () => void) => void) | undefined = undefined;
  /** How many secrets this device agrees on with whom it does not know yet. */
  agreements: { take(): boolean } | undefined = undefined;
  /** Commands of ours that may be challenged, and the last one of all. */
  readonly awaitsChallenges: Exchange<unknown>[] = [];
  last: LastCommand | undefined = undefined;

  /** Whether an answer in a record is one to a request of ours: the device's to know. */
  isAsked: (arriving: Claimed, datagram: Uint8Array) => boolean = () => false;
  /** Protects a message of such a group: `sealUnder` (protect.ts), handed in. */
  seal: (outgoing: Outgoing) => Outcome<Sealed>;
  readonly store: Store;
  readonly #counters: { association: Association; sequence: Sequence }[] = [];

  constructor(parts: {
    crypto: Crypto;
    store: Store;
    seal: (outgoing: Outgoing) => Outcome<Sealed>;
  }) {
    this.crypto = parts.crypto;
    this.members = new Members(parts.store, parts.crypto);
    this.seal = parts.seal;
    this.store = parts.store;
  }

  /** What answers to a request of ours are held against. */
  awaiting({ binding: request, association }: Sealed): Awaited | undefined {
    // Of `lowlatency`, rows in `Recipients` tell answers apart.
    if (association.security.profile.namesGroup === true) return undefined;
    return { request, association, heard: new Heard() };
  }

  /** Our numbers under a key; taken up from flash when the first is needed. */
  counter(association: Association): Sequence {
    const counters = this.#counters;
    const known = counters.find((one) => one.association === association);
    if (known !== undefined) return known.sequence;
    const sequence = new Sequence(this.store, association.index + 1);
    counters.push({ association, sequence });
    return sequence;
  }

  /** Whether a signature is its member's. */
  isGenuine(signed: Signed): boolean {
    return this.crypto.signatures?.verify(signed) === true;
  }

  /** A key is gone, and its place may be another's: nothing derived from it is kept. */
  forget(association: Association): void {
    // Before the rest: it takes the key to verify what waits for that.
    this.unverified?.forget(association);
    this.synchronisation?.forget(association);
    this.chains.forget(association);
    const at = this.#counters.findIndex((one) => one.association === association);
    if (at >= 0) this.#counters.splice(at, 1); // check: counter-forgotten
    const peers = this.contexts.forget(association);
    association.security.profile.wipe?.(association, peers); // check: key-material-wiped
    if (this.taken?.association === association) this.taken = undefined;
    if (this.answered?.association === association) this.answered = undefined;
    if (this.stranger?.association === association) this.stranger = undefined;
  }

  /** How many keys have their counter at hand. */
  get counted(): number {
    return this.#counters.length;
  }

  /** Derived for this message, or at hand; undefined for a stranger. */
  contextOf(association: Association, id: Uint8Array, entry?: Member): unknown {
    const { security, peerId } = association;
    const { profile } = security;
    if (profile.peer === undefined) return NO_CONTEXT;
    const member =
      entry ??
      (peerId === undefined
        ? this.members.find(security.id, id, 0, id.length)
        : { id: peerId, credential: new Uint8Array(0) });
    return member && profile.peer(this.crypto, association, member);
  }

  /**
   * What a sender's row is filed under, in 1 to 8 bytes. Two ids longer than that whose digests
   * agree would share a window: then a message too many is refused, never one too many accepted.
   */
  fileOf(id: Uint8Array): Uint8Array {
    return id.length <= FILED_BYTES ? id : this.crypto.sha256(id).subarray(0, FILED_BYTES);
  }
}

const FILED_BYTES = 8;
