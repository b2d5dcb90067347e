/**
 * MPL (RFC 7731) with OpenThread's parameters: who passes what on, when, and what is known as a
 * copy. Frames as in lowpan-header.test.ts.
 */
import { fromHex, toHex } from "../../modules/bytes/hex.js";
import { Relay } from "../../modules/lowpan/relay.js";
import { NEW, NO_ROOM, SEEN, SeedSet } from "../../modules/lowpan/seeds.js";
import { equal, test } from "../harness.js";
import { TestClock } from "../support/clock.js";
import { counting, Mesh, type MeshNode, PORT } from "../support/mesh.js";
import { SeededRandom } from "../support/random.js";

const GROUP = fromHex("ff150000000000000000000000000001");
const PAYLOAD = "50010001b161";

interface Message {
  readonly sequence?: string;
  readonly link?: string;
  readonly hopLimit?: string;
  readonly group?: string;
}

/** From 0x000b to ff15::1, over the link address `link`. */
function message({
  sequence = "33",
  link = "0b00",
  hopLimit = "40",
  group = "15000001",
}: Message = {}) {
  const headers = `7c6a${hopLimit}000b${group}e1046d0200${sequence}f016331633d6e5`;
  return `418801cdabffff${link}${headers}${PAYLOAD}`;
}

function give(mesh: Mesh, node: MeshNode, hex: string): void {
  node.radio.onFrame?.(fromHex(hex), mesh.clock.micros());
}

// ---- the set of seeds

test("a message is new once, then seen", () => {
  const seeds = new SeedSet(4, 1000);
  equal(seeds.has(-1, 7, 5, 0), false);
  equal(seeds.admit(-1, 7, 5, 0), NEW);
  equal(seeds.has(-1, 7, 5, 0), true);
  equal(seeds.admit(-1, 7, 5, 0), SEEN);
  equal(seeds.admit(-1, 8, 5, 0), NEW);
  equal(seeds.admit(0, 7, 5, 0), NEW);
});

test("every order of 32 numbers is told, across the wrap from 255 to 0", () => {
  const random = new SeededRandom(7731);
  for (let round = 0; round < 50; round++) {
    const seeds = new SeedSet(2, 1000);
    const base = random.below(256);
    const numbers = Array.from({ length: 32 }, (_, i) => (base + i) & 255);
    for (let i = 31; i > 0; i--) {
      const j = random.below(i + 1);
      [numbers[i], numbers[j]] = [numbers[j], numbers[i]];
    }
    for (const n of numbers) equal(seeds.admit(-1, 1, n, 0), NEW);
    for (const n of numbers) equal(seeds.admit(-1, 1, n, 0), SEEN);
  }
});

test("a jump ahead keeps what lies within 31 of it, and a jump back begins anew", () => {
  const seeds = new SeedSet(2, 1000);
  equal(seeds.admit(-1, 1, 100, 0), NEW);
  equal(seeds.admit(-1, 1, 131, 0), NEW);
  equal(seeds.admit(-1, 1, 100, 0), SEEN);
  equal(seeds.admit(-1, 1, 132, 0), NEW);
  equal(seeds.admit(-1, 1, 131, 0), SEEN);
  // 32 behind: a seed that was started again.
  equal(seeds.admit(-1, 1, 100, 0), NEW);
  equal(seeds.admit(-1, 1, 100, 0), SEEN);
  equal(seeds.admit(-1, 1, 101, 0), NEW);
});

test("a seed is forgotten when its time is over, and each new message begins it again", () => {
  const seeds = new SeedSet(2, 1000);
  seeds.admit(-1, 1, 1, 0);
  seeds.admit(-1, 1, 2, 600);
  equal(seeds.admit(-1, 1, 1, 1599), SEEN);
  equal(seeds.admit(-1, 1, 1, 1600), NEW);
  equal(seeds.admit(-1, 1, 2, 1600), NEW);
});

test("a full set has no room for newcomers until one is forgotten", () => {
  const seeds = new SeedSet(3, 1000);
  equal(
    [1, 4, 7].map((low) => seeds.admit(-1, low, 0, 10 * low)),
    [NEW, NEW, NEW],
  );
  equal(seeds.admit(-1, 2, 0, 500), NO_ROOM);
  equal(
    [1, 4, 7].map((low) => seeds.admit(-1, low, 0, 500)),
    [SEEN, SEEN, SEEN],
  );
  equal(seeds.admit(-1, 2, 0, 1010), NEW);
  equal(
    [4, 7, 2].map((low) => seeds.admit(-1, low, 0, 1010)),
    [SEEN, SEEN, SEEN],
  );
});

