/**
 * The receive path (datagram to light port) and the send path, timed one message at a time.
 *
 * Runs unchanged on Node and on XS. A whole Device is measured, not a model of it: store write,
 * trace, rights, ordering and the light port are in the figures. No datagram is used twice, and
 * what a device does while idle is done between the samples: no timer fires here.
 */
import { fromHex } from "../../modules/bytes/hex.js";
import { uintBytes } from "../../modules/bytes/uint.js";
import { emitMessage, parseMessage } from "../../modules/coap/message.js";
import { Device } from "../../modules/device/device.js";
import { LIMITS } from "../../modules/device/limits.js";
import { encodeCommand } from "../../modules/lighting/command.js";
import { Workspace } from "../../modules/oscore/aad.js";
import { AES_CCM_16_64_128, type AeadKey } from "../../modules/ports/crypto.js";
import type { Datagram } from "../../modules/ports/datagram.js";
import type { BoundIntake, Intake } from "../../modules/ports/intake.js";
import type { TraceEvent } from "../../modules/ports/trace.js";
import { lowlatency } from "../../modules/profiles/lowlatency.js";
import { BenchBoard } from "./board.js";
import type { Engine } from "./engine.js";
import { opening } from "./open.js";

/** The installation, cut down to what a bench needs; everything in hex. */
export interface Setup {
  readonly luminaire: string;
  readonly wallSwitch: string;
  readonly senders: readonly { readonly clientId: string; readonly appGroup: number }[];
  readonly groups: readonly {
    readonly id: number;
    readonly keyId: string;
    readonly key: string;
    readonly address: string;
    readonly port: number;
  }[];
}

/** Times of one kind of message. */
export interface Series {
  readonly name: string;
  readonly count: number;
  readonly medianMicros: number;
  readonly p95Micros: number;
}

/** Which series to run: callgrind looks at one at a time. */
export type Only =
  | "acceptedSparse"
  | "acceptedBurst"
  | "duplicate"
  | "forged"
  | "foreign"
  | "send"
  | "ccm"
  | "openLowlatency"
  | "openGroupOscore"
  | Event;

/** What is no message and takes long: only run when it is asked for. */
export type Event = "firstBoot" | "boot" | "firstMessage" | "gc" | "native" | "ccm24";
const EVENTS: readonly Only[] = ["firstBoot", "boot", "firstMessage", "gc", "native", "ccm24"];

const SPARSE_MICROS = 3_000_000;
const BURST_MICROS = 1_000;

/**
 * All series, or the one named. With `prepareOnly` messages are made, and everything is done with
 * them but what is timed: what callgrind counts then is taken off what it counts with them.
 */
export function measure(
  engine: Engine,
  setup: Setup,
  samples: number,
  { only, prepareOnly = false }: { only?: Only | undefined; prepareOnly?: boolean } = {},
): Series[] {
  const bench = new PathBench(engine, setup, prepareOnly);
  const all: [Only, () => number[]][] = [
    ["ccm", () => bench.ccm(samples, 60, encodeCommand({ on: true, level: 200 }))],
    ["acceptedSparse", () => bench.sparse(samples)],
    ["acceptedBurst", () => bench.burst(samples)],
    ["duplicate", () => bench.duplicates(samples)],
    ["forged", () => bench.forged(samples)],
    ["foreign", () => bench.foreign(samples)],
    ["send", () => bench.send(samples)],
    ["openLowlatency", () => opening(engine, "lowlatency", samples, prepareOnly)],
    ["openGroupOscore", () => opening(engine, "group-oscore", samples, prepareOnly)],
    ["firstBoot", () => bench.firstBoot(samples)],
    ["boot", () => bench.boot(samples)],
    ["firstMessage", () => bench.firstMessage(samples)],
    ["gc", () => bench.gc(samples)],
    ["ccm24", () => bench.ccm(samples, 20, new Uint8Array(24))],
    ["native", () => nativePart(engine, setup, samples)],
  ];
  const series: Series[] = [];
  for (const [name, run] of all) {
    if (only === undefined ? EVENTS.includes(name) : only !== name) continue;
    engine.collect();
    series.push(summarise(name, run(), clockMicros(engine)));
  }
  return series;
}

/** What looking at the clock twice takes: no part of anything. Median. */
function clockMicros({ nowMicros }: Engine): number {
  const times: number[] = [];
  for (let i = 0; i < 21; i++) {
    const start = nowMicros();
    times.push(nowMicros() - start);
  }
  return times.sort((a, b) => a - b)[times.length >> 1];
}

