/**
 * Keys and rights from an authority, and channels of two (ARCHITECTURE, data model): DTLS on port
 * 5684, AT-R presented at `/authz-info` or in option 65003 of a first request, `/keys/push`. Only
 * in images with room for it.
 *
 * All of it stands beside the receive path, which does not know of it: what it takes are unicast
 * datagrams, before the device sees them.
 */

import { INCARNATION_BYTES, type KeyDelivery, parseDelivery } from "../access/delivery.js";
import { mayUse } from "../access/policy.js";
import { claimsOf } from "../access/token.js";
import { toHex } from "../bytes/hex.js";
import { Id64 } from "../bytes/id64.js";
import type { Outcome } from "../bytes/outcome.js";
import { utf8 } from "../bytes/utf8.js";
import { isMulticast } from "../coap/addresses.js";
import { upTo } from "../coap/chance.js";
import { emitMessage, type Message, type Option, parseMessage } from "../coap/message.js";
import {
  ACCEPT,
  addOption,
  addUint,
  BAD_REQUEST,
  CHANGED,
  CONTENT_FORMAT,
  CREATED,
  FORBIDDEN,
  find,
  findTexts,
  METHOD_NOT_ALLOWED,
  NOT_FOUND,
  OSCORE,
  POST,
  SERVICE_UNAVAILABLE,
  UNAUTHORIZED,
  URI_PATH,
  URI_QUERY,
} from "../coap/options.js";
import { levelMaxIn } from "../commission/joined.js";
import type { EnvelopeKey } from "../cose/envelope.js";
import { StoredSessions } from "../dtls/stored-sessions.js";
import type { Admission } from "../groups/admission.js";
import type { SecurityGroup } from "../groups/directory.js";
import { Joining } from "../groups/join.js";
import { Times } from "../groups/times.js";
import { ownToken, type Refusal, Tokens, type Verdicts } from "../groups/tokens.js";
import { Trust } from "../groups/trust.js";
import type { Board } from "../ports/board.js";
import type { Datagram, Endpoint } from "../ports/datagram.js";
import { levelOf } from "../resources/resources.js";
import { DtlsChannels } from "../secure/dtls.js";
import type { Ask, Asker, SecureRequest, SecureResponse, Told } from "../secure/request.js";
import { KIND, key } from "../store/keys.js";
import { acquaint, admissionOf } from "./acquaint.js";
import { type Authority, authorityIn, hasAuthority } from "./authority.js";
import { type Channel, type Contact, channelIn, contactOf, credentialsOf } from "./contact.js";
import { type Hand, heardGrouping } from "./grouping.js";
import type { Parts } from "./parts.js";
import { Presenting } from "./presenting.js";
import { RateLimit } from "./rate.js";
import { Said } from "./said.js";
import { Shares } from "./shares.js";

/** RFC 7252 §6.2. */
export const SECURE_PORT = 5684;
/** AT-R as an outer option (WIRE.md: experimental, odd, so critical). */
export const OPTION_TOKEN = 65003;

const DTLS_LIMITS = Object.freeze({
  connections: 4,
  handshakes: 2,
  messageBytes: 1024,
  transcriptBytes: 2048,
});
/** With chains of certificates in it. */
const CHAIN_LIMITS = Object.freeze({ ...DTLS_LIMITS, messageBytes: 3072, transcriptBytes: 6144 });
/** RFC 7925 §11: longer than RFC 6347's second where the network is slow. */
const FLIGHT_TIMES = Object.freeze({
  firstMicros: 3_000_000,
  longestMicros: 60_000_000,
  retransmissions: 5,
  spreadMicros: 3_000_000,
});
const SESSIONS_MAX = 4;
const INCARNATION = key(KIND.TRUST, 2);
/** A signature is verified for each. */
const TOKENS_BURST = 4;
const TOKEN_MICROS = 1_000_000;
/** Tokens that end are looked at so often. */
const EXPIRE_MICROS = 60_000_000;
/** After a start with keys: a room that gets power again is not to ask all at one moment. */
const CHECK_MICROS = 60_000_000;
/** After a message under an unknown key: what is said again after 2 s is for the new one. */
const DOUBT_MICROS = 1_000_000;
/** Anybody can send such messages. */
const DOUBTS_EVERY_MICROS = 60_000_000;
const IDLE_MICROS = 24 * 3600 * 1_000_000;
/** Codes from 2.00 on are responses (RFC 7252 §3). */
const RESPONSE_CODES = 64;