// ---- times

test("a forwarder sends after U[0, 64) ms and at 64 + U[0, 64), a seed after U[0, 64)", () => {
  const clock = new TestClock();
  const times: number[] = [];
  const queue = { push: () => times.push(clock.micros()) > 0 };
  const relay = new Relay({ clock, random: new SeededRandom(64), most: 1, queue });
  const sums = [0, 0, 0];
  const rounds = 2000;
  for (let i = 0; i < rounds; i++) {
    const start = clock.micros();
    times.length = 0;
    relay.forward([]);
    clock.advance(200_000);
    const [first, second] = times.map((at) => at - start);
    equal(
      [times.length, first < 64_000, second >= 64_000, second < 128_000],
      [2, true, true, true],
    );
    times.length = 0;
    relay.seed([]);
    clock.advance(200_000);
    const again = times[0] - start - 200_000;
    equal([times.length, again < 64_000, relay.held], [1, true, 0]);
    for (const [j, at] of [first, second - 64_000, again].entries()) sums[j] += at;
  }
  // The mean of 2000 draws of U[0, 64) is 32 within 4 sigma = 4 * 64 / sqrt(12 * 2000) = 1.65 ms.
  for (const sum of sums)
    equal(Math.abs(sum / rounds - 32_000) < 1650, true, `mean ${sum / rounds}`);
});

// ---- on the air

test("a router passes a message on twice, with one hop less and nothing else changed", () => {
  const mesh = new Mesh();
  const node = mesh.node(0x000a, { router: true });
  give(mesh, node, message());
  mesh.run();
  equal(
    mesh.frames().map((frame) => frame.slice(6)),
    [
      `cdabffff0a007c6a3f000b15000001e1046d020033f016331633d6e5${PAYLOAD}`,
      `cdabffff0a007c6a3f000b15000001e1046d020033f016331633d6e5${PAYLOAD}`,
    ],
  );
  equal([node.counts, node.stack.statistics.forwarded], [{}, 1]);
});

test("a member that is a router is served first, then passes on", () => {
  const mesh = new Mesh();
  const node = mesh.node(0x000a, { router: true });
  node.stack.join(GROUP);
  // The owner may do with its bytes what it likes.
  node.stack.onDatagram = ({ bytes }) => bytes.fill(0);
  give(mesh, node, message());
  equal(mesh.frames(), []);
  mesh.run();
  equal(
    mesh.frames().map((frame) => frame.endsWith(PAYLOAD)),
    [true, true],
  );
});

test("who is no router passes nothing on", () => {
  const mesh = new Mesh();
  const node = mesh.node(0x000a);
  node.stack.join(GROUP);
  give(mesh, node, message());
  mesh.run();
  equal([node.received.length, mesh.frames()], [1, []]);
});

test("a copy is neither delivered nor passed on nor counted", () => {
  const mesh = new Mesh();
  const node = mesh.node(0x000a, { router: true });
  node.stack.join(GROUP);
  for (const link of ["0b00", "0b00", "0c00", "0d00"]) give(mesh, node, message({ link }));
  mesh.run();
  give(mesh, node, message({ link: "0e00", hopLimit: "02" }));
  mesh.run();
  equal([node.received.length, mesh.frames().length], [1, 2]);
  equal([node.stack.statistics.copies, node.counts], [4, {}]);
});

test("a copy under another form of seed id is a copy", () => {
  const mesh = new Mesh();
  const node = mesh.node(0x000a);
  node.stack.join(GROUP);
  const headers = "7c6a40000b15000001";
  const udp = `f016331633d6e5${PAYLOAD}`;
  give(mesh, node, `418801cdabffff0b00${headers}e1046d020033${udp}`);
  give(mesh, node, `418802cdabffff0b00${headers}e1066d044033000b${udp}`);
  give(mesh, node, `418803cdabffff0b00${headers}e10c6d0a8033000000fffe00000b${udp}`);
  equal([node.received.length, node.stack.statistics.copies], [1, 2]);
});

test("a message that is not whole leaves no trace of passing on", () => {
  const mesh = new Mesh();
  const node = mesh.node(0x000a, { router: true });
  give(mesh, node, message().slice(0, -14));
  mesh.run();
  equal([node.counts, mesh.frames()], [{ malformed: 1 }, []]);
});

