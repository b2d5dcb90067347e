/**
 * A new Security Context from the same Master Secret (RFC 8613 Appendix B.2), for two ends of which
 * one has lost numbers or windows, or whose numbers come to an end.
 *
 *   client                                               server
 *     1. request #1 under ID Context R1          R1  ->    2. opens it, acts on nothing:
 *     3. opens it, so R2 is the server's      <-  R2       4.01 under ID Context R2 ‖ R1
 *        request #2 under ID Context R2 ‖ R3  R2 ‖ R3 ->   4. opens it: established
 *     5. opens it: established                <-           response #2
 *
 * What is shown as travelling is the kid context, in a CBOR byte string. Where the server lost its
 * state, step 1 is an ordinary request under the ID Context both had.
 *
 * Opening and sealing are the profile's. What stands here is which context comes next, in types
 * that let no step be left out: the third context is made from a `Challenged`, which is made from
 * an `Asked`. A step may only be taken once the message before it was opened.
 *
 * The server keeps nothing of a run (Appendix B.2.1): its R2 carries a tag under a key that is gone
 * as soon as one run is over, so recorded requests #1 take none of its memory, and a request #2
 * works once. Rejected: a cache of R2s, which a stranger with old requests can fill.
 *
 * Response #1 has no number of its own: its nonce is request #1's, as §8.3 says it, with the Common
 * IV of the context that one was under (and so Californium has it).
 *
 * Both ends need good randomness, and a server has to bound how often it goes through step 2.
 */
import { concat } from "../bytes/concat.js";
import { equalConstantTime } from "../bytes/equal.js";
import { encode } from "../cbor/encode.js";
import { CborReader } from "../cbor/reader.js";
import type { Crypto } from "../ports/crypto.js";
import type { Random } from "../ports/random.js";
import { derivePair, type PairContext, type PairSecrets } from "./pair-context.js";

/** R1, R3 and the random part of R2: a repetition after 2^32 runs. */
const NONCE_BYTES = 8;
const TAG_BYTES = 8;
const MAC_KEY_BYTES = 32;
/** Of what the other end made; ours are 24 at most. */
const ID_BYTES_MAX = 64;

/** What an end needs for all its runs; the secrets are given in for each, they are not kept. */
export interface Renegotiating {
  readonly crypto: Crypto;
  readonly random: Random;
  readonly secrets: PairSecrets;
}

/** Request #1 is, or will be, under this. */
export interface Asked {
  readonly idContext: Uint8Array;
  /** Of use for nothing but request #1, unless an ordinary request takes its place. */
  readonly context: PairContext;
}

/** Response #1 claims to be under this: good for opening it, and for nothing else. */
export interface Challenged {
  readonly r2: Uint8Array;
  readonly context: PairContext;
}

/** The third context: the client's from request #2 on, the server's once that one opens. */
export interface Established {
  /** To be kept, as part of the context's material. */
  readonly idContext: Uint8Array;
  readonly context: PairContext;
}

/** Step 1. */
export function ask(end: Renegotiating): Asked {
  const idContext = fresh(end.random);
  return { idContext, context: under(end, idContext, idContext) };
}

/** Step 1 left to the server: a request under the ID Context both had was answered with an R2. */
export function asked(idContext: Uint8Array, context: PairContext): Asked {
  return { idContext, context };
}

/** Step 3, before response #1 is opened; undefined when its kid context is no R2. */
export function challenged(
  end: Renegotiating,
  { idContext, context }: Asked,
  kidContext: Uint8Array,
): Challenged | undefined {
  const r2 = unwrap(kidContext);
  return r2 && { r2, context: answering(context, under(end, concat(r2, idContext), r2)) };
}

/** Step 3, after response #1 was opened under `challenged.context`. */
export function answer(end: Renegotiating, { r2 }: Challenged): Established {
  const idContext = concat(r2, fresh(end.random));
  return { idContext, context: under(end, idContext, idContext) };
}

