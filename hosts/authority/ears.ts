/**
 * Listens to groups on the network that their members are on, for an authority that runs: UDP
 * sockets that are in their multicast groups, and `Listener`, which knows what of it all was heard.
 *
 * A break is what nobody can rule out: the interface was gone, the computer asleep, a buffer full,
 * the ledger not to be read. After one, it begins anew.
 */
import { createSocket, type Socket } from "node:dgram";
import type { Said } from "../../modules/authority/ear.js";
import type { Hearing, Listening } from "../../modules/authority/heard.js";
import { Listener, wantedIn } from "../../modules/authority/listener.js";
import type { Endpoint } from "../../modules/ports/datagram.js";
import { MemoryFlash } from "../bench/flash.js";
import { formatIpv6, parseIpv6 } from "../installation/address.js";
import type { Saying } from "./announcer.js";
import type { Authority } from "./authority.js";
import { NodeClock } from "./clock.js";
import { networkOf } from "./interfaces.js";
import { linkOf } from "./link.js";

const LOOK_MS = 1000;
/** Seconds of a group where everybody speaks at once. */
const BUFFER_BYTES = 1 << 20;
/** Between two clocks, of which one stands still while the computer sleeps. */
const ASLEEP_MS = 5000;
/** Link-local and narrower scopes of RFC 4291 §2.7 are of one interface. */
const LINK_SCOPE = 2;
/** Of the event loop: what came before a question is read before it is answered. */
const TURNS = 2;

export class Ears implements Listening {
  /** Hears what members say to groups that are listened to. */
  onSaid: ((said: Said) => void) | undefined;
  readonly #authority: Authority;
  readonly #network: string | undefined;
  readonly #say: (line: string) => void;
  readonly #listener: Listener;
  readonly #sockets = new Map<string, { readonly at: Endpoint; readonly socket: Socket }>();
  readonly #told = new Set<string>();
  #link: string | undefined;
  #asleepMs = 0;
  #looking: Promise<void> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;

  private constructor(authority: Authority, saying: Saying) {
    const { crypto } = authority;
    this.#authority = authority;
    this.#network = networkOf(saying);
    this.#say = saying.say ?? (() => {});
    const partition = () => new MemoryFlash();
    this.#listener = new Listener({
      ...{ crypto, clock: new NodeClock(), partition },
      said: (said) => this.onSaid?.(said),
    });
  }

  /** Listens when this resolves. Throws a Fault where the network that was named is none. */
  static async open(authority: Authority, saying: Saying): Promise<Ears> {
    const ears = new Ears(authority, saying);
    await ears.#look();
    authority.listening = ears;
    return ears;
  }

  start(): void {
    this.#timer = setInterval(() => void this.#look(), LOOK_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#deafen();
  }

  of(group: number): Hearing | undefined {
    return this.#listener.of(group);
  }

  /** Whether all is heard that is said to a group from its newest key on, or from the next one. */
  hears(group: number): boolean {
    return this.of(group) !== undefined;
  }

  /** All that came until now is understood, as far as it can be: before a newcomer is answered. */
  async settle(): Promise<void> {
    if (this.#sockets.size === 0) return;
    for (let turn = 0; turn < TURNS; turn++) await new Promise((resolve) => setImmediate(resolve));
    if (!this.#isSame()) this.#deafen();
    if (this.#link === undefined || this.#listener.waits) await this.#look();
  }

  /** One after the other. */
  #look(): Promise<void> {
    this.#looking = this.#looking
      .then(() => this.#lookOnce())
      // What the ledger says now nobody knows: it may be another key, and members.
      .catch(() => this.#deafen());
    return this.#looking;
  }

  async #lookOnce(): Promise<void> {
    const wanted = await this.#authority.read(wantedIn);
    const network = this.#network;
    if (network === undefined) {
      if (wanted.length > 0) this.#tell(DEAF);
      return;
    }
    if (!this.#isSame()) this.#deafen();
    await this.#join(
      network,
      wanted.flatMap(({ places }) => places),
    );
    this.#link ??= this.#linkNow();
    const { count } = this.#listener;
    const isJoined = (place: Endpoint) => this.#link !== undefined && this.#sockets.has(at(place));
    await this.#authority.read((rows) => this.#listener.look(rows, { isJoined, count }));
  }

  /** Whether nothing can have been missed since the last time. */
  #isSame(): boolean {
    const asleepMs = Date.now() - performance.now();
    const slept = Math.abs(asleepMs - this.#asleepMs) > ASLEEP_MS;
    this.#asleepMs = asleepMs;
    if (this.#link === undefined) return false;
    return !slept && this.#linkNow() === this.#link;
  }

  #linkNow(): string | undefined {
    const places = [...this.#sockets.values()].map((one) => one.at);
    return this.#network === undefined ? undefined : linkOf(this.#network, places);
  }

  #deafen(): void {
    this.#listener.forget();
    for (const { socket } of this.#sockets.values()) socket.close();
    this.#sockets.clear();
    this.#link = undefined;
  }

  /** Is in the groups of these places, and in no other. */
  async #join(network: string, places: readonly Endpoint[]): Promise<void> {
    const names = new Set(places.map(at));
    for (const [name, { socket }] of this.#sockets) {
      if (names.has(name)) continue;
      socket.close();
      this.#sockets.delete(name);
      this.#link = undefined;
    }
    for (const place of places) {
      if (this.#sockets.has(at(place))) continue;
      const socket = await this.#socketAt(network, place);
      if (socket === undefined) continue;
      this.#sockets.set(at(place), { at: place, socket });
      this.#link = undefined;
    }
  }

  async #socketAt(network: string, place: Endpoint): Promise<Socket | undefined> {
    const { address, port } = place;
    const text = formatIpv6(address);
    const isLinks = (address[1] & 15) <= LINK_SCOPE;
    const socket = createSocket({ type: "udp6", reuseAddr: true, ipv6Only: true });
    try {
      await new Promise<void>((resolve, reject) => {
        socket.once("error", reject);
        socket.bind({ port, address: isLinks ? `${text}%${network}` : text }, resolve);
      });
      socket.addMembership(text, `::%${network}`);
    } catch (error) {
      socket.close();
      const { code } = error as NodeJS.ErrnoException;
      this.#tell(`[${text}]:${port} on ${network} cannot be listened to (${code}): ${RENEWED}`);
      return undefined;
    }
    widen(socket);
    socket.removeAllListeners("error");
    socket.on("error", () => this.#deafen());
    socket.on("message", (message, from) => {
      const source = parseIpv6(from.address.split("%")[0]) ?? new Uint8Array(16);
      const bytes = new Uint8Array(message);
      const sent = { from: { address: source, port: from.port }, to: place, bytes, atMicros: 0 };
      this.#listener.hear(sent);
    });
    return socket;
  }

  #tell(line: string): void {
    if (this.#told.has(line)) return;
    this.#told.add(line);
    this.#say(line);
  }
}

const RENEWED = "who comes late gets a new key, with everybody else";
const DEAF =
  `groups with --numbers heard are not listened to: ${RENEWED}. ` +
  "Start with the interface that their members are on: --interface eth0";

function at({ address, port }: Endpoint): string {
  return `[${formatIpv6(address)}]:${port}`;
}

/** As far as the system lets us; what is too much for it, it counts. */
function widen(socket: Socket): void {
  try {
    socket.setRecvBufferSize(BUFFER_BYTES);
  } catch {
    // Its own size, then.
  }
}