/** What takes a datagram before the device does. */
type Receive = (datagram: Datagram) => Outcome<true>;

export interface ChannelsService {
  /** Whether the installation names an authority: what comes of it needs room in the store. */
  isNamed(blob: Uint8Array): boolean;
  /** Begins where the installation names an authority. The device is complete, its network on. */
  begin(device: Parts, board: Board, receive: Receive): DeviceChannels | undefined;
}

export class DeviceChannels {
  readonly trust: Trust;
  readonly tokens: Tokens;
  readonly joining: Joining;
  readonly dtls: DtlsChannels;
  readonly presenting: Presenting;
  readonly admission: Admission | undefined;
  /** Who knows what presses mean; made when it is asked for. */
  declare wake?: (() => Hand) | undefined;
  readonly #device: Parts;
  readonly #authority: Authority;
  readonly #receive: Receive;
  readonly #log: Board["log"];
  readonly #presented: Shares;
  readonly #refusals: RateLimit;
  readonly #doubts: RateLimit;
  readonly #said: Said;
  readonly #random: Board["random"];
  /** The keys there were when their newness was doubted. */
  #doubted: string | undefined = undefined;
  /** With the KDC of today; undefined: the installation names one that is not ours. */
  #channel: Channel | undefined;
  #contact: Contact | undefined;
  /** What the installation gave for the KDC that it names. */
  readonly #given: Channel;

