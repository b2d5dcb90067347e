/**
 * 802.15.4 headers, IPHC, hop-by-hop and UDP, byte by byte. The bytes are laid out by hand from IEEE
 * 802.15.4-2006 §7.2, RFC 6282 §3 and §4, RFC 7731 §6.1; checksums were computed by a few lines of Python
 * over the RFC 8200 pseudo header.
 */
import { fromHex, toHex } from "../../modules/bytes/hex.js";
import {
  Address,
  FULL,
  GROUP,
  LINK_LOCAL,
  MESH,
  UNSPECIFIED,
} from "../../modules/lowpan/address.js";
import { putHeaders } from "../../modules/lowpan/compress.js";
import { type Reading, readIphc, readIpv6 } from "../../modules/lowpan/iphc.js";
import { MacHeader, putMac, readMac, SHORT } from "../../modules/lowpan/mac.js";
import { readHopByHop, readUdp } from "../../modules/lowpan/next-header.js";
import { Packet } from "../../modules/lowpan/packet.js";
import { equal, test } from "../harness.js";
import { SeededRandom } from "../support/random.js";

const PREFIX = fromHex("fd00000000000000");

/** Frame control 0x8841, sequence 7, PAN 0xabcd, to 0x000b or all, from 0x000a. */
const TO_B = "418807cdab0b000a00";
const TO_ALL = "418807cdabffff0a00";
const FROM_A = "fd00000000000000000000fffe00000a";

interface Read {
  readonly reason: string | undefined;
  readonly packet: Packet;
  readonly payload: string;
}

/** Reads a whole frame: MAC header, then what `hex` goes on with. */
function read(mac: string, hex: string, size = -1): Read {
  const frame = fromHex(mac + hex.replaceAll(" ", ""));
  const header = new MacHeader();
  equal(readMac(frame, header), undefined);
  const packet = new Packet();
  const reading: Reading = { bytes: frame, end: frame.length, mac: header, prefix: PREFIX };
  const at = header.payloadAt;
  const plain = frame[at] === 0x41;
  const reason =
    (plain ? readIpv6(reading, at + 1, packet) : readIphc(reading, at, packet)) ??
    readHopByHop(reading, packet) ??
    readUdp(reading, size, packet);
  return { reason, packet, payload: reason === undefined ? toHex(frame.slice(packet.next)) : "" };
}

function reasonOf(mac: string, hex: string, size = -1): string | undefined {
  return read(mac, hex, size).reason;
}

function addressOf(address: Address): string {
  return toHex(address.bytes(PREFIX));
}

/** What compress writes for a packet that was read from `mac`. */
function written(mac: string, packet: Packet): string {
  const header = new MacHeader();
  readMac(fromHex(mac), header);
  const link = { source: new Address(), destination: new Address() };
  link.source.setLink(MESH, header.sourceHigh, header.sourceLow);
  link.destination.setLink(MESH, header.destinationHigh, header.destinationLow);
  const out = new Uint8Array(100);
  return toHex(out.slice(0, putHeaders(out, 0, packet, link, PREFIX)));
}

/** IPHC with everything short: TF 11, NH 1, HLIM 64, source and destination from the link, UDP-NHC. */
const SHORTEST = "7e 77";
const UDP_FULL = "f0 1633 1633 d9f1";
const PAYLOAD = "50010001b161";

// ---- the MAC header

test("a short-addressed data frame", () => {
  const header = new MacHeader();
  equal(readMac(fromHex("618807cdab0b000a00ff"), header), undefined);
  equal(header.wantsAck, true);
  equal([header.sequence, header.pan, header.payloadAt], [7, 0xabcd, 9]);
  equal([header.destinationHigh, header.destinationLow], [SHORT, 0x000b]);
  equal([header.sourceHigh, header.sourceLow], [SHORT, 0x000a]);
});

