/**
 * Fragmentation and reassembly (RFC 4944 §5.3) against what a network, and an attacker, can send.
 * The datagram used throughout: 40 bytes of UDP payload from 0x000b to 0x000a, 88 = 0x058
 * uncompressed, in fragments of 8 + 16 + 16 bytes laid out by hand; its checksum was computed by
 * a few lines of Python.
 */
import { fromHex, toHex } from "../../modules/bytes/hex.js";
import { equal, test } from "../harness.js";
import { counting, Mesh, type MeshNode, meshAddress, PORT } from "../support/mesh.js";
import { SeededRandom } from "../support/random.js";

const GROUP = fromHex("ff150000000000000000000000000001");
const PAYLOAD = toHex(counting(40));
const MAC = "418801cdab0a000b00";
const HEADERS = "7e77f0163316335d80";

interface Options {
  readonly mac?: string;
  readonly tag?: string;
  readonly size?: string;
}

/** The first fragment; `payload` is its part of the UDP payload. */
function first(
  payload = PAYLOAD.slice(0, 16),
  { mac = MAC, tag = "1234", size = "c058" }: Options = {},
) {
  return `${mac}${size}${tag}${HEADERS}${payload}`;
}

/** A later fragment. Offset 7 is byte 8 of the payload: 48 bytes of headers come first. */
function later(
  offset: string,
  payload: string,
  { mac = MAC, tag = "1234", size = "e058" }: Options = {},
) {
  return `${mac}${size}${tag}${offset}${payload}`;
}

const SECOND = later("07", PAYLOAD.slice(16, 48));
const THIRD = later("09", PAYLOAD.slice(48));

function receiver(limits = {}): {
  mesh: Mesh;
  node: MeshNode;
  give: (...frames: string[]) => void;
} {
  const mesh = new Mesh();
  const node = mesh.node(0x000a, { limits });
  const give = (...frames: string[]) => {
    for (const hex of frames) node.radio.onFrame?.(fromHex(hex), mesh.clock.micros());
  };
  return { mesh, node, give };
}

// ---- what we send

test("all but the last fragment end on eight bytes and fill their frames", () => {
  for (const length of [97, 98, 105, 106, 500, 1232]) {
    const mesh = new Mesh();
    const [a, b] = [mesh.node(0x000a), mesh.node(0x000b)];
    a.stack.send({
      to: { address: b.stack.address, port: PORT },
      fromPort: PORT,
      bytes: counting(length),
    });
    mesh.run();
    const frames = mesh.frames().map(fromHex);
    equal(frames.length > 1, length > 97);
    if (length < 98) continue;
    let offset = 0;
    for (const [i, frame] of frames.entries()) {
      equal(frame.length <= 115, true);
      equal(((frame[9] & 7) << 8) | frame[10], length + 48, "datagram size");
      equal(frame[9] >> 3, i === 0 ? 0b11000 : 0b11100, "dispatch");
      if (i > 0) equal(frame[13] * 8, offset, "offset");
      // The first: 4 bytes of fragment header, 9 compressed ones that stand for 48.
      offset += i === 0 ? frame.length - 9 - 4 - 9 + 48 : frame.length - 9 - 5;
      if (i < frames.length - 1) equal([offset % 8, frame.length >= 115 - 8], [0, true]);
    }
    equal(offset, length + 48);
    equal(
      b.received.map(({ bytes }) => bytes),
      [counting(length)],
    );
  }
});

test("every datagram has a tag of its own", () => {
  const mesh = new Mesh();
  const [a, b] = [mesh.node(0x000a), mesh.node(0x000b)];
  for (let i = 0; i < 3; i++) {
    a.stack.send({
      to: { address: b.stack.address, port: PORT },
      fromPort: PORT,
      bytes: counting(150),
    });
  }
  mesh.run();
  const tags = mesh.frames().map((frame) => Number.parseInt(frame.slice(22, 26), 16));
  equal(tags.length, 6);
  equal(
    tags.map((tag) => (tag - tags[0] + 65536) % 65536),
    [0, 0, 1, 1, 2, 2],
  );
});