  constructor(device: Parts, board: Board, authority: Authority, receive: Receive) {
    const { clock, store, groups, rights } = device;
    const { crypto, random, log } = board;
    this.#device = device;
    this.#authority = authority;
    this.#receive = receive;
    this.#log = log;
    this.#presented = new Shares(clock, TOKENS_BURST, TOKEN_MICROS);
    this.#refusals = new RateLimit(clock, TOKENS_BURST, TOKEN_MICROS);
    this.#doubts = new RateLimit(clock, 1, DOUBTS_EVERY_MICROS);
    this.#random = random;
    this.trust = new Trust({ store, crypto, clock, isStrict: authority.isStrict });
    this.trust.adopt(authority.kdc);
    this.#given = channelIn(authority, crypto.p256);
    this.#meet();
    const isNobody = this.#channel === undefined;
    if (isNobody) log(`authority: ${authority.kdc.issuer} is not the KDC this device belongs to`);
    const levelMax = levelMaxIn(store);
    this.tokens = new Tokens({ groups, rights, store, crypto, trust: this.trust, levelMax });
    const sessions = new StoredSessions(store, SESSIONS_MAX);
    const handler = (request: SecureRequest) => this.handle(request);
    const send = (to: Endpoint, bytes: Uint8Array) =>
      void device.net.send({ to, fromPort: SECURE_PORT, bytes });
    const parts = { clock, random, crypto, send, handler };
    this.dtls = new DtlsChannels(parts, {
      server: credentialsOf(() => this.#contact),
      client: (to) => this.#contact?.at(to),
      sessions,
      kept: sessions,
      dtls: isShort(this.#given) ? DTLS_LIMITS : CHAIN_LIMITS,
      times: FLIGHT_TIMES,
      idleMicros: IDLE_MICROS,
    });
    this.presenting = new Presenting(device, random);
    const incarnation = incarnationIn(store, random);
    this.admission = admissionOf(device, board, {
      incarnation,
      managerKey: () => this.trust.trusted?.publicKey,
      ask: this.askCenter,
    });
    this.joining = this.#joining(random, incarnation);
    const { trust, tokens } = this;
    const missed = () => this.doubt(DOUBT_MICROS);
    this.#said = new Said(device, board, { trust, tokens, missed });
  }

  /** Takes a datagram that is for a channel, or shows a token; false: it is the device's. */
  take(datagram: Datagram): boolean {
    const { to, from, bytes } = datagram;
    // Never by multicast (WIRE.md): nobody has a say over many devices by one message.
    if (this.#said.take(datagram)) return true;
    if (isMulticast(to.address)) return false; // check: token-unicast
    if (to.port === SECURE_PORT) {
      this.dtls.receive(from, bytes);
      return true;
    }
    if (!this.#device.listensOn(to.port)) return false;
    const parsed = parseMessage(bytes);
    if (!parsed.ok) return false;
    const message = parsed.value;
    if (message.code >= RESPONSE_CODES) return this.presenting.heard(message, from);
    const shown = find(message.options, OPTION_TOKEN);
    if (shown !== undefined) return this.#takeShown(datagram, message, shown);
    const isProtected = find(message.options, OSCORE) !== undefined;
    if (isProtected || !isAuthzInfo(message)) return false;
    this.#takePlain(datagram, message);
    return true;
  }

  /** A request over a channel. */
  handle(request: SecureRequest): SecureResponse {
    const { method, path, from } = request;
    const place = path.join("/");
    if (place === "authz-info" || place === "keys/push") {
      if (method !== POST) return { code: METHOD_NOT_ALLOWED };
      return place === "authz-info"
        ? { code: codeOf(this.#present(request.payload, from.id)) }
        : this.#push(request);
    }
    const isCenter = this.#contact?.isCenter(from) === true;
    if (place === "grouping") return heardGrouping(this.wake, isCenter, request);
    return this.#resource(request, from);
  }

  /**
   * Whether there are newer keys than ours: after a start, or when somebody speaks under one that
   * is unknown here. Somewhat later, by chance: others may have come to it at the same moment.
   */
  doubt(withinMicros: number): void {
    this.#device.clock.after(upTo(this.#random, withinMicros), () => {
      this.#doubted = this.#keyIds();
      this.joining.doubt();
    });
  }

  #keyIds(): string {
    const { directory, keyring } = this.#device.groups;
    const ids = directory.securities().map((security) => keyring.current(security)?.keyId);
    return ids.map((id) => (id === undefined ? "" : toHex(id))).join();
  }

  /** What became of a datagram. */
  took(outcome: Outcome<true>): void {
    if (outcome.ok || outcome.drop !== "unknownKey") return;
    const isSoon = !this.#doubts.take();
    if (isSoon) return; // check: doubt-rate
    this.doubt(DOUBT_MICROS);
  }

  /** Asks the server what time it is, where its key is known. */
  tell({ random, crypto }: Board): void {
    const { timeKey: publicKey } = this.#authority;
    if (publicKey === undefined) return;
    const { clock } = this.#device;
    const ask = (question: Ask, done: Told) => this.#ask(this.#contact?.server, question, done);
    new Times({ clock, random, crypto, publicKey, ask, trust: this.trust }).begin();
  }

  /** Looks after tokens that end. */
  watch(): void {
    this.tokens.expire();
    this.joining.look();
    this.#device.clock.after(EXPIRE_MICROS, () => this.watch());
  }

  #joining(random: Board["random"], incarnation: Uint8Array): Joining {
    const { clock, store, groups } = this.#device;
    const { kdc } = this.#authority;
    const { server } = this.#contact ?? {};
    const { admission } = this;
    // What two share may be theirs alone, from the installation.
    const wanted = () =>
      [...groups.directory.appGroups()]
        .filter(({ security }) => security.profile.proof !== "channel" || isGiven(store, security))
        .map(({ id }) => id);
    return new Joining({
      ...{ clock, random, store, groups, wanted, incarnation },
      // It was shown to the Group Manager, with a proof.
      credential: new Uint8Array(0),
      ...(admission && { admission }),
      audience: () => this.trust.trusted?.issuer ?? kdc.issuer,
      askKdc: this.askCenter,
      ...(server && { askServer: (ask, done) => this.#ask(this.#contact?.server, ask, done) }),
      deliver: (delivery, pairwise) => this.#isDone(this.#deliver(delivery, pairwise)),
      tokenLasts: (security) => {
        const token = ownToken(store, security);
        const expiresAt = token && claimsOf(token)?.expiresAt;
        return expiresAt === undefined ? Number.POSITIVE_INFINITY : expiresAt - this.trust.now();
      },
      onState: (state) => {
        this.#log(`keys: ${state}`);
        if (state !== "resting") return;
        const doubted = this.#doubted;
        this.#doubted = undefined;
        // Whose doubt brought nothing has nothing new to show.
        if (doubted !== this.#keyIds()) this.presenting.begin();
      },
    });
  }

  readonly askCenter = (ask: Ask, done: Told): void => this.#ask(this.#contact?.center, ask, done);

  #ask(to: Endpoint | undefined, ask: Ask, done: Told): void {
    if (to !== undefined) this.dtls.ask(to, ask, done);
    else this.#device.clock.after(0, () => done({ ok: false, why: "unreachable" }));
  }

  #meet(): void {
    this.#channel = this.trust.channelOf(this.#authority.kdc, this.#given);
    this.#contact = this.#channel && contactOf(this.#channel, () => this.trust.now());
  }

  /** Whoever handed over is nobody from now on; what it is told yet is that this was done. */
  #follow(): void {
    const before = this.#contact;
    const channel = this.#channel;
    this.#meet();
    if (this.#channel === channel) return;
    this.#log(`authority: ${this.trust.trusted?.issuer} from now on`);
    if (before !== undefined) this.dtls.leave((asker) => before.isCenter(asker));
    // Whoever follows does not know yet where we are.
    this.doubt(DOUBT_MICROS);
  }

  /** AT-R in the clear: it is signed, and its key sealed. */
  #takePlain({ from }: Datagram, request: Message): void {
    const { endpoint } = this.#device;
    if (endpoint.check(request, from) !== "new") return;
    const presented = this.#present(request.payload ?? new Uint8Array(0), toHex(from.address));
    const code = codeOf(presented);
    const make = (header: { type: number; mid: number; token: Uint8Array }) =>
      emitMessage({ ...header, type: header.type as 0 | 1 | 2, code, ...NOTHING });
    endpoint.reply({ request, from, make });
  }

  /** AT-R in a first request, which is read without it: it may bring the key to open that with. */
  #takeShown(datagram: Datagram, message: Message, token: Uint8Array): boolean {
    const refused = this.#present(token, toHex(datagram.from.address));
    if (refused !== undefined) return true; // check: token-shown
    const options = message.options.filter(({ number }) => number !== OPTION_TOKEN);
    this.#receive({ ...datagram, bytes: emitMessage({ ...message, options }) });
    return true;
  }

  /** What can be told at once is; who wants a signature verified has a share. */
  #present(token: Uint8Array, from: string): Refusal | "overflow" | undefined {
    const { trace } = this.#device;
    const glanced = this.tokens.glance(token);
    const isNews = glanced === undefined;
    const isRationed = isNews && !this.#presented.take(from);
    if (isRationed) return "overflow"; // check: tokens-rate
    const told = isNews ? this.tokens.present(token) : glanced;
    const refused = told === "known" ? undefined : told;
    trace.count(refused === undefined ? "accepted" : "forbidden");
    if (refused === undefined && isNews) this.#acquaint(token);
    if (refused !== undefined && this.#refusals.take()) this.#log(`token refused: ${refused}`);
    return refused;
  }

  #acquaint(token: Uint8Array): void {
    acquaint(this.#device, this.admission, token);
    this.#log(`rights of ${toHex(claimsOf(token)?.subject ?? new Uint8Array(0))}`);
  }

  #push({ from, payload }: SecureRequest): SecureResponse {
    const isCenter = this.#contact?.isCenter(from) === true;
    if (!isCenter) return { code: FORBIDDEN }; // check: push-kdc
    const delivery = parseDelivery(payload);
    if (delivery === undefined) return { code: BAD_REQUEST };
    const verdicts = this.#deliver(delivery, from.pairwise);
    const isDone = this.#isDone(verdicts);
    this.joining.pushed();
    if (delivery.tokens.length > 0) this.presenting.begin();
    // 2.04 says that all of it is in flash.
    if (isDone) return { code: CHANGED };
    const isOurs = verdicts.some((one) => one === "storeFailed" || one === "tableFull");
    return { code: isOurs ? SERVICE_UNAVAILABLE : FORBIDDEN };
  }

