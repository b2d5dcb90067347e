import { fromHex, toHex } from "../../modules/bytes/hex.js";
import { decode, numberOf } from "../../modules/cbor/decode.js";
import { type Cbor, encode, Float, Tagged } from "../../modules/cbor/encode.js";
import { equal, test, throws } from "../harness.js";

const MALFORMED = { ok: false, drop: "malformed" };
const h = fromHex;

/** RFC 8949 Appendix A, every example that is deterministic and within our limits. */
const EXAMPLES: readonly (readonly [string, Cbor])[] = [
  ["00", 0],
  ["01", 1],
  ["0a", 10],
  ["17", 23],
  ["1818", 24],
  ["1819", 25],
  ["1864", 100],
  ["1903e8", 1000],
  ["1a000f4240", 1000000],
  ["1b000000e8d4a51000", 1000000000000],
  ["c249010000000000000000", new Tagged(2, h("010000000000000000"))],
  ["c349010000000000000000", new Tagged(3, h("010000000000000000"))],
  ["20", -1],
  ["29", -10],
  ["3863", -100],
  ["3903e7", -1000],
  ["f90000", new Float(0)],
  ["f98000", new Float(-0)],
  ["f93c00", new Float(1)],
  ["fb3ff199999999999a", 1.1],
  ["f93e00", 1.5],
  ["f97bff", new Float(65504)],
  ["fa47c35000", new Float(100000)],
  ["fa7f7fffff", new Float(3.4028234663852886e38)],
  ["fb7e37e43c8800759c", new Float(1.0e300)],
  ["f90001", 2 ** -24],
  ["f90400", 0.00006103515625],
  ["f9c400", new Float(-4)],
  ["fbc010666666666666", -4.1],
  ["f97c00", Number.POSITIVE_INFINITY],
  ["f97e00", Number.NaN],
  ["f9fc00", Number.NEGATIVE_INFINITY],
  ["f4", false],
  ["f5", true],
  ["f6", null],
  ["f7", undefined],
  ["c074323031332d30332d32315432303a30343a30305a", new Tagged(0, "2013-03-21T20:04:00Z")],
  ["c11a514b67b0", new Tagged(1, 1363896240)],
  ["c1fb41d452d9ec200000", new Tagged(1, 1363896240.5)],
  ["d74401020304", new Tagged(23, h("01020304"))],
  ["d818456449455446", new Tagged(24, h("6449455446"))],
  ["d82076687474703a2f2f7777772e6578616d706c652e636f6d", new Tagged(32, "http://www.example.com")],
  ["40", h("")],
  ["4401020304", h("01020304")],
  ["60", ""],
  ["6161", "a"],
  ["6449455446", "IETF"],
  ["62225c", '"\\'],
  ["62c3bc", "\u00fc"],
  ["63e6b0b4", "\u6c34"],
  ["80", []],
  ["83010203", [1, 2, 3]],
  ["8301820203820405", [1, [2, 3], [4, 5]]],
  [
    "98190102030405060708090a0b0c0d0e0f101112131415161718181819",
    [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25],
  ],
  ["a0", new Map()],
  [
    "a201020304",
    new Map([
      [1, 2],
      [3, 4],
    ]),
  ],
  [
    "a26161016162820203",
    new Map<Cbor, Cbor>([
      ["a", 1],
      ["b", [2, 3]],
    ]),
  ],
  ["826161a161626163", ["a", new Map([["b", "c"]])]],
  [
    "a56161614161626142616361436164614461656145",
    new Map([
      ["a", "A"],
      ["b", "B"],
      ["c", "C"],
      ["d", "D"],
      ["e", "E"],
    ]),
  ],
];

test("RFC 8949 Appendix A, both ways", () => {
  for (const [hex, value] of EXAMPLES) {
    equal(decode(h(hex)), { ok: true, value }, hex);
    equal(toHex(encode(value)), hex);
  }
});

test("a character beyond U+FFFF of RFC 8949 Appendix A", () => {
  const decoded = decode(h("64f0908591"));
  equal(decoded.ok && (decoded.value as string).codePointAt(0), 0x10151);
  equal(decoded.ok && toHex(encode(decoded.value)), "64f0908591");
});

test("RFC 8949 Appendix A: what is not deterministic is refused", () => {
  const loose = [
    "5f42010243030405ff",
    "7f657374726561646d696e67ff",
    "9fff",
    "9f018202039f0405ffff",
    "9f01820203820405ff",
    "83018202039f0405ff",
    "83019f0203ff820405",
    "9f0102030405060708090a0b0c0d0e0f101112131415161718181819ff",
    "bf61610161629f0203ffff",
    "826161bf61626163ff",
    "bf6346756ef563416d7421ff",
  ];
  for (const hex of loose) equal(decode(h(hex)), MALFORMED, hex);
});

test("floats wider than needed are refused", () => {
  const wide = ["fa7f800000", "fa7fc00000", "faff800000", "fb7ff0000000000000"];
  wide.push("fb7ff8000000000000", "fbfff0000000000000", "fa3f800000", "fb3ff0000000000000");
  // 2^-24 and 1.5 as singles, 100000 as a double, a NaN with a payload.
  wide.push("fa33800000", "fa3fc00000", "fb40f86a0000000000", "f97e01");
  for (const hex of wide) equal(decode(h(hex)), MALFORMED, hex);
});

