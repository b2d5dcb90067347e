/** Devices that join a running authority over UDP on this computer, and take what is pushed. */
import { NodeClock } from "../../hosts/authority/clock.js";
import { NodeCrypto } from "../../hosts/authority/crypto.js";
import { Guest } from "../../hosts/authority/guest.js";
import { endpointOf, UdpPort } from "../../hosts/authority/net.js";
import { type KeyDelivery, parseDelivery } from "../../modules/access/delivery.js";
import { fromHex, toHex } from "../../modules/bytes/hex.js";
import { copySession, type Session } from "../../modules/dtls/session.js";
import type { KeptSessions } from "../../modules/secure/dtls.js";
import type { SecureRequest } from "../../modules/secure/request.js";

const crypto = new NodeCrypto();

export class Device {
  readonly guest: Guest;
  readonly port: UdpPort;
  /** What was pushed to it. */
  readonly pushed: KeyDelivery[] = [];
  /** What it says to a push. */
  answer = 0x44;
  /** Handshakes in which it showed its key: not those of a session that is resumed. */
  shown = 0;
  /** Connections that were closed by the other end. */
  ended = 0;

  private constructor(port: UdpPort, eui64: string, psk: string) {
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
      credentials: () => ({ psk: { identity: fromHex(eui64), key: fromHex(psk) } }),
      handler: (request) => this.#asked(request),
    });
    port.onDatagram = (from, bytes) => this.guest.channels.receive(from, bytes);
  }

  static async of(eui64: string, psk: string): Promise<Device> {
    return new Device(await UdpPort.bind({ address: "::1", port: 0 }), eui64, psk);
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

  #asked({ path, payload }: SecureRequest) {
    if (path.join("/") !== "keys/push") return { code: 0x84 };
    const delivery = parseDelivery(payload);
    if (delivery === undefined) return { code: 0x80 };
    this.pushed.push(delivery);
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
