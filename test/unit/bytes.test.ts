import { concat } from "../../modules/bytes/concat.js";
import { equalBytes, equalConstantTime } from "../../modules/bytes/equal.js";
import { fromHex, toHex } from "../../modules/bytes/hex.js";
import { Id64 } from "../../modules/bytes/id64.js";
import { Reader } from "../../modules/bytes/reader.js";
import { coapUint, readUint, uintBytes, uintLength, writeUint } from "../../modules/bytes/uint.js";
import { fromUtf8, utf8 } from "../../modules/bytes/utf8.js";
import { Writer } from "../../modules/bytes/writer.js";
import { equal, test, throws } from "../harness.js";

test("hex goes both ways and refuses anything else", () => {
  equal(toHex(Uint8Array.of(0, 1, 0x7f, 0x80, 0xff)), "00017f80ff");
  equal(fromHex("00017F80ff"), Uint8Array.of(0, 1, 0x7f, 0x80, 0xff));
  equal(fromHex(""), new Uint8Array(0));
  throws(() => fromHex("abc"), /odd/);
  throws(() => fromHex("0g"), /digit/);
  throws(() => fromHex(" 0"), /digit/);
});

test("an id of up to 8 bytes is an integer in two halves", () => {
  const id = new Id64();
  const halves = (hex: string, start: number, length: number) => {
    id.read(fromHex(hex), start, length);
    return [id.high, id.low, id.length];
  };
  equal(halves("", 0, 0), [0, 0, 0]);
  equal(halves("aa07bb", 1, 1), [0, 7, 1]);
  equal(halves("ffffffff", 0, 4), [0, -1, 4]);
  equal(halves("0180000000", 0, 5), [1, -(2 ** 31), 5]);
  equal(halves("ee0204fffe123456ee", 1, 7), [0x0204ff, 0xfe123456 - 2 ** 32, 7]);
  equal(halves("ee0204fffe80345678ee", 1, 8), [0x0204fffe, 0x80345678 - 2 ** 32, 8]);
  const same = new Id64().read(fromHex("0204fffe80345678"), 0, 8);
  equal(id.is(same), true);
  for (const other of ["0204fffe80345679", "0304fffe80345678", "80345678", ""]) {
    equal(id.is(new Id64().read(fromHex(other), 0, other.length / 2)), false, other);
  }
  equal(new Id64().read(fromHex("0007"), 0, 2).is(new Id64().read(fromHex("07"), 0, 1)), false);
});

test("reader reads big-endian", () => {
  const reader = new Reader(fromHex("0102030405060708090a"), 1, 9);
  equal(reader.u8(), 2);
  equal(reader.u16(), 0x0304);
  equal(reader.u32(), 0x05060708);
  equal(reader.left, 1);
  equal(reader.rest(), Uint8Array.of(9));
  equal(reader.failed, false);
  equal(new Reader(fromHex("ffffffff")).u32(), 0xffffffff);
});

test("reader past the end returns nothing, and stays failed", () => {
  const reader = new Reader(fromHex("0102"));
  equal(reader.take(3), new Uint8Array(0));
  equal(reader.failed, true);
  equal(reader.u8(), 0);
  for (const read of [(r: Reader) => r.u8(), (r: Reader) => r.u16(), (r: Reader) => r.u32()]) {
    const short = new Reader(fromHex("0102"), 2);
    equal(read(short), 0);
    equal(short.failed, true);
  }
  const half = new Reader(fromHex("0102"), 1);
  equal(half.u16(), 0);
  equal(half.failed, true);
  const back = new Reader(fromHex("0102"), 1);
  back.skip(-1);
  equal(back.failed, true);
  throws(() => new Reader(new Uint8Array(2), 1, 3), /Reader/);
  throws(() => new Reader(new Uint8Array(2), 2, 1), /Reader/);
});

test("take hands out a copy", () => {
  const bytes = fromHex("010203");
  const taken = new Reader(bytes).take(3);
  bytes[0] = 9;
  equal(taken, fromHex("010203"));
});