  #deliver(delivery: KeyDelivery, pairwise: EnvelopeKey | undefined): Verdicts {
    const { branches = [] } = delivery;
    const verdicts: Verdicts[number][] = [...this.tokens.deliver(delivery, pairwise)];
    const isKept = branches.every((one) => this.#said.branches.keep(one));
    if (!isKept) verdicts.push("storeFailed");
    if (delivery.handOver !== undefined) this.#follow();
    return verdicts;
  }

  #isDone(verdicts: Verdicts): boolean {
    const refused = verdicts.filter((one) => one !== undefined);
    if (refused.length > 0) this.#log(`keys refused: ${refused.join(", ")}`);
    return refused.length === 0;
  }

  /** A resource of the device, at the level of whoever has this channel. */
  #resource(asked: SecureRequest, from: Asker): SecureResponse {
    const { resources, rights } = this.#device;
    const options = optionsOf(asked);
    const resource = resources.find(options);
    if (resource === undefined) return { code: NOT_FOUND };
    const needed = levelOf(resource, asked.method);
    if (needed === undefined) return { code: METHOD_NOT_ALLOWED };
    const contact = this.#contact;
    const { manager } = this.#authority;
    const client = contact?.isCenter(from) ? manager : contact?.clientOf(from);
    const granted = client ? rights.level(null, new Id64().read(client, 0, client.length)) : 0;
    const permitted = mayUse({
      proof: { by: "channel", id: client ?? new Uint8Array(0) },
      transport: "unicast",
      scope: "device",
      granted,
      needed,
    });
    if (!permitted) return { code: FORBIDDEN }; // check: channel-policy
    const payload = asked.payload.length === 0 ? undefined : asked.payload;
    const request = { code: asked.method, options, payload, sender: -1, prevails: false };
    const { code, format, payload: said } = resources.run(resource, request);
    return {
      code,
      ...(format === undefined ? {} : { format }),
      ...(said === undefined ? {} : { payload: said }),
    };
  }
}

