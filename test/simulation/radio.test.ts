/**
 * The radio channel against figures computed from IEEE 802.15.4-2006 and against its own promises.
 */
import { RadioChannel } from "../../hosts/radio/channel.js";
import { SECURITY_BYTES } from "../../hosts/radio/timing.js";
import { bothWays, linksInRange, nextHops } from "../../hosts/radio/topology.js";
import type { RadioEvent, RadioOptions } from "../../hosts/radio/types.js";
import * as mac from "../../modules/lowpan/mac.js";
import { equal, test, throws } from "../harness.js";
import { euiOf } from "../support/air.js";

const PAN = 0xabcd;
/** Frame of a 32-byte command: 77 bytes on air, 12 of them link security and FCS. */
const COMMAND_BYTES = 65;

type Of<K extends RadioEvent["kind"]> = Extract<RadioEvent, { kind: K }>;

function of<K extends RadioEvent["kind"]>(events: readonly RadioEvent[], kind: K): Of<K>[] {
  return events.filter((event): event is Of<K> => event.kind === kind);
}

/** `count` nodes with short addresses 1, 2, 3, ... */
function channelOf(count: number, options: Partial<RadioOptions> = {}): RadioChannel {
  const nodes = Array.from({ length: count }, (_, i) => ({ eui64: euiOf(i) }));
  const channel = new RadioChannel({ seed: 1, nodes, ...options });
  for (let node = 0; node < count; node++) channel.setAddress(node, { pan: PAN, short: node + 1 });
  return channel;
}

function dataFrame(options: { to: number; length?: number; ack?: boolean; sequence?: number }) {
  const frame = new Uint8Array(options.length ?? COMMAND_BYTES);
  frame.set([options.ack === true ? 0x61 : 0x41, 0x88, options.sequence ?? 1, 0xcd, 0xab]);
  frame.set([options.to & 255, options.to >> 8], 5);
  return frame;
}

const toAll = dataFrame({ to: 0xffff });