test("a fragment given up takes the rest of its datagram with it, and nothing else", () => {
  const mesh = new Mesh();
  const [a, b] = [mesh.node(0x000a), mesh.node(0x000b)];
  mesh.ether.hears = ({ index }) => index === 0 || index > 4;
  const to = { address: b.stack.address, port: PORT };
  a.stack.send({ to, fromPort: PORT, bytes: counting(400) });
  a.stack.send({ to, fromPort: PORT, bytes: counting(150) });
  mesh.run();
  // One fragment arrived, four attempts at the second, then the two of the next datagram.
  equal(mesh.frames().length, 7);
  equal([b.received.map(({ bytes }) => bytes), b.counts], [[counting(150)], { fragment: 1 }]);
  equal(a.stack.statistics.undelivered, 1);
});

// ---- reassembly

test("fragments in order make the datagram", () => {
  const { node, give, mesh } = receiver();
  give(first(), SECOND);
  equal(node.received.length, 0);
  give(THIRD);
  equal(
    node.received.map(({ bytes }) => toHex(bytes)),
    [PAYLOAD],
  );
  equal(node.received[0].from, { address: meshAddress(0x000b), port: PORT });
  equal([node.counts, mesh.clock.pending], [{}, 0]);
});

test("after the first, in any order", () => {
  const { node, give } = receiver();
  give(first(), THIRD, SECOND);
  equal(
    node.received.map(({ bytes }) => toHex(bytes)),
    [PAYLOAD],
  );
});

test("a first fragment in plain IPv6 counts as many bytes as it has", () => {
  const { node, give } = receiver();
  const addresses = `${toHex(meshAddress(0x000b))}${toHex(meshAddress(0x000a))}`;
  const plain = `416000000000301140${addresses}1633163300305d80`;
  give(`${MAC}c0581234${plain}${PAYLOAD.slice(0, 16)}`, SECOND, THIRD);
  equal(
    node.received.map(({ bytes }) => toHex(bytes)),
    [PAYLOAD],
  );
});

test("a first fragment may end with its headers", () => {
  const { node, give } = receiver();
  give(first(""), later("06", PAYLOAD.slice(0, 16)), SECOND, THIRD);
  equal(node.received.length, 1);
});

test("exact repetitions are harmless", () => {
  const { node, give } = receiver();
  give(first(), first(), SECOND, first(), SECOND, THIRD, THIRD, SECOND);
  equal([node.received.length, node.counts], [1, {}]);
});

test("a later fragment without a first is counted once for its datagram", () => {
  const { node, give, mesh } = receiver();
  give(SECOND, THIRD, SECOND);
  equal([node.counts, mesh.clock.pending], [{ fragment: 1 }, 0]);
  give(later("07", "00", { tag: "1235" }));
  equal(node.counts, { fragment: 2 });
});

/** Nothing is delivered, however the rest goes on, and exactly one datagram is counted as lost. */
function ruins(name: string, ...frames: string[]): void {
  test(`${name}: the whole datagram is dropped`, () => {
    const { node, give, mesh } = receiver();
    give(first(), ...frames);
    equal([node.counts, mesh.clock.pending], [{ fragment: 1 }, 0]);
    give(SECOND, THIRD);
    mesh.run(10_000);
    equal([node.received.length, node.counts], [0, { fragment: 1 }]);
  });
}

ruins("a fragment that overlaps the first", later("06", PAYLOAD.slice(0, 32)));
ruins("a fragment that lies over the headers", later("00", "00".repeat(8)));
ruins("a fragment that overlaps a later one", SECOND, later("08", PAYLOAD.slice(32, 64)));
ruins("a fragment inside another", SECOND, later("08", PAYLOAD.slice(32, 48)));
ruins("a fragment around another", later("08", PAYLOAD.slice(32, 48)), SECOND);
ruins("the same place with other bytes", SECOND, later("07", "ff".repeat(16)));
ruins("a fragment that goes beyond the end", later("09", `${PAYLOAD.slice(48)}00`));
ruins("a fragment that begins beyond the end", later("ff", "00"));
ruins("a fragment without bytes", later("07", ""));
ruins("a fragment that does not end on eight bytes", later("07", PAYLOAD.slice(16, 46)));
ruins("another first fragment under the same tag", first("ff".repeat(8)));
ruins("a longer first fragment under the same tag", first(PAYLOAD.slice(0, 32)));

