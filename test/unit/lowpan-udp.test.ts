/**
 * The hop-by-hop header with MPL, UDP, and all headers together, byte by byte. The bytes are laid
 * out by hand from IEEE 802.15.4-2006 §7.2, RFC 6282 §3 and §4, RFC 7731 §6.1; checksums were
 * computed by a few lines of Python over the RFC 8200 pseudo header.
 */
import { fromHex } from "../../modules/bytes/hex.js";
import {
  type Address,
  FULL,
  GROUP,
  LINK_LOCAL,
  MESH,
  UNSPECIFIED,
} from "../../modules/lowpan/address.js";
import { SHORT } from "../../modules/lowpan/mac.js";
import { Packet } from "../../modules/lowpan/packet.js";
import { equal, test } from "../harness.js";
import {
  addressOf,
  FROM_A,
  PAYLOAD,
  read,
  reasonOf,
  SHORTEST,
  TO_ALL,
  TO_B,
  UDP_FULL,
  written,
} from "../support/headers.js";
import { PREFIX } from "../support/mesh.js";
import { SeededRandom } from "../support/random.js";

const PLAIN = `41 6a5bcdef 000e 11 40 ${FROM_A} fd00000000000000000000fffe00000b`;

// ---- the hop-by-hop header and MPL

const GROUP_1 = "7c 6a 40 000a 15000001";

test("MPL without seed id: the seed is the source", () => {
  const { reason, packet, payload } = read(
    TO_ALL,
    `${GROUP_1} e1 04 6d02 0033 f0 1633 1633 d6e6 ${PAYLOAD}`,
  );
  equal(reason, undefined);
  equal([packet.mpl, packet.sequence], [true, 0x33]);
  equal([packet.seedHigh, packet.seedLow], [SHORT, 0x000a]);
  equal(addressOf(packet.destination), "ff150000000000000000000000000001");
  // 40 + 8 with the two bytes of padding that are elided + 8.
  equal([packet.headerBytes, payload], [56, PAYLOAD]);
  equal(written(TO_ALL, packet), "7c6a40000a15000001e1046d020033f016331633d6e6");
});

test("MPL with a seed id of 16 and of 64 bits", () => {
  const short = read(TO_ALL, `${GROUP_1} e1 06 6d04 4033 0012 f0 1633 1633 d6e6`);
  equal([short.packet.seedHigh, short.packet.seedLow], [SHORT, 0x0012]);
  equal(short.packet.headerBytes, 56);
  equal(written(TO_ALL, short.packet).slice(18, 34), "e1066d0440330012");
  const long = read(TO_ALL, `${GROUP_1} e1 0c 6d0a 8033 0123456789abcdef f0 1633 1633 d6e6`);
  equal([long.packet.seedHigh, long.packet.seedLow], [0x01234567, 0x89abcdef]);
  equal(long.packet.headerBytes, 64);
  equal(written(TO_ALL, long.packet).slice(18, 46), "e10c6d0a80330123456789abcdef");
});

test("an MPL message keeps source and hop limit in line although the link knows them", () => {
  const { packet } = read(TO_ALL, "7e 7a 15000001 e1 04 6d02 0033 f0 1633 1633 d6e6");
  equal(written(TO_ALL, packet), "7c6a40000a15000001e1046d020033f016331633d6e6");
});

test("a plain hop-by-hop header, and a compressed one before plain UDP", () => {
  const plain = `41 60000000 0016 00 40 ${FROM_A} ff150000000000000000000000000001`;
  const udp = `1633 1633 000e d6e6 ${PAYLOAD}`;
  const both = [
    read(TO_ALL, `${plain} 1100 6d02 0033 0100 ${udp}`),
    read(TO_ALL, `${GROUP_1} e0 11 04 6d02 0033 ${udp}`),
  ];
  for (const { reason, packet, payload } of both) {
    equal(reason, undefined);
    equal([packet.sequence, packet.headerBytes, payload], [0x33, 56, PAYLOAD]);
  }
});

test("padding and options that may be skipped are skipped", () => {
  const { reason, packet } = read(
    TO_ALL,
    `${GROUP_1} e1 0d 00 0103000000 1e01ff 6d02 0033 f0 1633 1633 d6e6`,
  );
  equal([reason, packet.sequence, packet.headerBytes], [undefined, 0x33, 64]);
});

