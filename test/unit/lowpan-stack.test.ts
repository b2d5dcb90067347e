/**
 * The stack as a whole: datagrams in, frames out, and back. Frames are laid out by hand as in
 * lowpan-header.test.ts; sizes are those of design/FACTS.md (link security 10 and FCS 2 counted).
 */
import { fromHex, toHex } from "../../modules/bytes/hex.js";
import { LowpanStack } from "../../modules/lowpan/stack.js";
import { equal, test } from "../harness.js";
import { counting, Mesh, type MeshNode, meshAddress, PORT, PREFIX } from "../support/mesh.js";

const GROUP = fromHex("ff150000000000000000000000000001");
/** A group of 40 bits, so that the address takes six bytes. */
const WIDE_GROUP = fromHex("ff15000000000000000000123456789a");
const PAYLOAD = fromHex("50010001b161");
/** Link security and FCS: what a frame on the air has more than we hand to the radio. */
const COUNTED = 12;

function sendTo(node: MeshNode, address: Uint8Array, bytes = PAYLOAD): boolean {
  return node.stack.send({ to: { address, port: PORT }, fromPort: PORT, bytes });
}

function inject(mesh: Mesh, node: MeshNode, hex: string): void {
  node.radio.onFrame?.(fromHex(hex.replaceAll(" ", "")), mesh.clock.micros());
}

/** From 0x000b to 0x000a, everything elided; `udp` and what follows. */
function fromB(sequence: string, rest: string): string {
  return `4188 ${sequence} cdab 0a00 0b00 ${rest}`;
}

const UDP_B_TO_A = "7e77 f0 1633 1633 d9f1 50010001b161";

// ---- sending

test("the address is the prefix and the short address's identifier", () => {
  const mesh = new Mesh();
  equal(toHex(mesh.node(0x000a).stack.address), "fd00000000000000000000fffe00000a");
});

test("without a short address it is the EUI-64 with the U/L bit inverted", () => {
  const mesh = new Mesh();
  const { radio, stack } = mesh.node(0x1234);
  const random = { fill: (bytes: Uint8Array) => bytes.fill(0) };
  const trace = { count: () => {} };
  const bare = new LowpanStack({ radio, clock: mesh.clock, random, trace, pan: 1, prefix: PREFIX });
  equal(toHex(radio.eui64), "0200000000001234");
  equal(toHex(bare.address), "fd000000000000000000000000001234");
  equal([radio.pan, radio.short], [1, 0xfffe]);
  equal(stack.send({ to: { address: bare.address, port: 1 }, fromPort: 1, bytes: PAYLOAD }), true);
  // Extended destination, short source; both identifiers elided.
  equal(mesh.frames()[0].slice(0, 4), "618c");
  equal(mesh.frames()[0].slice(10, 34), "341200000000000234127e77");
});

test("a multicast command is one frame, byte for byte", () => {
  const mesh = new Mesh();
  const node = mesh.node(0x000a);
  equal(sendTo(node, GROUP), true);
  const [frame] = mesh.frames();
  equal(frame.slice(0, 4), "4188");
  equal(frame.slice(6, 18), "cdabffff0a00");
  equal(frame.slice(18, 36), "7c6a40000a15000001");
  equal(frame.slice(36, 46), "e1046d0200");
  equal(frame.slice(48), "f016331633d6e650010001b161");
});

test("a command of 32 bytes is a frame of 77, one of 82 just fits", () => {
  const sizes = [32, 82].map((length) => {
    const mesh = new Mesh();
    sendTo(mesh.node(0x000a), WIDE_GROUP, counting(length));
    return mesh.frames().map((frame) => frame.length / 2 + COUNTED);
  });
  equal(sizes, [[77], [127]]);
});

test("signed, 96 bytes are frames of 121 and 50", () => {
  const mesh = new Mesh();
  const [a, b] = [mesh.node(0x000a), mesh.node(0x000b)];
  b.stack.join(WIDE_GROUP);
  sendTo(a, WIDE_GROUP, counting(96));
  mesh.run(10);
  equal(
    mesh
      .frames()
      .slice(0, 2)
      .map((frame) => frame.length / 2 + COUNTED),
    [121, 50],
  );
  equal(
    b.received.map(({ bytes }) => bytes),
    [counting(96)],
  );
});

