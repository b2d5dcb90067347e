/**
 * One 802.15.4 channel as a calculation: frames in, receptions out, in virtual time.
 *
 * Problem: latency of a group command is made of back-offs, airtime, collisions and hidden nodes.
 * Sockets between processes have none of these, and any figure taken on them is a figure of the
 * machine. Rejected: a probability per frame (no hidden nodes, no load dependence); a full PHY
 * with propagation and symbol errors (nothing above would notice). Choice: discrete events. Each
 * node has a FIFO queue and runs unslotted CSMA/CA (IEEE 802.15.4-2006 §7.5.1.4); a transmission
 * occupies the air at every node linked to the sender; a receiver gets a frame if nothing else
 * was on the air *there* meanwhile (or it is stronger by `captureDb`), it was not sending itself,
 * and the dice of the link allow. Filtering and immediate ACKs happen here, as in the hardware.
 *
 * Left out: propagation time (33 ns in ten metres), clock drift, a receiver that locks to the
 * first of two preambles, interference from senders that are too far away to have a link, and
 * other networks.
 */
import { Agenda } from "./agenda.js";
import { chance, Stream } from "./chance.js";
import { type Addressed, acknowledgement, addressed, passes } from "./filter.js";
import * as timing from "./timing.js";
import { linksInRange } from "./topology.js";
import type {
  Channel,
  Link,
  NodeStatistics,
  RadioEvent,
  RadioOptions,
  Transmission,
} from "./types.js";

/** On the air, or certain to be: from the end of a good CCA, or the decision to acknowledge. */
interface OnAir {
  readonly node: number;
  readonly start: number;
  readonly end: number;
  readonly frame: Uint8Array;
  readonly head: Addressed | undefined;
  /** For an ACK: the node whose frame it answers; else -1. */
  readonly answers: number;
  /** Counts the sender's transmissions: the loss dice. */
  readonly number: number;
}

interface Pending {
  readonly id: number;
  readonly frame: Uint8Array;
  readonly head: Addressed | undefined;
  /** Back-offs done (NB) and the back-off exponent (BE). */
  backoffs: number;
  exponent: number;
}

interface Node {
  readonly eui64: Uint8Array;
  readonly backoff: Stream;
  readonly out: readonly Link[];
  /** Links that end here, by sender. */
  readonly heard: ReadonlyMap<number, Link>;
  readonly queue: Pending[];
  readonly statistics: NodeStatistics;
  address: { readonly pan: number; readonly short: number } | undefined;
  current: Pending | undefined;
  /** The number of the wait for an ACK that counts; any other is over. */
  wait: number;
  awaiting: boolean;
  readyAt: number;
  transmissions: number;
}

type Happening =
  | { readonly kind: "end"; readonly sending: OnAir }
  | { readonly kind: "noAck"; readonly wait: number }
  | { readonly kind: "queue"; readonly id: number; readonly frame: Uint8Array }
  | { readonly kind: "sense" }
  | { readonly kind: "start"; readonly sending: OnAir };

const RANK = { end: 0, noAck: 1, queue: 2, sense: 3, start: 4 } as const;
/** Nothing that ended this long ago can overlap anything still to be judged. */
const MEMORY_MICROS = 2 * timing.airtimeMicros(timing.FRAME_BYTES_MAX);
const QUEUE_FRAMES = 64;

export class RadioChannel implements Channel {
  readonly #seed: number;
  readonly #loss: number;
  readonly #captureDb: number | undefined;
  readonly #queueFrames: number;
  readonly #security: number;
  readonly #nodes: Node[];
  readonly #agenda = new Agenda<Happening>();
  #air: OnAir[] = [];
  #now = 0;
  #events: RadioEvent[] = [];

  constructor(options: RadioOptions) {
    this.#seed = options.seed;
    this.#loss = fraction(options.lossPercent ?? 0, "lossPercent");
    this.#captureDb = options.captureDb;
    this.#queueFrames = options.queueFrames ?? QUEUE_FRAMES;
    this.#security = options.securityBytes ?? timing.SECURITY_BYTES;
    const links = options.links ?? linksInRange(options.nodes, options.rangeMetres);
    this.#nodes = makeNodes(options, links);
  }

  get now(): number {
    return this.#now;
  }

  setAddress(node: number, address: { readonly pan: number; readonly short: number }): void {
    this.#node(node).address = { pan: address.pan, short: address.short };
  }

  transmit({ node, id, frame, atMicros }: Transmission): void {
    this.#node(node);
    if (!Number.isSafeInteger(atMicros) || atMicros < this.#now) {
      throw new RangeError(`transmit at ${atMicros} µs, but the channel is at ${this.#now} µs`);
    }
    const most = timing.FRAME_BYTES_MAX - this.#security;
    if (frame.length < timing.FRAME_BYTES_MIN || frame.length > most) {
      throw new RangeError(
        `a frame of ${frame.length} bytes: 3 to ${most} leave room for the rest`,
      );
    }
    this.#plan(node, atMicros, { kind: "queue", id, frame });
  }

  next(): number | undefined {
    return this.#agenda.first;
  }

