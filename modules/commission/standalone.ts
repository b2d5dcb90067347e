/**
 * A switch that is its room's authority: AS and KDC in its own flash, for rooms without a computer.
 *
 * Ten seconds on a switch that is nobody's found the room: keys are drawn, and the ledger is
 * written as one decision. From the next start on the switch lives by a part that it makes of the
 * ledger, and is a member of its room like every other device: it asks the authority in itself for
 * its keys over a channel of its own (home.ts), so nothing of a device knows the difference.
 * Rejected: keys put straight into the switch's keyring, a second way for keys to come, go and be
 * renewed.
 *
 * Luminaires come in by admitting.ts. One that was reset is out as soon as it shows so, and the
 * others get new keys.
 */
import { answerAs } from "../authority/as-face.js";
import { Courier, type Reach } from "../authority/courier.js";
import type { Center } from "../authority/distribution.js";
import { FlashLedger } from "../authority/flash-ledger.js";
import { admitJoiner, pinOf } from "../authority/joiners.js";
import { answerKdc } from "../authority/kdc-face.js";
import { handOverFor, leavingIn, noteFollowed } from "../authority/leaving.js";
import type { Rows } from "../authority/ledger.js";
import { devices } from "../authority/records.js";
import { equalBytes } from "../bytes/equal.js";
import { fromHex, toHex } from "../bytes/hex.js";
import {
  CBOR,
  CHANGED,
  CONTENT,
  FORBIDDEN,
  GET,
  METHOD_NOT_ALLOWED,
  POST,
  SERVICE_UNAVAILABLE,
} from "../coap/options.js";
import type { ClientCredentials } from "../dtls/credentials.js";
import type { Board } from "../ports/board.js";
import type { Timer } from "../ports/clock.js";
import type { Datagram, DatagramPort, Endpoint } from "../ports/datagram.js";
import { DtlsChannels } from "../secure/dtls.js";
import type { Ask, Asker, SecureRequest, SecureResponse, Told } from "../secure/request.js";
import type { Store } from "../store/store.js";
import { Admitting, type Place } from "./admitting.js";
import type { Founded, Host, StandaloneService } from "./alone.js";
import type { Factory } from "./factory.js";
import type { Gesture } from "./gestures.js";
import { answerHandOver, isHandedOver } from "./handing.js";
import { HomePort, SECURE_PORT } from "./home.js";
import { joinKey } from "./label.js";
import { Press } from "./press.js";
import {
  blobFor,
  centerOf,
  deviceOf,
  drawSelf,
  expectLuminaire,
  forgetTokens,
  furnish,
  LUMINAIRE_ROLE,
  listeningAt,
  ownBlob,
  removeLuminaire,
  type Self,
  secretOf,
  selfIn,
} from "./room.js";

const SWITCH_ROLE = 2;
const PLAIN_PORT = 5683;
const SECOND = 1_000_000;
/** Each takes heap; who was silent longest makes room, and is connected with when there is news. */
const DTLS_LIMITS = Object.freeze({
  connections: 10,
  handshakes: 4,
  messageBytes: 1024,
  transcriptBytes: 2048,
});
const FLIGHT_TIMES = Object.freeze({
  firstMicros: 3 * SECOND,
  longestMicros: 30 * SECOND,
  retransmissions: 3,
  spreadMicros: SECOND,
});
/** A member that could not be reached is tried again after so long. */
const KNOCK_MICROS = 60 * SECOND;
const KNOCKS_MAX = 2;
const LEAVE_MICROS = 5 * SECOND;
/** A luminaire that was just given its keys has them in flash. */
const PRESENT_MICROS = SECOND;

class Room implements Founded {
  readonly #board: Board;
  readonly #self: Self;
  readonly #center: Center;
  readonly #factory: Factory;
  #port: HomePort | undefined = undefined;

  constructor(board: Board, self: Self, factory: Factory) {
    this.#board = board;
    this.#factory = factory;
    this.#self = self;
    this.#center = centerOf(self, board.crypto, board.random);
  }

