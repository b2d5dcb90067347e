/**
 * Whom this device takes keys and rights from: one Key Distribution Center (draft-somaraju §5.3, "A
 * single device should not be managed by multiple KDCs"), and what time it is as far as is known.
 *
 * The first one it is told of stays. Another one is believed after a factory reset, or when the
 * present one says so: COSE_Sign1 by its key over a statement (trusted.ts), which brings the
 * credential of the new one's channel. The one before has no say from then on. The count only
 * rises, or a former KDC could be called back by what was said long ago.
 *
 * Time (§4.3): a device has no calendar. The latest time it was ever told, by whom it believes, is
 * in flash, and time goes on from there, or what was granted for an hour would hold for years. What
 * ended before that stays ended, whatever clocks say later.
 *
 * A device that was off knows too early a time until it is told one again. Fixed lights outlive
 * their servers, so that does for them, and so do tokens without an end. A strict place has it
 * otherwise: every token has to end, and others' are taken only when the time was told since the
 * start.
 */
import type { TokenFault, TokenRules, TrustAnchor } from "../access/token.js";
import { equalBytes } from "../bytes/equal.js";
import { readUint, uintBytes } from "../bytes/uint.js";
import { decode } from "../cbor/decode.js";
import { encode } from "../cbor/encode.js";
import type { EnvelopeKey } from "../cose/envelope.js";
import { isVouched, type Voucher, vouch, vouchedOf } from "../cose/vouched.js";
import type { Clock } from "../ports/clock.js";
import { type Crypto, EDDSA } from "../ports/crypto.js";
import { KIND, key } from "../store/keys.js";
import type { Store } from "../store/store.js";
import {
  emitRecord,
  emitStatement,
  type KdcChannel,
  openChannel,
  parseRecord,
  parseStatement,
  type Trusted,
  type TrustRecord,
} from "./trusted.js";

export type TrustStore = Pick<Store, "get" | "put">;

const KDC = key(KIND.TRUST, 0);
const LATEST = key(KIND.TRUST, 1);
const LIMITS = { depthMax: 4, itemsMax: 24 };
const SECOND = 1_000_000;
const KEPT_SECONDS = 3600;

/**
 * The word of `voucher`'s owner for the one that follows it. With a channel, its credential is
 * sealed for one device: under the key of the channel that it is told through.
 */
export function emitHandOver(
  crypto: Pick<Crypto, "hmac">,
  from: { voucher: Voucher; kid: Uint8Array },
  to: {
    trusted: Trusted;
    count: number;
    channel?: KdcChannel;
    sealed?: { under: EnvelopeKey; nonce: Uint8Array };
  },
): Uint8Array {
  const { trusted, count, channel, sealed } = to;
  const payload = emitStatement({ trusted, count, channel }, sealed);
  return encode(vouch(crypto, { ...from, payload }));
}

export class Trust {
  readonly #store: TrustStore;
  readonly #crypto: Crypto;
  readonly #clock: Clock;
  #trusted: Trusted | undefined = undefined;
  #count = 0;
  #channel: KdcChannel | undefined = undefined;
  /** Unix seconds of a moment on the clock. */
  #latest: number;
  #latestMicros: number;
  readonly #isStrict: boolean;
  /** Since the start. */
  #isTold = false;

  constructor(parts: { store: TrustStore; crypto: Crypto; clock: Clock; isStrict?: boolean }) {
    const { store, crypto, clock, isStrict = false } = parts;
    this.#isStrict = isStrict;
    this.#store = store;
    this.#crypto = crypto;
    this.#clock = clock;
    const record = store.get(KDC);
    const stored = record && parseRecord(record);
    if (record !== undefined && stored === undefined) throw new Error("trust does not parse");
    if (stored !== undefined) this.#take(stored);
    const latest = store.get(LATEST);
    this.#latest = latest === undefined ? 0 : readUint(latest);
    this.#latestMicros = clock.micros();
  }

  /** How often a KDC handed over. */
  get count(): number {
    return this.#count;
  }

  get trusted(): Trusted | undefined {
    return this.#trusted;
  }

  /** What its tokens are held against. */
  get anchor(): TrustAnchor | undefined {
    const trusted = this.#trusted;
    if (trusted === undefined) return undefined;
    const { issuer, kid, publicKey } = trusted;
    return { issuer, kid, publicKey, alg: EDDSA };
  }