test("an unknown option that must not be skipped is unsupported", () => {
  for (const type of ["5e", "9e", "de"]) {
    equal(reasonOf(TO_ALL, `${GROUP_1} e1 03 ${type}01ff f0 1633 1633 d6e6`), "unsupported");
  }
});

test("MPL of version 1 and a seed id of 128 bits are unsupported", () => {
  const udp = "f0 1633 1633 d6e6";
  equal(reasonOf(TO_ALL, `${GROUP_1} e1 04 6d02 1033 ${udp}`), "unsupported");
  equal(reasonOf(TO_ALL, `${GROUP_1} e1 14 6d12 c033 ${"00".repeat(16)} ${udp}`), "unsupported");
});

test("an MPL option of a wrong length, twice, or without any seed is malformed", () => {
  const udp = "f0 1633 1633 d6e6";
  equal(reasonOf(TO_ALL, `${GROUP_1} e1 02 6d00 ${udp}`), "malformed");
  equal(reasonOf(TO_ALL, `${GROUP_1} e1 05 6d03 003300 ${udp}`), "malformed");
  equal(reasonOf(TO_ALL, `${GROUP_1} e1 04 6d02 4033 ${udp}`), "malformed");
  equal(reasonOf(TO_ALL, `${GROUP_1} e1 08 6d02 0033 6d02 0034 ${udp}`), "malformed");
  equal(reasonOf(TO_ALL, `7e 4a 15000001 e1 04 6d02 0033 ${udp}`), "malformed");
});

test("options that run over are malformed", () => {
  equal(reasonOf(TO_ALL, `${GROUP_1} e1 04 6d02 00`), "malformed");
  equal(reasonOf(TO_ALL, `${GROUP_1} e1`), "malformed");
  equal(reasonOf(TO_ALL, `${GROUP_1} e0 11`), "malformed");
  equal(reasonOf(TO_ALL, `${GROUP_1} e1 02 1e07 f0 1633 1633 d6e6`), "malformed");
  equal(reasonOf(TO_ALL, `${GROUP_1} e1 01 1e`), "malformed");
  equal(reasonOf(TO_ALL, "78 6a 00 40 000a 15000001 1101 6d02 0033 0100"), "malformed");
  equal(reasonOf(TO_ALL, "78 6a 00 40 000a 15000001 11"), "malformed");
});

// ---- UDP

test("UDP ports in their four forms", () => {
  const ports = (hex: string) => {
    const { packet } = read(TO_B, `${SHORTEST} ${hex}`);
    const { sourcePort, destinationPort, checksum } = packet;
    equal(written(TO_B, packet), `7e77${hex.replaceAll(" ", "")}`);
    return [sourcePort, destinationPort, checksum];
  };
  equal(ports("f0 1633 1634 d9f1"), [5683, 5684, 0xd9f1]);
  equal(ports("f1 1633 34 ffef"), [5683, 0xf034, 0xffef]);
  equal(ports("f2 12 1633 0012"), [0xf012, 5683, 0x0012]);
  equal(ports("f3 12 24f3"), [0xf0b1, 0xf0b2, 0x24f3]);
});

test("an elided checksum is unsupported", () => {
  equal(reasonOf(TO_B, `${SHORTEST} f4 1633 1633 ${PAYLOAD}`), "unsupported");
});

test("anything but UDP is unsupported", () => {
  // ICMPv6 plain; NHC for destination options, for IP-in-IP; a generic header compression.
  equal(reasonOf(TO_B, "7a77 3a 8000000000000000"), "unsupported");
  equal(reasonOf(TO_B, `${SHORTEST} e7 00`), "unsupported");
  equal(reasonOf(TO_B, `${SHORTEST} ee 7e77`), "unsupported");
  equal(reasonOf(TO_B, `${SHORTEST} d0 1633 1633 d9f1`), "unsupported");
});

test("UDP that is missing or short is malformed", () => {
  equal(reasonOf(TO_B, SHORTEST), "malformed");
  for (const form of ["f0 1633 1633 d9", "f1 1633 34 ff", "f2 12 1633 00", "f3 12 24"]) {
    const hex = form.replaceAll(" ", "");
    for (let n = 2; n <= hex.length; n += 2) {
      equal(reasonOf(TO_B, SHORTEST + hex.slice(0, n)), "malformed", hex.slice(0, n));
    }
  }
  equal(reasonOf(TO_B, "7a77 11 1633 1633 0008 d9"), "malformed");
  // A length that agrees with the frame, not with the header.
  equal(reasonOf(TO_B, "7a77 11 1633 1633 0007 d9"), "malformed");
});

