/**
 * Requests that were acted on before anybody looked at their signature.
 *
 * PROBLEM. To verify a signature costs a hundred times as much as all the rest; with it a lamp
 * without hardware for it is late (draft-ietf-core-oscore-groupcomm-02 Appendix F). Without it any
 * member can pose as any other, and take away the numbers his next messages need.
 *
 * REJECTED. Never to verify: nobody would ever notice. To verify later and leave it at that: the
 * forger's number would stay the newest, and what it claims to be older than would be refused.
 *
 * CHOICE. What was acted on unverified is kept, a few at most, until it is verified: in `defer`
 * when 0.1 s went by without another, in `changes` when it matters, which is when a message comes
 * that it would overtake. Its proof is the group's until then.
 *   - Only numbers up to a window beyond the last verified one are taken unverified: so every
 *     number of the member himself is still in his window, whatever somebody else made up.
 *   - Who has verified nothing since the start, or when there is no room, is verified first.
 *   - One forgery, and for an hour everything is verified first: somebody in the group cheats.
 * What a forged command did stays done; it was at most level 2.
 */
import type { Recipients } from "../oscore/recipients.js";
import type { Clock } from "../ports/clock.js";
import type { Inner, Signed } from "../profiles/profile.js";
import type { Association } from "./directory.js";

export const UNVERIFIED_MAX = 8;
/** Most requests; larger ones get a copy of their own. */
const COPY_BYTES = 192;
const LULL_MICROS = 100_000;
/** Between two signatures: what waits is heard. */
const PAUSE_MICROS = 20_000;
const SUSPENDED_MICROS = 3_600_000_000;

/** Where a message stands in its sender's numbers. */
export interface Place {
  readonly association: Association;
  /** In `Recipients`; -1 of a stranger. */
  readonly row: number;
  readonly sequence: number;
}

/** A message as it arrived, and its sender's context. */
export interface Unread extends Place {
  /** In its first `size` bytes. */
  readonly datagram: Uint8Array;
  readonly size: number;
  readonly peer: unknown;
}

type KeptUnread = Unread & { readonly signed: undefined };
type Kept = (Place & { readonly signed: Signed }) | KeptUnread;
type Mutable<T> = { -readonly [field in keyof T]: T[field] };

/** The last number of a row that was verified, and under which key: rows are used again. */
interface Verified {
  readonly association: Association;
  readonly number: number;
}

export interface UnverifiedParts {
  /** Says whether a signature is its member's. */
  readonly isGenuine: (signed: Signed) => boolean;
  readonly clock: Clock;
  readonly recipients: Recipients;
  /** Told of each when it is acted on, and again when it was verified at last. */
  readonly tell: (what: "unverified" | "verified" | "forged") => void;
  /** Whether a request would change anything here. */
  readonly changes: (inner: Inner) => boolean;
}

export class Unverified {
  /** What `keepUnread` needs (intake-member.ts). */
  read: ((unread: Unread) => Signed | undefined) | undefined = undefined;
  readonly #parts: UnverifiedParts;
  readonly #kept: Kept[] = [];
  /** By row. */
  readonly #verified = new Map<number, Verified>();
  #lastMicros = 0;
  /** 0: nobody cheated yet. */
  #suspendedMicros = 0;
  #isWaiting = false;
  /** To be used again: to make one takes as long as opening a message. */
  readonly #spare: Mutable<KeptUnread>[] = [];
  readonly #onLull = () => this.#idle();

  constructor(parts: UnverifiedParts) {
    this.#parts = parts;
  }

  get count(): number {
    return this.#kept.length;
  }