  /** What is asked of a token; `isFromKdc`: it comes over the KDC's channel, so it is of today. */
  rules(isFromKdc: boolean): TokenRules | undefined {
    const { anchor } = this;
    if (anchor === undefined || this.#trusted === undefined) return undefined;
    const { audience } = this.#trusted;
    const rules = { anchors: [anchor], audience, nowSeconds: this.now() };
    const asked = { ...rules, mustExpire: false, isTimeless: false };
    const isSince = this.#isTold || isFromKdc;
    if (this.#isStrict) asked.mustExpire = true; // check: token-strict
    if (this.#isStrict && !isSince) asked.isTimeless = true; // check: token-told
    return asked;
  }

  /** The first KDC; false where there is another already, or flash refuses. */
  adopt(trusted: Trusted): boolean {
    const known = this.#trusted;
    if (known !== undefined) return isSame(known, trusted); // check: trust-second
    return this.#keep({ trusted, count: 0, channel: undefined });
  }

  /**
   * How to talk with the present KDC; `given`: how with `kdc`, by the installation. Undefined:
   * not at all, it is another one.
   */
  channelOf<Given>(kdc: Trusted, given: Given): Given | KdcChannel | undefined {
    const trusted = this.#trusted;
    if (isSame(kdc, trusted)) return given;
    if (this.#channel !== undefined) return this.#channel;
    // The same one with another key: it said so itself.
    return this.#count > 0 && kdc.issuer === trusted?.issuer ? given : undefined;
  }

  /** Another one, on the present one's word; `pairwise` is the key of the channel it came by. */
  handOver(
    statement: Uint8Array,
    pairwise?: EnvelopeKey,
  ): TokenFault | "envelope" | "storeFailed" | undefined {
    const { anchor } = this;
    const decoded = decode(statement, LIMITS);
    const vouched = decoded.ok ? vouchedOf(decoded.value) : undefined;
    const next = vouched && parseStatement(vouched.object.content);
    if (vouched === undefined || next === undefined) return "malformed";
    if (anchor === undefined) return "untrusted";
    const isOurs = isVouched(this.#crypto, vouched, anchor);
    if (!isOurs) return "forged"; // check: handover-signed
    const isKnown = next.count === this.#count && isSame(next.trusted, this.#trusted);
    if (isKnown) return undefined;
    if (next.count <= this.#count) return "older"; // check: handover-count
    const { trusted, count, sealed } = next;
    const channel = openChannel(next, pairwise);
    if (sealed !== undefined && channel === undefined) return "envelope"; // check: handover-sealed
    const stays = trusted.issuer === this.#trusted?.issuer ? this.#channel : undefined;
    const record = { trusted, count, channel: channel ?? stays };
    return this.#keep(record) ? undefined : "storeFailed";
  }

  /** Unix seconds, at the least: the latest that was told, and what went by since that moment. */
  now(): number {
    const since = this.#clock.micros() - this.#latestMicros;
    return this.#latest + Math.floor(since / SECOND);
  }

  /**
   * Somebody who is believed says that it is so late, at the least; `isNow`: that this is the time.
   * Durable when true.
   */
  see(seconds: number, isNow = false): boolean {
    if (isNow) this.#isTold = true;
    if (seconds <= this.#latest) return true;
    const now = this.now();
    const latest = Math.max(seconds, now);
    if (!this.#store.put(LATEST, uintBytes(latest))) return false; // check: time-durable
    this.#latest = latest;
    this.#latestMicros = this.#clock.micros();
    return true;
  }

  /** Now and then: a restart knows how late it was to the hour. False when flash refused. */
  rest(): boolean {
    const now = this.now();
    const isDue = this.#latest > 0 && now >= this.#latest + KEPT_SECONDS;
    return !isDue || this.see(now);
  }

  #keep(next: TrustRecord): boolean {
    const record = emitRecord(next);
    const isKept = this.#store.put(KDC, record);
    record.fill(0);
    if (isKept) this.#take(next);
    return isKept;
  }

  #take({ trusted, count, channel }: TrustRecord): void {
    this.#trusted = trusted;
    this.#count = count;
    this.#channel = channel;
  }
}

function isSame(a: Trusted, b: Trusted | undefined): boolean {
  if (b === undefined || a.issuer !== b.issuer || a.audience !== b.audience) return false;
  return equalBytes(a.kid, b.kid) && equalBytes(a.publicKey, b.publicKey);
}