test("a group message goes out at once and once more within 64 ms", () => {
  const mesh = new Mesh();
  sendTo(mesh.node(0x000a), GROUP);
  mesh.run();
  const times = mesh.ether.frames.map(({ atMicros }) => atMicros);
  equal(times.length, 2);
  equal(times[0], 0);
  equal(times[1] < 64_000, true);
  equal(mesh.frames()[0].slice(6), mesh.frames()[1].slice(6));
  equal(mesh.frames()[0].slice(4, 6) === mesh.frames()[1].slice(4, 6), false);
});

test("a link-local group message goes out once, without MPL", () => {
  const mesh = new Mesh();
  const [a, b] = [mesh.node(0x000a), mesh.node(0x000b)];
  const all = fromHex("ff020000000000000000000000000001");
  b.stack.join(all);
  equal(sendTo(a, all), true);
  mesh.run();
  equal(mesh.frames().length, 1);
  equal(mesh.frames()[0].slice(18, 24), "7e7b01");
  equal(b.received.length, 1);
});

test("what cannot be sent is refused", () => {
  const mesh = new Mesh();
  const node = mesh.node(0x000a);
  equal(sendTo(node, fromHex("c0000201")), false);
  equal(sendTo(node, new Uint8Array(16)), false);
  equal(sendTo(node, node.stack.address), false);
  equal(sendTo(node, fromHex("ff010000000000000000000000000001")), false);
  equal(sendTo(node, fromHex("20010db8000000000000000000000001")), false);
  equal(sendTo(node, meshAddress(0x000b), counting(1280 - 48 + 1)), false);
  equal(sendTo(node, GROUP, counting(1280 - 56 + 1)), false);
  equal(mesh.frames(), []);
});

test("a full queue refuses and keeps what it has", () => {
  const mesh = new Mesh();
  const a = mesh.node(0x000a, { limits: { queueFrames: 3 } });
  const b = mesh.node(0x000b);
  equal(
    [1, 2, 3, 4].map(() => sendTo(a, b.stack.address)),
    [true, true, true, false],
  );
  mesh.run();
  equal(b.received.length, 3);
  equal(sendTo(a, b.stack.address), true);
});

// ---- receiving

test("a unicast datagram arrives with both endpoints and its time", () => {
  const mesh = new Mesh();
  const [a, b] = [mesh.node(0x000a), mesh.node(0x000b)];
  a.stack.send({ to: { address: b.stack.address, port: 61617 }, fromPort: 5683, bytes: PAYLOAD });
  mesh.run();
  const [datagram] = b.received;
  equal(datagram.from, { address: a.stack.address, port: 5683 });
  equal(datagram.to, { address: b.stack.address, port: 61617 });
  equal(datagram.bytes, PAYLOAD);
  // Header 9, IPHC 2, UDP 6 (the port 0xf0b1 in one byte), payload 6, counted 12, PHY 6: 41 bytes.
  equal(datagram.atMicros, 41 * 32);
  equal(a.stack.statistics.undelivered, 0);
});

test("a group's datagram arrives once at those who joined, never at its sender", () => {
  const mesh = new Mesh();
  const [a, b, c] = [mesh.node(0x000a), mesh.node(0x000b), mesh.node(0x000c)];
  for (const { stack } of [a, b]) equal(stack.join(GROUP), true);
  sendTo(a, GROUP);
  mesh.run();
  equal(
    [a, b, c].map(({ received }) => received.length),
    [0, 1, 0],
  );
  equal(b.received[0].to, { address: GROUP, port: PORT });
  equal(c.counts, { notForUs: 1 });
  equal(b.counts, {});
  b.stack.leave(GROUP);
  sendTo(a, GROUP);
  mesh.run();
  equal([b.received.length, b.counts], [1, { notForUs: 1 }]);
});

test("only multicast addresses are joined, and no more than the limit", () => {
  const mesh = new Mesh();
  const { stack } = mesh.node(0x000a, { limits: { groups: 2 } });
  equal(stack.join(meshAddress(0x000b)), false);
  equal(stack.join(fromHex("e0000001")), false);
  equal(stack.join(GROUP), true);
  equal(stack.join(WIDE_GROUP), true);
  equal(stack.join(fromHex("ff150000000000000000000000000003")), false);
  equal(stack.join(GROUP), true);
  stack.leave(GROUP);
  equal(stack.join(fromHex("ff150000000000000000000000000003")), true);
});

