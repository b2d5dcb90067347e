/**
 * What a Group Manager says to everybody at once: new keys of a key tree, by plain CoAP to the
 * group's own address. Its signature is all that counts, so there are few that are looked at.
 */
import { EMPTY_DELIVERY } from "../access/delivery.js";
import { isMulticast } from "../coap/addresses.js";
import { parseMessage } from "../coap/message.js";
import { find, findTexts, OSCORE, POST, URI_PATH } from "../coap/options.js";
import { Branches } from "../groups/branch.js";
import type { Tokens } from "../groups/tokens.js";
import type { Trust } from "../groups/trust.js";
import type { Board } from "../ports/board.js";
import type { Datagram } from "../ports/datagram.js";
import type { Parts } from "./parts.js";
import { RateLimit } from "./rate.js";

/** Messages of one renewal of a thousand members, and a signature to verify for each. */
const SAID_BURST = 12;
const SAID_MICROS = 1_000_000;

export class Said {
  readonly branches: Branches;
  readonly #rate: RateLimit;
  readonly #log: Board["log"];

  constructor(
    { store, clock }: Parts,
    { crypto, log }: Board,
    parts: { trust: Trust; tokens: Tokens; missed: () => void },
  ) {
    const { trust, tokens, missed } = parts;
    this.#log = log;
    this.#rate = new RateLimit(clock, SAID_BURST, SAID_MICROS);
    this.branches = new Branches({
      ...{ store, crypto, clock, missed },
      anchor: () => trust.anchor,
      install: (securityGroup, { key, isBroken, sealing }) => {
        const sealings = [{ securityGroup, ...sealing }];
        const [refused] = tokens.deliver({ ...EMPTY_DELIVERY, sealings }, undefined);
        if (refused !== undefined) return false; // check: tree-sealing
        return tokens.renewed(securityGroup, key, isBroken);
      },
    });
  }

  /** Takes such a message; false: it is none, or there is no tree here. */
  take({ to, bytes }: Datagram): boolean {
    if (!isMulticast(to.address) || this.branches.isEmpty) return false;
    const parsed = parseMessage(bytes);
    if (!parsed.ok || parsed.value.code !== POST) return false;
    const { options, payload } = parsed.value;
    if (payload === undefined || find(options, OSCORE) !== undefined) return false;
    if (findTexts(options, URI_PATH)?.join("/") !== "keys/tree") return false;
    // It is said again and again, which is to cost nothing.
    const isNews = this.branches.isNews(payload);
    if (!isNews) return true; // check: said-again
    const isRationed = !this.#rate.take();
    if (isRationed) return true; // check: said-rate
    if (this.branches.take(payload)) this.#log("keys: said to all");
    return true;
  }
}
