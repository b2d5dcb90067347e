/**
 * Block-wise transfer, the server's side (RFC 7959).
 *
 * The problem: a representation larger than a frame, and a body that arrives in pieces from
 * somebody who may never send the last one.
 *
 * Rejected: to keep the representation while it is fetched (memory for everybody who asked once; a
 * representation of ours is made in a moment, and an ETag tells the client when it has changed in
 * between); to act on each block by itself (a setting half written); a table that evicts the oldest
 * body when it is full (whoever is slower than an attacker never gets through).
 *
 * Choice: Block2 is a pure function of request and representation. Block1 collects in a table with
 * room for few bodies of bounded size, each of one asker; what is not continued is forgotten when
 * the asker cannot be sending any more. An empty table holds no memory and sets no timer.
 */
import { equalBytes } from "../bytes/equal.js";
import { drop, type Outcome, ok } from "../bytes/outcome.js";
import { coapUint, readUint } from "../bytes/uint.js";
import { Writer } from "../bytes/writer.js";
import type { Clock } from "../ports/clock.js";
import type { Endpoint as Address } from "../ports/datagram.js";
import { Agenda } from "./agenda.js";
import { emitOptions, type Inner, type Option } from "./message.js";
import {
  BAD_REQUEST,
  BLOCK1,
  BLOCK2,
  CONTINUE,
  ETAG,
  find,
  findUint,
  isNoCacheKey,
  OBSERVE,
  REQUEST_ENTITY_INCOMPLETE,
  REQUEST_ENTITY_TOO_LARGE,
  SERVICE_UNAVAILABLE,
  SIZE1,
  SIZE2,
} from "./options.js";
import { EXCHANGE_LIFETIME_MICROS } from "./times.js";

/** 1024 bytes; 7 is reserved (RFC 7959 §2.2). */
export const SZX_MAX = 6;
/** The number has 20 bits. */
const NUMBER_MAX = 0xf_ffff;

/** A Block1 or Block2 option's value (RFC 7959 §2.2). */
export interface Block {
  /** Of the block, in units of its own size. */
  readonly number: number;
  /** More blocks follow. */
  readonly more: boolean;
  /** The size is 2^(szx + 4) bytes. */
  readonly szx: number;
}

export function blockBytes(szx: number): number {
  return 16 << szx;
}

/** The option of that number; undefined without one. `malformed`: too long, or SZX is 7. */
export function findBlock(
  options: readonly Option[],
  number: typeof BLOCK1 | typeof BLOCK2,
): Outcome<Block> | undefined {
  const value = find(options, number);
  if (value === undefined) return undefined;
  if (value.length > 3) return drop("malformed"); // check: block-length
  const uint = readUint(value);
  const szx = uint & 7;
  if (szx > SZX_MAX) return drop("malformed"); // check: block-szx
  return ok({ number: uint >> 4, more: (uint & 8) === 8, szx });
}

/** The value of the option that says which block of a body the message itself is. */
export function findOwnBlock(
  options: readonly Option[],
  isRequest: boolean,
): Uint8Array | undefined {
  return find(options, isRequest ? BLOCK1 : BLOCK2);
}

/** Whether it goes on with a body: a number above 0, of however many bytes. */
export function isLaterBlock(options: readonly Option[], isRequest: boolean): boolean {
  const value = findOwnBlock(options, isRequest);
  if (value === undefined) return false;
  for (let i = 0; i < value.length - 1; i++) if (value[i] !== 0) return true;
  return value.length > 0 && value[value.length - 1] > 15;
}

/** The option's value. Throws RangeError past 20 bits of number. */
export function blockValue({ number, more, szx }: Block): Uint8Array {
  if (!(number <= NUMBER_MAX)) throw new RangeError(`block ${number}`);
  return coapUint(number * 16 + (more ? 8 : 0) + szx);
}

/** One block of a representation: what the answer carries. */
export interface Slice {
  /** ETag, Block2 and, where the client asked, Size2; in the order of their numbers. */
  readonly options: Option[];
  readonly payload: Uint8Array;
}

/**
 * The block that a request asks for, or the first one, at most `szxMax` large; undefined when all
 * of `body` goes into one answer and nobody spoke of blocks. `malformed` (4.00) for a block behind
 * the end. `body` has at least one byte. A smaller size than asked for keeps the place and
 * renumbers (RFC 7959 §2.4).
 */
export function slice(
  request: readonly Option[],
  body: Uint8Array,
  szxMax: number,
): Outcome<Slice> | undefined {
  const asked = findBlock(request, BLOCK2);
  if (asked === undefined && body.length <= blockBytes(szxMax)) return undefined;
  if (asked?.ok === false) return asked;
  const { number, szx } = asked?.value ?? { number: 0, szx: szxMax };
  const start = number * blockBytes(szx);
  if (start >= body.length) return drop("malformed"); // check: block-behind-end
  const used = Math.min(szx, szxMax);
  const bytes = blockBytes(used);
  const end = Math.min(start + bytes, body.length);
  const more = end < body.length;
  const options: Option[] = [];
  // RFC 7959 §2.4: how a client knows that two blocks are of one representation.
  if (more || start > 0) options.push({ number: ETAG, value: tagOf(body) });
  options.push({ number: BLOCK2, value: blockValue({ number: start / bytes, more, szx: used }) });
  if (find(request, SIZE2) !== undefined) {
    options.push({ number: SIZE2, value: coapUint(body.length) });
  }
  return ok({ options, payload: body.slice(start, end) });
}

