/**
 * A sender shows its AT-R to whoever has to know its rights (draft-somaraju §3.3, §3.5): by unicast
 * alone, so it has to find them first. Discovery is what anybody may do by multicast; whoever
 * answers is sent the token, one after the other.
 *
 * Again after a quarter of a minute, one, ten, and then every six hours: for lamps that get power
 * at the same moment, were off, or came later. Who has the token already says the same and writes
 * nothing.
 */
import { equalBytes } from "../bytes/equal.js";
import { isMulticast } from "../coap/addresses.js";
import { emitMessage, type Message, NON, type Option } from "../coap/message.js";
import { addPath, CONTENT, GET, POST } from "../coap/options.js";
import type { AppGroup } from "../groups/directory.js";
import { ownToken } from "../groups/tokens.js";
import type { Timer } from "../ports/clock.js";
import type { Endpoint } from "../ports/datagram.js";
import type { Random } from "../ports/random.js";
import { LIMITS } from "./limits.js";
import type { Parts } from "./parts.js";

const COAP_PORT = 5683;
const TOKEN_BYTES = 4;
const SECOND = 1_000_000;
const PAUSES_SECONDS = Object.freeze([15, 60, 600, 6 * 3600]);

/** A receiver that answered, and what he is to be shown. */
interface Receiver {
  readonly at: Endpoint;
  readonly token: Uint8Array;
}

export class Presenting {
  readonly #device: Parts;
  readonly #random: Random;
  #round = 0;
  #timer: Timer | undefined = undefined;
  /** Tokens (CoAP's) of the questions of this round, and what those who answer are shown. */
  #questions: { readonly token: Uint8Array; readonly shown: Uint8Array }[] = [];
  #found: Endpoint[] = [];
  readonly #queue: Receiver[] = [];
  #isBusy = false;

  constructor(device: Parts, random: Random) {
    this.#device = device;
    this.#random = random;
  }

  /** There is a token to be shown, perhaps a new one. */
  begin(): void {
    this.#round = 0;
    this.#next();
  }

  /** Whether it is an answer to a question of ours; then it was taken. */
  heard(message: Message, from: Endpoint): boolean {
    const question = this.#questions.find(({ token }) => equalBytes(token, message.token));
    if (question === undefined) return false;
    const isKnown = this.#found.some((one) => equalBytes(one.address, from.address));
    const isFull = this.#found.length >= LIMITS.answersMax;
    if (isKnown || isFull || message.code !== CONTENT) return true; // check: presenting-once
    const at = { address: from.address.slice(), port: from.port };
    this.#found.push(at);
    this.#queue.push({ at, token: question.shown });
    this.#send();
    return true;
  }

  #next(): void {
    const { clock, groups, role, store } = this.#device;
    if (this.#timer !== undefined) clock.cancel(this.#timer);
    this.#questions = [];
    this.#found = [];
    this.#queue.splice(0);
    const { target } = role;
    let isAny = false;
    for (const appGroup of groups.directory.appGroups()) {
      const isPair = !isMulticast(appGroup.address);
      const shown =
        isPair || appGroup.id === target ? ownToken(store, appGroup.security.id) : undefined;
      if (shown === undefined) continue;
      isAny = true;
      // Where the other one of two is, the installation says.
      if (isPair)
        this.#queue.push({ at: { address: appGroup.address, port: COAP_PORT }, token: shown });
      else this.#ask(appGroup, shown);
    }
    this.#send();
    if (!isAny) return;
    const pause = PAUSES_SECONDS[Math.min(this.#round++, PAUSES_SECONDS.length - 1)];
    this.#timer = clock.after(pause * SECOND, () => this.#next());
  }

  #ask({ address }: AppGroup, shown: Uint8Array): void {
    const { endpoint, net } = this.#device;
    const token = new Uint8Array(TOKEN_BYTES);
    this.#random.fill(token);
    this.#questions.push({ token, shown });
    const options: Option[] = [];
    addPath(options, "/.well-known/core");
    const head = { type: NON, code: GET, mid: endpoint.nextMid(), token } as const;
    const bytes = emitMessage({ ...head, options, payload: undefined });
    net.send({ to: { address, port: COAP_PORT }, fromPort: COAP_PORT, bytes });
  }

  /** One at a time: a room of lamps has one channel. */
  #send(): void {
    const receiver = this.#isBusy ? undefined : this.#queue.shift();
    if (receiver === undefined) return;
    const { at, token: payload } = receiver;
    const options: Option[] = [];
    addPath(options, "/authz-info");
    const token = new Uint8Array(TOKEN_BYTES);
    this.#random.fill(token);
    this.#isBusy = true;
    const over = () => {
      this.#isBusy = false;
      this.#send();
    };
    const mid = this.#device.endpoint.send({
      to: at,
      confirmable: true,
      make: (header) => emitMessage({ ...header, code: POST, token, options, payload }),
      onAcked: over,
      onFailed: over,
    });
    if (mid === undefined) this.#isBusy = false;
  }
}