  get blob(): Uint8Array {
    return ownBlob(this.#self, trustedOf(this.#center));
  }

  net(inner: DatagramPort): DatagramPort {
    this.#port = new HomePort(inner, this.#board.clock);
    return this.#port;
  }

  begin(host: Host): void {
    if (this.#port === undefined) throw new Error("standalone: began without its network");
    const parts = { board: this.#board, port: this.#port, host, factory: this.#factory };
    new Standalone(parts, this.#self, this.#center);
  }
}

interface Parts {
  readonly board: Board;
  readonly port: HomePort;
  readonly host: Host;
  readonly factory: Factory;
}

class Standalone {
  readonly #board: Board;
  readonly #port: HomePort;
  readonly #host: Host;
  readonly #self: Self;
  readonly #center: Center;
  readonly #ledger: FlashLedger;
  readonly #channels: DtlsChannels;
  readonly #courier: Courier;
  readonly #admitting: Admitting;
  /** Who is connected, by who the channel shows. */
  readonly #askers = new Map<string, Asker>();
  /** Where who was, by the same; and until when nobody knocks there. */
  readonly #places = new Map<string, Endpoint>();
  readonly #knocked = new Map<string, number>();
  /** Who is being told of the next authority. */
  readonly #telling = new Set<string>();
  #leaving: Timer | undefined = undefined;
  #knocks = 0;
  /** A press that answers what the switch asked is none for light. */
  #isOurs = false;
  /** For five seconds, and not let go yet. */
  #isHeld = false;
  /** By the printed label: whom the room may be handed over to. */
  readonly #label: { readonly identity: Uint8Array; readonly key: Uint8Array } | undefined;

  constructor({ board, port, host, factory }: Parts, self: Self, center: Center) {
    const { eui64, label, n } = factory;
    this.#label = label && joinKey(board.crypto, { eui64, label, n });
    this.#board = board;
    this.#port = port;
    this.#host = host;
    this.#self = self;
    this.#ledger = FlashLedger.open(host.store);
    const run = <T>(decide: (rows: Rows) => T): T => this.#ledger.run(decide);
    this.#center = { ...center, listening: listeningAt(run, self, host.used) };
    this.#channels = this.#open();
    this.#admitting = this.#admits();
    const { clock } = board;
    this.#courier = new Courier({
      ...{ clock, center: this.#center, now: this.#now, run },
      reach: (clientId) => this.#reach(clientId),
      told: (clientId, delivered) => board.log(`room: keys for ${toHex(clientId)}: ${delivered}`),
    });
    port.authority = (datagram) => this.#take(datagram);
    this.#watch();
    this.#courier.look();
    this.#leave();
  }

  readonly #now = (): number => this.#host.seconds();

  #open(): DtlsChannels {
    const { clock, random, crypto } = this.#board;
    return new DtlsChannels(
      {
        ...{ clock, random, crypto },
        send: (to, bytes) => void this.#port.say(to, SECURE_PORT, bytes),
        handler: (request) => this.#answer(request),
        opened: (asker, at) => this.#opened(asker, at),
        closed: ({ id }) => void this.#askers.delete(id),
        dropped: (_from, reason) => {
          if (reason === "forged") this.#admitting.window.failed(); // check: hand-over-guesses
        },
      },
      {
        server: { psk: (identity) => this.#secretOf(identity) },
        client: (to) => this.#credentialsFor(to),
        ...{ dtls: DTLS_LIMITS, times: FLIGHT_TIMES },
      },
    );
  }

  #secretOf(identity: Uint8Array): Uint8Array | undefined {
    const label = this.#label;
    const isLabel = label !== undefined && equalBytes(identity, label.identity);
    if (isLabel) return this.#admitting.window.isOpen ? label.key.slice() : undefined;
    return this.#ledger.run((rows) => secretOf(rows, identity));
  }

  /** A lamp that is being joined, or one of ours that is to be told something. */
  #credentialsFor(to: Endpoint): ClientCredentials | undefined {
    const fresh = this.#admitting.credentialsFor(to);
    if (fresh !== undefined) return fresh;
    for (const [id, at] of this.#places) {
      const key = isSame(at, to) ? this.#secretOf(fromHex(id)) : undefined;
      if (key !== undefined) return { psk: { identity: fromHex(id), key } };
    }
    return undefined;
  }

  #opened(asker: Asker, at: Endpoint): void {
    this.#askers.set(asker.id, asker);
    const device = this.#ledger.run((rows) => deviceOf(rows, asker.id));
    if (device === undefined) return;
    this.#places.set(asker.id, { address: at.address.slice(), port: at.port });
    // What goes out at once would go before the end of the handshake.
    this.#board.clock.after(0, () => this.#courier.returned(device.clientId));
  }

  #reach(clientId: Uint8Array): Reach | undefined {
    const id = this.#idOf(clientId);
    if (id === undefined) return undefined;
    const pairwise = this.#askers.get(id)?.pairwise;
    if (pairwise === undefined) {
      this.#knock(id);
      return undefined;
    }
    return { pairwise, ask: (ask, done) => this.#channels.askPeer(id, ask, done) };
  }