test("groups that differ in any one byte are different groups", () => {
  const mesh = new Mesh();
  const node = mesh.node(0x000a, { limits: { groups: 64 } });
  node.stack.join(fromHex("ff350040fd0000000000000011223344"));
  const plain = "7e78";
  for (let i = 1; i < 16; i++) {
    const group = fromHex("ff350040fd0000000000000011223344");
    group[i] ^= 1;
    inject(mesh, node, `4188 01 cdab ffff 0b00 ${plain} ${toHex(group)} f0 1633 1633 d6e5 00`);
  }
  equal([node.received.length, node.counts], [0, { notForUs: 15 }]);
});

test("a frame of another network or for another node is not for us", () => {
  const mesh = new Mesh();
  const node = mesh.node(0x000a);
  inject(mesh, node, fromB("01", UDP_B_TO_A));
  equal(node.received.length, 1);
  inject(mesh, node, fromB("02", UDP_B_TO_A).replace("cdab", "ceab"));
  equal(node.counts, { notForUs: 1 });
  inject(
    mesh,
    node,
    fromB("03", "7e76000a f0 1633 1633 d9f1 50010001b161").replace("0a00", "0c00"),
  );
  equal(node.counts, { notForUs: 2 });
  equal(node.received.length, 1);
});

test("a frame to our EUI-64 or in the broadcast PAN is for us", () => {
  const mesh = new Mesh();
  const node = mesh.node(0x000a);
  const whole = "7e76000a f0 1633 1633 d9f1 50010001b161";
  inject(mesh, node, `418c 01 cdab 0a00000000000002 0b00 ${whole}`);
  inject(mesh, node, `418c 02 cdab 0a00000000000102 0b00 ${whole}`);
  inject(mesh, node, fromB("03", whole).replace("cdab", "ffff"));
  equal([node.received.length, node.counts], [2, { notForUs: 1 }]);
});

test("a unicast datagram for another address is not for us, though the frame is", () => {
  const mesh = new Mesh();
  const node = mesh.node(0x000a);
  inject(mesh, node, fromB("01", "7e76000c f0 1633 1633 d9ef 50010001b161"));
  inject(mesh, node, fromB("02", "7e73 f0 1633 1633 d9f1 50010001b161"));
  equal([node.received.length, node.counts], [0, { notForUs: 2 }]);
  mesh.run();
  equal(mesh.frames(), []);
});

test("a wrong checksum is malformed, zero too", () => {
  const mesh = new Mesh();
  const node = mesh.node(0x000a);
  inject(mesh, node, fromB("01", UDP_B_TO_A));
  for (const wrong of ["d9f0", "d9f2", "0000", "ffff"]) {
    inject(mesh, node, fromB("02", UDP_B_TO_A.replace("d9f1", wrong)));
  }
  equal([node.received.length, node.counts], [1, { malformed: 4 }]);
});

test("a checksum of zero is malformed even where it would add up to nothing", () => {
  const mesh = new Mesh();
  const node = mesh.node(0x000a);
  // The checksum without the last word is d9f1; two bytes more count twice in the lengths: d9f1 -
  // 4 makes the sum of all the rest 0xffff, whose complement is 0 and is sent as 0xffff (RFC
  // 768).
  const rest = "50010001b161d9ed";
  inject(mesh, node, fromB("01", `7e77 f0 1633 1633 ffff ${rest}`));
  inject(mesh, node, fromB("02", `7e77 f0 1633 1633 0000 ${rest}`));
  equal([node.received.length, node.counts], [1, { malformed: 1 }]);
});

test("any bit flipped in a datagram is noticed, whatever the layer", () => {
  const mesh = new Mesh();
  const node = mesh.node(0x000a);
  const whole = fromHex(fromB("01", UDP_B_TO_A).replaceAll(" ", ""));
  const passing: number[] = [];
  for (let bit = 8 * 9; bit < 8 * whole.length; bit++) {
    const frame = whole.slice();
    frame[bit >> 3] ^= 1 << (bit & 7);
    const before = node.received.length;
    node.radio.onFrame?.(frame, 0);
    if (node.received.length !== before) passing.push(bit);
  }
  // Hop limit 255 instead of 64: no part of the datagram.
  equal(passing, [72]);
});