  advance(toMicros: number): RadioEvent[] {
    if (!(toMicros >= this.#now))
      throw new RangeError(`time goes back from ${this.#now} to ${toMicros}`);
    for (let at = this.#agenda.first; at !== undefined && at <= toMicros; at = this.#agenda.first) {
      const entry = this.#agenda.take();
      if (entry === undefined) break;
      this.#now = at;
      this.#happen(entry.node, entry.what);
    }
    this.#now = toMicros;
    const events = this.#events;
    this.#events = [];
    return events;
  }

  statistics(node: number): Readonly<NodeStatistics> {
    return this.#node(node).statistics;
  }

  #node(index: number): Node {
    const node = this.#nodes[index];
    if (node === undefined) throw new RangeError(`no radio node ${index}`);
    return node;
  }

  #plan(node: number, at: number, what: Happening): void {
    this.#agenda.add({ at, rank: RANK[what.kind], node, what });
  }

  #happen(index: number, what: Happening): void {
    if (what.kind === "queue") this.#enqueue(index, what.id, what.frame);
    else if (what.kind === "sense") this.#sense(index);
    else if (what.kind === "start") this.#start(what.sending);
    else if (what.kind === "end") this.#end(what.sending);
    else if (this.#node(index).wait === what.wait) this.#noAck(index);
  }

  #enqueue(index: number, id: number, frame: Uint8Array): void {
    const node = this.#node(index);
    if (node.queue.length >= this.#queueFrames) {
      node.statistics.refused += 1;
      this.#events.push(sent(this.#now, index, id, { acked: false, transmitted: false }));
      return;
    }
    node.queue.push({ id, frame, head: addressed(frame), backoffs: 0, exponent: timing.MIN_BE });
    if (node.current === undefined) this.#nextInQueue(index);
  }

  #nextInQueue(index: number): void {
    const node = this.#node(index);
    node.current = node.queue.shift();
    if (node.current !== undefined) this.#backOff(index, Math.max(this.#now, node.readyAt));
  }

  /** Waits 0 to 2^BE - 1 unit back-off periods from `from`, then listens for the CCA time. */
  #backOff(index: number, from: number): void {
    const node = this.#node(index);
    const periods = node.backoff.next(2 ** (node.current as Pending).exponent);
    const at = from + periods * timing.UNIT_BACKOFF_MICROS + timing.CCA_MICROS;
    this.#plan(index, at, { kind: "sense" });
  }

  /** The CCA ends: energy in its window means back off again, silence means turn round and send. */
  #sense(index: number): void {
    const node = this.#node(index);
    const frame = node.current as Pending;
    if (this.#busy(index)) {
      frame.backoffs += 1;
      frame.exponent = Math.min(frame.exponent + 1, timing.MAX_BE);
      if (frame.backoffs <= timing.MAX_CSMA_BACKOFFS) {
        this.#backOff(index, this.#now);
        return;
      }
      node.statistics.busy += 1;
      this.#done(index, { acked: false, transmitted: false });
      return;
    }
    this.#send(index, this.#now + timing.TURNAROUND_MICROS, frame.frame, -1);
  }

  #busy(index: number): boolean {
    const since = this.#now - timing.CCA_MICROS;
    const heard = this.#node(index).heard;
    for (const other of this.#air) {
      if (other.end <= since) continue;
      // Its own ACK, from the moment it turns round to send it: the transceiver is not free.
      if (other.node === index && other.start - timing.TURNAROUND_MICROS < this.#now) return true;
      if (other.start < this.#now && heard.has(other.node)) return true;
    }
    return false;
  }

  #send(index: number, start: number, frame: Uint8Array, answers: number): void {
    const secured = frame.length + (answers < 0 ? this.#security : 0);
    const end = start + timing.airtimeMicros(secured);
    const number = this.#node(index).transmissions++;
    const head = addressed(frame);
    const sending: OnAir = { node: index, start, end, frame, head, answers, number };
    this.#air = this.#air.filter((other) => other.end > this.#now - MEMORY_MICROS);
    this.#air.push(sending);
    this.#plan(index, start, { kind: "start", sending });
    this.#plan(index, end, { kind: "end", sending });
  }

  #start(sending: OnAir): void {
    const { node, start, end, frame } = sending;
    const ack = sending.answers >= 0;
    const statistics = this.#node(node).statistics;
    if (ack) statistics.acksSent += 1;
    else statistics.sent += 1;
    statistics.airMicros += end - start;
    this.#events.push({ kind: "air", at: start, node, endMicros: end, ack, frame });
  }

  #end(sending: OnAir): void {
    if (sending.answers >= 0) {
      this.#ackArrives(sending);
      return;
    }
    const sender = this.#node(sending.node);
    for (const link of sender.out) this.#arrive(sending, link);
    if (sending.head?.wantsAck === true && !toAll(sending.head)) {
      sender.awaiting = true;
      this.#plan(sending.node, this.#now + timing.ACK_WAIT_MICROS, {
        kind: "noAck",
        wait: sender.wait,
      });
    } else {
      this.#done(sending.node, { acked: false, transmitted: true });
    }
  }

  /** The frame is over: what became of it at the node the link leads to. */
  #arrive(sending: OnAir, link: Link): void {
    const node = this.#node(link.to);
    if (!this.#survives(sending, link)) return;
    const { head, frame } = sending;
    if (head === undefined || head.isAck || node.address === undefined) return;
    const own = { eui64: node.eui64, ...node.address };
    const verdict = passes(head, frame, own);
    if (verdict === "no") {
      node.statistics.filtered += 1;
      return;
    }
    node.statistics.received += 1;
    this.#events.push({ kind: "frame", at: this.#now, node: link.to, from: sending.node, frame });
    if (verdict === "one" && head.wantsAck) {
      const start = this.#now + timing.TURNAROUND_MICROS;
      this.#send(link.to, start, acknowledgement(head.sequence), sending.node);
    }
  }

  #survives(sending: OnAir, link: Link): boolean {
    const node = this.#node(link.to);
    let noise = 0;
    for (const other of this.#air) {
      if (other === sending || other.end <= sending.start) continue;
      if (other.node === link.to) {
        if (other.start - timing.TURNAROUND_MICROS >= sending.end) continue;
        node.statistics.deaf += 1;
        return false;
      }
      if (other.start >= sending.end) continue;
      const disturbing = node.heard.get(other.node);
      if (disturbing !== undefined) noise += 10 ** ((disturbing.strengthDb ?? 0) / 10);
    }
    if (noise > 0) {
      const above = (link.strengthDb ?? 0) - 10 * Math.log10(noise);
      if (this.#captureDb === undefined || above < this.#captureDb) {
        node.statistics.collided += 1;
        return false;
      }
    }
    const loss = 1 - (1 - (link.lossPercent ?? 0) / 100) * (1 - this.#loss);
    if (chance(this.#seed, sending.node, link.to, sending.number) < loss) {
      node.statistics.lost += 1;
      return false;
    }
    return true;
  }

  /** An ACK carries no address: whoever waits for this sequence number takes it as its own. */
  #ackArrives(sending: OnAir): void {
    for (const link of this.#node(sending.node).out) {
      const node = this.#node(link.to);
      if (!node.awaiting || node.current?.head?.sequence !== sending.head?.sequence) continue;
      if (!this.#survives(sending, link)) continue;
      node.statistics.acked += 1;
      this.#done(link.to, { acked: true, transmitted: true });
    }
  }

  #noAck(index: number): void {
    this.#node(index).statistics.unacked += 1;
    this.#done(index, { acked: false, transmitted: true });
  }

  #done(index: number, result: { acked: boolean; transmitted: boolean }): void {
    const node = this.#node(index);
    const { id, frame } = node.current as Pending;
    node.wait += 1;
    node.awaiting = false;
    if (result.transmitted)
      node.readyAt = this.#now + timing.spacingMicros(frame.length + this.#security);
    this.#events.push(sent(this.#now, index, id, result));
    this.#nextInQueue(index);
  }
}

