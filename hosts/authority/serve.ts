/**
 * An authority that runs: its resources over DTLS on a UDP port, commands over its socket, and what
 * it does by itself (pushing keys, renewing those that end, telling KDCs of revocations).
 */
import { rmSync } from "node:fs";
import { CONTENT, NOT_FOUND, type Note } from "../../modules/authority/answers.js";
import { type Audience, asFace } from "../../modules/authority/as-face.js";
import { endMemberships, renew } from "../../modules/authority/distribution.js";
import { forgetJoiners } from "../../modules/authority/joiners.js";
import { type KdcParts, kdcFace } from "../../modules/authority/kdc-face.js";
import { groups, latestOf, numberOf } from "../../modules/authority/records.js";
import { isDue } from "../../modules/authority/spent.js";
import { toHex } from "../../modules/bytes/hex.js";
import { isSameEndpoint } from "../../modules/dtls/connection.js";
import type { ClientCredentials } from "../../modules/dtls/credentials.js";
import type { Endpoint } from "../../modules/ports/datagram.js";
import { DtlsChannels } from "../../modules/secure/dtls.js";
import type { SecureHandler, SecureRequest } from "../../modules/secure/request.js";
import { Announcer, type Saying } from "./announcer.js";
import { type Authority, random } from "./authority.js";
import { NodeClock } from "./clock.js";
import { listen } from "./control.js";
import { Doorkeeper } from "./doorkeeper.js";
import { Ears } from "./ears.js";
import { Grouper } from "./grouper.js";
import { endpointOf, UdpPort } from "./net.js";
import { Notifier } from "./notifier.js";
import { askerOf, Others } from "./others.js";
import { isCoap, Pairs } from "./pairs.js";
import { Places } from "./places.js";
import { Pusher } from "./pusher.js";
import { FileSessions } from "./sessions.js";
import { Side } from "./side.js";
import type { LastWords } from "./words.js";
import type { Running } from "./works.js";

/** What authorities ask each other. */
const PAIR_PATHS = ["introspect", "revoke"];
const NOWHERE = { address: new Uint8Array(16), port: 0 };
const GROUPING_PATHS = ["grouping", "tapped"];
const AS_PATHS = ["token", "introspect", "time"];
const SESSIONS_MAX = 4096;
const CID_BYTES = 4;
/** A day: whoever is asleep for longer opens another connection. */
const IDLE_MICROS = 86_400_000_000;
const LIMITS = {
  connections: 4096,
  handshakes: 256,
  messageBytes: 4096,
  transcriptBytes: 12_288,
} as const;
const TOUCH_MS = 60_000;
/** What another authority on the same database decided is heard of so soon. */
const LOOK_MS = 5000;
const SECOND_MS = 1000;
const GOODBYE_MS = 50;

export interface Served {
  /** Where it listens. */
  readonly at: string;
  /** Resolves when `authority stop` was obeyed. */
  readonly stopped: Promise<void>;
  /** What only an authority that runs can do. */
  readonly running: Running;
  readonly words: LastWords;
  readonly ears: Ears;
  close(): Promise<void>;
}

export async function serve(
  authority: Authority,
  listenAt: Saying & { readonly port: number },
): Promise<Served> {
  const doorkeeper = new Doorkeeper(authority);
  await doorkeeper.look();
  const port = await UdpPort.bind(listenAt);
  const places = new Places(authority);
  const ears = await orClosed(port, () => Ears.open(authority, listenAt));
  let decided = () => {};
  const handler = handlerOf(authority, {
    ...{ places, ears },
    decided: () => decided(),
    resolve: async (token) => {
      const claims = await others.resolve(token);
      if (claims !== undefined) places.named(token, claims.subject);
      return claims;
    },
  });
  const kept = { max: SESSIONS_MAX, now: () => authority.now() };
  const sessions = new FileSessions(authority.state.sessions, kept);
  const channels = channelsOf(authority, { port, places, doorkeeper, handler, sessions });
  // Each of its questions is refused anyway; there are none to be asked.
  doorkeeper.onLost = (credential) => channels.close(credential);
  const pairs = await orClosed(port, () => pairsOf(authority, port, handler));
  const others = new Others(authority, channels, pairs?.channels);
  port.onDatagram = (from, bytes) => {
    if (isCoap(bytes)) pairs?.channels.receive({ from, to: NOWHERE, bytes });
    else channels.receive(from, bytes);
  };
  const announcer = await orClosed(port, () => Announcer.open(authority, listenAt));
  const pusher = new Pusher(authority, { channels, places, announcer });
  const notifier = new Notifier(authority, others);
  const { stopped, stop } = ending();
  const side = new Side(authority, listenAt, { channels, places, doorkeeper });
  const running = runningOf({ at: port.at, side, pusher, notifier, doorkeeper, ears, stop });
  const control = await orClosed(port, () => listen(authority.state, { authority, running }));
  const grouper = new Grouper(authority, { side, places, channels });
  decided = () => grouper.look();
  const parts = [pusher, notifier, new Upkeep(authority, { places, doorkeeper }), ears, grouper];
  for (const part of parts) part.start();
  const close = async () => {
    for (const part of parts) part.stop();
    await places.keep();
    control.close();
    rmSync(authority.state.socket, { force: true });
    channels.stop();
    sessions.close();
    pairs?.stop();
    // Goodbyes are on their way: who heard one can be asked to come back.
    await new Promise((resolve) => setTimeout(resolve, GOODBYE_MS));
    await port.close();
  };
  return { at: port.at, stopped, running, words: places.words, ears, close };
}

