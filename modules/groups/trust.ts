/**
 * Whom this device takes keys and rights from: one Key Distribution Center (draft-somaraju §5.3, "A
 * single device should not be managed by multiple KDCs"), and what time it is as far as is known.
 *
 * The first one it is told of stays. Another one is believed after a factory reset, or when the
 * present one says so: COSE_Sign1 by its key over CBOR `{1: issuer, 2: kid, 3: public key, 4:
 * audience, 5: how many such there were}`. The count only rises, or a former KDC could be called
 * back by what was said long ago.
 *
 * Time (§4.3): a device has no calendar. The latest time it was ever told, by whom it believes, is
 * in flash, and time goes on from there, or what was granted for an hour would hold for years. What
 * ended before that stays ended, whatever clocks say later.
 */
import type { TokenFault, TrustAnchor } from "../access/token.js";
import { equalBytes } from "../bytes/equal.js";
import { readUint, uintBytes } from "../bytes/uint.js";
import { type Cbor, decode } from "../cbor/decode.js";
import { encode } from "../cbor/encode.js";
import { isVouched, type Voucher, vouch, vouchedOf } from "../cose/vouched.js";
import type { Clock } from "../ports/clock.js";
import { type Crypto, EDDSA } from "../ports/crypto.js";
import { KIND, key } from "../store/keys.js";
import type { Store } from "../store/store.js";

export interface Trusted {
  readonly issuer: string;
  /** The name of its key. */
  readonly kid: Uint8Array;
  /** Ed25519, 32 bytes. */
  readonly publicKey: Uint8Array;
  /** What tokens for receivers of this place say: the domain. */
  readonly audience: string;
}

export type TrustStore = Pick<Store, "get" | "put">;

const KDC = key(KIND.TRUST, 0);
const LATEST = key(KIND.TRUST, 1);
const PUBLIC_KEY_BYTES = 32;
const LIMITS = { depthMax: 4, itemsMax: 24 };
const SECOND = 1_000_000;
const KEPT_SECONDS = 3600;

const ISSUER = 1;
const KID = 2;
const PUBLIC_KEY = 3;
const AUDIENCE = 4;
const COUNT = 5;

/** The word of `voucher`'s owner for the one that follows it. */
export function emitHandOver(
  crypto: Pick<Crypto, "hmac">,
  from: { voucher: Voucher; kid: Uint8Array },
  to: { trusted: Trusted; count: number },
): Uint8Array {
  const payload = encode(mapOf(to.trusted, to.count));
  return encode(vouch(crypto, { ...from, payload }));
}

export class Trust {
  readonly #store: TrustStore;
  readonly #crypto: Crypto;
  readonly #clock: Clock;
  #trusted: Trusted | undefined = undefined;
  #count = 0;
  /** Unix seconds of a moment on the clock. */
  #latest: number;
  #latestMicros: number;

  constructor(parts: { store: TrustStore; crypto: Crypto; clock: Clock }) {
    const { store, crypto, clock } = parts;
    this.#store = store;
    this.#crypto = crypto;
    this.#clock = clock;
    const record = store.get(KDC);
    const stored = record && parse(record);
    if (record !== undefined && stored === undefined) throw new Error("trust does not parse");
    if (stored !== undefined) this.#take(stored);
    const latest = store.get(LATEST);
    this.#latest = latest === undefined ? 0 : readUint(latest);
    this.#latestMicros = clock.micros();
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

  /** The first KDC; false where there is another already, or flash refuses. */
  adopt(trusted: Trusted): boolean {
    const known = this.#trusted;
    if (known !== undefined) return isSame(known, trusted); // check: trust-second
    return this.#keep({ trusted, count: 0 });
  }

  /** Another one, on the present one's word. */
  handOver(statement: Uint8Array): TokenFault | "storeFailed" | undefined {
    const { anchor } = this;
    const decoded = decode(statement, LIMITS);
    const vouched = decoded.ok ? vouchedOf(decoded.value) : undefined;
    const next = vouched && parse(vouched.object.content);
    if (vouched === undefined || next === undefined) return "malformed";
    if (anchor === undefined) return "untrusted";
    const isOurs = isVouched(this.#crypto, vouched, anchor);
    if (!isOurs) return "forged"; // check: handover-signed
    const isKnown = next.count === this.#count && isSame(next.trusted, this.#trusted);
    if (isKnown) return undefined;
    if (next.count <= this.#count) return "older"; // check: handover-count
    return this.#keep(next) ? undefined : "storeFailed";
  }

  /** Unix seconds, at the least: the latest that was told, and what went by since that moment. */
  now(): number {
    const since = this.#clock.micros() - this.#latestMicros;
    return this.#latest + Math.floor(since / SECOND);
  }

  /** Somebody who is believed says that it is so late, at the least. Durable when true. */
  see(seconds: number): boolean {
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

  #keep(next: { trusted: Trusted; count: number }): boolean {
    const record = encode(mapOf(next.trusted, next.count));
    if (!this.#store.put(KDC, record)) return false;
    this.#take(next);
    return true;
  }

  #take({ trusted, count }: { trusted: Trusted; count: number }): void {
    this.#trusted = trusted;
    this.#count = count;
  }
}

function mapOf({ issuer, kid, publicKey, audience }: Trusted, count: number): Map<Cbor, Cbor> {
  return new Map<Cbor, Cbor>([
    [ISSUER, issuer],
    [KID, kid],
    [PUBLIC_KEY, publicKey],
    [AUDIENCE, audience],
    [COUNT, count],
  ]);
}

function parse(bytes: Uint8Array): { trusted: Trusted; count: number } | undefined {
  const decoded = decode(bytes, LIMITS);
  const map = decoded.ok && decoded.value instanceof Map ? decoded.value : undefined;
  if (map?.size !== 5) return undefined;
  const [issuer, kid, publicKey] = [map.get(ISSUER), map.get(KID), map.get(PUBLIC_KEY)];
  const [audience, count] = [map.get(AUDIENCE), map.get(COUNT)];
  if (typeof issuer !== "string" || typeof audience !== "string") return undefined;
  if (!(kid instanceof Uint8Array) || !(publicKey instanceof Uint8Array)) return undefined;
  if (publicKey.length !== PUBLIC_KEY_BYTES) return undefined;
  const isCount = typeof count === "number" && Number.isInteger(count) && count >= 0;
  return isCount ? { trusted: { issuer, kid, publicKey, audience }, count } : undefined;
}

function isSame(a: Trusted, b: Trusted | undefined): boolean {
  if (b === undefined || a.issuer !== b.issuer || a.audience !== b.audience) return false;
  return equalBytes(a.kid, b.kid) && equalBytes(a.publicKey, b.publicKey);
}
