/**
 * Brings new keys to members: over the connection that each has opened, or over one that is opened
 * to where it was last, in whose turn it is (modules/authority/turns.ts). Who does not answer is
 * tried again, less and less often; whoever asks for keys meanwhile gets them, and is done.
 */

import { CBOR_FORMAT, CHANGED, GET, POST } from "../../modules/authority/answers.js";
import { renewForPresent } from "../../modules/authority/late.js";
import {
  followedBy,
  handOverFor,
  leavingIn,
  noteFollowed,
} from "../../modules/authority/leaving.js";
import type { Rows } from "../../modules/authority/ledger.js";
import {
  type Awaiting,
  awaiting,
  confirmAll,
  sendingFor,
} from "../../modules/authority/pushing.js";
import {
  CongestionWindow,
  type Delivered,
  ranked,
  SENDERS_WAIT_MICROS,
  type There,
  type Tried,
  Turns,
} from "../../modules/authority/turns.js";
import { fromHex, toHex } from "../../modules/bytes/hex.js";
import { codeText } from "../../modules/coap/options.js";
import type { EnvelopeKey } from "../../modules/cose/envelope.js";
import type { DtlsChannels } from "../../modules/secure/dtls.js";
import type { Answered, Ask } from "../../modules/secure/request.js";
import type { Announcer } from "./announcer.js";
import type { Authority } from "./authority.js";
import { NodeClock } from "./clock.js";
import { nameOfClient } from "./devices.js";
import type { Place, Places } from "./places.js";
import type { NodeResult, Say } from "./works.js";

/** A command waits so long for members that do not answer: senders may have to wait for them. */
const PATIENCE_MS = SENDERS_WAIT_MICROS / 1000 + 10_000;
const TICK_MS = 500;
/** Who has a session needs three datagrams; who has none, or does not listen to it, none. */
const HELLO_MS = 800;
const HELLO_LOOK_MS = 20;
/** Whoever has not connected by then counts as off: no sender waits for him. */
const OPENING_MICROS = 5_000_000;

interface Waiting {
  /** A security group; 0: none. */
  readonly group: number;
  /** In hex. */
  readonly client: string;
  readonly name: string;
}

/** A member that something is to be brought to. */
interface Due extends Pick<Awaiting, "clientId" | "sends" | "isBroken"> {
  /** In hex. */
  readonly client: string;
  readonly place: Place | undefined;
  /** Why nothing can be brought to it. */
  readonly why: string | undefined;
}

export class Pusher {
  readonly #authority: Authority;
  readonly #channels: DtlsChannels;
  readonly #places: Places;
  readonly #announcer: Announcer;
  readonly #clock = new NodeClock();
  readonly #turns = new Turns(this.#clock);
  /** A handshake is as much for a channel as a push. */
  readonly #openings = new CongestionWindow(this.#clock);
  /** Whom a connection was opened to that nothing was said over yet. */
  readonly #opened = new Set<string>();
  /** Asker ids of who has connected since the last look. */
  readonly #returned = new Set<string>();
  #timer: NodeJS.Timeout | undefined;
  #isLooking = false;
  #isToLook = false;
  #isStopped = false;

  constructor(
    authority: Authority,
    parts: { channels: DtlsChannels; places: Places; announcer: Announcer },
  ) {
    this.#authority = authority;
    this.#channels = parts.channels;
    this.#places = parts.places;
    this.#announcer = parts.announcer;
    this.#places.onOpened = (id) => void this.#returned.add(id);
  }

  start(): void {
    this.#timer = setInterval(() => this.#wake(), TICK_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#isStopped = true;
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
    for (const { client } of waiting) this.#turns.forget(client);
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
      const result = this.#triedOf(key)?.delivered ?? "no answer yet";
      results.set(key, this.#resultOf(key, name, result));
    }
    return [...results.values()];
  }

  #triedOf(key: string): Tried | undefined {
    return this.#turns.tried(key.slice(key.indexOf("/") + 1));
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

