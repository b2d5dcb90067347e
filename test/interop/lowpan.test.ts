/**
 * What Wireshark's dissectors, an implementation that owes nothing to ours, read in our frames:
 * addresses, ports, hop limits, MPL options, checksums, and whole datagrams where there were
 * fragments.
 */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { PcapWriter } from "../../hosts/pcap/pcap.js";
import { bothWays, nextHops } from "../../hosts/radio/topology.js";
import { fromHex, toHex } from "../../modules/bytes/hex.js";
import { Address, MESH, UNSPECIFIED } from "../../modules/lowpan/address.js";
import { checksumOf, sumBytes, udpSum } from "../../modules/lowpan/checksum.js";
import { putHeaders } from "../../modules/lowpan/compress.js";
import { BROADCAST, MacHeader, putMac, SHORT } from "../../modules/lowpan/mac.js";
import { Packet } from "../../modules/lowpan/packet.js";
import { Air } from "../support/air.js";
import { counting, meshAddress, PAN, PREFIX } from "../support/mesh.js";
import { SeededRandom } from "../support/random.js";
import { lacks } from "../support/skip.js";

const skip = lacks("tshark");
/** A port no dissector claims, so that the payload stays plain data. */
const PORT = 40_000;

interface Captured {
  readonly atMicros: number;
  readonly frame: Uint8Array;
}

