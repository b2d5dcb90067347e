/** 6LoWPAN frames, one alone and several in a row, fed to the header codec and to whole nodes. */
import assert from "node:assert/strict";
import { toHex } from "../../modules/bytes/hex.js";
import { Address, MESH } from "../../modules/lowpan/address.js";
import { BorderStack, type Passing } from "../../modules/lowpan/border.js";
import { plainHeaderBytes, putHeaders } from "../../modules/lowpan/compress.js";
import { type Reading, readIphc, readIpv6 } from "../../modules/lowpan/iphc.js";
import { LOWPAN_LIMITS } from "../../modules/lowpan/limits.js";
import { meshStack } from "../../modules/lowpan/listener.js";
import { MacHeader, putMac, readMac } from "../../modules/lowpan/mac.js";
import { readHopByHop, readUdp } from "../../modules/lowpan/next-header.js";
import { Packet } from "../../modules/lowpan/packet.js";
import { Mesh, PREFIX } from "../support/mesh.js";

const GROUP = Uint8Array.of(0xff, 0x15, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1);
const REASONS = ["malformed", "unsupported", "notForUs", "fragment", "overflow"];
const FRAME_BYTES_MAX = 125;

/** Whatever headers can be read can be written, no longer than they came, and read as the same. */
export function checkHeaders(bytes: Uint8Array): void {
  const mac = new MacHeader();
  const packet = new Packet();
  if (!read(bytes, mac, packet)) return;
  const out = new Uint8Array(300);
  const macBytes = putMac(out, mac);
  const link = { source: new Address(), destination: new Address() };
  link.source.setLink(MESH, mac.sourceHigh, mac.sourceLow);
  link.destination.setLink(MESH, mac.destinationHigh, mac.destinationLow);
  // A packet without options may come with a hop-by-hop header; what we write has MPL in it or
  // none.
  assert.ok(plainHeaderBytes(packet) <= packet.headerBytes);
  const end = putHeaders(out, macBytes, packet, link, PREFIX);
  const again = new Packet();
  assert.ok(read(out.slice(0, end), mac, again));
  assert.equal(fieldsOf(again), fieldsOf(packet));
}

function read(frame: Uint8Array, mac: MacHeader, packet: Packet): boolean {
  if (readMac(frame, mac) !== undefined) return false;
  const reading: Reading = { bytes: frame, end: frame.length, mac, prefix: PREFIX };
  const at = mac.payloadAt;
  const first = frame[at] ?? 0;
  if (first >> 5 !== 3 && first !== 0x41) return false;
  const ip = first === 0x41 ? readIpv6(reading, at + 1, packet) : readIphc(reading, at, packet);
  if ((ip ?? readHopByHop(reading, packet) ?? readUdp(reading, -1, packet)) !== undefined)
    return false;
  assert.ok(packet.next <= frame.length && packet.headerBytes % 8 === 0);
  // An unspecified destination has no compressed form; nobody sends to it.
  return packet.destination.kind !== 0;
}

function fieldsOf(packet: Packet): string {
  const { mpl, sequence, seedForm, seedHigh, seedLow, source, destination } = packet;
  const seed = mpl ? [sequence, seedForm, seedHigh, seedLow] : [];
  const rest = [packet.trafficClass, packet.flowLabel, packet.hopLimit, packet.checksum];
  const ports = [packet.sourcePort, packet.destinationPort];
  const addresses = [toHex(source.bytes(PREFIX)), toHex(destination.bytes(PREFIX))];
  return JSON.stringify([addresses, rest, ports, seed]);
}

/**
 * Length-prefixed frames, one a millisecond, into a lamp and into a router. Nothing throws, every
 * frame ends in at most one count, what is held stays within its limits and is gone in the end.
 */
export function checkFrames(bytes: Uint8Array): void {
  const mesh = new Mesh();
  const lamp = mesh.node(0x000a);
  const router = mesh.node(0x000d, { router: true });
  mesh.ether.hears = () => false;
  const nodes = [lamp, router];
  for (const { stack } of nodes) stack.join(GROUP);
  let given = 0;
  for (let at = 0; at < bytes.length; ) {
    const length = Math.min(bytes[at] & 127, FRAME_BYTES_MAX);
    const frame = bytes.slice(at + 1, at + 1 + length);
    at += 1 + length;
    given += 1;
    for (const { radio } of nodes) radio.onFrame?.(frame.slice(), mesh.clock.micros());
    // The lamp keeps one timer a reassembly, the router one more a held message, the ether one a
    // frame.
    const most = 2 * LOWPAN_LIMITS.reassemblies + LOWPAN_LIMITS.heldMessages + 1;
    assert.ok(mesh.clock.pending <= most, `${mesh.clock.pending} timers`);
    mesh.run(1);
  }
  mesh.run(60_000);
  assert.equal(mesh.clock.pending, 0);
  for (const { counts, received } of nodes) {
    const total = Object.values(counts).reduce((sum, n) => sum + n, 0) + received.length;
    assert.ok(total <= 2 * given, `${total} outcomes of ${given} frames`);
    for (const reason of Object.keys(counts)) assert.ok(REASONS.includes(reason), reason);
    for (const { bytes: payload } of received) assert.ok(payload.length <= 1280 - 48);
  }
}

/** Groups a border listens to for others. */
const LISTENED_MAX = 64;

/**
 * The same into a border, 0x00bb, and into a router that reports to it. What leaves comes from the
 * mesh and goes beyond it; what is remembered is bounded, and forgotten in the end.
 */
export function checkBorderFrames(bytes: Uint8Array): void {
  const mesh = new Mesh();
  const out: Passing[] = [];
  let joined = 0;
  const border = mesh.special(0x00bb, (base) => {
    return new BorderStack({
      ...base,
      querySeconds: 5,
      onOutward: (passing) => out.push(passing),
      onListeners: (_, on) => {
        joined += on ? 1 : -1;
      },
    });
  });
  const routes = new Map([[0xffff, 0x00bb]]);
  const router = mesh.special(0x000a, (base) => meshStack({ ...base, router: true, routes }));
  router.stack.join(GROUP);
  mesh.ether.hears = () => false;
  for (let at = 0; at < bytes.length; ) {
    const length = Math.min(bytes[at] & 127, FRAME_BYTES_MAX);
    const frame = bytes.slice(at + 1, at + 1 + length);
    at += 1 + length;
    for (const { radio } of [border, router]) radio.onFrame?.(frame.slice(), mesh.clock.micros());
    assert.ok(mesh.clock.pending < 64 + bytes.length, `${mesh.clock.pending} timers`);
    mesh.run(1);
  }
  assert.ok(joined >= 0 && joined <= LISTENED_MAX);
  assert.equal(border.stack.listeners.groups.length, joined);
  for (const { from, to, bytes: payload } of out) {
    assert.equal(toHex(from.address.slice(0, 8)), toHex(PREFIX));
    assert.notEqual(toHex(to.address.slice(0, 8)), toHex(PREFIX));
    if (to.address[0] === 0xff) assert.ok((to.address[1] & 15) > 3);
    assert.ok(payload.length <= 1280 - 48);
  }
  if (joined === 0) return;
  border.stack.listeners.start();
  mesh.run(20_000);
  assert.equal(joined, 0);
}
