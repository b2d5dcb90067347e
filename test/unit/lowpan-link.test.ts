/**
 * Nodes without a PAN: they speak with each other by link-local addresses, and nobody else hears.
 * Frames are laid out by hand as in lowpan-header.test.ts.
 */
import { fromHex, toHex } from "../../modules/bytes/hex.js";
import { meshStack, networkAt } from "../../modules/lowpan/listener.js";
import { equal, test } from "../harness.js";
import { counting, Mesh, type MeshNode, meshAddress, PORT } from "../support/mesh.js";

/** RFC 7252 §12.8: All CoAP Nodes, link-local. */
const ALL_NODES = fromHex("ff0200000000000000000000000000fd");
const PAYLOAD = fromHex("50010001b161");
const NO_PLACE = { pan: 0xffff, short: 0xfffe, prefix: fromHex("fe80000000000000") };

function newcomer(mesh: Mesh, number: number): MeshNode {
  return mesh.special(number, (base) => meshStack({ ...base, ...NO_PLACE }));
}

function sendTo(node: MeshNode, address: Uint8Array, bytes = PAYLOAD): boolean {
  return node.stack.send({ to: { address, port: PORT }, fromPort: PORT, bytes });
}

test("its address is link-local and of its EUI-64, and so is its radio's", () => {
  const { stack, radio } = newcomer(new Mesh(), 0x1234);
  equal(toHex(stack.address), "fe800000000000000000000000001234");
  equal([radio.pan, radio.short], [0xffff, 0xfffe]);
});

test("a question to all neighbours, byte for byte", () => {
  const mesh = new Mesh();
  equal(sendTo(newcomer(mesh, 1), ALL_NODES), true);
  const [frame] = mesh.frames();
  equal(frame.slice(0, 4), "41c8");
  // PAN, everybody, EUI-64; the source is elided, the group one byte.
  equal(frame.slice(6, 30), "ffffffff0100000000000002");
  equal(frame.slice(30, 38), "7e3bfdf0");
  equal(frame.slice(38, 46), "16331633");
  equal(frame.slice(50), toHex(PAYLOAD));
});

test("heard by who joined the group; answered to the link-local address, in fragments", () => {
  const mesh = new Mesh();
  const [one, other, third] = [1, 2, 3].map((number) => newcomer(mesh, number));
  other.stack.join(ALL_NODES);
  sendTo(one, ALL_NODES);
  mesh.run();
  equal(
    [one, other, third].map(({ received }) => received.length),
    [0, 1, 0],
  );
  const { from } = other.received[0];
  equal(toHex(from.address), "fe800000000000000000000000000001");
  equal(sendTo(other, from.address, counting(400)), true);
  mesh.run();
  equal(toHex(one.received[0].bytes), toHex(counting(400)));
  equal(toHex(one.received[0].from.address), toHex(other.stack.address));
  equal(third.received.length, 0);
});

test("they hear nothing of a mesh, and no unicast passes either way", () => {
  const mesh = new Mesh();
  const member = mesh.node(0x000a);
  const fresh = newcomer(mesh, 1);
  for (const { stack } of [member, fresh]) stack.join(ALL_NODES);
  sendTo(member, ALL_NODES);
  mesh.run();
  equal(fresh.received.length, 0);
  equal(sendTo(fresh, meshAddress(0x000a)), false);
  equal(sendTo(member, fresh.stack.address), false);
});

test("who joins them has two faces: of its mesh, and towards those without", () => {
  const mesh = new Mesh();
  const both = mesh.special(0x000a, (base) => networkAt({ ...base, hasNewcomers: true }));
  const member = mesh.node(0x000b);
  const fresh = newcomer(mesh, 1);
  fresh.stack.join(ALL_NODES);
  equal([both.radio.pan, both.radio.short], [0xabcd, 0x000a]);
  const say = (address: Uint8Array) =>
    both.stack.send({ to: { address, port: PORT }, fromPort: PORT, bytes: PAYLOAD });
  equal(say(ALL_NODES), true);
  equal(say(meshAddress(0x000b)), true);
  mesh.run();
  equal(member.received.length, 1);
  equal(toHex(member.received[0].from.address), toHex(meshAddress(0x000a)));
  const { from } = fresh.received[0];
  equal(toHex(from.address), "fe80000000000000000000000000000a");
});