/** What works use of it. */
function runningOf({
  at,
  side,
  pusher,
  notifier,
  doorkeeper,
  ears,
  stop,
}: {
  at: string;
  side: Side;
  pusher: Pusher;
  notifier: Notifier;
  doorkeeper: Doorkeeper;
  ears: Ears;
  stop: () => void;
}): Running {
  return {
    at,
    side,
    deliver: (some, say) => pusher.deliver(some, say),
    handOver: (say) => pusher.handOver(say),
    notify: (say) => notifier.notify(say),
    changed: () => doorkeeper.look(),
    hears: (group) => ears.hears(group),
    // The answer goes out first.
    stop: () => void setTimeout(stop, 100),
  };
}

/** `stopped` resolves when `stop` is called. */
function ending(): { stopped: Promise<void>; stop: () => void } {
  let stop = () => {};
  const stopped = new Promise<void>((resolve) => {
    stop = resolve;
  });
  return { stopped, stop };
}

/** What may not come about, and then keeps no port. */
async function orClosed<T>(port: UdpPort, make: () => T | Promise<T>): Promise<T> {
  try {
    return await make();
  } catch (error) {
    await port.close();
    throw error;
  }
}

interface Parts {
  readonly port: UdpPort;
  readonly places: Places;
  readonly doorkeeper: Doorkeeper;
  readonly handler: SecureHandler;
  readonly sessions: FileSessions;
}

/** Undefined where nobody is spoken to by OSCORE. Throws a Fault. */
function pairsOf(authority: Authority, port: UdpPort, asked: SecureHandler) {
  const { identity, state, crypto, channel } = authority;
  if (!identity.trusts.some(({ oscore }) => oscore !== undefined)) return undefined;
  const pairs = Pairs.open(state, crypto);
  // Who has such a context is an authority: nothing that devices come for is given to it.
  const handler = (request: SecureRequest) =>
    PAIR_PATHS.includes(request.path.join("/")) ? asked(request) : { code: NOT_FOUND };
  const send = (to: Endpoint, bytes: Uint8Array) => port.send(to, bytes);
  try {
    const parts = { clock: new NodeClock(), random, crypto, send, handler };
    const channels = pairs.channels(identity, channel.publicKey, parts);
    const timer = setInterval(() => channels.idle(), LOOK_MS);
    const stop = () => {
      clearInterval(timer);
      channels.stop();
      pairs.close();
    };
    return { channels, stop };
  } catch (error) {
    pairs.close();
    throw error;
  }
}

function channelsOf(
  authority: Authority,
  { port, places, doorkeeper, handler, sessions }: Parts,
): DtlsChannels {
  const parts = {
    clock: new NodeClock(),
    random,
    crypto: authority.crypto,
    send: (to: Endpoint, bytes: Uint8Array) => port.send(to, bytes),
    handler,
    opened: places.opened.bind(places),
    closed: places.closed.bind(places),
  };
  return new DtlsChannels(parts, {
    server: doorkeeper.credentials(),
    sessions,
    kept: sessions,
    client: (to) => clientCredentials(authority, { places, doorkeeper }, to),
    cidBytes: CID_BYTES,
    dtls: LIMITS,
    idleMicros: IDLE_MICROS,
  });
}