test("a first fragment that does not end on eight bytes is dropped", () => {
  const { node, give } = receiver();
  give(first(PAYLOAD.slice(0, 14)));
  equal(node.counts, { fragment: 1 });
});

test("a first fragment that is the whole datagram, or more, is dropped", () => {
  const { node, give } = receiver();
  give(
    first(PAYLOAD.slice(0, 16), { size: "c038" }),
    first(PAYLOAD.slice(0, 32), { size: "c038" }),
  );
  equal([node.counts, node.received.length], [{ fragment: 2 }, 0]);
});

test("a datagram above the limit is dropped, at the limit it is not", () => {
  const { node, give, mesh } = receiver();
  give(first(PAYLOAD.slice(0, 16), { size: "c508", tag: "0001" }));
  equal([node.counts, mesh.clock.pending], [{ fragment: 1 }, 0]);
  give(first(PAYLOAD.slice(0, 16), { size: "c500", tag: "0002" }));
  equal([node.counts, mesh.clock.pending], [{ fragment: 1 }, 1]);
});

test("a datagram smaller than its own headers is dropped", () => {
  const { node, give } = receiver();
  give(first("", { size: "c028" }));
  equal(node.counts, { fragment: 1 });
});

test("a size that the plain headers contradict is dropped", () => {
  const { node, give } = receiver();
  const addresses = `${toHex(meshAddress(0x000b))}${toHex(meshAddress(0x000a))}`;
  const plain = `416000000000311140${addresses}1633163300315d80`;
  give(`${MAC}c0581234${plain}${PAYLOAD.slice(0, 16)}`);
  equal(node.counts, { fragment: 1 });
});

test("fragment headers cut short are malformed", () => {
  const { node, give } = receiver();
  for (const cut of ["c0", "c058", "c05812", "c0581234", "e0", "e058", "e05812", "e0581234"]) {
    give(MAC + cut);
  }
  equal(node.counts, { malformed: 8 });
});

// ---- whose fragments

test("another sender's fragment does not belong", () => {
  const { node, give } = receiver();
  const mac = MAC.replace("0b00", "0c00");
  give(first(), later("07", "ff".repeat(16), { mac }), later("09", "ff".repeat(16), { mac }));
  equal(node.received.length, 0);
  give(SECOND, THIRD);
  equal([node.received.length, node.counts], [1, { fragment: 1 }]);
});

test("a fragment to another link address does not belong", () => {
  const { node, give } = receiver();
  const mac = MAC.replace("0a00", "ffff");
  give(first(), later("07", "ff".repeat(16), { mac }));
  equal(node.received.length, 0);
  give(SECOND, THIRD);
  equal(node.received.length, 1);
});

test("another tag or another size does not belong", () => {
  const { node, give } = receiver();
  const strange = "ff".repeat(16);
  give(first(), later("07", strange, { tag: "1235" }), later("07", strange, { size: "e060" }));
  give(SECOND, THIRD);
  equal(node.received.length, 1);
});

test("nobody's datagram is not kept", () => {
  const { node, give, mesh } = receiver();
  const other = first().replace("7e77", "7e76000c");
  give(other, SECOND, THIRD);
  equal([node.counts, mesh.clock.pending], [{ notForUs: 1 }, 0]);
});

// ---- bounds

test("a datagram that never ends is forgotten after five seconds", () => {
  const { node, give, mesh } = receiver();
  give(first(), SECOND);
  mesh.run(4999);
  equal([node.counts, mesh.clock.pending], [{}, 1]);
  mesh.run(1);
  equal([node.counts, mesh.clock.pending], [{ fragment: 1 }, 0]);
  give(first(PAYLOAD.slice(0, 16), { tag: "4321" }));
  give(...[SECOND, THIRD].map((frame) => frame.replace("1234", "4321")));
  equal(node.received.length, 1);
});