/** Sends one frame at `atMicros` on a quiet channel and returns what came of it. */
function exchange(channel: RadioChannel, frame: Uint8Array, node = 0): RadioEvent[] {
  channel.transmit({ node, id: 9, frame, atMicros: channel.now });
  return channel.advance(channel.now + 100_000);
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

// ---- times

test("a frame of 77 bytes takes 2.66 ms, the longest 4.26 ms, an ACK 0.35 ms", () => {
  equal(SECURITY_BYTES, mac.SECURITY_BYTES);
  const times = [COMMAND_BYTES, mac.FRAME_BYTES_MAX].map((length) => {
    const events = exchange(channelOf(2), dataFrame({ to: 2, length, ack: true }));
    return of(events, "air").map(({ at, endMicros }) => endMicros - at);
  });
  // (6 + 77) * 32, (6 + 127) * 32, (6 + 5) * 32.
  equal(times, [
    [2656, 352],
    [4256, 352],
  ]);
});

test("the first back-off is 0 to 7 periods of 320 us, each as often, then CCA and turning", () => {
  const channel = channelOf(2);
  const rounds = 8000;
  const counts = new Array<number>(8).fill(0);
  for (let i = 0; i < rounds; i++) {
    const start = channel.now;
    const [air] = of(exchange(channel, toAll), "air");
    const periods = (air.at - start - 128 - 192) / 320;
    equal([Number.isInteger(periods), periods >= 0, periods <= 7], [true, true, true]);
    counts[periods] += 1;
  }
  // Chi square with 7 degrees of freedom stays below 24.3 with probability 0.999.
  const expected = rounds / 8;
  const chi = counts.reduce((sum, n) => sum + (n - expected) ** 2 / expected, 0);
  equal(chi < 24.3, true, `chi square ${chi}`);
});

test("one hop takes 4.1 ms on average", () => {
  const channel = channelOf(2);
  const delays: number[] = [];
  for (let i = 0; i < 4000; i++) {
    const start = channel.now;
    const [frame] = of(exchange(channel, toAll), "frame");
    delays.push(frame.at - start);
  }
  // 3.5 * 320 + 128 + 192 + 2656 = 4096; sigma of the mean 320 * sqrt(63 / 12 / 4000) = 11.6 us.
  equal(Math.abs(mean(delays) - 4096) < 4 * 11.6, true, `mean ${mean(delays)} us`);
  equal([Math.min(...delays), Math.max(...delays)], [2976, 2976 + 7 * 320]);
});

test("a sender keeps 640 us of silence after a long frame and 192 after a short one", () => {
  for (const [length, spacing] of [
    [COMMAND_BYTES, 640],
    [5, 192],
  ]) {
    const channel = channelOf(2);
    const gaps: number[] = [];
    for (let i = 0; i < 300; i++) {
      const frame = dataFrame({ to: 0xffff, length: Math.max(length, 7) }).slice(0, length);
      for (const id of [1, 2]) channel.transmit({ node: 0, id, frame, atMicros: channel.now });
      const [one, two] = of(channel.advance(channel.now + 100_000), "air");
      gaps.push(two.at - one.endMicros);
    }
    equal(Math.min(...gaps), spacing + 128 + 192);
  }
});

// ---- acknowledgements

test("an ACK comes 192 us after the frame and ends the wait", () => {
  const events = exchange(channelOf(3), dataFrame({ to: 2, ack: true, sequence: 0x5a }));
  const [data, ack] = of(events, "air");
  equal([ack.node, ack.ack, ack.at - data.endMicros], [1, true, 192]);
  equal([...ack.frame], [2, 0, 0x5a]);
  equal(
    of(events, "frame").map(({ node, at }) => [node, at]),
    [[1, data.endMicros]],
  );
  const sent = { kind: "sent" as const, node: 0, id: 9, acked: true, transmitted: true };
  equal(of(events, "sent"), [{ ...sent, at: data.endMicros + 192 + 352 }]);
});

test("without an ACK the sender waits 864 us", () => {
  const events = exchange(channelOf(3), dataFrame({ to: 7, ack: true }));
  const [data] = of(events, "air");
  const [sent] = of(events, "sent");
  equal([sent.acked, sent.transmitted, sent.at - data.endMicros], [false, true, 864]);
});

test("a frame that asks for no ACK is done when it is over", () => {
  const events = exchange(channelOf(3), dataFrame({ to: 2 }));
  equal(of(events, "air").length, 1);
  equal(of(events, "sent")[0].at, of(events, "air")[0].endMicros);
});

test("nobody acknowledges a broadcast", () => {
  const events = exchange(channelOf(3), dataFrame({ to: 0xffff, ack: true }));
  equal([of(events, "frame").length, of(events, "air").length], [2, 1]);
});

test("address filter: PAN, short and extended address, none before it is set", () => {
  const extended = (index: number) => {
    const frame = new Uint8Array(30);
    frame.set([0x61, 0x8c, 1, 0xcd, 0xab, ...euiOf(index).reverse()]);
    return frame;
  };
  const otherPan = dataFrame({ to: 2, ack: true });
  otherPan[3] ^= 1;
  const everyPan = dataFrame({ to: 2, ack: true });
  everyPan.fill(0xff, 3, 5);
  const reached = [dataFrame({ to: 2 }), extended(1), extended(5), otherPan, everyPan].map(
    (frame) => of(exchange(channelOf(3), frame), "frame").map(({ node }) => node),
  );
  equal(reached, [[1], [1], [], [], [1]]);
  const nodes = [{ eui64: euiOf(0) }, { eui64: euiOf(1) }];
  const silent = new RadioChannel({ seed: 1, nodes });
  equal(of(exchange(silent, extended(1)), "frame"), []);
});

test("a lost ACK leaves the sender unacknowledged although the frame arrived", () => {
  const links = [
    { from: 0, to: 1 },
    { from: 1, to: 0, lossPercent: 100 },
  ];
  const channel = channelOf(2, { links });
  const events = exchange(channel, dataFrame({ to: 2, ack: true }));
  equal([of(events, "frame").length, of(events, "sent")[0].acked], [1, false]);
  equal([channel.statistics(1).acksSent, channel.statistics(0).unacked], [1, 1]);
});

// ---- sharing the air

test("senders that hear each other overlap only if both found silence within 320 us", () => {
  const channel = channelOf(6, { seed: 3 });
  const air: Of<"air">[] = [];
  for (let round = 0; round < 400; round++) {
    for (let node = 0; node < 5; node++) {
      channel.transmit({ node, id: round, frame: toAll, atMicros: round * 60_000 + 700 * node });
    }
    air.push(...of(channel.advance((round + 1) * 60_000 - 1), "air"));
  }
  let overlaps = 0;
  for (const [i, one] of air.entries()) {
    for (const two of air.slice(i + 1, i + 6)) {
      if (two.at >= one.endMicros) continue;
      overlaps += 1;
      // The CCA of the second ended 192 us before it began; the first may begin no earlier than
      // that.
      equal(two.at - one.at <= 192, true, `${one.at} ${two.at}`);
    }
  }
  equal(overlaps > 0, true);
});

test("two hidden nodes destroy each other's frames exactly when they overlap", () => {
  const links = bothWays([
    { from: 0, to: 1 },
    { from: 1, to: 2 },
  ]);
  const channel = channelOf(3, { links, seed: 5 });
  let [together, alone] = [0, 0];
  for (let round = 0; round < 500; round++) {
    const start = channel.now;
    channel.transmit({ node: 0, id: 1, frame: toAll, atMicros: start });
    channel.transmit({ node: 2, id: 2, frame: toAll, atMicros: start + 10 * round });
    const events = channel.advance(start + 50_000);
    const [one, two] = of(events, "air");
    const overlap = two.at < one.endMicros;
    if (overlap) together += 1;
    else alone += 1;
    equal(of(events, "frame").filter(({ node }) => node === 1).length, overlap ? 0 : 2);
  }
  equal([together > 100, alone > 100], [true, true]);
  equal(channel.statistics(1).collided, 2 * together);
});

test("with capture the stronger of two survives", () => {
  const links = [
    { from: 0, to: 1, strengthDb: -40 },
    { from: 2, to: 1, strengthDb: -50 },
  ];
  for (const [captureDb, reached] of [
    [6, [0]],
    [12, []],
  ] as const) {
    const channel = channelOf(3, { links, captureDb });
    for (const node of [0, 2]) channel.transmit({ node, id: 1, frame: toAll, atMicros: 0 });
    const events = channel.advance(50_000);
    equal(
      of(events, "frame").map(({ from }) => from),
      [...reached],
    );
  }
});

test("who sends hears nothing meanwhile", () => {
  // Node 1 hears node 0, node 0 hears nobody; both send at once.
  const channel = channelOf(2, { links: [{ from: 0, to: 1 }], seed: 2 });
  let missed = 0;
  for (let round = 0; round < 100; round++) {
    const start = channel.now;
    channel.transmit({ node: 0, id: 1, frame: toAll, atMicros: start });
    channel.transmit({ node: 1, id: 1, frame: toAll, atMicros: start });
    const events = channel.advance(start + 50_000);
    const [zero] = of(events, "air").filter(({ node }) => node === 0);
    const [one] = of(events, "air").filter(({ node }) => node === 1);
    // From the moment it turns round to send.
    const deaf = one.at - 192 < zero.endMicros && zero.at < one.endMicros;
    equal(of(events, "frame").length, deaf ? 0 : 1);
    if (deaf) missed += 1;
  }
  equal(channel.statistics(1).deaf, missed);
  equal(missed > 0 && missed < 100, true);
});

test("a channel that stays busy is given up after five looks, 37.4 ms at most", () => {
  // Ten jammers that do not hear each other, one after the other, so that node 0 never finds
  // silence.
  const links = Array.from({ length: 10 }, (_, i) => ({ from: i + 1, to: 0 }));
  const waits: number[] = [];
  for (let seed = 0; seed < 40; seed++) {
    const channel = channelOf(11, { links, seed });
    const long = dataFrame({ to: 0xffff, length: mac.FRAME_BYTES_MAX });
    for (let at = 0; at < 60_000; at += 1000) {
      channel.transmit({ node: 1 + ((at / 1000) % 10), id: at, frame: long, atMicros: at });
    }
    channel.transmit({ node: 0, id: 1, frame: toAll, atMicros: 10_000 });
    const [sent] = of(channel.advance(60_000), "sent").filter(({ node }) => node === 0);
    equal([sent.transmitted, sent.acked], [false, false]);
    waits.push(sent.at - 10_000);
    equal(channel.statistics(0).busy, 1);
  }
  // 5 CCAs, and back-offs of at most 7, 15, 31, 31, 31 periods.
  equal([Math.min(...waits) >= 5 * 128, Math.max(...waits) <= 5 * 128 + 115 * 320], [true, true]);
  // Their mean is 57.5 periods; sigma of the mean of 40 is 16.7 / sqrt(40) = 2.6.
  equal(Math.abs((mean(waits) - 5 * 128) / 320 - 57.5) < 4 * 2.7, true, `mean ${mean(waits)}`);
});

test("loss of the link and loss of all add up, independently per receiver", () => {
  const links = [
    { from: 0, to: 1, lossPercent: 30 },
    { from: 0, to: 2 },
  ];
  const channel = channelOf(3, { links, lossPercent: 10 });
  const rounds = 5000;
  let both = 0;
  for (let i = 0; i < rounds; i++)
    both += of(exchange(channel, toAll), "frame").length === 0 ? 1 : 0;
  const share = (node: number) => channel.statistics(node).lost / rounds;
  const within = (value: number, p: number) =>
    Math.abs(value - p) < 4 * Math.sqrt((p * (1 - p)) / rounds);
  equal(
    [within(share(1), 0.37), within(share(2), 0.1), within(both / rounds, 0.037)],
    [true, true, true],
  );
});

// ---- queue and clock

test("frames of one node leave in the order they came", () => {
  const channel = channelOf(2);
  for (const id of [5, 3, 8, 1]) channel.transmit({ node: 0, id, frame: toAll, atMicros: 100 });
  equal(
    of(channel.advance(100_000), "sent").map(({ id }) => id),
    [5, 3, 8, 1],
  );
});

test("a full queue refuses at once", () => {
  const channel = channelOf(2, { queueFrames: 2 });
  for (const id of [1, 2, 3, 4]) channel.transmit({ node: 0, id, frame: toAll, atMicros: 0 });
  const sent = of(channel.advance(100_000), "sent");
  equal(
    sent.filter(({ transmitted }) => !transmitted).map(({ id, at }) => [id, at]),
    [[4, 0]],
  );
  equal(channel.statistics(0).refused, 1);
});

/** A busy quarter of a second: 12 nodes in a row that hear three neighbours, with loss and ACKs. */
function busyRun(seed: number, step: "next" | "once", order: 1 | -1 = 1): RadioEvent[] {
  const nodes = Array.from({ length: 12 }, (_, i) => ({
    eui64: euiOf(i),
    position: { x: i, y: 0 },
  }));
  const channel = new RadioChannel({ seed, nodes, rangeMetres: 3, lossPercent: 10, captureDb: 10 });
  const indices = nodes.map((_, i) => i);
  if (order < 0) indices.reverse();
  for (const node of indices) {
    channel.setAddress(node, { pan: PAN, short: node + 1 });
    for (let i = 0; i < 5; i++) {
      const frame = dataFrame({ to: ((node + 1) % 12) + 1, ack: i % 2 === 0, sequence: i });
      channel.transmit({ node, id: i, frame, atMicros: 40_000 * i });
    }
  }
  if (step === "once") return channel.advance(300_000);
  const events: RadioEvent[] = [];
  for (let at = channel.next(); at !== undefined; at = channel.next())
    events.push(...channel.advance(at));
  return events;
}

test("the same seed gives the same events, however time is stepped and frames come in", () => {
  const events = busyRun(11, "once");
  equal(events.length > 100, true);
  equal(busyRun(11, "next"), events);
  equal(busyRun(11, "once", -1), events);
  equal(JSON.stringify(busyRun(12, "once")) === JSON.stringify(events), false);
});

test("events come in order of time, and never before what caused them", () => {
  let last = 0;
  for (const { at } of busyRun(13, "once")) {
    equal(at >= last, true);
    last = at;
  }
});

test("mistakes of the caller throw and say what is wrong", () => {
  const channel = channelOf(2);
  channel.advance(1000);
  const transmit = (change: object) => () =>
    channel.transmit({ node: 0, id: 1, frame: toAll, atMicros: 1000, ...change });
  throws(transmit({ atMicros: 999 }), /channel is at 1000/);
  throws(transmit({ node: 2 }), /no radio node 2/);
  throws(transmit({ frame: new Uint8Array(2) }), /frame of 2 bytes/);
  throws(transmit({ frame: new Uint8Array(116) }), /frame of 116 bytes/);
  throws(() => channel.advance(999), /time goes back/);
  throws(() => channelOf(2, { links: [{ from: 0, to: 2 }] }), /from node 0 to 2/);
  throws(() => channelOf(2, { lossPercent: 101 }), /lossPercent is 101/);
  throws(() => channelOf(2, { rangeMetres: 5 }), /node 0 has no position/);
});

// ---- topology

test("links from positions: both ways, within range, weaker with distance", () => {
  const nodes = [0, 3, 10].map((x, i) => ({ eui64: euiOf(i), position: { x, y: 4, z: 1 } }));
  const links = linksInRange(nodes, 7);
  equal(
    links.map(({ from, to }) => [from, to]),
    [
      [0, 1],
      [1, 0],
      [1, 2],
      [2, 1],
    ],
  );
  equal((links[0].strengthDb ?? 0) > (links[2].strengthDb ?? 0), true);
  equal(linksInRange(nodes).length, 6);
});

test("next hops: fewest hops, over routers, over links that work both ways", () => {
  // 0 - 1 - 2 - 4 and 0 - 3 - 4, one way only from 0 to 5.
  const links = [
    ...bothWays([
      { from: 0, to: 1 },
      { from: 1, to: 2 },
      { from: 2, to: 4 },
      { from: 0, to: 3 },
      { from: 3, to: 4 },
    ]),
    { from: 0, to: 5 },
  ];
  const all = nextHops({ count: 6, links, node: 0 });
  equal([...all].sort(), [
    [1, 1],
    [2, 1],
    [3, 3],
    [4, 3],
  ]);
  const routers = [true, true, true, false, true, true];
  equal(nextHops({ count: 6, links, node: 0, routers }).get(4), 1);
});