/** What we show where we connect to: our key to a KDC, our key or its own secret to a device. */
function clientCredentials(
  { identity, own }: Authority,
  { places, doorkeeper }: Pick<Parts, "places" | "doorkeeper">,
  to: Endpoint,
): ClientCredentials | undefined {
  const card = identity.trusts.find(
    ({ at }) => at !== undefined && isSameEndpoint(endpointOf("at", at), to),
  );
  if (card !== undefined) {
    const isIts = (key: Uint8Array) => toHex(key) === card.channel;
    return { own, trust: { rawKey: isIts } };
  }
  const id = places.idAt(to);
  return id === undefined ? undefined : doorkeeper.credentialsFor(id);
}

/** Requests to the part they are for; each is in the log under its asker. */
function handlerOf(
  authority: Authority,
  {
    places,
    ears,
    resolve,
    decided,
  }: {
    places: Places;
    ears: Ears;
    /** A group is opened, or changed. */
    decided: () => void;
  } & Required<Pick<KdcParts, "resolve">>,
): SecureHandler {
  const { role } = authority.identity;
  const { ledger } = authority;
  const note = (said: Note) => ledger.transaction(() => undefined, said);
  const now = () => authority.now();
  const issuer = authority.issuer("as");
  const audiences = audiencesOf(authority);
  const as = asFace({ ledger, issuer, random, audiences, now, note });
  const kdc = kdcFace({ ledger, center: authority.center, now, note, resolve });
  return (request) => {
    places.words.heard(request.from.id);
    const by = { by: request.from.id, what: `/${request.path.join("/")}` };
    return authority.notes.run(by, async () => {
      if (AS_PATHS.includes(request.path[0])) {
        return role === "kdc" ? { code: NOT_FOUND } : as(request);
      }
      if (role === "as") return { code: NOT_FOUND };
      await ears.settle();
      const response = await kdc(request);
      if (isGiven(request, response.code)) places.note(request);
      if (request.path[0] === "pressed") places.words.onPressed(request.from.id);
      if (GROUPING_PATHS.includes(request.path[0])) decided();
      return response;
    });
  };
}

function isGiven({ path }: SecureRequest, code: number): boolean {
  return path[0] === "keys" && code === CONTENT;
}

function audiencesOf({ identity, crypto }: Authority): Audience[] {
  const { domain, role, trusts } = identity;
  const others = trusts
    .filter((card) => card.role !== "as")
    .map((card) => ({
      name: `${card.domain}/kdc`,
      asker: askerOf(crypto, card),
      byReference: card.byReference === true,
      isBearer: card.bearer === true,
    }));
  return role === "both" ? [{ name: `${domain}/kdc` }, ...others] : others;
}

type UpkeepParts = Pick<Parts, "places" | "doorkeeper">;

/** What an authority does by the clock. */
class Upkeep {
  readonly #authority: Authority;
  readonly #places: Places;
  readonly #doorkeeper: Doorkeeper;
  readonly #timers: NodeJS.Timeout[] = [];

  constructor(authority: Authority, { places, doorkeeper }: UpkeepParts) {
    this.#authority = authority;
    this.#places = places;
    this.#doorkeeper = doorkeeper;
  }

  start(): void {
    const every = (ms: number, what: () => Promise<unknown>) => {
      // What the disk refuses now is told by the next command.
      this.#timers.push(setInterval(() => void what().catch(() => {}), ms));
    };
    every(SECOND_MS, async () => this.#authority.see());
    every(SECOND_MS, () => this.#places.keep());
    every(LOOK_MS, () => this.#doorkeeper.lookAgain());
    every(TOUCH_MS, () => this.#authority.touch());
    every(TOUCH_MS, () => this.#renew());
  }

  stop(): void {
    for (const timer of this.#timers) clearInterval(timer);
  }

  /** Keys whose time is over. */
  #renew(): Promise<void> {
    const { ledger, center } = this.#authority;
    return ledger.transaction((rows) => {
      const now = latestOf(rows, "clock", this.#authority.now());
      endMemberships(rows, center, now);
      forgetJoiners(rows, now);
      for (const key of groups.keys(rows)) {
        const group = numberOf(key);
        if (isDue(rows, group, now)) renew(rows, center, group, { isBroken: false, now });
      }
    });
  }
}