test("a sender's next datagram ends the one it left unfinished", () => {
  const { node, give, mesh } = receiver({ reassemblies: 1 });
  give(first(), SECOND, first(PAYLOAD.slice(0, 16), { tag: "1235" }));
  equal([node.counts, mesh.clock.pending], [{ fragment: 1 }, 1]);
  give(...[SECOND, THIRD].map((frame) => frame.replace("1234", "1235")));
  equal(node.received.length, 1);
});

test("as many datagrams at once as the limit says: the newcomer is dropped", () => {
  const { node, give } = receiver({ reassemblies: 2 });
  const from = (short: string) => ({ mac: MAC.replace("0b00", short) });
  give(first(undefined, from("0c00")), first(), first(undefined, from("0d00")));
  equal(node.counts, { overflow: 1 });
  give(later("07", "00", from("0d00")), SECOND, THIRD);
  equal([node.received.length, node.counts], [1, { overflow: 1 }]);
});

test("as many bytes at once as the limit says: the newcomer is dropped", () => {
  const { node, give } = receiver({ reassemblyBytes: 175 });
  const from = (short: string) => ({ mac: MAC.replace("0b00", short) });
  give(first(), first(undefined, from("0c00")));
  equal(node.counts, { overflow: 1 });
  // Room comes back with the datagram that took it.
  give(SECOND, THIRD, first(undefined, { ...from("0c00"), tag: "0001" }));
  equal([node.received.length, node.counts], [1, { overflow: 1 }]);
});

test("a hundred thousand first fragments of as many senders hold six datagrams", () => {
  const { node, mesh } = receiver();
  const frame = fromHex(first());
  const many = 100_000;
  for (let i = 0; i < many; i++) {
    frame[7] = i & 255;
    frame[8] = (i >> 8) & 255;
    frame[11] = i >> 16;
    node.radio.onFrame?.(frame, mesh.clock.micros());
  }
  equal(mesh.clock.pending, 6);
  const { overflow = 0, fragment = 0, notForUs = 0 } = node.counts;
  equal([overflow + fragment + notForUs > many - 100, node.received.length], [true, 0]);
  mesh.run(5000);
  equal(mesh.clock.pending, 0);
  for (const hex of [first(), SECOND, THIRD])
    node.radio.onFrame?.(fromHex(hex), mesh.clock.micros());
  equal(node.received.length, 1);
});

test("each reason has its own count, and none of them an effect", () => {
  const reasons: [string, ...string[]][] = [
    ["malformed", MAC],
    ["unsupported", `${MAC}80`],
    ["notForUs", first().replace("7e77", "7e76000c")],
    ["fragment", SECOND],
    ["overflow", first(undefined, { mac: MAC.replace("0b00", "0c00") }), first()],
  ];
  for (const [reason, ...frames] of reasons) {
    const { node, give, mesh } = receiver({ reassemblies: 1 });
    give(...frames);
    equal([node.counts, node.received], [{ [reason]: 1 }, []]);
    equal(mesh.frames(), []);
  }
});

// ---- groups

test("a group's datagram in fragments arrives once although it is sent twice", () => {
  const mesh = new Mesh();
  const [a, b, c] = [mesh.node(0x000a), mesh.node(0x000b), mesh.node(0x000c, { router: true })];
  b.stack.join(GROUP);
  a.stack.send({ to: { address: GROUP, port: PORT }, fromPort: PORT, bytes: counting(200) });
  mesh.run();
  equal(
    b.received.map(({ bytes }) => bytes),
    [counting(200)],
  );
  // Twice from the seed, twice from the router, three frames each.
  equal([mesh.frames().length, b.counts, a.counts, c.counts], [12, {}, {}, {}]);
  equal(mesh.clock.pending, 0);
});

