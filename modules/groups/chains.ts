/**
 * The last block of every body under way, where each is bound to the one before by its tag
 * (`oscoap-00`): of requests with Block1 by who sends them, of answers with Block2 by who answers
 * whom. One body at a time between the same two; a block that was missed ends it.
 */
import { equalBytes } from "../bytes/equal.js";
import { findOwnBlock } from "../coap/block.js";
import { Outer } from "../oscore/outer.js";
import type { Inner } from "../profiles/profile.js";
import type { Association } from "./directory.js";

/** What was heard of longest gives way: it can be begun again, and only members get here. */
const CHAINS_MAX = 4;

interface Chain {
  readonly association: Association;
  /** Who makes the blocks. */
  readonly by: Uint8Array;
  /** Who asked for them; undefined in requests. */
  readonly answers: Uint8Array | undefined;
  readonly tag: Uint8Array;
}

export class Chains {
  #chains: Chain[] = [];

  /** Tag of the block before; undefined where none is known, or the scheme has no chains. */
  before(
    association: Association,
    by: Uint8Array,
    answers: Uint8Array | undefined,
  ): Uint8Array | undefined {
    return this.#chains.find((one) => isOf(one, association, by, answers))?.tag;
  }

  /** A message was sealed, or opened and verified: if it is a block, the next is bound to it. */
  note(
    association: Association,
    block: { by: Uint8Array; answers: Uint8Array | undefined; inner: Inner; datagram: Uint8Array },
  ): void {
    const { tagOf } = association.security.profile;
    const { by, answers, inner, datagram } = block;
    if (tagOf === undefined) return;
    if (findOwnBlock(inner.options, answers === undefined) === undefined) return;
    const chains = this.#chains;
    const known = chains.findIndex((one) => isOf(one, association, by, answers));
    if (known >= 0) chains.splice(known, 1);
    if (chains.length === CHAINS_MAX) chains.shift(); // check: chains-max
    const outer = new Outer();
    outer.scan(datagram);
    chains.push({ association, by: by.slice(), answers: answers?.slice(), tag: tagOf(outer) });
  }

  /** A key is no more. */
  forget(association: Association): void {
    this.#chains = this.#chains.filter((one) => one.association !== association);
  }
}

function isOf(
  chain: Chain,
  association: Association,
  by: Uint8Array,
  answers: Uint8Array | undefined,
): boolean {
  if (chain.association !== association || !equalBytes(chain.by, by)) return false;
  if (chain.answers === undefined || answers === undefined) return chain.answers === answers;
  return equalBytes(chain.answers, answers);
}