/** Whether no certificates go over it. */
function isShort(channel: Channel): boolean {
  return "psk" in channel || channel.own.chain.length + channel.factory.anchors.length === 0;
}

/** Whether the keys of a context of two are the KDC's: it has none yet, or those. */
function isGiven(store: Parts["store"], { id, associations }: SecurityGroup): boolean {
  if (associations.length === 0) return true;
  return store.has(key(KIND.SEALING, id)) || store.has(key(KIND.TOKEN, 1 + id));
}

/**
 * Made once for each flash, as the sender's numbers are: with neither, the keys of before must not
 * come again. One that flash refuses is another at the next start, which costs a key and no more.
 */
function incarnationIn(store: Parts["store"], random: Board["random"]): Uint8Array {
  const known = store.get(INCARNATION);
  if (known !== undefined) return known;
  const made = new Uint8Array(INCARNATION_BYTES);
  random.fill(made);
  store.put(INCARNATION, made);
  return made;
}

const NOTHING = Object.freeze({ options: Object.freeze([]), payload: undefined });

function begin(device: Parts, board: Board, receive: Receive): DeviceChannels | undefined {
  const blob = board.provisioning();
  const authority = blob && authorityIn(blob);
  if (authority === undefined) return undefined;
  const channels = new DeviceChannels(device, board, authority, receive);
  const present = () => channels.presenting.begin();
  device.center = { ask: channels.askCenter, present };
  const { button } = board;
  const edge = button.onEdge;
  button.onEdge = (down, at) => {
    edge?.(down, at);
    // What was pressed without a key is said again by the repeater, once there is one.
    if (down) channels.joining.need();
  };
  device.net.onDatagram = (datagram) => {
    if (!channels.take(datagram)) channels.took(receive(datagram));
  };
  channels.joining.need();
  if (channels.joining.state === "resting") channels.doubt(CHECK_MICROS);
  channels.presenting.begin();
  channels.watch();
  channels.tell(board);
  return channels;
}

function isNamed(blob: Uint8Array): boolean {
  return hasAuthority(blob);
}

export const channels: ChannelsService = Object.freeze({ begin, isNamed });

/** The reasons have names, but not for whoever asks. */
function codeOf(refused: Refusal | "overflow" | undefined): number {
  if (refused === undefined) return CREATED;
  const isOurs = refused === "storeFailed" || refused === "tableFull" || refused === "overflow";
  return isOurs ? SERVICE_UNAVAILABLE : UNAUTHORIZED;
}

function isAuthzInfo({ code, options }: Message): boolean {
  const path = code === POST ? findTexts(options, URI_PATH) : undefined;
  return path?.length === 1 && path[0] === "authz-info";
}

function optionsOf({ path, query, format, accept }: SecureRequest): Option[] {
  const options: Option[] = [];
  for (const segment of path) addOption(options, URI_PATH, utf8(segment));
  for (const part of query) addOption(options, URI_QUERY, utf8(part));
  if (format !== undefined) addUint(options, CONTENT_FORMAT, format);
  if (accept !== undefined) addUint(options, ACCEPT, accept);
  return options;
}
