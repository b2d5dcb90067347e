/**
 * Block-wise transfer, the client's side (RFC 7959): one request and one answer of any size, as the
 * messages they take.
 *
 * A transfer knows nothing of tokens, time or protection: it says which request goes next and is
 * told each answer. So it serves plain CoAP, and protected messages alike, whose blocks lie inside.
 */
import { equalBytes } from "../bytes/equal.js";
import { drop, type Outcome, ok } from "../bytes/outcome.js";
import { coapUint } from "../bytes/uint.js";
import { Writer } from "../bytes/writer.js";
import { type Block, blockBytes, blockValue, findBlock } from "./block.js";
import type { Inner, Option } from "./message.js";
import {
  addOption,
  BLOCK1,
  BLOCK2,
  CONTINUE,
  codeClass,
  ETAG,
  find,
  OBSERVE,
  REQUEST_ENTITY_TOO_LARGE,
  SIZE1,
} from "./options.js";

/** A representation that changes while it is fetched is begun anew; so often, not for ever. */
const RESTARTS_MAX = 2;

export interface TransferLimits {
  /** Of the answer, all blocks together. */
  readonly bodyBytesMax: number;
  /** Blocks of 2^(szx + 4) bytes are sent, and asked for. */
  readonly szx: number;
}

export class Transfer {
  readonly #request: Inner;
  readonly #limits: TransferLimits;
  #szx: number;
  /** How much of our payload was taken; all of it at once where it fits one block. */
  #sent = 0;
  #begun = false;
  /** The answer, from its first block on. */
  #heard: Writer | undefined = undefined;
  #tag: Uint8Array | undefined = undefined;
  #restarts = 0;

  constructor(request: Inner, limits: TransferLimits) {
    this.#request = request;
    this.#limits = limits;
    this.#szx = limits.szx;
  }

  /** The request to be sent now; the same one until its answer is told. */
  next(): Inner {
    const { code, options, payload } = this.#request;
    const own = options.slice();
    if (this.#heard !== undefined) return this.#nextBlock2(code, own);
    if (payload === undefined) return this.#request;
    const bytes = blockBytes(this.#szx);
    if (!this.#begun && payload.length <= bytes) return this.#request;
    const end = Math.min(this.#sent + bytes, payload.length);
    const number = this.#sent / bytes;
    const block = { number, more: end < payload.length, szx: this.#szx };
    addOption(own, BLOCK1, blockValue(block));
    if (number === 0) addOption(own, SIZE1, coapUint(payload.length));
    return { code, options: own, payload: payload.slice(this.#sent, end) };
  }

  /**
   * What an answer makes of it: undefined: go on with `next`; otherwise the whole answer.
   * `malformed` where the blocks do not fit together, `overflow` when they are too many.
   */
  answered(answer: Inner): Outcome<Inner> | undefined {
    return this.#goesOn(answer) ? undefined : this.#collect(answer);
  }

  /** Whether more of our payload is to be sent. */
  #goesOn({ code, options }: Inner): boolean {
    const { payload } = this.#request;
    if (payload === undefined || this.#heard !== undefined) return false;
    const found = findBlock(options, BLOCK1);
    if (found === undefined || !found.ok) return false;
    const bytes = blockBytes(this.#szx);
    const smaller = found.value.szx < this.#szx;
    if (code === REQUEST_ENTITY_TOO_LARGE && smaller && this.#sent === 0) {
      // RFC 7959 §2.9.3: what is too large is the block.
      this.#begun = true;
      this.#szx = found.value.szx;
      return true;
    }
    const taken = code === CONTINUE || codeClass(code) === 2;
    if (!taken || this.#sent + bytes >= payload.length) return false;
    this.#begun = true;
    this.#sent += bytes;
    if (smaller) this.#szx = found.value.szx;
    return true;
  }

  #collect(answer: Inner): Outcome<Inner> | undefined {
    const found = findBlock(answer.options, BLOCK2);
    if (codeClass(answer.code) !== 2) return ok(answer);
    if (found === undefined) return this.#heard === undefined ? ok(answer) : this.#restart();
    if (!found.ok) return found;
    const block = found.value;
    const { payload } = answer;
    const size = payload?.length ?? 0;
    if (block.more && size !== blockBytes(block.szx)) return drop("malformed");
    const tag = find(answer.options, ETAG);
    if (this.#heard === undefined) {
      if (block.number !== 0) return drop("malformed");
      if (!block.more) return ok(withoutBlocks(answer, payload));
      this.#heard = new Writer(2 * size);
      this.#tag = tag;
    }
    const written = this.#heard;
    if (!isSame(tag, this.#tag)) return this.#restart(); // check: transfer-same-version
    if (block.number * blockBytes(block.szx) !== written.length) return drop("malformed");
    const length = written.length + size;
    if (length > this.#limits.bodyBytesMax) return drop("overflow"); // check: transfer-bytes-max
    if (payload !== undefined) written.bytes(payload);
    this.#szx = Math.min(this.#szx, block.szx);
    return block.more ? undefined : ok(withoutBlocks(answer, written.finish()));
  }

  /** What comes is not what was begun: once more from the beginning, where that changes nothing. */
  #restart(): Outcome<Inner> | undefined {
    const harmless = this.#request.payload === undefined;
    if (!harmless || this.#restarts === RESTARTS_MAX) return drop("malformed");
    this.#restarts++;
    this.#heard = undefined;
    return undefined;
  }

  /** RFC 7959 §2.7, §3.4: the rest is asked for without payload, and not observed. */
  #nextBlock2(code: number, options: Option[]): Inner {
    const length = (this.#heard as Writer).length;
    const kept = options.filter(({ number }) => number !== OBSERVE && number !== BLOCK2);
    const block: Block = { number: length / blockBytes(this.#szx), more: false, szx: this.#szx };
    addOption(kept, BLOCK2, blockValue(block));
    return { code, options: kept, payload: undefined };
  }
}

function isSame(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return equalBytes(a, b);
}

/** The answer as if it had come at once. */
function withoutBlocks({ code, options }: Inner, payload: Uint8Array | undefined): Inner {
  return { code, options: options.filter(({ number }) => number !== BLOCK2), payload };
}