test("extended addresses are read least significant byte first", () => {
  const header = new MacHeader();
  const frame = fromHex("41cc07cdab 8877665544332211 0807060504030201".replaceAll(" ", ""));
  equal(readMac(frame, header), undefined);
  equal([header.destinationHigh, header.destinationLow], [0x11223344, 0x55667788]);
  equal([header.sourceHigh, header.sourceLow], [0x01020304, 0x05060708]);
  const out = new Uint8Array(21);
  equal(putMac(out, header), 21);
  equal(toHex(out), toHex(frame));
});

test("a source PAN of its own is skipped", () => {
  const header = new MacHeader();
  equal(readMac(fromHex("018807cdab0b0034120a00"), header), undefined);
  equal([header.sourceLow, header.payloadAt], [0x000a, 11]);
});

test("an empty frame is malformed", () => {
  equal(readMac(new Uint8Array(0), new MacHeader()), "malformed");
});

test("a MAC header cut anywhere is malformed", () => {
  const long = fromHex("01cc07cdab887766554433221134120807060504030201");
  for (let n = 0; n < long.length; n++) {
    equal(readMac(long.slice(0, n), new MacHeader()), "malformed", `${n} bytes`);
  }
});

test("beacons, ACKs, commands and reserved types are not for this layer", () => {
  for (const type of [0, 2, 3, 4, 5, 6, 7]) {
    const frame = fromHex("408807cdab0b000a00");
    frame[0] |= type;
    equal(readMac(frame, new MacHeader()), "unsupported");
  }
});

test("a frame of version 2 or 3 is unsupported, of version 1 is read", () => {
  equal(readMac(fromHex("419807cdab0b000a00"), new MacHeader()), undefined);
  equal(readMac(fromHex("41a807cdab0b000a00"), new MacHeader()), "unsupported");
  equal(readMac(fromHex("41b807cdab0b000a00"), new MacHeader()), "unsupported");
});

test("a frame secured at the link is unsupported", () => {
  equal(readMac(fromHex("499807cdab0b000a000900000000017e77"), new MacHeader()), "unsupported");
});

test("a frame without source or destination address is malformed", () => {
  equal(readMac(fromHex(`410807cdab0b00${"00".repeat(20)}`), new MacHeader()), "malformed");
  equal(readMac(fromHex(`418007cdab0a00${"00".repeat(20)}`), new MacHeader()), "malformed");
});

// ---- IPHC

test("everything elided: 2 bytes of IPHC for a neighbour's datagram", () => {
  const { reason, packet, payload } = read(TO_B, `${SHORTEST} ${UDP_FULL} ${PAYLOAD}`);
  equal(reason, undefined);
  equal(addressOf(packet.source), FROM_A);
  equal(addressOf(packet.destination), "fd00000000000000000000fffe00000b");
  equal([packet.trafficClass, packet.flowLabel, packet.hopLimit], [0, 0, 64]);
  equal([packet.sourcePort, packet.destinationPort, packet.checksum], [5683, 5683, 0xd9f1]);
  equal([packet.mpl, packet.headerBytes], [false, 48]);
  equal(payload, PAYLOAD);
  equal(written(TO_B, packet), `7e77f016331633d9f1`);
});

test("traffic class and flow label in all four forms", () => {
  const rest = "f0 1633 1633 d9f1";
  const seen = ["6677 c5 0abcde", "6e77 cabcde", "7677 c5", "7e77"].map((hex) => {
    const { packet } = read(TO_B, `${hex} ${rest}`);
    return [packet.trafficClass, packet.flowLabel];
  });
  // In line: ECN 3, DSCP 5; in the traffic class DSCP comes first (RFC 6282 §3.2.1).
  equal(seen, [
    [0x17, 0xabcde],
    [3, 0xabcde],
    [0x17, 0],
    [0, 0],
  ]);
});

test("hop limits 1, 64 and 255 are two bits, others a byte", () => {
  const hops = ["7d77", "7e77", "7f77", "7c77 0c"].map(
    (hex) => read(TO_B, `${hex} ${UDP_FULL}`).packet.hopLimit,
  );
  equal(hops, [1, 64, 255, 12]);
});