test("writer grows, masks, and finishes into a copy", () => {
  const writer = new Writer(0);
  writer.u8(0x101);
  writer.u16(0x10203);
  writer.u32(0xfffefdfc);
  writer.bytes(fromHex("aabb"));
  const first = writer.finish();
  equal(first, fromHex("010203fffefdfcaabb"));
  for (let i = 0; i < 100; i++) writer.u8(i);
  equal(writer.length, 109);
  equal(first, fromHex("010203fffefdfcaabb"));
  equal(writer.finish()[108], 99);
});

test("uints are minimal: WIRE.md's zero is a byte, RFC 7252's is empty", () => {
  const pairs: [number, string][] = [
    [1, "01"],
    [255, "ff"],
    [256, "0100"],
    [2147483647, "7fffffff"],
    [2147483648, "80000000"],
    [4294967295, "ffffffff"],
    [4294967296, "0100000000"],
    [1099511627775, "ffffffffff"],
    [1099511627776, "010000000000"],
    [9007199254740991, "1fffffffffffff"],
  ];
  for (const [value, hex] of pairs) {
    equal(toHex(uintBytes(value)), hex);
    equal(toHex(coapUint(value)), hex);
    equal(readUint(fromHex(hex)), value);
    equal(uintLength(value), hex.length / 2);
    const wide = new Uint8Array(11).fill(0xee);
    writeUint(wide, 1, 9, value);
    equal(toHex(wide), `ee${hex.padStart(18, "0")}ee`);
  }
  equal(uintLength(0), 0);
  equal(toHex(uintBytes(0)), "00");
  equal(toHex(coapUint(0)), "");
  equal(readUint(new Uint8Array(0)), 0);
  equal(readUint(fromHex("aa0102bb"), 1, 2), 0x0102);
  throws(() => uintBytes(-1));
  throws(() => uintBytes(0.5));
  throws(() => coapUint(9007199254740992));
  throws(() => readUint(fromHex("20000000000000")), /2\^53/);
  throws(() => readUint(new Uint8Array(8)), /uint of 8/);
  throws(() => readUint(new Uint8Array(2), 1, 2), /uint of 2/);
});

test("equal compares contents and length", () => {
  for (const same of [equalBytes, equalConstantTime]) {
    equal(same(fromHex("010203"), fromHex("010203")), true);
    equal(same(fromHex("010203"), fromHex("010204")), false);
    equal(same(fromHex("010203"), fromHex("000203")), false);
    equal(same(fromHex("010203"), fromHex("0102")), false);
    equal(same(new Uint8Array(0), new Uint8Array(0)), true);
  }
});

test("concat joins in order", () => {
  equal(concat(fromHex("01"), new Uint8Array(0), fromHex("0203")), fromHex("010203"));
  equal(concat(), new Uint8Array(0));
});

// RFC 3629 §7: A<NOT IDENTICAL TO><ALPHA>., hangugeo, nihongo; the fourth begins with U+233B4.
test("UTF-8 examples of RFC 3629", () => {
  equal(toHex(utf8("A\u2262\u0391.")), "41e289a2ce912e");
  equal(toHex(utf8("\uD55C\uAD6D\uC5B4")), "ed959ceab5adec96b4");
  equal(fromUtf8(fromHex("e697a5e69cace8aa9e")), "\u65E5\u672C\u8A9E");
  const astral = fromUtf8(fromHex("f0a38eb4")) as string;
  equal(astral.codePointAt(0), 0x233b4);
  equal(toHex(utf8(`${astral}x`)), "f0a38eb478");
});

test("long UTF-8 text survives the chunks", () => {
  let text = "";
  for (let i = 0; i < 70; i++) text += String.fromCharCode(33 + i);
  equal(fromUtf8(utf8(text)), text);
  equal(fromUtf8(new Uint8Array(0)), "");
});

test("UTF-8 refuses what RFC 3629 forbids", () => {
  // Overlong /, overlong NUL, surrogate D800, beyond 10FFFF, stray tail, cut off, five-byte form.
  const bad = "c0af c080 e080af eda080 f08080af f4908080 80 c3 e282 f88888 c328 f5808080 61ff";
  for (const hex of bad.split(" ")) equal(fromUtf8(fromHex(hex)), undefined, hex);
  throws(() => utf8("\uD800"), /surrogate/);
});