test("the hop limit ends the spread", () => {
  const mesh = new Mesh();
  const node = mesh.node(0x000a, { router: true });
  node.stack.join(GROUP);
  give(mesh, node, message({ sequence: "01", hopLimit: "01" }));
  give(mesh, node, message({ sequence: "02", hopLimit: "00" }));
  mesh.run();
  equal([node.received.length, mesh.frames()], [2, []]);
  give(mesh, node, message({ sequence: "03", hopLimit: "02" }));
  mesh.run();
  equal(mesh.frames().length, 2);
});

test("a link-local group is not passed on, whatever option it carries", () => {
  const mesh = new Mesh();
  const node = mesh.node(0x000a, { router: true });
  give(mesh, node, message({ group: "02000001" }));
  mesh.run();
  equal(mesh.frames(), []);
  give(mesh, node, message({ group: "03000001", sequence: "34" }));
  mesh.run();
  equal(mesh.frames().length, 2);
});

test("a group message without the option is delivered, not passed on", () => {
  const mesh = new Mesh();
  const node = mesh.node(0x000a, { router: true });
  node.stack.join(GROUP);
  const plain = `418801cdabffff0b007c6a40000b15000001f016331633d6e5${PAYLOAD}`;
  give(mesh, node, plain);
  give(mesh, node, plain);
  mesh.run();
  equal([node.received.length, mesh.frames()], [2, []]);
});

test("the sender's own message that comes back is a copy", () => {
  const mesh = new Mesh();
  const node = mesh.node(0x000a, { router: true });
  node.stack.join(GROUP);
  node.stack.send({ to: { address: GROUP, port: PORT }, fromPort: PORT, bytes: fromHex(PAYLOAD) });
  mesh.run();
  const [frame] = mesh.frames();
  give(mesh, node, frame.replace("0a00", "0c00"));
  equal([node.received, node.counts, node.stack.statistics.copies], [[], {}, 1]);
  // Long after it is no copy any more, but still our own.
  mesh.run(6000);
  give(mesh, node, frame.replace("0a00", "0c00"));
  mesh.run();
  equal([node.received, node.counts, mesh.frames().length], [[], { notForUs: 1 }, 2]);
});

test("no more messages are held than the limit says; the others are delivered all the same", () => {
  const mesh = new Mesh();
  const node = mesh.node(0x000a, { router: true, limits: { heldMessages: 2 } });
  node.stack.join(GROUP);
  for (const sequence of ["01", "02", "03"]) give(mesh, node, message({ sequence }));
  mesh.run();
  equal([node.received.length, mesh.frames().length], [3, 4]);
  const { forwarded, notForwarded } = node.stack.statistics;
  equal([forwarded, notForwarded, mesh.clock.pending], [2, 1, 0]);
});

test("a message of a seed there is no room for is delivered, not passed on", () => {
  const mesh = new Mesh();
  const node = mesh.node(0x000a, { router: true, limits: { seeds: 1 } });
  node.stack.join(GROUP);
  give(mesh, node, message());
  const headers = "7c6a40000c15000001e1046d020033f016331633d6e4";
  give(mesh, node, `418801cdabffff0c00${headers}${PAYLOAD}`);
  mesh.run();
  equal([node.received.length, mesh.frames().length], [2, 2]);
});

test("a full frame stays one frame at every forwarder", () => {
  const mesh = new Mesh();
  const wide = fromHex("ff15000000000000000000123456789a");
  const nodes = [1, 2, 3, 4].map((short) => mesh.node(short, { router: true }));
  const radios = nodes.map(({ radio }) => radio);
  mesh.ether.onlyLinks([
    [radios[0], radios[1]],
    [radios[1], radios[2]],
    [radios[2], radios[3]],
  ]);
  for (const { stack } of nodes) stack.join(wide);
  nodes[0].stack.send({ to: { address: wide, port: PORT }, fromPort: PORT, bytes: counting(82) });
  mesh.run();
  equal(
    nodes.map(({ received }) => received.length),
    [0, 1, 1, 1],
  );
  equal(
    nodes[3].received.map(({ bytes }) => toHex(bytes)),
    [toHex(counting(82))],
  );
  equal(
    mesh.frames().map((frame) => frame.length / 2),
    [115, 115, 115, 115, 115, 115, 115, 115],
  );
});
