/** A device that is nobody's yet, with its flash, and whoever joins it over a net in memory. */
import { fromUtf8, utf8 } from "../../modules/bytes/utf8.js";
import type { Cbor } from "../../modules/cbor/encode.js";
import { emitMessage, NON, type Option, parseMessage } from "../../modules/coap/message.js";
import {
  addOption,
  addPath,
  CBOR,
  codeText,
  GET,
  POST,
  PUT,
  TEXT_PLAIN,
  URI_QUERY,
} from "../../modules/coap/options.js";
import { emitFactory, type Factory } from "../../modules/commission/factory.js";
import { joinKey, labelAfter } from "../../modules/commission/label.js";
import { standalone } from "../../modules/commission/standalone.js";
import { TsCrypto } from "../../modules/crypto/crypto.js";
import { NobleP256 } from "../../modules/crypto/noble-p256.js";
import { channels } from "../../modules/device/channels.js";
import type { Device } from "../../modules/device/device.js";
import { dialogues } from "../../modules/device/dialogues.js";
import { begin } from "../../modules/device/lives.js";
import { presses } from "../../modules/device/presses.js";
import { schemes } from "../../modules/device/schemes.js";
import { upkeep } from "../../modules/device/upkeep.js";
import type { Board } from "../../modules/ports/board.js";
import type { Button, Sensor } from "../../modules/ports/button.js";
import type { Crypto } from "../../modules/ports/crypto.js";
import type { LightOutput } from "../../modules/ports/light.js";
import type { TraceEvent } from "../../modules/ports/trace.js";
import { DtlsChannels } from "../../modules/secure/dtls.js";
import type { Answered } from "../../modules/secure/request.js";
import { address, deviceAddress } from "./addresses.js";
import { PoweredClock } from "./clock.js";
import { FakeSignatures } from "./fake-signatures.js";
import { NorFlash } from "./flash.js";
import type { NetPort } from "./net.js";
import { copyOf } from "./output.js";
import { SeededRandom } from "./random.js";
import { eui64, provisioning, ROLE, type Room, type Spec } from "./rig.js";

export const PLAIN = 5683;
export const SECURE = 5684;
export const ALL_NODES = address(0xff02, 0x00fd);
const SECOND = 1_000_000;
/** Nobody here waits for a slow network. */
const TIMES = Object.freeze({
  ...{ firstMicros: SECOND, longestMicros: SECOND, retransmissions: 1, spreadMicros: 0 },
});
/** Of the device's printed label: easy to find in an image of its flash. */
export const LABEL_FILL = 0x1a;

export const printed = () => new Uint8Array(16).fill(LABEL_FILL);

export function factoryOf(number: number, more: Partial<Factory> = {}): Factory {
  const made = { label: printed(), n: 0, rawKey: undefined, trustOnPress: false };
  return { eui64: eui64(number), role: ROLE.LUMINAIRE, ...made, ...more };
}

export interface NewcomerSpec {
  readonly number: number;
  /** Undefined: it is started without any blob. */
  readonly blob?: Uint8Array | undefined;
  readonly flash?: NorFlash;
  readonly crypto?: Crypto;
}

export class Newcomer {
  readonly number: number;
  readonly flash: NorFlash;
  readonly port: NetPort;
  readonly events: TraceEvent[] = [];
  readonly log: string[] = [];
  readonly shown: LightOutput[] = [];
  readonly restarts: string[] = [];
  readonly button: Button = { onEdge: undefined };
  readonly sensor: Sensor = { onMotion: undefined, onLux: undefined };
  readonly light = {
    failed: false,
    show: (output: LightOutput) => void this.shown.push(copyOf(output)),
  };
  blob: Uint8Array | undefined;
  /** Undefined: it is fresh. */
  device: Device | undefined;
  readonly #room: Room;
  readonly #crypto: Crypto;
  readonly #random: SeededRandom;
  #power: PoweredClock;

  constructor(room: Room, spec: NewcomerSpec) {
    this.#room = room;
    this.number = spec.number;
    this.flash = spec.flash ?? new NorFlash({ size: 65536, programBytes: 16 });
    this.blob = "blob" in spec ? spec.blob : emitFactory(factoryOf(spec.number));
    this.#crypto = spec.crypto ?? new TsCrypto(new FakeSignatures(), new NobleP256());
    this.#random = new SeededRandom(spec.number);
    this.port = room.net.port(deviceAddress(spec.number));
    this.#power = new PoweredClock(room.clock);
    this.device = this.#start();
  }

  count(event: TraceEvent): number {
    return this.events.filter((one) => one === event).length;
  }

  get isOn(): boolean {
    return !this.#power.isOff;
  }

  /** Nothing of it is left but its flash. */
  off(): void {
    this.#power.isOff = true;
    this.port.onDatagram = undefined;
    this.button.onEdge = undefined;
    this.device = undefined;
  }

  on(): void {
    this.#power = new PoweredClock(this.#room.clock);
    this.device = this.#start();
  }

  /** Power off and on. */
  restart(): void {
    this.off();
    this.on();
  }

  press(): void {
    const { clock } = this.#room;
    this.button.onEdge?.(true, clock.micros());
    clock.advance(100_000);
    this.button.onEdge?.(false, clock.micros());
    clock.advance(20_000);
  }

