/** 6LoWPAN nodes on the real channel of hosts/radio, in one process and one virtual time. */
import { RadioChannel } from "../../hosts/radio/channel.js";
import type { RadioEvent, RadioOptions } from "../../hosts/radio/types.js";
import { LowpanStack } from "../../modules/lowpan/stack.js";
import type { Datagram } from "../../modules/ports/datagram.js";
import type { Radio } from "../../modules/ports/radio.js";
import type { TraceEvent } from "../../modules/ports/trace.js";
import { TestClock } from "./clock.js";
import { PAN, PREFIX } from "./mesh.js";
import { SeededRandom } from "./random.js";

export interface AirNode {
  readonly stack: LowpanStack;
  readonly received: Datagram[];
  readonly counts: Partial<Record<TraceEvent, number>>;
}

/** The EUI-64 02-00-00-00-00-00-XX-XX of node `index`, whose short address is `index` + 1. */
export function euiOf(index: number): Uint8Array {
  return Uint8Array.of(2, 0, 0, 0, 0, 0, (index + 1) >> 8, (index + 1) & 255);
}

type Extra = Partial<ConstructorParameters<typeof LowpanStack>[0]>;

export class Air {
  readonly clock = new TestClock();
  readonly channel: RadioChannel;
  readonly nodes: AirNode[];
  /** Everything that began on the air, when `record` is set. */
  readonly onAir: Extract<RadioEvent, { kind: "air" }>[] = [];
  record = false;
  readonly #radios: Radio[];

  constructor(
    options: Omit<RadioOptions, "nodes"> & { count: number },
    extra: (index: number) => Extra = () => ({}),
  ) {
    const nodes = Array.from({ length: options.count }, (_, i) => ({ eui64: euiOf(i) }));
    this.channel = new RadioChannel({ ...options, nodes });
    this.#radios = nodes.map(({ eui64 }, node) => this.#radio(node, eui64));
    this.nodes = this.#radios.map((radio, i) => this.#node(radio, i, options.seed, extra(i)));
  }

  #radio(node: number, eui64: Uint8Array): Radio {
    let id = 0;
    return {
      eui64,
      setAddress: (address) => this.channel.setAddress(node, address),
      send: (frame) => {
        this.channel.transmit({ node, id: ++id, frame, atMicros: this.clock.micros() });
        return id;
      },
      onSent: undefined,
      onFrame: undefined,
    };
  }

  #node(radio: Radio, index: number, seed: number, extra: Extra): AirNode {
    const counts: Partial<Record<TraceEvent, number>> = {};
    const trace = {
      count: (event: TraceEvent) => {
        counts[event] = (counts[event] ?? 0) + 1;
      },
    };
    const random = new SeededRandom(seed * 1000 + index);
    const base = { radio, clock: this.clock, random, trace, pan: PAN, prefix: PREFIX };
    const stack = new LowpanStack({ ...base, short: index + 1, ...extra });
    const received: Datagram[] = [];
    stack.onDatagram = (datagram) => received.push(datagram);
    return { stack, received, counts };
  }

  /** Runs until virtual time `micros`, or until nothing is left to do before it. */
  runTo(micros: number): void {
    for (;;) {
      const next = Math.min(this.clock.nextMicros ?? Infinity, this.channel.next() ?? Infinity);
      if (next > micros) break;
      this.clock.advanceTo(next);
      for (const event of this.channel.advance(next)) this.#hand(event);
    }
    this.clock.advanceTo(micros);
    this.channel.advance(micros);
  }

  run(ms: number): void {
    this.runTo(this.clock.micros() + 1000 * ms);
  }

  #hand(event: RadioEvent): void {
    if (event.kind === "frame") this.#radios[event.node].onFrame?.(event.frame, event.at);
    else if (event.kind === "sent") this.#radios[event.node].onSent?.(event);
    else if (this.record) this.onAir.push(event);
  }
}