  /** What a member's channel shows. */
  #idOf(clientId: Uint8Array): string | undefined {
    return this.#ledger.run((rows) => {
      const owner = rows.get("client", toHex(clientId));
      const device = owner && devices.get(rows, toHex(owner));
      return device && toHex(device.credential);
    });
  }

  /** Whoever is silent for long has no connection left, but a key waits for him. */
  #knock(id: string): void {
    const { clock } = this.#board;
    const at = this.#places.get(id);
    const isSoon = (this.#knocked.get(id) ?? 0) > clock.micros();
    if (at === undefined || isSoon || this.#knocks >= KNOCKS_MAX) return;
    this.#knocked.set(id, clock.micros() + KNOCK_MICROS);
    this.#knocks++;
    const hello: Ask = { method: GET, path: [".well-known", "core"], query: ["rt=none"] };
    this.#channels.ask(at, hello, () => {
      this.#knocks--;
      this.#courier.look();
    });
  }

  #take(datagram: Datagram): boolean {
    const { to, from, bytes } = datagram;
    if (to.port === PLAIN_PORT) return this.#admitting.heard(datagram);
    if (to.port !== SECURE_PORT) return false;
    this.#channels.receive(from, bytes);
    return true;
  }

  #answer(request: SecureRequest): SecureResponse {
    const [place] = request.path;
    const { id } = request.from;
    const before = this.#ledger.run((rows) => deviceOf(rows, id));
    let response: SecureResponse;
    try {
      response = place === "hand-over" ? this.#handOver(request) : this.#decide(request);
    } catch (error) {
      // Nothing of it was written; who asked comes again.
      this.#board.log(`room: ${(error as Error).message}`);
      return { code: SERVICE_UNAVAILABLE };
    }
    const { clock } = this.#board;
    // Others may have to be told. The answer goes first.
    clock.after(0, () => this.#courier.look());
    const isOwn = id === toHex(this.#self.identity);
    const isKeyed = place === "keys" && response.code === CONTENT && !isOwn;
    if (isKeyed) clock.after(PRESENT_MICROS, () => this.#host.present());
    if (before === undefined && response.code < 0x80) this.#board.log(`room: ${id} is in`);
    return response;
  }

  /** To who has the label; nobody else is shown anything. */
  #handOver({ method, from, payload }: SecureRequest): SecureResponse {
    const isLabel = this.#label !== undefined && from.id === toHex(this.#label.identity);
    const isMeant = isLabel && this.#admitting.window.isOpen;
    if (!isMeant) return { code: FORBIDDEN }; // check: hand-over-label
    if (method !== POST) return { code: METHOD_NOT_ALLOWED };
    const response = this.#ledger.run((rows) => answerHandOver(rows, this.#center, payload));
    this.#board.clock.after(0, () => this.#leave());
    return response;
  }

  /** Tells members whom they follow from now on, until each has said that it does. */
  #leave(): void {
    const { clock, log } = this.#board;
    const left = this.#ledger.run(leavingIn);
    if (left.length === 0) return;
    for (const client of left) {
      const clientId = fromHex(client);
      const reach = this.#reach(clientId);
      const id = this.#idOf(clientId);
      if (reach === undefined || id === undefined || this.#telling.has(client)) continue;
      const told = { clientId, id, under: reach.pairwise };
      const payload = this.#ledger.run((rows) => handOverFor(rows, this.#center, told));
      if (payload === undefined) continue;
      const ask = { method: POST, path: ["keys", "push"], format: CBOR, payload };
      this.#telling.add(client);
      reach.ask(ask, (answered) => {
        this.#telling.delete(client);
        if (!answered.ok || answered.response.code !== CHANGED) return;
        this.#ledger.run((rows) => noteFollowed(rows, clientId));
        log(`room: ${client} follows the new authority`);
      });
    }
    if (this.#leaving !== undefined) clock.cancel(this.#leaving);
    this.#leaving = clock.after(LEAVE_MICROS, () => this.#leave());
  }

  #decide(request: SecureRequest): SecureResponse {
    const center = this.#center;
    const { random } = this.#board;
    return this.#ledger.run((rows) => {
      if (request.path[0] !== "token") {
        return answerKdc(rows, { center, now: this.#now }, request).response;
      }
      const issuer = { ...center, name: `${this.#self.domain}/as` };
      const audiences = [{ name: center.name }];
      const parts = { issuer, random, audiences, now: () => undefined };
      const { response } = answerAs(rows, parts, request);
      forgetTokens(rows);
      return response;
    });
  }

  #remove(eui64: Uint8Array): void {
    const now = this.#now();
    try {
      this.#ledger.run((rows) => removeLuminaire(rows, this.#center, eui64, now));
    } catch (error) {
      this.#board.log(`room: ${toHex(eui64)} is still in: ${(error as Error).message}`);
      return;
    }
    this.#board.log(`room: ${toHex(eui64)} is out; the others get other keys`);
    this.#courier.look();
  }

  #admits(): Admitting {
    const { clock, random, crypto, log, indicator } = this.#board;
    const own = crypto.p256?.keyPair(this.#self.channel.slice());
    if (own === undefined) throw new Error("standalone: this build has no P-256");
    return new Admitting({
      ...{ clock, random, log, own: { key: own, chain: [] } },
      sha256: (data) => crypto.sha256(data),
      send: (to, fromPort, bytes) => this.#port.say(to, fromPort, bytes),
      ask: (to: Endpoint, ask: Ask, done: Told) => this.#channels.ask(to, ask, done),
      close: ({ id }) => this.#channels.close(id),
      show: (pattern) => indicator?.show(pattern),
      isFresh: (eui64, keySum) => this.#isFresh(eui64, keySum),
      expect: (eui64, keySum) => this.#expect(eui64, keySum),
    });
  }

  /** The very lamp that was in, after a reset. */
  #isFresh(eui64: Uint8Array, keySum: Uint8Array): void {
    const isOurs = this.#ledger.run((rows) => {
      const key = toHex(eui64);
      const pin = pinOf(rows, key);
      const isProven = pin !== undefined && equalBytes(pin, keySum);
      if (!isProven) return false; // check: alone-reset-proven
      return devices.get(rows, key) !== undefined;
    });
    if (isOurs) this.#remove(eui64);
  }

  #expect(eui64: Uint8Array, keySum: Uint8Array): Place {
    const around = { random: this.#board.random, now: this.#now() };
    const confirmed = { eui64, keySum };
    const pending = this.#ledger.run((rows) => {
      if (isHandedOver(rows)) throw new Error("this room has another authority now");
      return expectLuminaire(rows, confirmed, around);
    });
    const { clientId, identity, secret: psk } = pending;
    const { publicKey, kid } = trustedOf(this.#center);
    const part = { eui64, role: LUMINAIRE_ROLE, clientId, identity, psk, at: this.#port.address };
    const blob = blobFor(this.#self, publicKey, kid, part);
    const admitted = () => this.#ledger.run((rows: Rows) => void admitJoiner(rows, identity));
    return { blob, admitted };
  }

  /** Looks on while a hand does what it does, and takes the press that was asked for. */
  #watch(): void {
    const { clock, button } = this.#board;
    const inner = button.onEdge;
    const press = new Press(clock, (gesture) => this.#told(gesture));
    const edge = this.#host.debounced((down, atMicros) => {
      if (down) this.#isOurs = this.#admitting.isAsking;
      press.edge(down, atMicros);
    });
    button.onEdge = (down, atMicros) => {
      edge(down, atMicros);
      if (!this.#isOurs) inner?.(down, atMicros);
    };
  }

  /** The window opens when the hand lets go: ten seconds are another gesture. */
  #told(gesture: Gesture | "released"): void {
    const { window } = this.#admitting;
    if (this.#isOurs) {
      if (gesture === "short") this.#admitting.confirm();
    } else if (gesture === "short") {
      if (window.isOpen) window.press();
    } else if (gesture === "hold5") this.#isHeld = true;
    else if (gesture === "hold10") this.#isHeld = false;
    else if (gesture === "released" && this.#isHeld) {
      this.#isHeld = false;
      if (!window.isOpen) window.press();
    }
  }
}

function trustedOf({ voucher, kid }: Center): { publicKey: Uint8Array; kid: Uint8Array } {
  if (!("signer" in voucher)) throw new Error("standalone: it signs");
  return { publicKey: voucher.signer.publicKey, kid };
}

function isSame(a: Endpoint, b: Endpoint): boolean {
  return a.port === b.port && equalBytes(a.address, b.address);
}

function found({ crypto, random }: Board, store: Store, factory: Factory): string | undefined {
  if (factory.role !== SWITCH_ROLE) return "only a switch begins a room";
  if (crypto.signatures === undefined) return "this build has no Ed25519";
  if (crypto.p256 === undefined) return "this build has no P-256";
  const drawn = drawSelf(random, factory.eui64);
  const center = centerOf(drawn, crypto, random);
  try {
    FlashLedger.open(store).run((rows) => furnish(rows, center, drawn));
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

function foundedIn(board: Board, store: Store, factory: Factory): Founded | undefined {
  if (!FlashLedger.isIn(store)) return undefined;
  const self = FlashLedger.open(store).run(selfIn);
  return new Room(board, self, factory);
}

export const standalone: StandaloneService = Object.freeze({ found, foundedIn });