function sent(
  at: number,
  node: number,
  id: number,
  result: { acked: boolean; transmitted: boolean },
): RadioEvent {
  return { kind: "sent", at, node, id, ...result };
}

function toAll(head: Addressed): boolean {
  return head.short === 0xffff;
}

function fraction(percent: number, name: string): number {
  if (!(percent >= 0 && percent <= 100))
    throw new RangeError(`${name} is ${percent}, not 0 to 100`);
  return percent / 100;
}

function makeNodes(options: RadioOptions, links: readonly Link[]): Node[] {
  const count = options.nodes.length;
  const out: Link[][] = options.nodes.map(() => []);
  const heard: Map<number, Link>[] = options.nodes.map(() => new Map());
  for (const link of links) {
    const from = out[link.from];
    const to = heard[link.to];
    if (from === undefined || to === undefined || link.from === link.to) {
      throw new RangeError(
        `link from node ${link.from} to ${link.to}: there are nodes 0 to ${count - 1}`,
      );
    }
    fraction(link.lossPercent ?? 0, `lossPercent of the link from ${link.from} to ${link.to}`);
    if (to.has(link.from)) throw new RangeError(`two links from node ${link.from} to ${link.to}`);
    from.push(link);
    to.set(link.from, link);
  }
  for (const list of out) list.sort((a, b) => a.to - b.to);
  return options.nodes.map(({ eui64 }, index) => {
    if (eui64.length !== 8)
      throw new RangeError(`eui64 of radio node ${index} has ${eui64.length} bytes`);
    return {
      eui64,
      backoff: new Stream(options.seed, index),
      out: out[index] as Link[],
      heard: heard[index] as Map<number, Link>,
      queue: [],
      statistics: emptyStatistics(),
      address: undefined,
      current: undefined,
      wait: 0,
      awaiting: false,
      readyAt: 0,
      transmissions: 0,
    };
  });
}

function emptyStatistics(): NodeStatistics {
  return {
    sent: 0,
    acksSent: 0,
    acked: 0,
    unacked: 0,
    busy: 0,
    refused: 0,
    received: 0,
    filtered: 0,
    collided: 0,
    lost: 0,
    deaf: 0,
    airMicros: 0,
  };
}