/** The server's part, for one client. */
export class RenegotiationServer {
  readonly #crypto: Crypto;
  readonly #random: Random;
  /** Absent until a run begins, and after one ended. */
  #macKey: Uint8Array | undefined;

  constructor({ crypto, random }: { readonly crypto: Crypto; readonly random: Random }) {
    this.#crypto = crypto;
    this.#random = random;
  }

  /**
   * Step 2, before request #1 is opened: undefined when its kid context is none of a run. What the
   * request asks for must not be done: it may be a recorded one.
   */
  offered(secrets: PairSecrets, kidContext: Uint8Array): Asked | undefined {
    const idContext = unwrap(kidContext);
    return idContext && { idContext, context: under(this.end(secrets), idContext, idContext) };
  }

  /** Step 2, after request #1 was opened: what response #1 is to be protected under, once. */
  challenge(secrets: PairSecrets, { idContext, context }: Asked): PairContext {
    const seed = fresh(this.#random);
    const r2 = concat(seed, this.tag(seed));
    return answering(context, under(this.end(secrets), concat(r2, idContext), r2));
  }

  /** Whether a kid context begins with an R2 of ours; that costs an HMAC while runs are open. */
  knows(kidContext: Uint8Array): boolean {
    const idContext = unwrap(kidContext);
    if (idContext === undefined || this.#macKey === undefined) return false;
    const seed = idContext.subarray(0, NONCE_BYTES);
    const tag = idContext.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES);
    return equalConstantTime(tag, this.tag(seed));
  }

  /** Step 4, before request #2 is opened: undefined when it does not begin with an R2 of ours. */
  accept(secrets: PairSecrets, kidContext: Uint8Array): Established | undefined {
    if (!this.knows(kidContext)) return undefined; // check: renegotiate-r2
    const idContext = unwrap(kidContext) as Uint8Array;
    // Without anything of the client's the server alone would choose the keys.
    const r3Length = idContext.length - NONCE_BYTES - TAG_BYTES;
    if (r3Length < NONCE_BYTES) return undefined; // check: renegotiate-r3
    return { idContext, context: under(this.end(secrets), idContext, idContext) };
  }

  /**
   * Step 4, after request #2 was opened and the new context is durable, or when a run took too
   * long: no R2 from before is good for anything any more.
   */
  forget(): void {
    this.#macKey?.fill(0);
    this.#macKey = undefined; // check: renegotiate-once
  }

  private tag(seed: Uint8Array): Uint8Array {
    if (this.#macKey === undefined) {
      this.#macKey = new Uint8Array(MAC_KEY_BYTES);
      this.#random.fill(this.#macKey);
    }
    return this.#crypto.hmac({ key: this.#macKey, data: seed }).subarray(0, TAG_BYTES);
  }

  private end(secrets: PairSecrets): Renegotiating {
    return { crypto: this.#crypto, random: this.#random, secrets };
  }
}

/** The context of an ID Context, in whose messages `named` travels in a byte string. */
function under(
  { crypto, secrets }: Renegotiating,
  idContext: Uint8Array,
  named: Uint8Array,
): PairContext {
  return derivePair(crypto, secrets, { idContext, keyId: encode(named) });
}

/** Under the second context, with the nonce of a request under the first. */
function answering({ commonIv }: PairContext, second: PairContext): PairContext {
  return { ...second, commonIv };
}

function fresh(random: Random): Uint8Array {
  const nonce = new Uint8Array(NONCE_BYTES);
  random.fill(nonce);
  return nonce;
}

/** What is in the byte string that is the whole kid context; undefined when it is none of ours. */
function unwrap(kidContext: Uint8Array): Uint8Array | undefined {
  const reader = new CborReader(kidContext);
  const named = reader.byteString();
  if (named === undefined || !reader.complete) return undefined;
  // Shorter ones repeat, and with them keys and nonces.
  if (named.length < NONCE_BYTES) return undefined; // check: renegotiate-short
  if (named.length > ID_BYTES_MAX) return undefined; // check: renegotiate-long
  return named;
}