/** FNV-1a over 32 bits: it tells versions apart, it proves nothing. */
function tagOf(body: Uint8Array): Uint8Array {
  let hash = 0x811c9dc5 | 0;
  for (const byte of body) hash = Math.imul(hash ^ byte, 0x01000193);
  return Uint8Array.of(hash >>> 24, hash >>> 16, hash >>> 8, hash);
}

export interface BodyLimits {
  /** Bodies that are collected at once. */
  readonly bodiesMax: number;
  readonly bodyBytesMax: number;
  /** Largest block that is asked for. */
  readonly szxMax: number;
}

/** Who sends a body, and to where: blocks with another one of these are another body's. */
export interface Asker {
  readonly from: Address;
  /** The security context, by any number that is its own (RFC 9175 §3.3). */
  readonly sender: number;
}

/** A request that carries a block, or none. */
export type Taken =
  /** It is complete; `option` belongs into the answer. */
  | { readonly whole: Inner; readonly option: Option | undefined }
  /** There is nothing to be done with it but to say this. */
  | { readonly code: number; readonly options: Option[] };

interface Body extends Asker {
  readonly code: number;
  /** What RFC 7959 §2.5 calls the same resource and request: the options of the cache key. */
  readonly key: Uint8Array;
  readonly written: Writer;
}

/** Bodies that arrive in blocks. */
export class Bodies {
  readonly #clock: Clock;
  readonly #limits: BodyLimits;
  readonly #bodies: Body[] = [];
  readonly #ends: Agenda<Body>;

  constructor(parts: { clock: Clock; limits: BodyLimits }) {
    this.#clock = parts.clock;
    this.#limits = parts.limits;
    this.#ends = new Agenda(parts.clock, (body) => this.#forget(body));
  }

  get size(): number {
    return this.#bodies.length;
  }

  /** One request, once it was verified and permitted. */
  take(request: Inner, asker: Asker): Taken {
    const found = findBlock(request.options, BLOCK1);
    if (found === undefined) return { whole: request, option: undefined };
    if (!found.ok) return refusal(BAD_REQUEST);
    const block = found.value;
    const payload = request.payload ?? new Uint8Array(0);
    const bytes = blockBytes(block.szx);
    const fits = block.more ? payload.length === bytes : payload.length <= bytes;
    if (!fits) return refusal(BAD_REQUEST); // check: block1-size
    const szx = Math.min(block.szx, this.#limits.szxMax);
    const option = { number: BLOCK1, value: blockValue({ ...block, szx }) };
    const start = block.number * bytes;
    const key = keyOf(request.options);
    const known = this.#find(request.code, key, asker);
    const tooLarge = this.#isTooLarge(request.options, start + payload.length);
    if (known !== undefined && (start === 0 || tooLarge)) this.#forget(known);
    if (tooLarge) return this.#tooLarge();
    if (start === 0) {
      if (!block.more) return { whole: request, option };
      const body = this.#begin(request.code, key, asker);
      if (body === undefined) return refusal(SERVICE_UNAVAILABLE);
      return this.#append(body, payload, option);
    }
    const isNext = known?.written.length === start;
    if (known !== undefined && !isNext) this.#forget(known);
    if (!isNext) return refusal(REQUEST_ENTITY_INCOMPLETE); // check: block1-order
    const body = known as Body;
    if (block.more) return this.#append(body, payload, option);
    body.written.bytes(payload);
    this.#forget(body);
    return { whole: { ...request, payload: body.written.finish() }, option };
  }

  /** Forgets everything and cancels the timer. */
  stop(): void {
    this.#bodies.length = 0;
    this.#ends.clear();
  }

  #find(code: number, key: Uint8Array, asker: Asker): Body | undefined {
    return this.#bodies.find(
      (body) =>
        body.code === code &&
        body.sender === asker.sender &&
        body.from.port === asker.from.port &&
        equalBytes(body.from.address, asker.from.address) &&
        equalBytes(body.key, key),
    );
  }

  #begin(code: number, key: Uint8Array, { from, sender }: Asker): Body | undefined {
    if (this.#bodies.length >= this.#limits.bodiesMax) return undefined; // check: bodies-max
    const own = { address: from.address.slice(), port: from.port };
    const body: Body = { code, key, from: own, sender, written: new Writer() };
    this.#bodies.push(body);
    return body;
  }

  #append(body: Body, payload: Uint8Array, option: Option): Taken {
    body.written.bytes(payload);
    this.#ends.remove(body);
    this.#ends.add(this.#clock.micros() + EXCHANGE_LIFETIME_MICROS, body);
    return { code: CONTINUE, options: [option] };
  }

  #forget(body: Body): void {
    this.#bodies.splice(this.#bodies.indexOf(body), 1);
    this.#ends.remove(body);
  }

  /** By what has arrived, or by what the client says will come. */
  #isTooLarge(options: readonly Option[], arrived: number): boolean {
    const most = this.#limits.bodyBytesMax;
    if (arrived > most) return true; // check: body-bytes-max
    return (findUint(options, SIZE1) ?? 0) > most;
  }

  /** RFC 7959 §2.9.3, §4: with the size that would have been taken. */
  #tooLarge(): Taken {
    const size = { number: SIZE1, value: coapUint(this.#limits.bodyBytesMax) };
    return { code: REQUEST_ENTITY_TOO_LARGE, options: [size] };
  }
}

function refusal(code: number): Taken {
  return { code, options: [] };
}

/** RFC 7252 §5.4.6, without what differs from block to block. Request-Tag (RFC 9175) is in it. */
export function keyOf(options: readonly Option[]): Uint8Array {
  const own = [BLOCK1, BLOCK2, OBSERVE];
  return emitOptions(
    options.filter(({ number }) => !isNoCacheKey(number) && !own.includes(number)),
  );
}