/** One line a frame: the values of `fields`, in order. */
function dissect(frames: readonly Captured[], fields: readonly string[]): string[][] {
  const folder = mkdtempSync(join(tmpdir(), "lumicast-"));
  try {
    const path = join(folder, "air.pcap");
    const writer = new PcapWriter(path);
    for (const { atMicros, frame } of frames) writer.write(atMicros, frame);
    writer.close();
    const args = ["-r", path, "-o", "6lowpan.context0:fd00::/64", "-o", "udp.check_checksum:TRUE"];
    args.push("-T", "fields", "-E", "separator=;", "-E", "occurrence=a");
    for (const field of fields) args.push("-e", field);
    const text = execFileSync("tshark", args, {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    });
    return text
      .trimEnd()
      .split("\n")
      .map((line) => line.split(";"));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Bytes as Wireshark prints an IPv6 address is a matter of taste: compare as bytes. */
function bytesOf(text: string): string {
  const [head, tail] = text.split("::");
  const words = (part: string | undefined) => (part ? part.split(":") : []);
  const before = words(head);
  const after = words(tail);
  const zeros = tail === undefined ? 0 : 8 - before.length - after.length;
  const all = [...before, ...new Array<string>(zeros).fill("0"), ...after];
  return all.map((word) => word.padStart(4, "0")).join("");
}

/**
 * Four nodes in a row; the first talks to the last, who answers, and to groups everybody joined.
 */
function conversation(): Air {
  const links = bothWays([0, 1, 2].map((i) => ({ from: i, to: i + 1 })));
  const air = new Air({ count: 4, links, seed: 3 }, (node) => {
    const hops = [...nextHops({ count: 4, links, node })].filter(([to, via]) => to !== via);
    return { router: true, routes: new Map(hops.map(([to, via]) => [to + 1, via + 1])) };
  });
  air.record = true;
  const groups = ["ff0200000000000000000000000000fd", "ff150000000000000000000000000001"];
  groups.push("ff15000000000000000000123456789a", "ff350040fd0000000000000011223344");
  for (const { stack } of air.nodes) for (const group of groups) stack.join(fromHex(group));
  const [first, , , last] = air.nodes;
  last.stack.onDatagram = (datagram) => {
    last.received.push(datagram);
    const { from, to, bytes } = datagram;
    if (to.address[0] !== 0xff) last.stack.send({ to: from, fromPort: PORT, bytes });
  };
  for (const length of [6, 32, 300]) {
    for (const address of [last.stack.address, ...groups.map(fromHex)]) {
      first.stack.send({ to: { address, port: PORT }, fromPort: PORT, bytes: counting(length) });
      air.run(2000);
    }
  }
  return air;
}

test("three hops, fragments too, are read without complaint", { skip }, () => {
  const air = conversation();
  const [first, , , last] = air.nodes;
  // Three unicast datagrams and answers, and three to each group but the link-local one.
  assert.equal(last.received.length, 12);
  assert.equal(first.received.length, 3);
  const frames = air.onAir.map(({ at, frame }) => ({ atMicros: at, frame }));
  const lines = dissect(frames, [
    ...["_ws.malformed", "_ws.expert", "wpan.fcs_ok", "udp.checksum.status", "ipv6.src"],
    ...["udp.length", "data.data", "wpan.frame_type"],
  ]);
  assert.equal(lines.length, frames.length);
  let whole = 0;
  for (const [malformed, expert, fcs, checksum, source, length, data, type] of lines) {
    assert.deepEqual([malformed, fcs], ["", "1"]);
    assert.doesNotMatch(expert, /(Note|Warning|Error)\//);
    if (type === "0x0002" || source === "") continue;
    // An ACK or a fragment before the last; all others end in a datagram with a good checksum.
    whole += 1;
    assert.equal(checksum, "1");
    assert.ok([meshAddress(1), meshAddress(4)].map(toHex).includes(bytesOf(source)), source);
    // The last of several: Wireshark shows the options' bytes as data too.
    assert.equal(data.split(",").at(-1), toHex(counting(Number(length) - 8)));
  }
  // 18 unicast hops; each group message twice from four nodes, the link-local ones once from one.
  assert.equal(whole, 18 + 9 * 8 + 3);
});

test("two thousand random headers are read as what they are", { skip }, () => {
  const random = new SeededRandom(195);
  const packets: Packet[] = [];
  const frames: Captured[] = [];
  const payload = counting(5);
  for (let i = 0; i < 2000; i++) {
    const mac = new MacHeader();
    mac.pan = PAN;
    mac.sequence = i & 255;
    const wide = random.chance(0.2);
    mac.sourceHigh = wide ? 0x02000000 + random.below(99) : SHORT;
    mac.sourceLow = random.below(0xfff0);
    const packet = anyPacket(random, mac);
    const sums =
      sumBytes(packet.source.bytes(PREFIX), 0, 16) +
      sumBytes(packet.destination.bytes(PREFIX), 0, 16);
    packet.checksum = checksumOf(udpSum(packet, sums, payload));
    const link = { source: new Address(), destination: new Address() };
    link.source.setLink(MESH, mac.sourceHigh, mac.sourceLow);
    link.destination.setLink(MESH, mac.destinationHigh, mac.destinationLow);
    const out = new Uint8Array(128);
    const at = putHeaders(out, putMac(out, mac), packet, link, PREFIX);
    out.set(payload, at);
    frames.push({ atMicros: i, frame: out.slice(0, at + payload.length) });
    packets.push(packet);
  }
  const lines = dissect(frames, [
    ...["_ws.malformed", "udp.checksum.status", "ipv6.src", "ipv6.dst", "ipv6.hlim", "ipv6.tclass"],
    ...["ipv6.flow", "udp.srcport", "udp.dstport", "data.data", "ipv6.opt.mpl.sequence"],
  ]);
  assert.equal(lines.length, packets.length);
  for (const [i, packet] of packets.entries()) {
    const [malformed, checksum, source, destination, hopLimit, traffic, flow, ...rest] = lines[i];
    const context = `frame ${i}: ${toHex(frames[i].frame)}`;
    assert.deepEqual([malformed, checksum], ["", "1"], context);
    assert.equal(bytesOf(source), toHex(packet.source.bytes(PREFIX)), context);
    assert.equal(bytesOf(destination), toHex(packet.destination.bytes(PREFIX)), context);
    assert.equal(Number(hopLimit), packet.hopLimit, context);
    assert.equal(Number(traffic), packet.trafficClass, context);
    assert.equal(Number(flow), packet.flowLabel, context);
    const { sourcePort, destinationPort } = packet;
    rest[2] = rest[2].split(",").at(-1) ?? "";
    assert.deepEqual(
      rest.slice(0, 3),
      [`${sourcePort}`, `${destinationPort}`, toHex(payload)],
      context,
    );
    if (packet.mpl) assert.equal(Number(rest[3]), packet.sequence, context);
  }
});

function anyPacket(random: SeededRandom, mac: MacHeader): Packet {
  const packet = new Packet();
  const multicast = random.chance(0.5);
  mac.destinationHigh = SHORT;
  mac.destinationLow = multicast ? BROADCAST : random.below(0xfff0);
  anyUnicast(random, packet.source);
  if (multicast) anyGroup(random, packet.destination);
  else anyUnicast(random, packet.destination);
  // One in five is made of the link address, and elided.
  if (random.chance(0.2)) packet.source.setLink(MESH, mac.sourceHigh, mac.sourceLow);
  packet.trafficClass = random.chance(0.5) ? 0 : random.below(random.chance(0.5) ? 4 : 256);
  packet.flowLabel = random.chance(0.5) ? 0 : random.below(1 << 20);
  packet.hopLimit = [1, 64, 255, 1 + random.below(255)][random.below(4)];
  packet.sourcePort = [0xf0b0 + random.below(16), 0xf000 + random.below(256), PORT][
    random.below(3)
  ];
  packet.destinationPort = [0xf0b0 + random.below(16), 0xf000 + random.below(256), PORT][
    random.below(3)
  ];
  packet.mpl = packet.source.kind !== UNSPECIFIED && random.chance(0.5);
  if (packet.mpl) {
    packet.sequence = random.below(256);
    packet.seedIsSource();
    packet.seedForm = random.below(3);
    if (packet.seedForm === 1) packet.seedLow = random.below(65536);
  }
  return packet;
}

function anyUnicast(random: SeededRandom, into: Address): void {
  const bytes = new Uint8Array(16);
  random.fill(bytes);
  const shape = random.below(4);
  bytes[0] = 0x20;
  if (shape > 0) bytes.set(shape === 1 ? fromHex("fe80000000000000") : PREFIX);
  if (shape === 3) bytes.set(fromHex("000000fffe00"), 8);
  into.setBytes(bytes, 0, PREFIX);
}

function anyGroup(random: SeededRandom, into: Address): void {
  const bytes = new Uint8Array(16);
  random.fill(bytes);
  bytes[0] = 0xff;
  const shape = random.below(5);
  if (shape < 3) bytes.fill(0, 2, [11, 13, 15][shape]);
  if (shape === 2) bytes[1] = 2;
  if (shape === 3) {
    bytes[3] = 64;
    bytes.set(PREFIX, 4);
  }
  into.setBytes(bytes, 0, PREFIX);
}
