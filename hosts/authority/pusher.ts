/**
 * Brings new keys to members: over the connection that each has opened, or over one that is opened
 * to where it was last. Who does not answer is tried again, less and less often; whoever asks for
 * keys meanwhile gets them, and is tried no more.
 */

import { CBOR_FORMAT, CHANGED, GET, POST } from "../../modules/authority/answers.js";
import { awaiting, confirmAll, sendingFor } from "../../modules/authority/pushing.js";
import { fromHex, toHex } from "../../modules/bytes/hex.js";
import { codeText } from "../../modules/coap/options.js";
import type { EnvelopeKey } from "../../modules/cose/envelope.js";
import type { DtlsChannels } from "../../modules/secure/dtls.js";
import type { Answered, Ask } from "../../modules/secure/request.js";
import type { Announcer } from "./announcer.js";
import type { Authority } from "./authority.js";
import { nameOfClient } from "./devices.js";
import { followedBy, handOverFor, leavingIn, noteFollowed } from "./hand-over.js";
import type { Places } from "./places.js";
import type { NodeResult, Say } from "./works.js";

const AT_ONCE_MAX = 16;
/** A command waits so long for members that do not answer. */
const PATIENCE_MS = 20_000;
const TICK_MS = 500;
const DELAY_MS = 2000;
/** Who has a session needs three datagrams; who has none, or does not listen to it, none. */
const HELLO_MS = 800;
const HELLO_LOOK_MS = 20;
const DELAY_MAX_MS = 600_000;

interface Tried {
  attempts: number;
  dueAt: number;
  result: string;
}

interface Waiting {
  /** A security group; 0: none. */
  readonly group: number;
  /** In hex. */
  readonly client: string;
  readonly name: string;
}

export class Pusher {
  readonly #authority: Authority;
  readonly #channels: DtlsChannels;
  readonly #places: Places;
  readonly #announcer: Announcer;
  /** By client id in hex. */
  readonly #tried = new Map<string, Tried>();
  readonly #underWay = new Set<string>();
  #timer: NodeJS.Timeout | undefined;
  #isLooking = false;

  constructor(
    authority: Authority,
    parts: { channels: DtlsChannels; places: Places; announcer: Announcer },
  ) {
    this.#authority = authority;
    this.#channels = parts.channels;
    this.#places = parts.places;
    this.#announcer = parts.announcer;
  }

  start(): void {
    this.#timer = setInterval(() => void this.#look(), TICK_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#announcer.close();
  }

  /** Tries at once whoever waits for these groups' keys, and tells what became of each. */
  deliver(groups: readonly number[], say: Say): Promise<NodeResult[]> {
    return this.#bring(() => this.#waiting(groups), say);
  }