test("a datagram from nowhere is malformed, one in our own name not for us", () => {
  const mesh = new Mesh();
  const node = mesh.node(0x000a);
  node.stack.join(GROUP);
  inject(mesh, node, "4188 01 cdab ffff 0b00 7e 4a 15000001 f0 1633 1633 d2f1 50010001b161");
  equal(node.counts, { malformed: 1 });
  inject(mesh, node, "4188 02 cdab ffff 0b00 7e 6a 000a 15000001 f0 1633 1633 d6e6 50010001b161");
  equal([node.received.length, node.counts], [0, { malformed: 1, notForUs: 1 }]);
});

test("a frame without payload, or of another dispatch, is counted and nothing more", () => {
  const mesh = new Mesh();
  const node = mesh.node(0x000a);
  inject(mesh, node, fromB("01", ""));
  equal(node.counts, { malformed: 1 });
  for (const other of ["80", "42", "50", "00", "ff", "01"]) inject(mesh, node, fromB("02", other));
  equal(node.counts, { malformed: 1, unsupported: 6 });
});

test("a datagram cut anywhere has no effect", () => {
  const mesh = new Mesh();
  const node = mesh.node(0x000a);
  node.stack.join(GROUP);
  const frame = fromHex(
    "418801cdabffff0b00 7c6a40000b15000001 e1046d020033 f016331633d6e5 50010001b161".replaceAll(
      " ",
      "",
    ),
  );
  for (let end = 0; end < frame.length; end++) {
    node.radio.onFrame?.(frame.slice(0, end), 10_000_000 * end);
  }
  const { malformed = 0, unsupported = 0, notForUs = 0 } = node.counts;
  equal(malformed + unsupported + notForUs, frame.length);
  equal(node.received.length, 0);
  node.radio.onFrame?.(frame, 10_000_000 * frame.length);
  equal(node.received.length, 1);
});

// ---- acknowledgements and retries

test("an unacknowledged frame is sent four times in all, then given up and counted", () => {
  const mesh = new Mesh();
  const [a, b] = [mesh.node(0x000a), mesh.node(0x000b)];
  mesh.ether.hears = () => false;
  sendTo(a, b.stack.address);
  sendTo(a, b.stack.address);
  mesh.run();
  const frames = mesh.frames();
  equal(frames.length, 8);
  equal(
    frames.slice(0, 4).every((frame) => frame === frames[0]),
    true,
  );
  equal(frames[4] === frames[0], false);
  equal([a.stack.statistics.retries, a.stack.statistics.undelivered], [6, 2]);
});

test("a frame lost three times gets through at the fourth", () => {
  const mesh = new Mesh();
  const [a, b] = [mesh.node(0x000a), mesh.node(0x000b)];
  mesh.ether.hears = ({ index }) => index >= 3;
  sendTo(a, b.stack.address);
  mesh.run();
  equal([b.received.length, a.stack.statistics.undelivered], [1, 0]);
});

test("a frame repeated because its ACK was lost is delivered once", () => {
  const mesh = new Mesh();
  const [a, b] = [mesh.node(0x000a), mesh.node(0x000b)];
  mesh.ether.ackArrives = ({ index }) => index >= 2;
  sendTo(a, b.stack.address);
  mesh.run();
  equal([mesh.frames().length, b.received.length, b.stack.statistics.copies], [3, 1, 2]);
  equal(b.counts, {});
});

test("the same sequence number a while later is a new frame", () => {
  const mesh = new Mesh();
  const node = mesh.node(0x000a);
  const frame = fromB("01", UDP_B_TO_A).replace("4188", "6188");
  inject(mesh, node, frame);
  mesh.run(150);
  inject(mesh, node, frame);
  equal(node.received.length, 1);
  mesh.run(100);
  inject(mesh, node, frame);
  equal(node.received.length, 2);
});

test("a group message goes again when the channel was busy, up to three times", () => {
  const mesh = new Mesh();
  const node = mesh.node(0x000a);
  let handed = 0;
  node.radio.send = () => {
    handed += 1;
    mesh.clock.after(1000, () => {
      node.radio.onSent?.({ id: 1, acked: false, transmitted: false });
    });
    return 1;
  };
  sendTo(node, fromHex("ff020000000000000000000000000001"));
  mesh.run();
  equal([handed, node.stack.statistics.undelivered], [4, 1]);
});

