/**
 * 802.15.4 headers and IPHC, byte by byte; lowpan-udp goes on with what follows. The bytes are
 * laid out by hand from IEEE 802.15.4-2006 §7.2, RFC 6282 §3; checksums were computed by a few
 * lines of Python over the RFC 8200 pseudo header.
 */
import { fromHex, toHex } from "../../modules/bytes/hex.js";
import { type Reading, readIphc, readIpv6 } from "../../modules/lowpan/iphc.js";
import { MacHeader, putMac, readMac, SHORT } from "../../modules/lowpan/mac.js";
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
  // RFC 3306: flags and scope, a reserved byte, the group; length 64 and the prefix are context
  // 0's.
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
  // The IPv6 payload length against the frame, then UDP's against IPv6's, then UDP's against the
  // frame.
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