  /** Tells at once whoever has not heard it which KDC follows, and what became of each. */
  handOver(say: Say): Promise<NodeResult[]> {
    const leaving = () =>
      this.#authority.read((rows) =>
        leavingIn(rows).map((client) => {
          return { group: 0, client, name: nameOfClient(rows, fromHex(client)) };
        }),
      );
    return this.#bring(leaving, say);
  }

  async #bring(waitingNow: () => Promise<Waiting[]>, say: Say): Promise<NodeResult[]> {
    const waiting = await waitingNow();
    const names = new Map(waiting.map(({ client, name, group }) => [`${group}/${client}`, name]));
    for (const { client } of waiting) this.#tried.delete(client);
    const until = Date.now() + PATIENCE_MS;
    const results = new Map<string, NodeResult>();
    while (results.size < names.size && Date.now() < until) {
      await this.#look();
      const left = new Set((await waitingNow()).map((one) => `${one.group}/${one.client}`));
      for (const [key, name] of names) {
        if (left.has(key) || results.has(key)) continue;
        results.set(key, this.#resultOf(key, name, "done"));
        say(`${name} has it (${results.size} of ${names.size})`);
      }
      const isTried = [...left].every((key) => (this.#triedOf(key)?.attempts ?? 0) > 1);
      if (isTried) break;
      if (results.size < names.size) await new Promise((resolve) => setTimeout(resolve, 50));
    }
    for (const [key, name] of names) {
      if (results.has(key)) continue;
      const result = this.#triedOf(key)?.result ?? "no answer yet";
      results.set(key, this.#resultOf(key, name, result));
    }
    return [...results.values()];
  }

  #triedOf(key: string): Tried | undefined {
    return this.#tried.get(key.slice(key.indexOf("/") + 1));
  }

  #resultOf(key: string, device: string, result: string): NodeResult {
    const attempts = this.#triedOf(key)?.attempts ?? 1;
    return { device, securityGroup: Number.parseInt(key, 10), result, attempts };
  }

  #waiting(groups: readonly number[]): Promise<Waiting[]> {
    return this.#authority.read((rows) =>
      awaiting(rows).flatMap(({ clientId, groups: all }) =>
        all
          .filter((group) => groups.includes(group))
          .map((group) => {
            return { group, client: toHex(clientId), name: nameOfClient(rows, clientId) };
          }),
      ),
    );
  }

  async #look(): Promise<void> {
    if (this.#isLooking) return;
    this.#isLooking = true;
    try {
      // One message to all is sooner there than one to each.
      await this.#announcer.look();
      const all = await this.#authority.read((rows) => [
        ...new Set([...leavingIn(rows), ...awaiting(rows).map((one) => toHex(one.clientId))]),
      ]);
      const now = Date.now();
      for (const client of all) {
        const isDue = (this.#tried.get(client)?.dueAt ?? 0) <= now;
        if (!isDue || this.#underWay.has(client)) continue;
        if (this.#underWay.size >= AT_ONCE_MAX) break;
        this.#underWay.add(client);
        void this.#push(client).finally(() => this.#underWay.delete(client));
      }
    } finally {
      this.#isLooking = false;
    }
  }

  async #push(client: string): Promise<void> {
    const result = await this.#try(client).catch((error: unknown) => (error as Error).message);
    if (result === "done") {
      this.#tried.delete(client);
      return;
    }
    const attempts = (this.#tried.get(client)?.attempts ?? 0) + 1;
    const delay = Math.min(DELAY_MAX_MS, DELAY_MS * 2 ** Math.min(attempts, 20));
    this.#tried.set(client, { attempts, dueAt: Date.now() + delay, result });
  }

  /** `done`, or why not. */
  async #try(client: string): Promise<string> {
    const clientId = fromHex(client);
    const follows = await this.#authority.read((rows) => followedBy(rows, clientId));
    if (follows !== undefined) return `it was handed over to ${follows}`;
    const place = await this.#places.of(clientId);
    if (place === undefined) return "it has not been here yet";
    const pairwise = this.#pairwiseOf(place.id) ?? (await this.#connected(place));
    if (typeof pairwise === "string") return pairwise;
    const { ledger, center } = this.#authority;
    const { id } = place;
    const payload = await this.#authority.read((rows) =>
      handOverFor(rows, center, { clientId, id, under: pairwise }),
    );
    if (payload !== undefined) return this.#handOver(clientId, id, payload);
    const to = { clientId, pairwise, now: this.#authority.now() };
    const sending = await ledger.transaction((rows) => sendingFor(rows, center, to));
    if (sending === undefined) return "done";
    const result = await this.#say(id, sending.payload);
    if (result === "done") await ledger.transaction((rows) => confirmAll(rows, clientId, sending));
    return result;
  }

  async #handOver(clientId: Uint8Array, id: string, payload: Uint8Array): Promise<string> {
    const result = await this.#say(id, payload);
    if (result !== "done") return result;
    const { ledger } = this.#authority;
    const name = await this.#authority.read((rows) => nameOfClient(rows, clientId));
    const note = { by: "authority", what: `${name} is handed over` };
    await ledger.transaction((rows) => noteFollowed(rows, clientId), note);
    return "done";
  }

  /** `done` when the member has it in flash. */
  async #say(id: string, payload: Uint8Array): Promise<string> {
    const path = ["keys", "push"];
    const answered = await this.#ask(id, { method: POST, path, format: CBOR_FORMAT, payload });
    if (!answered.ok) return answered.why;
    const { code } = answered.response;
    return code === CHANGED ? "done" : `refused with ${codeText(code)}`;
  }

  #ask(id: string, ask: Ask): Promise<Answered> {
    return new Promise((resolve) => {
      if (!this.#channels.askPeer(id, ask, resolve)) resolve({ ok: false, why: "unreachable" });
    });
  }

  #pairwiseOf(id: string): EnvelopeKey | undefined {
    return this.#places.askerOf(id)?.pairwise;
  }

  /**
   * Connects to where somebody was last; what keys are sealed under there, or why not. He is asked
   * to begin first (HelloRequest): his is the session that both still have.
   */
  async #connected(place: { id: string; at: Parameters<DtlsChannels["ask"]>[0] }) {
    this.#channels.requestHello(place.at);
    for (let waited = 0; waited < HELLO_MS; waited += HELLO_LOOK_MS) {
      await new Promise((resolve) => setTimeout(resolve, HELLO_LOOK_MS));
      const pairwise = this.#pairwiseOf(place.id);
      if (pairwise !== undefined) return pairwise;
    }
    const hello: Ask = { method: GET, path: [".well-known", "core"] };
    const answered = await new Promise<Answered>((resolve) => {
      this.#channels.ask(place.at, hello, resolve);
    });
    const pairwise = this.#pairwiseOf(place.id);
    return pairwise ?? (answered.ok ? "somebody else is there" : answered.why);
  }
}