test("source address forms", () => {
  const from = (code: string, inline: string) => {
    const { reason, packet } = read(TO_B, `7e ${code} ${inline} ${UDP_FULL}`);
    return reason ?? addressOf(packet.source);
  };
  const whole = "20010db8000000000000000000000001";
  equal(from("07", whole), whole);
  equal(from("17", "0211223344556677"), "fe800000000000000211223344556677");
  equal(from("27", "1234"), "fe80000000000000000000fffe001234");
  equal(from("37", ""), "fe80000000000000000000fffe00000a");
  equal(from("47", ""), "00000000000000000000000000000000");
  equal(from("57", "0211223344556677"), "fd000000000000000211223344556677");
  equal(from("67", "1234"), "fd00000000000000000000fffe001234");
  equal(from("77", ""), FROM_A);
});

test("an elided source is made of the EUI-64 with its U/L bit inverted", () => {
  const mac = "41c807cdab0b000807060504030201";
  const { packet } = read(mac, `7e77 ${UDP_FULL}`);
  equal(addressOf(packet.source), "fd000000000000000302030405060708");
  equal(written(mac, packet), "7e77f016331633d9f1");
});

test("unicast destination forms, and the reserved one", () => {
  const to = (code: string, inline: string) => {
    const { reason, packet } = read(TO_B, `7e ${code} ${inline} ${UDP_FULL}`);
    return reason ?? addressOf(packet.destination);
  };
  const whole = "20010db8000000000000000000000001";
  equal(to("70", whole), whole);
  equal(to("71", "0211223344556677"), "fe800000000000000211223344556677");
  equal(to("72", "1234"), "fe80000000000000000000fffe001234");
  equal(to("73", ""), "fe80000000000000000000fffe00000b");
  equal(to("74", ""), "malformed");
  equal(to("75", "0211223344556677"), "fd000000000000000211223344556677");
  equal(to("76", "1234"), "fd00000000000000000000fffe001234");
  equal(to("77", ""), "fd00000000000000000000fffe00000b");
});

test("multicast destination forms, and the reserved ones", () => {
  const to = (code: string, inline: string) => {
    const { reason, packet } = read(TO_ALL, `7e ${code} ${inline} ${UDP_FULL}`);
    return reason ?? addressOf(packet.destination);
  };
  const odd = "ff350030fd00beef0000000012345678";
  equal(to("78", odd), odd);
  equal(to("79", "15 123456789a"), "ff15000000000000000000123456789a");
  equal(to("7a", "03 0000fc"), "ff0300000000000000000000000000fc");
  equal(to("7b", "fd"), "ff0200000000000000000000000000fd");
  // RFC 3306: flags and scope, a reserved byte, the group; length 64 and the prefix are context 0's.
  equal(to("7c", "3500 11223344"), "ff350040fd0000000000000011223344");
  for (const code of ["7d", "7e", "7f"]) equal(to(code, "00112233"), "malformed");
});

test("the shortest form is written whatever form came", () => {
  const back = (mac: string, hex: string) => written(mac, read(mac, `${hex} ${UDP_FULL}`).packet);
  const udp = UDP_FULL.replaceAll(" ", "");
  equal(back(TO_B, `7e07 ${FROM_A}`), `7e77${udp}`);
  equal(back(TO_B, "7c77 ff"), `7f77${udp}`);
  equal(back(TO_B, "6677 00 000000"), `7e77${udp}`);
  equal(back(TO_B, "6677 80 000001"), `6e77800001${udp}`);
  equal(back(TO_B, "7e75 000000fffe000c00"), `7e760c00${udp}`);
  equal(back(TO_ALL, "7e78 ff1500000000000000000000000000aa"), `7e7a150000aa${udp}`);
  equal(back(TO_ALL, "7e78 ff0200000000000000000000000000aa"), `7e7baa${udp}`);
  equal(back(TO_ALL, "7e78 ff15000000000000000000aabbccddee"), `7e7915aabbccddee${udp}`);
  equal(back(TO_ALL, "7e78 ff350040fd0000000000000011223344"), `7e7c350011223344${udp}`);
});