test("the borders between half, single and double", () => {
  // IEEE 754: smallest and largest subnormal and normal halves, and their neighbours as singles.
  const pairs: [number, string][] = [
    [2 ** -24, "f90001"],
    [1023 * 2 ** -24, "f903ff"],
    [2 ** -14, "f90400"],
    [2 ** -25, "fa33000000"],
    [3 * 2 ** -25, "fa33c00000"],
    [1 + 2 ** -11, "fa3f801000"],
    [2.5, "f94100"],
    [2 ** -149, "fa00000001"],
    [2 ** -150, "fb3690000000000000"],
    [0.1, "fb3fb999999999999a"],
  ];
  for (const [value, hex] of pairs) {
    equal(toHex(encode(value)), hex);
    equal(decode(h(hex)), { ok: true, value }, hex);
  }
  equal(toHex(encode(new Float(65536))), "fa47800000");
  equal(toHex(encode(new Float(65520))), "fa477ff000");
});

test("integers wider than needed are refused", () => {
  for (const hex of ["1800", "1817", "1900ff", "1a0000ffff", "1b00000000ffffffff", "3817"]) {
    equal(decode(h(hex)), MALFORMED, hex);
  }
  for (const hex of ["580100", "78016c", "980100", "b8010000", "d81700"]) {
    equal(decode(h(hex)), MALFORMED, hex);
  }
});

test("integers up to 2^53 - 1 and no farther", () => {
  for (const value of [9007199254740991, -9007199254740991, 4294967296, 4294967295, 65536]) {
    equal(decode(encode(value)), { ok: true, value });
  }
  equal(toHex(encode(9007199254740991)), "1b001fffffffffffff");
  equal(toHex(encode(-9007199254740991)), "3b001ffffffffffffe");
  for (const hex of ["1b0020000000000000", "1bffffffffffffffff", "3b001fffffffffffff"]) {
    equal(decode(h(hex)), MALFORMED, hex);
  }
  throws(() => encode(2 ** 53), /integer/);
});

test("simple values other than the four are refused", () => {
  for (const hex of ["e0", "f0", "f3", "f800", "f814", "f818", "f8ff", "fc", "ff"]) {
    equal(decode(h(hex)), MALFORMED, hex);
  }
});

test("map keys ascend by their bytes, and are unique", () => {
  equal(decode(h("a203040102")), MALFORMED);
  equal(decode(h("a201020103")), MALFORMED);
  equal(decode(h("a2616101616102")), MALFORMED);
  // RFC 8949 §4.2.1's own example of the order.
  const order: Cbor[] = [10, 100, -1, "z", "aa", [100], [-1], false];
  const map = new Map<Cbor, Cbor>();
  for (const key of [...order].reverse()) map.set(key, 0);
  const bytes = encode(map);
  equal(toHex(bytes), "a80a001864002000617a0062616100811864008120" + "00f400");
  const decoded = decode(bytes);
  equal(decoded.ok && [...(decoded.value as Map<Cbor, Cbor>).keys()], order);
  const twice = new Map<Cbor, Cbor>([
    [h("01"), 0],
    [h("01"), 1],
  ]);
  throws(() => encode(twice), /twice/);
});

test("nothing may follow, nothing may be missing", () => {
  for (const hex of ["", "0000", "18", "19ff", "41", "6261", "81", "820000" + "00", "a100", "c1"]) {
    equal(decode(h(hex)), MALFORMED, hex);
  }
});

test("text is UTF-8", () => {
  equal(decode(h("62c328")), MALFORMED);
  equal(decode(h("63eda080")), MALFORMED);
});

test("nesting has a limit", () => {
  equal(decode(h(`${"81".repeat(8)}80`)), MALFORMED);
  equal(decode(h(`${"81".repeat(7)}80`)).ok, true);
  equal(decode(h(`${"81".repeat(8)}00`)).ok, true);
  equal(decode(h("8100"), { depthMax: 0 }), MALFORMED);
  equal(decode(h("818100"), { depthMax: 2 }).ok, true);
  equal(decode(h("81c100"), { depthMax: 1 }), MALFORMED);
  equal(decode(h("a18000"), { depthMax: 1 }), MALFORMED);
  equal(decode(new Uint8Array(5000).fill(0x81)), MALFORMED);
  equal(decode(new Uint8Array(5000).fill(0xc1)), MALFORMED);
});

test("the number of items has a limit", () => {
  const wide = new Uint8Array(259).fill(0x80);
  wide.set(h("990100"));
  equal(decode(wide), MALFORMED);
  equal(decode(wide, { itemsMax: 257 }).ok, true);
  equal(decode(h("820000"), { itemsMax: 2 }), MALFORMED);
});

test("a length is believed only as far as there are bytes", () => {
  for (const head of ["5b", "7b", "9b", "bb"]) {
    for (const length of ["7fffffffffffffff", "001fffffffffffff", "0000000100000000"]) {
      equal(decode(h(head + length)), MALFORMED, head + length);
    }
  }
  equal(decode(h("9affffffff00")), MALFORMED);
  equal(decode(h("5a00010000" + "0000")), MALFORMED);
});

test("a number is a number, float or not", () => {
  equal(numberOf(7), 7);
  equal(numberOf(new Float(7)), 7);
  equal(numberOf("7"), undefined);
});
