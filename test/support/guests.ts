/** Devices that join a running authority over UDP on this computer, and take what is pushed. */
import { NodeClock } from "../../hosts/authority/clock.js";
import { NodeCrypto } from "../../hosts/authority/crypto.js";
import { Guest } from "../../hosts/authority/guest.js";
import { endpointOf, UdpPort } from "../../hosts/authority/net.js";
import { type KeyDelivery, parseDelivery } from "../../modules/access/delivery.js";
import { fromHex, toHex } from "../../modules/bytes/hex.js";
import type { ClientCredentials } from "../../modules/dtls/credentials.js";
import { copySession, type Session } from "../../modules/dtls/session.js";
import { Trust } from "../../modules/groups/trust.js";
import type { KdcChannel, Trusted } from "../../modules/groups/trusted.js";
import type { KeptSessions } from "../../modules/secure/dtls.js";
import type { SecureRequest } from "../../modules/secure/request.js";

const crypto = new NodeCrypto();
const NONE = new Uint8Array(0);
const NOWHERE = { address: new Uint8Array(16), port: 1 };

export class Device {
  readonly guest: Guest;
  readonly port: UdpPort;
  /** What was pushed to it. */
  readonly pushed: KeyDelivery[] = [];
  /** What it says to a push. */
  answer = 0x44;
  onPush: () => void = () => {};
  /** Handshakes in which it showed its key: not those of a session that is resumed. */
  shown = 0;
  /** Connections that were closed by the other end. */
  ended = 0;

  #trust: Trust | undefined;
  #kdc: Trusted | undefined;

  private constructor(port: UdpPort, eui64: string, psk: string, shows?: ClientCredentials) {
    this.port = port;
    this.guest = new Guest({
      clock: new NodeClock(),
      crypto,
      send: (to, bytes) => {
        if (isKeyExchange(bytes)) this.shown++;
        port.send(to, bytes);
      },
      kept: new Kept(),
      closed: () => {
        this.ended++;
      },
      credentials: () => {
        if (shows !== undefined) return shows;
        const { identity, psk: key } = this.#followed ?? {};
        return { psk: { identity: identity ?? fromHex(eui64), key: key ?? fromHex(psk) } };
      },
      handler: (request) => this.#asked(request),
    });
    port.onDatagram = (from, bytes) => this.guest.channels.receive(from, bytes);
  }

  static async of(eui64: string, psk: string): Promise<Device> {
    return new Device(await UdpPort.bind({ address: "::1", port: 0 }), eui64, psk);
  }

  /** One with a key of its own. */
  static async showing(credentials: ClientCredentials): Promise<Device> {
    return new Device(await UdpPort.bind({ address: "::1", port: 0 }), "", "", credentials);
  }

  /** The id that a channel of who has this key proves. */
  static idOf(publicKey: Uint8Array): Uint8Array {
    return crypto.sha256(publicKey);
  }

  async join(at: string, wanted: readonly number[], domain = "hall", kdcAt = at) {
    const token = await this.guest.token(endpointOf("at", at), `${domain}/kdc`);
    const delivery = await this.guest.keys(endpointOf("at", kdcAt), token, wanted);
    return { token, delivery };
  }

  async close(): Promise<void> {
    this.guest.stop();
    await this.port.close();
  }

  /** What it keeps of its KDC, as the firmware does. */
  obeys(kdc: Trusted): Trust {
    const rows = new Map<number, Uint8Array>();
    const store = {
      get: (key: number) => rows.get(key)?.slice(),
      put: (key: number, value: Uint8Array) => {
        rows.set(key, value.slice());
        return true;
      },
    };
    const trust = new Trust({ store, crypto, clock: new NodeClock() });
    trust.adopt(kdc);
    this.#trust = trust;
    this.#kdc = kdc;
    return trust;
  }

  /** Issuer of its KDC. */
  get obeyed(): string | undefined {
    return this.#trust?.trusted?.issuer;
  }

  get #followed(): KdcChannel | undefined {
    const given = { identity: NONE, psk: NONE, center: NOWHERE, server: undefined };
    const channel = this.#kdc && this.#trust?.channelOf(this.#kdc, given);
    return channel === given ? undefined : channel;
  }

  #asked({ path, payload, from }: SecureRequest) {
    if (path.join("/") !== "keys/push") return { code: 0x84 };
    const delivery = parseDelivery(payload);
    if (delivery === undefined) return { code: 0x80 };
    this.pushed.push(delivery);
    this.onPush();
    const { handOver } = delivery;
    if (handOver !== undefined && this.answer !== 0x44) return { code: this.answer };
    const refused = handOver && this.#trust?.handOver(handOver, from.pairwise);
    if (refused !== undefined) return { code: 0x83 };
    return { code: this.answer };
  }
}

const HANDSHAKE = 22;
const CLIENT_KEY_EXCHANGE = 16;
/** Where in the first record of a datagram the message's type stands, and the epoch before it. */
const TYPE_AT = 13;
const EPOCH_AT = 3;

function isKeyExchange(bytes: Uint8Array): boolean {
  const isPlain = bytes[0] === HANDSHAKE && bytes[EPOCH_AT] === 0 && bytes[EPOCH_AT + 1] === 0;
  return isPlain && bytes[TYPE_AT] === CLIENT_KEY_EXCHANGE;
}

/** Its sessions, for as long as it runs. */
class Kept implements KeptSessions {
  readonly #sessions = new Map<string, Session>();

  with(server: Uint8Array): Session | undefined {
    const session = this.#sessions.get(toHex(server));
    return session && copySession(session);
  }

  keep(server: Uint8Array, session: Session): boolean {
    this.#sessions.set(toHex(server), copySession(session));
    return true;
  }

  forget(server: Uint8Array): boolean {
    return this.#sessions.delete(toHex(server));
  }
}