test("the first fragment is held against the datagram's size", () => {
  equal(reasonOf(TO_B, `${SHORTEST} ${UDP_FULL}`, 48), undefined);
  equal(reasonOf(TO_B, `${SHORTEST} ${UDP_FULL}`, 47), "fragment");
  equal(reasonOf(TO_B, `${PLAIN} 1633 1633 000e d9f1`, 54), undefined);
  equal(reasonOf(TO_B, `${PLAIN} 1633 1633 000e d9f1`, 55), "fragment");
});

// ---- property

/** An address of every kind, often one with a short form; only a sender may be unspecified. */
function anyAddress(
  random: SeededRandom,
  into: Address,
  multicast: boolean,
  sender: boolean,
): void {
  const bytes = new Uint8Array(16);
  random.fill(bytes);
  const shape = random.below(6);
  if (multicast) {
    bytes[0] = 0xff;
    if (shape < 4) bytes.fill(0, 2, [11, 13, 15, 9][shape]);
    if (shape === 2) bytes[1] = 2;
    if (shape === 4) {
      bytes[3] = 64;
      bytes.set(PREFIX, 4);
    }
  } else {
    bytes[0] = 0x20;
    if (shape < 4) bytes.set(shape % 2 === 0 ? PREFIX : fromHex("fe80000000000000"));
    if (shape < 2) bytes.set(fromHex("000000fffe0000"), 8);
    if (shape === 5 && sender) bytes.fill(0);
  }
  into.setBytes(bytes, 0, PREFIX);
  equal(into.bytes(PREFIX), bytes);
}

function anyPort(random: SeededRandom): number {
  const shape = random.below(3);
  return shape === 0
    ? 0xf0b0 + random.below(16)
    : shape === 1
      ? 0xf000 + random.below(256)
      : random.below(65536);
}

test("what is written is read back, for a thousand random headers", () => {
  const random = new SeededRandom(6282);
  const kinds = new Set<number>();
  for (let i = 0; i < 1000; i++) {
    const packet = new Packet();
    const multicast = random.chance(0.5);
    anyAddress(random, packet.source, false, true);
    anyAddress(random, packet.destination, multicast, false);
    kinds.add(packet.source.kind).add(packet.destination.kind);
    packet.trafficClass = random.chance(0.5) ? 0 : random.below(random.chance(0.5) ? 4 : 256);
    packet.flowLabel = random.chance(0.5) ? 0 : random.below(1 << 20);
    packet.hopLimit = [1, 64, 255, random.below(256)][random.below(4)];
    packet.sourcePort = anyPort(random);
    packet.destinationPort = anyPort(random);
    packet.checksum = random.below(65536);
    packet.mpl = packet.source.kind !== UNSPECIFIED && random.chance(0.5);
    if (packet.mpl) {
      packet.sequence = random.below(256);
      packet.seedIsSource();
      packet.seedForm = random.below(3);
      if (packet.seedForm === 1) {
        packet.seedHigh = SHORT;
        packet.seedLow = random.below(65536);
      }
    }
    const mac = multicast ? TO_ALL : TO_B;
    const hex = written(mac, packet);
    const again = read(mac, `${hex}77`);
    equal(again.reason, undefined, hex);
    equal(again.payload, "77");
    equal(written(mac, again.packet), hex);
    equal(fieldsOf(again.packet), fieldsOf(packet));
  }
  equal([...kinds].sort(), [UNSPECIFIED, MESH, LINK_LOCAL, GROUP, FULL]);
});

function fieldsOf(packet: Packet): unknown[] {
  const { source, destination, mpl, hopLimit, trafficClass, flowLabel } = packet;
  const seed = mpl ? [packet.sequence, packet.seedForm, packet.seedHigh, packet.seedLow] : [];
  const udp = [packet.sourcePort, packet.destinationPort, packet.checksum];
  return [
    addressOf(source),
    addressOf(destination),
    hopLimit,
    trafficClass,
    flowLabel,
    ...seed,
    ...udp,
  ];
}