  #start(): Device | undefined {
    const board: Board = {
      clock: this.#power,
      random: this.#random,
      crypto: this.#crypto,
      flash: this.flash,
      trace: { count: (event) => void this.events.push(event) },
      light: this.light,
      button: this.button,
      sensor: this.sensor,
      datagram: this.port,
      provisioning: () => this.blob,
      log: (line) => void this.log.push(line),
      fatal: (line) => {
        throw new Error(line);
      },
      restart: (why) => void this.restarts.push(why),
    };
    return begin(board, { begin, channels, dialogues, presses, schemes, standalone, upkeep });
  }
}

/** The other side: finds fresh devices, and joins them. */
export class Joiner {
  readonly port: NetPort;
  readonly channels: DtlsChannels;
  /** Link formats of whoever answered. */
  readonly found: string[] = [];
  /** The secret that it shows, and under which name. */
  label: { readonly printed: Uint8Array; n: number } | undefined = { printed: printed(), n: 0 };
  readonly #room: Room;
  readonly #crypto = new TsCrypto(new FakeSignatures(), new NobleP256());
  #mid = 1;

  constructor(room: Room, number = 200) {
    this.#room = room;
    this.port = room.net.port(deviceAddress(number));
    const { clock } = room;
    const crypto = this.#crypto;
    const own = crypto.p256?.keyPair(new Uint8Array(32).fill(number));
    this.channels = new DtlsChannels(
      {
        ...{ clock, crypto, random: new SeededRandom(number), handler: undefined },
        send: (to, bytes) => void this.port.send({ to, fromPort: SECURE, bytes }),
      },
      {
        times: TIMES,
        client: (to) => {
          const psk = this.#keyFor(to.address[15]);
          if (psk !== undefined) return { psk };
          return { trust: { rawKey: () => true }, ...(own && { own: { key: own, chain: [] } }) };
        },
      },
    );
    this.port.onDatagram = ({ from, to, bytes }) => {
      if (to.port === SECURE) this.channels.receive(from, bytes);
      else this.#found(bytes);
    };
  }

  #keyFor(number: number) {
    if (this.label === undefined) return undefined;
    const { n } = this.label;
    const label = labelAfter(this.#crypto, eui64(number), this.label) as Uint8Array;
    return joinKey(this.#crypto, { eui64: eui64(number), label, n });
  }

  #found(bytes: Uint8Array): void {
    const parsed = parseMessage(bytes);
    if (parsed.ok) this.found.push(fromUtf8(parsed.value.payload ?? new Uint8Array(0)) ?? "?");
  }

  /** Asks all, or one, who is fresh. */
  discover(to = ALL_NODES, query = "rt=lumicast.fresh", waitMicros = 3 * SECOND): string[] {
    const options: Option[] = [];
    addPath(options, "/.well-known/core");
    addOption(options, URI_QUERY, utf8(query));
    const token = Uint8Array.of(1, 2);
    const mid = this.#mid++;
    const bytes = emitMessage({ type: NON, code: GET, mid, token, options, payload: undefined });
    this.found.length = 0;
    this.port.send({ to: { address: to, port: PLAIN }, fromPort: PLAIN, bytes });
    this.#room.clock.advance(waitMicros);
    return this.found.slice();
  }

  /** "2.04", "4.00 and why", or why nothing was answered. */
  ask(number: number, method: number, path: string, payload?: Uint8Array): string {
    const answered = this.answered(number, method, path, payload);
    if (answered === undefined) return "silence";
    if (!answered.ok) return answered.why;
    const { code, payload: said } = answered.response;
    const why = code >= 128 && said !== undefined ? ` ${fromUtf8(said)}` : "";
    return codeText(code) + why;
  }

  answered(
    number: number,
    method: number,
    path: string,
    payload?: Uint8Array,
  ): Answered | undefined {
    let heard: Answered | undefined;
    const format = method === PUT ? TEXT_PLAIN : CBOR;
    const ask = { method, path: [path], ...(payload && { payload, format }) };
    this.channels.ask({ address: deviceAddress(number), port: SECURE }, ask, (answer) => {
      heard = answer;
    });
    for (let step = 0; step < 40 && heard === undefined; step++) {
      this.#room.clock.advance(step < 20 ? 10_000 : 5 * SECOND);
    }
    return heard;
  }

  join(number: number, blob: Uint8Array): string {
    return this.ask(number, POST, "join", blob);
  }
}

/** Of device `number`, without keys and rights; whoever gives them is named. */
export function blobFor(
  number: number,
  more: Omit<Partial<Spec>, "authority"> & { authority?: Spec["authority"] | undefined } = {},
): Uint8Array {
  const { authority = authorityOf(number), ...rest } = more;
  const isNamed = !("authority" in more) || more.authority !== undefined;
  const spec = { number, role: ROLE.LUMINAIRE, keys: [], rights: [], ...rest };
  return provisioning(isNamed ? { ...spec, authority } : spec);
}

function authorityOf(number: number): Map<Cbor, Cbor> {
  const place = new Map<Cbor, Cbor>([
    [0, deviceAddress(200)],
    [1, SECURE],
  ]);
  return new Map<Cbor, Cbor>([
    [0, "kdc"],
    [1, Uint8Array.of(0xa5)],
    [2, new Uint8Array(32).fill(7)],
    [3, "hall"],
    [4, utf8(`device ${number}`)],
    [5, new Uint8Array(16).fill(0x5d)],
    [6, place],
  ]);
}