test("a fragment lost the first time is filled in by the second transmission", () => {
  const mesh = new Mesh();
  const [a, b] = [mesh.node(0x000a), mesh.node(0x000b)];
  b.stack.join(GROUP);
  mesh.ether.hears = ({ index }) => index !== 1 && index !== 5;
  a.stack.send({ to: { address: GROUP, port: PORT }, fromPort: PORT, bytes: counting(200) });
  mesh.run();
  equal([b.received.length, b.counts], [1, {}]);
});

test("fragments of a message seen before open nothing", () => {
  const mesh = new Mesh();
  const node = mesh.node(0x000a);
  node.stack.join(GROUP);
  const mac = "418801cdabffff0b00";
  const headers = "7c6a40000b15000001e1046d020033f0163316335a74";
  // 56 bytes of headers, 40 of payload: 96 = 0x060.
  const whole = [
    `${mac}c0601234${headers}${PAYLOAD.slice(0, 16)}`,
    `${mac}e060123408${PAYLOAD.slice(16)}`,
  ];
  for (const hex of whole) node.radio.onFrame?.(fromHex(hex), 0);
  equal(node.received.length, 1);
  const [again, rest] = whole.map((hex) => hex.replace("1234", "9999").replace("0b00", "0c00"));
  node.radio.onFrame?.(fromHex(again), 0);
  equal([mesh.clock.pending, node.stack.statistics.copies], [0, 1]);
  node.radio.onFrame?.(fromHex(rest), 0);
  equal([node.received.length, node.counts], [1, {}]);
});

/** The group message of above by way of two forwarders, 0x000b and 0x000c. */
function twoCopies(): string[][] {
  const headers = "7c6a40000b15000001e1046d020033f0163316335a74";
  return ["0b00", "0c00"].map((from) => [
    `418801cdabffff${from}c0601234${headers}${PAYLOAD.slice(0, 16)}`,
    `418801cdabffff${from}e060123408${PAYLOAD.slice(16)}`,
  ]);
}

test("two copies of one message under way at once are delivered once", () => {
  const mesh = new Mesh();
  const node = mesh.node(0x000a);
  node.stack.join(GROUP);
  const [one, two] = twoCopies();
  for (const frame of [one[0], two[0], one[1]]) node.radio.onFrame?.(fromHex(frame), 0);
  // The copy made room at once, and what comes of it is ignored.
  equal([node.received.length, mesh.clock.pending], [1, 0]);
  for (const frame of two) node.radio.onFrame?.(fromHex(frame), 0);
  equal([node.received.length, mesh.clock.pending, node.counts], [1, 0, {}]);
});

test("a copy that becomes whole after the message came in one frame is not delivered", () => {
  const mesh = new Mesh();
  const node = mesh.node(0x000a);
  node.stack.join(GROUP);
  const [[first, rest]] = twoCopies();
  const whole = `418801cdabffff0c007c6a40000b15000001e1046d020033f0163316335a74${PAYLOAD}`;
  for (const frame of [first, whole, rest]) node.radio.onFrame?.(fromHex(frame), 0);
  equal([node.received.length, node.stack.statistics.copies], [1, 1]);
});

// ---- property

test("datagrams in random fragments, shuffled and repeated, come out whole", () => {
  const random = new SeededRandom(4944);
  for (let round = 0; round < 60; round++) {
    const { node, give } = receiver();
    const cuts = [0];
    for (let at = 8; at < 40; at += 8) if (random.chance(0.6)) cuts.push(at);
    cuts.push(40);
    const pieces: string[] = [];
    for (let i = 1; i + 1 < cuts.length; i++) {
      const offset = (48 + cuts[i]) / 8;
      pieces.push(later(`0${offset.toString(16)}`, PAYLOAD.slice(2 * cuts[i], 2 * cuts[i + 1])));
    }
    if (pieces.length === 0) continue;
    const order: string[] = [...pieces];
    for (let i = 0; i < 3; i++)
      order.splice(random.below(order.length + 1), 0, pieces[random.below(pieces.length)]);
    give(first(PAYLOAD.slice(0, 2 * cuts[1])), ...order);
    equal(
      node.received.map(({ bytes }) => toHex(bytes)),
      [PAYLOAD],
      order.join(" "),
    );
    equal(node.counts, {});
  }
});
