/**
 * A luminaire in a group of `group-oscore` whose policy lets signatures wait: from the datagram to
 * the light port, its store's writes included. What verifies a signature costs what it costs beside
 * this, and is not counted: here it costs nothing.
 */
import { fromHex, toHex } from "../../modules/bytes/hex.js";
import { Device } from "../../modules/device/device.js";
import { schemes } from "../../modules/device/schemes.js";
import type { Timer } from "../../modules/ports/clock.js";
import type { Datagram } from "../../modules/ports/datagram.js";
import { BenchBoard, StillClock } from "./board.js";
import type { Engine } from "./engine.js";
import { MemoryFlash } from "./flash.js";
import { unsigned } from "./unsigned.js";

/** One luminaire and those it hears; everything in hex. */
export interface MemberSetup {
  readonly luminaire: string;
  readonly senders: readonly { readonly blob: string; readonly address: string }[];
  /** Public keys by their seeds: they are those of the credentials. */
  readonly publicKeys: Readonly<Record<string, string>>;
}

const SPARSE_MICROS = 3_000_000;
/** Of each sender: first contact, first records on flash. */
const WARM_UP = 3;

/** Microseconds of each message until the light port is called; the senders take turns. */
export function memberPath(engine: Engine, setup: MemberSetup, samples: number): number[] {
  const { nowMicros } = engine;
  const keyOf = (seed: Uint8Array) => {
    return { publicKey: fromHex(setup.publicKeys[toHex(seed)]), agree: () => undefined };
  };
  const crypto = unsigned(engine.crypto, { keyOf, verify: () => true });
  const board = new RunningBoard({ ...engine, crypto }, fromHex(setup.luminaire));
  const device = Device.start(board, { schemes });
  const senders = setup.senders.map(({ blob, address }) => {
    const sending = { ...engine, crypto, flash: () => new MemoryFlash() };
    const from = new BenchBoard(sending, fromHex(blob));
    return { board: from, device: Device.start(from, { schemes }), address: fromHex(address) };
  });
  const times: number[] = [];
  const warmUp = WARM_UP * senders.length;
  for (let i = 0; i < warmUp + samples; i++) {
    board.clock.advance(SPARSE_MICROS);
    while (device.store.needsTidy) device.store.tidy();
    const sender = senders[i % senders.length];
    const level = 1 + (i % 254);
    sender.board.clock.now = board.clock.now;
    sender.device.command({ on: true, level });
    const { to, bytes } = sender.board.net.last;
    const from = { address: sender.address, port: 5683 };
    const datagram: Datagram = { from, to, bytes, atMicros: board.clock.now };
    // As on a device, where collections fall between datagrams.
    engine.collect();
    const start = nowMicros();
    device.receive(datagram);
    if (i >= warmUp) times.push(board.shownMicros - start);
    if (board.light.level !== level) throw new Error(`${board.last}, not accepted`);
  }
  return times;
}

/** Its timers fire when it is moved on; setting one is no more than a board's native call. */
class RunningClock extends StillClock {
  #at: number[] = [];
  #fire: (() => void)[] = [];

  override after(delayMicros: number, fire: () => void): Timer {
    this.#at.push(this.now + delayMicros);
    return this.#fire.push(fire);
  }

  override cancel(timer: Timer): void {
    this.#at[(timer as number) - 1] = Number.POSITIVE_INFINITY;
  }

  /** Handles of timers that are left are good until the first fires. */
  advance(micros: number): void {
    const end = this.now + micros;
    for (;;) {
      let first = -1;
      for (let i = 0; i < this.#at.length; i++) {
        if (this.#at[i] <= (first < 0 ? end : this.#at[first])) first = i;
      }
      if (first < 0) break;
      this.now = this.#at[first];
      this.#at[first] = Number.POSITIVE_INFINITY;
      this.#fire[first]();
    }
    this.now = end;
    while (this.#at.length > 0 && this.#at.at(-1) === Number.POSITIVE_INFINITY) {
      this.#at.pop();
      this.#fire.pop();
    }
  }
}

class RunningBoard extends BenchBoard {
  override readonly clock = new RunningClock();
  /** When the light port was called last. */
  shownMicros = 0;

  constructor(engine: Engine, blob: Uint8Array) {
    super(engine, blob);
    const { light } = this;
    const show = light.show.bind(light);
    light.show = (output) => {
      this.shownMicros = engine.nowMicros();
      show(output);
    };
  }
}