// ---- several hops

/** 0x0001 - 0x0002 - 0x0003 - 0x0004 in a row; the middle two pass on. */
function row(extra: { router?: boolean; hopLimit?: number } = {}) {
  const mesh = new Mesh();
  const table = [
    [
      [3, 2],
      [4, 2],
    ],
    [[4, 3]],
    [[1, 2]],
    [
      [1, 3],
      [2, 3],
    ],
  ];
  const nodes = table.map((entries, i) => {
    const routes = new Map(entries.map(([to, via]) => [to, via]));
    return mesh.node(i + 1, { router: i === 1 || i === 2, routes, ...extra });
  });
  const radios = nodes.map(({ radio }) => radio);
  mesh.ether.onlyLinks([
    [radios[0], radios[1]],
    [radios[1], radios[2]],
    [radios[2], radios[3]],
  ]);
  return { mesh, nodes };
}

test("a unicast datagram and its answer cross three hops", () => {
  const { mesh, nodes } = row();
  const [first, , , last] = nodes;
  last.stack.onDatagram = ({ from, bytes }) => {
    last.stack.send({ to: from, fromPort: PORT, bytes: bytes.slice(0, 3) });
  };
  sendTo(first, last.stack.address);
  mesh.run();
  equal(
    first.received.map(({ bytes }) => bytes),
    [PAYLOAD.slice(0, 3)],
  );
  equal(first.received[0].from.address, last.stack.address);
  equal(
    nodes.map(({ stack }) => stack.statistics.forwarded),
    [0, 2, 2, 0],
  );
  // Two bytes of destination at the first hop, of source at the last, of both between; hop limit
  // 64, 63, 62.
  equal(mesh.frames()[0].slice(18, 26), "7e760004");
  equal(mesh.frames()[1].slice(18, 32), "7c663f00010004");
  equal(mesh.frames()[2].slice(18, 28), "7c673e0001");
});

test("fragments are put together and taken apart again at every hop", () => {
  const { mesh, nodes } = row();
  const [first, , , last] = nodes;
  sendTo(first, last.stack.address, counting(300));
  mesh.run();
  equal(
    last.received.map(({ bytes }) => bytes),
    [counting(300)],
  );
  equal(
    nodes.map(({ counts }) => counts),
    [{}, {}, {}, {}],
  );
});

test("who is no router passes nothing on", () => {
  const { mesh, nodes } = row({ router: false });
  sendTo(nodes[0], nodes[3].stack.address);
  mesh.run();
  equal([nodes[3].received.length, nodes[1].counts], [0, { notForUs: 1 }]);
});

test("the hop limit ends a journey", () => {
  const lengths = [2, 3].map((hopLimit) => {
    const { mesh, nodes } = row({ hopLimit });
    sendTo(nodes[0], nodes[3].stack.address);
    mesh.run();
    return [nodes[3].received.length, nodes[2].counts];
  });
  equal(lengths, [
    [0, { notForUs: 1 }],
    [1, {}],
  ]);
});

test("unicast that came by broadcast is not passed on", () => {
  const mesh = new Mesh();
  const node = mesh.node(0x000a, { router: true });
  inject(mesh, node, "4188 01 cdab ffff 0b00 7e76000c f0 1633 1633 d9ef 50010001b161");
  mesh.run();
  equal([node.counts, mesh.frames()], [{ notForUs: 1 }, []]);
  inject(mesh, node, "4188 02 cdab 0a00 0b00 7e76000c f0 1633 1633 d9ef 50010001b161");
  mesh.run(1);
  equal(mesh.frames().length, 1);
});

test("addresses off the mesh are not passed on", () => {
  const mesh = new Mesh();
  const node = mesh.node(0x000a, { router: true });
  const off = "20010db8000000000000000000000001";
  inject(mesh, node, fromB("01", `7e70 ${off} f0 1633 1633 d9f1 00`));
  inject(mesh, node, fromB("02", "7e72000c f0 1633 1633 d9ef 50010001b161"));
  mesh.run();
  equal([node.counts, mesh.frames()], [{ notForUs: 2 }, []]);
});
