/** A room whose devices get their keys from an authority over DTLS: one program, AS and KDC. */
import { ACE_CBOR, emitTokenAnswer } from "../../modules/access/ace.js";
import { EMPTY_DELIVERY, emitDelivery, type KeyDelivery } from "../../modules/access/delivery.js";
import { equalBytes } from "../../modules/bytes/equal.js";
import { toHex } from "../../modules/bytes/hex.js";
import { uintBytes } from "../../modules/bytes/uint.js";
import { utf8 } from "../../modules/bytes/utf8.js";
import type { Cbor } from "../../modules/cbor/encode.js";
import { CBOR, CONTENT, CREATED, NOT_FOUND, POST } from "../../modules/coap/options.js";
import type { EnvelopeKey } from "../../modules/cose/envelope.js";
import type { ClientCredentials, ServerCredentials } from "../../modules/dtls/credentials.js";
import type { Endpoint } from "../../modules/ports/datagram.js";
import { DtlsChannels } from "../../modules/secure/dtls.js";
import type { Asker, SecureRequest, SecureResponse } from "../../modules/secure/request.js";
import { deviceAddress } from "./addresses.js";
import { APPLICATION, GROUP, Kdc, KID, ROLES } from "./grants.js";
import type { NetPort } from "./net.js";
import { SeededRandom } from "./random.js";
import { type Rig, ROLE, Room, type Spec } from "./rig.js";
import { Told } from "./secure.js";

const IN_GROUP = uintBytes(GROUP);

/** A device's factory credential. */
export function credentialOf(number: number): { identity: Uint8Array; key: Uint8Array } {
  return { identity: utf8(`device ${number}`), key: new Uint8Array(16).fill(number) };
}

export class Managed {
  readonly room = new Room();
  readonly kdc = new Kdc();
  readonly port: NetPort;
  readonly channels: DtlsChannels;
  readonly asked: string[] = [];
  readonly secure: Endpoint;
  keyId = 1;
  /** Whether anybody is there. */
  isThere = true;
  /** Whether a member is given an AT-R to be presented, too. */
  shows = false;
  answer: ((request: SecureRequest) => SecureResponse | undefined) | undefined;

  constructor() {
    const { room } = this;
    this.port = room.net.port(deviceAddress(200));
    this.secure = { address: this.port.address, port: 5684 };
    this.channels = new DtlsChannels(
      {
        clock: room.clock,
        random: new SeededRandom(200),
        crypto: this.kdc.crypto,
        send: (to, bytes) => void this.port.send({ to, fromPort: 5684, bytes }),
        handler: (request) => this.#handle(request),
      },
      {
        server: this.server(),
        client: (to) => this.clientFor(to.address[15]),
      },
    );
    this.port.onDatagram = ({ from, to, bytes }) => {
      if (this.isThere && to.port === 5684) this.channels.receive(from, bytes);
    };
  }

  /** What devices have to show to get in. */
  protected server(): ServerCredentials {
    return { psk: (identity) => keyOf(identity) };
  }

  /** What is shown to device `number`. */
  protected clientFor(number: number): ClientCredentials {
    const { identity, key } = credentialOf(number);
    return { psk: { identity, key } };
  }

  /** The id that a channel with device `number` proves. */
  idOf(number: number): Uint8Array {
    return credentialOf(number).identity;
  }

  #numberOf(id: string): number {
    for (let number = 1; number < 200; number++) {
      if (toHex(this.idOf(number)) === id) return number;
    }
    return -1;
  }

  /** Field 21 for device `number`. */
  part(number: number, more: readonly (readonly [number, Cbor])[] = []): Map<Cbor, Cbor> {
    const { issuer, kid, publicKey, audience } = this.kdc.trusted;
    const { identity, key } = credentialOf(number);
    const place = new Map<Cbor, Cbor>([
      [0, this.secure.address],
      [1, this.secure.port],
    ]);
    return new Map<Cbor, Cbor>([
      [0, issuer],
      [1, kid],
      [2, publicKey],
      [3, audience],
      [4, identity],
      [5, key],
      [6, place],
      [7, place],
      ...more,
    ]);
  }

  device(number: number, role: number, more: Partial<Spec> = {}): Rig {
    const { room, kdc } = this;
    const spec: Partial<Spec> = {
      appGroups: [[APPLICATION, GROUP]],
      keys: [],
      rights: [],
      crypto: kdc.crypto,
      authority: this.part(number),
      ...more,
    };
    return role === ROLE.SWITCH ? room.switch(number, spec) : room.luminaire(number, spec);
  }

  pass(seconds: number): void {
    this.room.clock.advance(seconds * 1_000_000);
  }

  /** AT-R of a switch for receivers, and what opens it. */
  rightsOf(number: number): Partial<KeyDelivery> {
    const token = this.kdc.token({ subject: Uint8Array.of(number), keyId: this.keyId });
    const key = new Uint8Array(16).fill(1);
    const sealings = [{ securityGroup: IN_GROUP, kid: Uint8Array.of(1), key }];
    return { tokens: [token], sealings };
  }

  /** A device's own AT-R. */
  ownOf(number: number, under: EnvelopeKey): Uint8Array {
    return this.kdc.token({ subject: Uint8Array.of(number), under, keyId: this.keyId });
  }

  /** What is pushed, made when the connection is open; undefined where it is not. */
  push(number: number, delivery: (asker: Asker) => Partial<KeyDelivery>): Told | undefined {
    const told = new Told();
    const id = toHex(this.idOf(number));
    const asker = this.channels.askers().find((one) => one.id === id);
    if (asker === undefined) return undefined;
    const payload = emitDelivery({ ...EMPTY_DELIVERY, ...delivery(asker) });
    const ask = { method: POST, path: ["keys", "push"], format: CBOR, payload };
    return this.channels.askPeer(id, ask, told.done) ? told : undefined;
  }

  #handle(request: SecureRequest): SecureResponse {
    const { from, path } = request;
    const number = this.#numberOf(from.id);
    this.asked.push(`${path.join("/")}@${number}`);
    const other = this.answer?.(request);
    if (other !== undefined) return other;
    if (path[0] === "token") {
      const answer = { token: utf8(`AT-KDC of ${number}`), scope: ROLES, keyName: KID };
      const more = { expiresIn: undefined, aceProfile: undefined };
      const payload = emitTokenAnswer({ ...answer, ...more });
      return { code: CREATED, format: ACE_CBOR, payload };
    }
    const { pairwise } = from;
    if (path[0] !== "keys" || pairwise === undefined) return { code: NOT_FOUND };
    const tokens = [this.ownOf(number, pairwise)];
    if (this.shows) tokens.push(...(this.rightsOf(number).tokens ?? []));
    const { sealings = [] } = this.rightsOf(number);
    const payload = emitDelivery({ ...EMPTY_DELIVERY, tokens, sealings });
    return { code: CONTENT, format: CBOR, payload };
  }
}

function keyOf(identity: Uint8Array): Uint8Array | undefined {
  const number = numberOf(toHex(identity));
  const { identity: known, key } = credentialOf(number);
  return equalBytes(identity, known) ? key : undefined;
}

function numberOf(id: string): number {
  for (let number = 1; number < 200; number++) {
    if (toHex(credentialOf(number).identity) === id) return number;
  }
  return -1;
}
