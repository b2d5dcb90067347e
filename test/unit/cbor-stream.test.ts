import { fromHex, toHex } from "../../modules/bytes/hex.js";
import { Writer } from "../../modules/bytes/writer.js";
import { CborWriter } from "../../modules/cbor/encode.js";
import { CborReader } from "../../modules/cbor/reader.js";
import { equal, test, throws } from "../harness.js";

const h = fromHex;

test("writer: items one by one into a buffer", () => {
  const writer = new Writer(4);
  const cbor = new CborWriter(writer);
  cbor.array(9);
  cbor.uint(10);
  cbor.int(-1000);
  cbor.bytes(h("0102"));
  cbor.text("IV");
  cbor.map(1);
  cbor.uint(0);
  cbor.bool(true);
  cbor.bool(false);
  cbor.null();
  cbor.uint(4294967296);
  cbor.value([24, null]);
  equal(toHex(writer.finish()), "890a3903e7420102624956a100f5f4f61b0000000100000000821818f6");
  throws(() => cbor.uint(-1), /uint/);
  throws(() => cbor.uint(1.5), /uint/);
  throws(() => cbor.int(2 ** 53), /integer/);
});

test("reader: a light command, pulled", () => {
  // {0: true, 1: 254, 2: 5, 4: 370}
  const reader = new CborReader(h("a400f50118fe020504190172"));
  equal(reader.map(), 4);
  equal(reader.key(-1), 0);
  equal(reader.bool(), true);
  equal(reader.key(0), 1);
  equal(reader.uint(), 254);
  equal(reader.key(1), 2);
  equal(reader.uint(), 5);
  equal(reader.complete, false);
  equal(reader.key(2), 4);
  equal(reader.uint(), 370);
  equal(reader.complete, true);
});

test("reader: every kind of item", () => {
  const reader = new CborReader(h("0085203903e7420102624956f4ff"), 1, 13);
  equal(reader.array(), 5);
  equal(reader.int(), -1);
  equal(reader.int(), -1000);
  equal(reader.byteString(), h("0102"));
  equal(reader.text(), "IV");
  equal(reader.bool(), false);
  equal(reader.complete, true);
  equal(new CborReader(h("17")).int(), 23);
});

test("reader: keys ascend", () => {
  const twice = new CborReader(h("a201f501f5"));
  twice.map();
  twice.key(-1);
  twice.skip();
  equal(twice.key(1), -1);
  equal(twice.failed, true);
});

test("reader: another kind of item fails, for good", () => {
  const reads: [string, (reader: CborReader) => unknown, unknown][] = [
    ["20", (r) => r.uint(), -1],
    ["40", (r) => r.int(), Number.NaN],
    ["01", (r) => r.bool(), false],
    ["15", (r) => r.bool(), false],
    ["f6", (r) => r.bool(), false],
    ["", (r) => r.bool(), false],
    ["6161", (r) => r.byteString(), undefined],
    ["4161", (r) => r.text(), undefined],
    ["61ff", (r) => r.text(), undefined],
    ["a0", (r) => r.array(), -1],
    ["80", (r) => r.map(), -1],
    ["6161", (r) => r.key(-1), -1],
  ];
  for (const [hex, read, result] of reads) {
    const reader = new CborReader(h(`${hex}00`), 0, hex.length / 2);
    equal(read(reader), result, hex);
    equal(reader.failed, true, hex);
    equal(reader.uint(), -1, hex);
    equal(reader.complete, false, hex);
  }
});

test("reader: a head cut by the end it was given", () => {
  const reader = new CborReader(h("18ff"), 0, 1);
  equal(reader.uint(), -1);
  equal(reader.failed, true);
});

test("reader: a string cut by the end it was given", () => {
  const reader = new CborReader(h("42aabb"), 0, 2);
  equal(reader.byteString(), undefined);
  const skipped = new CborReader(h("41aa"), 0, 1);
  skipped.skip();
  equal(skipped.complete, false);
});

test("reader: a count that cannot be true is not handed out", () => {
  for (const hex of ["9b0000010000000000", "9affffffff00", "820f"]) {
    equal(new CborReader(h(hex)).array(), -1, hex);
  }
  for (const hex of ["bb0000010000000000", "a20f0f0f"]) {
    equal(new CborReader(h(hex)).map(), -1, hex);
  }
});

test("reader: skip passes over anything well-formed", () => {
  const items = ["00", "3903e7", "420102", "626162", "8301820203820405", "a26161016162820203"];
  items.push("c11a514b67b0", "f4", "f7", "f93c00", "fa47c35000", "fb3ff199999999999a", "80", "a0");
  for (const hex of items) {
    const reader = new CborReader(h(`${hex}18ff`));
    reader.skip();
    equal(reader.uint(), 255, hex);
    equal(reader.complete, true, hex);
  }
});

test("reader: skip refuses what is not", () => {
  const bad = ["", "82", "8200", "a100", "f0", "f3", "f8ff", "1800", "5f4101ff", "c1", "9bffffff"];
  bad.push(`fc${"00".repeat(16)}`, `ff${"00".repeat(128)}`, `1c${"01".repeat(16)}`);
  for (const hex of bad) {
    const reader = new CborReader(h(hex));
    reader.skip();
    equal(reader.complete, false, hex);
  }
  const deep = new CborReader(new Uint8Array(3000).fill(0x81));
  deep.skip();
  equal(deep.failed, true);
});