test("a context other than 0 is unsupported, context 0 by name is fine", () => {
  equal(reasonOf(TO_B, `7ef7 00 ${UDP_FULL}`), undefined);
  equal(reasonOf(TO_B, `7ef7 10 ${UDP_FULL}`), "unsupported");
  equal(reasonOf(TO_B, `7ef7 01 ${UDP_FULL}`), "unsupported");
});

test("a multicast source is malformed", () => {
  const group = "ff020000000000000000000000000001";
  equal(reasonOf(TO_B, `7e07 ${group} ${UDP_FULL}`), "malformed");
  equal(reasonOf(TO_B, `41 6000000000081140 ${group} ${FROM_A} 163316330008d9f1`), "malformed");
});

test("IPHC cut anywhere is malformed, inline fields included", () => {
  const whole = fromHex(
    `${TO_B}60005a0abcde001120010db800000000000000000000000120010db80000000000`,
  );
  const header = new MacHeader();
  readMac(whole, header);
  for (let end = header.payloadAt + 1; end < whole.length; end++) {
    const bytes = whole.slice(0, end);
    const reading: Reading = { bytes, end, mac: header, prefix: PREFIX };
    equal(readIphc(reading, header.payloadAt, new Packet()), "malformed", `${end} bytes`);
  }
});

// ---- the plain IPv6 header

const PLAIN = `41 6a5bcdef 000e 11 40 ${FROM_A} fd00000000000000000000fffe00000b`;

test("a plain IPv6 header with plain UDP", () => {
  const { reason, packet, payload } = read(TO_B, `${PLAIN} 1633 1633 000e d9f1 ${PAYLOAD}`);
  equal(reason, undefined);
  equal([packet.trafficClass, packet.flowLabel, packet.hopLimit], [0xa5, 0xbcdef, 64]);
  equal(addressOf(packet.source), FROM_A);
  equal([packet.headerBytes, packet.checksum, payload], [48, 0xd9f1, PAYLOAD]);
});

test("a plain IPv6 header that is short, or of another version, is malformed", () => {
  const mac = new MacHeader();
  readMac(fromHex(TO_B), mac);
  const whole = fromHex(PLAIN.slice(2).replaceAll(" ", ""));
  for (let end = 0; end < 40; end++) {
    const bytes = whole.slice(0, end);
    const reading: Reading = { bytes, end, mac, prefix: PREFIX };
    equal(readIpv6(reading, 0, new Packet()), "malformed", `${end} bytes`);
  }
  equal(
    reasonOf(TO_B, `${PLAIN.replace("41 6a", "41 4a")} 1633 1633 000e d9f1 ${PAYLOAD}`),
    "malformed",
  );
});

test("lengths that disagree are malformed", () => {
  // The IPv6 payload length against the frame, then UDP's against IPv6's, then UDP's against the frame.
  equal(reasonOf(TO_B, `${PLAIN} 1633 1633 000e d9f1 ${PAYLOAD}00`), "malformed");
  equal(reasonOf(TO_B, `${PLAIN} 1633 1633 000d d9f1 ${PAYLOAD}`), "malformed");
  equal(reasonOf(TO_B, `${PLAIN} 1633 1633 000d d9f1 5001000161`), "malformed");
  equal(reasonOf(TO_B, `7a77 11 1633 1633 000f d9f1 ${PAYLOAD}`), "malformed");
  equal(reasonOf(TO_B, `7a77 11 1633 1633 000e d9f1 ${PAYLOAD}`), undefined);
});

test("an IPv6 length that UDP confirms and compressed UDP cannot is held against the frame", () => {
  const hop = `41 60000000 0010 00 40 ${FROM_A} fd00000000000000000000fffe00000b`;
  const udp = "1633 1633 0008 d9f1";
  equal(reasonOf(TO_B, `${hop} 1100 0104 00000000 ${udp}`), undefined);
  equal(reasonOf(TO_B, `${hop} 1100 0104 00000000 ${udp} 00`), "malformed");
});

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