  /**
   * Whether this request, which is genuinely the group's, may be acted on before its signature is
   * verified; those that would overtake it are verified now.
   */
  mayWait(place: Place, inner: Inner): boolean {
    if (this.#kept.length > 0) this.#settleAbove(place);
    // Property by property: on the way to a lamp it takes half as long.
    const association = place.association;
    const security = association.security;
    const way = security.policy?.signatures ?? "always";
    if (way === "always") return false; // check: unverified-policy
    const verified = this.#verified.get(place.row);
    if (verified?.association !== association) return false; // check: unverified-first
    const most = (verified?.number ?? 0) + security.profile.window;
    if (place.sequence > most) return false; // check: unverified-window
    const parts = this.#parts;
    const until = this.#suspendedMicros;
    const isSuspended = until > 0 && parts.clock.micros() < until;
    if (isSuspended) return false; // check: unverified-suspended
    if (way === "changes" && parts.changes(inner)) return false; // check: unverified-changes
    const isFull = this.#kept.length >= UNVERIFIED_MAX;
    if (isFull && this.#replaceable(place) < 0) return false; // check: unverified-max
    return true;
  }

  /** A message that was marked and is about to be acted on. Copies what it needs. */
  keep(place: Place, { data, signature, publicKey }: Signed): void {
    const signed = { data: data.slice(), signature: signature.slice(), publicKey };
    this.#add({ ...place, signed });
  }

  /** The same, of what `read` makes its signature of when that is wanted. Copies the datagram. */
  keepUnread(place: Place, bytes: Uint8Array, peer: unknown): void {
    const kept = this.#spare.pop() ?? emptyOf(place);
    const size = bytes.length;
    kept.association = place.association;
    kept.row = place.row;
    kept.sequence = place.sequence;
    kept.peer = peer;
    kept.size = size;
    if (size > kept.datagram.length) kept.datagram = bytes.slice();
    else kept.datagram.set(bytes);
    this.#add(kept);
  }

  #add(kept: Kept): void {
    const parts = this.#parts;
    const isDeferred = kept.association.security.policy?.signatures === "defer";
    const at = isDeferred ? -1 : this.#replaceable(kept);
    if (at >= 0) this.#release(this.#kept.splice(at, 1)[0]);
    this.#kept.push(kept);
    parts.tell("unverified");
    this.#lastMicros = parts.clock.micros();
    if (isDeferred && !this.#isWaiting) this.#wait(LULL_MICROS);
  }

  /** This number of a member was verified. */
  verified({ association, row, sequence }: Place): void {
    const known = this.#verified.get(row);
    const isHigher = known?.association !== association || sequence > known.number;
    if (!isHigher) return;
    this.#verified.set(row, { association, number: sequence });
    // Below it nothing can be overtaken any more.
    const at = this.#replaceable({ association, row, sequence });
    if (at >= 0) this.#release(this.#kept.splice(at, 1)[0]);
  }

  /** A key is no more. What waits is verified now, or who forged it would go unnoticed. */
  forget(association: Association): void {
    for (const one of this.#kept.slice()) {
      if (one.association === association) this.#settle(one); // check: unverified-retired
    }
    for (const [row, known] of this.#verified) {
      if (known.association === association) this.#verified.delete(row);
    }
    // They hold what they were used for last.
    this.#spare.length = 0;
  }

  #settleAbove({ association, row, sequence }: Place): void {
    for (const one of this.#kept.slice()) {
      if (one.association !== association || one.row !== row) continue;
      if (one.sequence > sequence) this.#settle(one); // check: unverified-overtakes
    }
  }

  /**
   * In `changes` nobody comes to verify: of each sender the newest is what may overtake. What it
   * replaces overtakes nothing that it would not overtake, too.
   */
  #replaceable({ association, row, sequence }: Place): number {
    if (association.security.policy?.signatures !== "changes") return -1;
    return this.#kept.findIndex(
      (one) => one.association === association && one.row === row && one.sequence < sequence,
    );
  }

  #settle(kept: Kept): void {
    const { isGenuine, recipients, clock, tell } = this.#parts;
    this.#kept.splice(this.#kept.indexOf(kept), 1);
    const signed = kept.signed ?? this.read?.(kept);
    const genuine = signed !== undefined && isGenuine(signed);
    const { association, row, sequence } = kept;
    if (!genuine) this.#suspendedMicros = clock.micros() + SUSPENDED_MICROS;
    // The row of a key that is gone may be somebody else's by now.
    const isPresent = association.security.associations.includes(association);
    if (isPresent && genuine) this.verified(kept);
    const isLast = !recipients.isNewest(row, sequence) && recipients.isNewest(row, sequence + 1);
    const verified = this.#verified.get(row)?.number;
    if (isPresent && !genuine && isLast && verified !== undefined) {
      // What was forged overtakes nothing any more.
      recipients.applied(row, verified); // check: unverified-retracted
    }
    tell(genuine ? "verified" : "forged");
    this.#release(kept);
  }

  #release(kept: Kept): void {
    if (kept.signed === undefined && kept.datagram.length <= COPY_BYTES) this.#spare.push(kept);
  }

  #wait(delayMicros: number): void {
    if (this.#isWaiting) return;
    this.#isWaiting = true;
    this.#parts.clock.after(delayMicros, this.#onLull);
  }

  #idle(): void {
    this.#isWaiting = false;
    const deferred = (one: Kept) => one.association.security.policy?.signatures === "defer";
    const next = this.#kept.find(deferred);
    if (next === undefined) return;
    const quiet = this.#parts.clock.micros() - this.#lastMicros;
    if (quiet < LULL_MICROS) {
      this.#wait(LULL_MICROS - quiet);
      return;
    }
    this.#settle(next);
    if (this.#kept.some(deferred)) this.#wait(PAUSE_MICROS);
  }
}

function emptyOf({ association, row, sequence }: Place): Mutable<KeptUnread> {
  const datagram = new Uint8Array(COPY_BYTES);
  return { association, row, sequence, signed: undefined, datagram, size: 0, peer: undefined };
}
