/** 6LoWPAN nodes on an ether in memory, with everything they received and counted. */
import { fromHex, toHex } from "../../modules/bytes/hex.js";
import { LowpanStack } from "../../modules/lowpan/stack.js";
import type { Datagram, DatagramPort } from "../../modules/ports/datagram.js";
import type { TraceEvent } from "../../modules/ports/trace.js";
import { TestClock } from "./clock.js";
import { Ether, type EtherRadio } from "./ether.js";
import { SeededRandom } from "./random.js";

export const PAN = 0xabcd;
export const PREFIX = fromHex("fd00000000000000");
export const PORT = 5683;

type Extra = Partial<ConstructorParameters<typeof LowpanStack>[0]>;

type Base = ConstructorParameters<typeof LowpanStack>[0] & { readonly short: number };

export interface MeshNode<T extends DatagramPort = LowpanStack> {
  readonly stack: T;
  readonly radio: EtherRadio;
  readonly received: Datagram[];
  /** How often each trace event was counted. */
  readonly counts: Partial<Record<TraceEvent, number>>;
}

export class Mesh {
  readonly clock = new TestClock();
  readonly ether = new Ether(this.clock);

  /** A node with this short address and the EUI-64 02-00-00-00-00-00-XX-XX. */
  node(short: number, extra: Extra = {}): MeshNode {
    return this.special(short, (base) => new LowpanStack({ ...base, ...extra }));
  }

  /** The same with a stack of `make`'s. */
  special<T extends DatagramPort>(short: number, make: (base: Base) => T): MeshNode<T> {
    const eui64 = new Uint8Array(8);
    eui64[0] = 2;
    eui64[6] = short >> 8;
    eui64[7] = short & 255;
    const radio = this.ether.radio(eui64);
    const counts: Partial<Record<TraceEvent, number>> = {};
    const trace = {
      count: (event: TraceEvent) => {
        counts[event] = (counts[event] ?? 0) + 1;
      },
    };
    const { clock } = this;
    const random = new SeededRandom(short);
    const base = { radio, clock, random, trace, pan: PAN, short, prefix: PREFIX };
    const stack = make(base);
    const received: Datagram[] = [];
    stack.onDatagram = (datagram) => received.push(datagram);
    return { stack, radio, received, counts };
  }

  /** Runs for `ms` milliseconds. */
  run(ms = 1000): void {
    this.clock.advance(ms * 1000);
  }

  /** All frames on the air so far, as hex. */
  frames(): string[] {
    return this.ether.frames.map(({ frame }) => toHex(frame));
  }
}

/** fd00::ff:fe00:XXXX. */
export function meshAddress(short: number): Uint8Array {
  const bytes = fromHex("fd00000000000000000000fffe000000");
  bytes[14] = short >> 8;
  bytes[15] = short & 255;
  return bytes;
}

/** 0, 1, 2, ... */
export function counting(length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++) bytes[i] = i & 255;
  return bytes;
}