/** What of a sparse message is native help: locating, opening and marking, flash included. */
function nativePart(engine: Engine, setup: Setup, samples: number): number[] {
  const { intake, nowMicros } = engine;
  if (intake === undefined) throw new Error("this engine has no native help");
  const times: number[] = [];
  const timed: Intake = {
    bind: (state) => {
      const bound = intake.bind(state);
      const open: BoundIntake["open"] = (datagram, address, port) => {
        const start = nowMicros();
        const answer = bound.open(datagram, address, port);
        times.push(nowMicros() - start);
        return answer;
      };
      return { open };
    },
  };
  new PathBench({ ...engine, intake: timed }, setup, false).sparse(samples);
  // Before these every sender made himself known.
  return times.slice(-samples);
}

class PathBench {
  readonly #engine: Engine;
  readonly #setup: Setup;
  readonly #board: BenchBoard;
  readonly #device: Device;
  readonly #work = new Workspace();
  readonly #prepareOnly: boolean;
  #sequence = 1;

  constructor(engine: Engine, setup: Setup, prepareOnly: boolean) {
    this.#prepareOnly = prepareOnly;
    this.#engine = engine;
    this.#setup = setup;
    this.#board = new BenchBoard(engine, fromHex(setup.luminaire));
    this.#device = Device.start(this.#board);
    // Every sender has its replay row before anything is timed.
    for (const datagram of this.#batch(setup.senders.length)) this.#mustAccept(datagram);
  }

  /** Every message after a pause of its sender: its exact bound is written. */
  sparse(samples: number): number[] {
    // A sender's second message makes his bound's first record, in a place of its own.
    for (const datagram of this.#batch(this.#setup.senders.length)) this.#mustAccept(datagram);
    this.#device.groups.recipients.idle();
    tidy(this.#device);
    return this.#run(this.#batch(samples), SPARSE_MICROS, "accepted");
  }

  /** Every sender goes on and on: his bound runs ahead, a message in 32 writes. */
  burst(samples: number): number[] {
    for (const datagram of this.#batch(this.#setup.senders.length * 6)) this.#mustAccept(datagram);
    return this.#run(this.#batch(samples), BURST_MICROS, "accepted");
  }

  duplicates(samples: number): number[] {
    const batch = this.#batch(samples);
    for (const datagram of batch) this.#mustAccept(datagram);
    return this.#run(batch.slice(-this.#setup.senders.length * 32), BURST_MICROS, "replayed");
  }

  forged(samples: number): number[] {
    const batch = this.#batch(samples);
    for (const { bytes } of batch) bytes[bytes.length - 1] ^= 1;
    return this.#run(batch, BURST_MICROS, "forged");
  }

  /** A group this device has no association for: an application group id beyond all of ours. */
  foreign(samples: number): number[] {
    const batch = this.#batch(samples).map((datagram) => {
      const message = parseMessage(datagram.bytes);
      if (!message.ok) throw new Error("our own datagram does not parse");
      const options = message.value.options.map((option) =>
        option.number === 65001 ? { ...option, value: Uint8Array.of(0xfe, 0xfe) } : option,
      );
      return { ...datagram, bytes: emitMessage({ ...message.value, options }) };
    });
    return this.#run(batch, BURST_MICROS, "unknownGroup");
  }

  send(samples: number): number[] {
    const board = new BenchBoard(this.#engine, fromHex(this.#setup.wallSwitch));
    const device = Device.start(board);
    const times: number[] = [];
    for (let i = 0; i < samples; i++) {
      board.clock.now += SPARSE_MICROS;
      const start = this.#engine.nowMicros();
      if (this.#prepareOnly) board.net.sent++;
      else device.command({ on: i % 2 === 0, level: 1 + (i % 254) });
      times.push(this.#engine.nowMicros() - start);
      if (board.net.sent !== i + 1) throw new Error("a command was not sent");
      tidy(device);
    }
    return times;
  }

  /** The luminaire's first start, on an erased partition: keys, rights and groups are stored. */
  firstBoot(samples: number): number[] {
    return this.#events(samples, () => {
      const board = new BenchBoard(this.#engine, fromHex(this.#setup.luminaire));
      return () => void Device.start(board);
    });
  }

  /** Every later one: what is stored is read, and the replay rows of all who were heard. */
  boot(samples: number): number[] {
    const kept = { ...this.#engine, flash: () => this.#board.flash };
    return this.#events(samples, () => {
      const board = new BenchBoard(kept, fromHex(this.#setup.luminaire));
      return () => void Device.start(board);
    });
  }

  /** The first message after such a start: native help gets its tables with it. */
  firstMessage(samples: number): number[] {
    const kept = { ...this.#engine, flash: () => this.#board.flash };
    return this.#events(samples, () => {
      const board = new BenchBoard(kept, fromHex(this.#setup.luminaire));
      const device = Device.start(board);
      const [datagram] = this.#batch(1);
      return () => {
        device.receive(datagram);
        if (board.last !== "accepted") throw new Error(`not accepted: ${board.last}`);
      };
    });
  }

  /** A collection with the device as it is, nothing to free. */
  gc(samples: number): number[] {
    return this.#events(samples, () => () => this.#engine.collect());
  }

  #events(samples: number, prepare: () => () => void): number[] {
    const times: number[] = [];
    for (let i = 0; i < samples; i++) {
      const happen = prepare();
      const start = this.#engine.nowMicros();
      if (!this.#prepareOnly) happen();
      times.push(this.#engine.nowMicros() - start);
    }
    return times;
  }

  /** The native (or TypeScript) AEAD alone, called from JavaScript. */
  ccm(samples: number, aadBytes: number, plain: Uint8Array): number[] {
    const aead: AeadKey = this.#engine.crypto.aeadKey(
      AES_CCM_16_64_128,
      new Uint8Array(16).fill(7),
    );
    const aad = new Uint8Array(aadBytes).fill(3);
    const nonce = new Uint8Array(13);
    const times: number[] = [];
    for (let i = 0; i < samples; i++) {
      nonce[12] = i;
      const sealed = aead.seal({ nonce, aad, plain });
      const start = this.#engine.nowMicros();
      const opened = this.#prepareOnly ? plain : aead.open({ nonce, aad, sealed });
      times.push(this.#engine.nowMicros() - start);
      if (opened === undefined) throw new Error("the box does not open");
    }
    return times;
  }

  #run(batch: readonly Datagram[], spacingMicros: number, expected: TraceEvent): number[] {
    const { nowMicros } = this.#engine;
    const times: number[] = [];
    for (const datagram of batch) {
      const { clock } = this.#board;
      clock.now += spacingMicros;
      (datagram as { atMicros: number }).atMicros = clock.now;
      const start = nowMicros();
      if (this.#prepareOnly) this.#board.last = expected;
      else this.#device.receive(datagram);
      times.push(nowMicros() - start);
      if (this.#board.last !== expected) throw new Error(`${this.#board.last}, not ${expected}`);
      if (spacingMicros >= LIMITS.idleMicros) this.#device.groups.recipients.idle();
      tidy(this.#device);
    }
    return times;
  }

  #mustAccept(datagram: Datagram): void {
    this.#board.clock.now += BURST_MICROS;
    this.#device.receive(datagram);
    if (this.#board.last !== "accepted") throw new Error(`not accepted: ${this.#board.last}`);
    tidy(this.#device);
  }

  /** Fresh genuine commands, the senders taking turns. */
  #batch(count: number): Datagram[] {
    const { senders, groups } = this.#setup;
    const keys = groups.map(({ keyId, key }) =>
      lowlatency.importKey(this.#engine.crypto, { keyId: fromHex(keyId), raw: fromHex(key) }),
    );
    const batch: Datagram[] = [];
    for (let i = 0; i < count; i++) {
      if (i % senders.length === 0) this.#sequence++;
      const { clientId, appGroup } = senders[i % senders.length];
      const at = groups.findIndex(({ id }) => id === appGroup);
      const to = { address: fromHex(groups[at].address), port: groups[at].port };
      const sender = fromHex(clientId);
      const bytes = lowlatency.seal(
        keys[at],
        {
          header: { type: 1, mid: i % 65536, token: new Uint8Array(0) },
          inner: {
            code: 2,
            options: [{ number: 11, value: Uint8Array.of(0x6c) }],
            payload: encodeCommand({ on: true, level: 1 + ((i + this.#sequence) % 254) }),
          },
          clear: [],
          appGroup: { id: appGroup },
          sender,
          piv: uintBytes(this.#sequence),
          to,
          request: undefined,
        },
        this.#work,
      );
      const from = { address: new Uint8Array(16).fill(i % 50), port: 5683 };
      batch.push({ from, to, bytes, atMicros: 0 });
    }
    return batch;
  }
}

function tidy(device: Device): void {
  while (device.store.needsTidy) device.store.tidy();
}

function summarise(name: string, times: number[], clock: number): Series {
  const sorted = times.map((time) => Math.max(0, time - clock)).sort((a, b) => a - b);
  const at = (share: number) =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
  return { name, count: sorted.length, medianMicros: at(0.5), p95Micros: at(0.95) };
}