  #wake(): void {
    // What the database refuses now is told by the next command.
    void this.#look().catch(() => {});
  }

  /** Again at once, where something came about meanwhile. */
  async #look(): Promise<void> {
    this.#isToLook = true;
    if (this.#isLooking || this.#isStopped) return;
    this.#isLooking = true;
    try {
      while (this.#isToLook) {
        this.#isToLook = false;
        // One message to all is sooner there than one to each.
        await this.#announcer.look();
        await this.#places.keep();
        this.#begin(await this.#authority.read((rows) => this.#due(rows)));
      }
    } finally {
      this.#isLooking = false;
    }
  }

  /** Everybody who waits for a key, or for word of the KDC that follows. */
  #due(rows: Rows): Due[] {
    const waiting = new Map<string, Pick<Due, "clientId" | "sends" | "isBroken">>();
    for (const client of leavingIn(rows)) {
      waiting.set(client, { clientId: fromHex(client), sends: false, isBroken: false });
    }
    for (const one of awaiting(rows)) waiting.set(toHex(one.clientId), one);
    return [...waiting].map(([client, { clientId, sends, isBroken }]) => {
      const follows = followedBy(rows, clientId);
      const place = this.#places.of(rows, clientId);
      const handed = follows && `it was handed over to ${follows}`;
      const why = handed ?? (place === undefined ? "it has not been here yet" : undefined);
      return { client, clientId, sends, isBroken, place, why };
    });
  }

  #begin(all: readonly Due[]): void {
    if (all.length === 0) this.#turns.over();
    for (const { client, place, why } of all) {
      const isBack = this.#returned.has(place?.id ?? "");
      if (isBack && this.#openings.since(client) === undefined) this.#turns.forget(client);
      if (why !== undefined && this.#turns.isDue(client)) this.#turns.note(client, why);
    }
    this.#returned.clear();
    const isWaiting = new Set(all.map(({ client }) => client));
    for (const client of this.#opened) if (!isWaiting.has(client)) this.#opened.delete(client);
    const there = (one: Due) => this.#thereOf(one);
    for (const one of this.#turns.inOrder(all, there)) {
      if (this.#turns.window.pauseMicros > 0) break;
      this.#push(one);
    }
    for (const one of ranked(all)) {
      const isOpening = this.#openings.since(one.client) !== undefined;
      if (there(one) !== "soon" || isOpening) continue;
      if (this.#openings.pauseMicros > 0) break;
      this.#open(one);
    }
  }

  #thereOf({ client, place, why }: Due): There {
    if (place === undefined || why !== undefined) return "no";
    if (this.#pairwiseOf(place.id) !== undefined) return "now";
    const since = this.#openings.since(client);
    if (since === undefined) return this.#turns.isDue(client) ? "soon" : "no";
    return this.#clock.micros() - since < OPENING_MICROS ? "soon" : "no";
  }

  #open({ client, place }: Due): void {
    if (place === undefined) return;
    // It was opened, and ended before its turn came.
    if (this.#opened.delete(client)) {
      this.#turns.note(client, "closed");
      return;
    }
    this.#openings.begin(client);
    void this.#connected(place)
      .catch((error: unknown) => (error as Error).message)
      .then((why) => {
        this.#openings.end(client, why === undefined);
        if (why === undefined) this.#opened.add(client);
        else this.#turns.note(client, why);
        this.#wake();
      });
  }

  #push({ client, clientId, place }: Due): void {
    if (place === undefined) return;
    this.#opened.delete(client);
    this.#turns.window.begin(client);
    void this.#bringTo(clientId, place.id)
      .catch((error: unknown) => (error as Error).message)
      .then((delivered) => {
        this.#turns.end(client, delivered);
        this.#wake();
      });
  }

  async #bringTo(clientId: Uint8Array, id: string): Promise<Delivered> {
    const pairwise = this.#pairwiseOf(id);
    if (pairwise === undefined) return "closed";
    const { ledger, center } = this.#authority;
    const payload = await this.#authority.read((rows) =>
      handOverFor(rows, center, { clientId, id, under: pairwise }),
    );
    if (payload !== undefined) return this.#handOver(clientId, id, payload);
    const to = { clientId, pairwise, now: this.#authority.now() };
    const sending = await ledger.transaction((rows) => sendingFor(rows, center, to));
    if (sending === undefined) return "done";
    if (sending.isHeld) return "another key follows";
    const result = await this.#say(id, sending.payload);
    if (result !== "done") return result;
    await ledger.transaction((rows) => {
      confirmAll(rows, clientId, sending);
      const present = { clientId, groups: sending.late, now: this.#authority.now() };
      renewForPresent(rows, center, present);
    });
    return result;
  }

  async #handOver(clientId: Uint8Array, id: string, payload: Uint8Array): Promise<Delivered> {
    const result = await this.#say(id, payload);
    if (result !== "done") return result;
    const { ledger } = this.#authority;
    const name = await this.#authority.read((rows) => nameOfClient(rows, clientId));
    const note = { by: "authority", what: `${name} is handed over` };
    await ledger.transaction((rows) => noteFollowed(rows, clientId), note);
    return "done";
  }

  /** `done` when the member has it in flash. */
  async #say(id: string, payload: Uint8Array): Promise<Delivered> {
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
   * Connects to where somebody was last; undefined, or why not. He is asked to begin first
   * (HelloRequest): his is the session that both still have.
   */
  async #connected({ id, at }: Place): Promise<string | undefined> {
    this.#channels.requestHello(at);
    for (let waited = 0; waited < HELLO_MS; waited += HELLO_LOOK_MS) {
      await new Promise((resolve) => setTimeout(resolve, HELLO_LOOK_MS));
      if (this.#pairwiseOf(id) !== undefined) return undefined;
    }
    const hello: Ask = { method: GET, path: [".well-known", "core"] };
    const answered = await new Promise<Answered>((resolve) => {
      this.#channels.ask(at, hello, resolve);
    });
    if (this.#pairwiseOf(id) !== undefined) return undefined;
    return answered.ok ? "somebody else is there" : answered.why;
  }
}
