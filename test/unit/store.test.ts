import { toHex } from "../../modules/bytes/hex.js";
import { CRC_START, crcStep } from "../../modules/store/crc32.js";
import { Index } from "../../modules/store/index.js";
import { indexOf, KIND, key, kindOf, nameOf } from "../../modules/store/keys.js";
import { equal, test, throws } from "../harness.js";
import { NorFlash } from "../support/flash.js";
import {
  bytesOf,
  formatted,
  opened,
  PROGRAM_UNITS,
  refused,
  tidyUp,
} from "../support/partition.js";
import { SeededRandom } from "../support/random.js";
import { SCALE } from "../support/scale.js";

const at = (index: number) => key(KIND.SETTING, index);

/**
 * CRC-32 bit by bit, with the register of before the first byte: apart from the code under test.
 */
function slowCrc(bytes: readonly number[], start = 0xffffffff): number {
  let crc = start;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  }
  return crc;
}

test("CRC-32 of the catalogue's check string", () => {
  // reveng catalogue, CRC-32/ISO-HDLC: "123456789" has 0xCBF43926.
  const digits = new Uint8Array([0x31, 0x32, 0x33, 0x34, 0x35, 0x36, 0x37, 0x38, 0x39]);
  equal(~crcStep(CRC_START, digits, 0, 9) >>> 0, 0xcbf43926);
  equal(~slowCrc([...digits]) >>> 0, 0xcbf43926);
});

test("keys: kind and index, and their names", () => {
  equal(key(KIND.REPLAY_BOUND, 3), 0x04000003);
  equal(kindOf(key(KIND.SCENE, 254)), KIND.SCENE);
  equal(indexOf(key(KIND.GROUP_HIGHEST, 0xffffff)), 0xffffff);
  equal(nameOf(key(KIND.REPLAY_BOUND, 3)), "replay bound 3");
  equal(nameOf(key(0x60, 1)), "kind 96 1");
  throws(() => key(0, 1), /kind/);
  throws(() => key(0x7e, 1), /kind/);
  throws(() => key(1, -1), /index/);
  throws(() => key(1, 0x1000000), /index/);
});

test("the bits of a sector and of records with units of 4 bytes", () => {
  const flash = formatted(4);
  const store = opened(flash);
  store.put(key(KIND.REPLAY_BOUND, 3), new Uint8Array([0, 0, 1, 2]));
  store.put(key(KIND.GROUP_HIGHEST, 0x012345), new Uint8Array([9]));
  store.delete(key(KIND.REPLAY_BOUND, 3));
  const content = flash.snapshot();
  // Mark: magic, unit, sectors. Opening: generation 16 (the first after a format), nothing before
  // it.
  equal(toHex(content.slice(0, 12)), "4c435331" + "04000010" + "00000000");
  equal(toHex(content.slice(16, 28)), "00000010" + "00000000" + "00000000");
  // A short record: kind, index, length, check; value; seal. The CRC starts from the generation.
  const start = ~16;
  const fold = (crc: number) => (crc ^ (crc >>> 8) ^ (crc >>> 16) ^ (crc >>> 24)) & 0xff;
  const head = [4, 3, 4];
  const check = fold(slowCrc(head, start));
  const seal = ~slowCrc([...head, 0, 0, 1, 2], start) >>> 0;
  equal([...content.slice(32, 40)], [4, 3, 4, check, 0, 0, 1, 2]);
  equal(new DataView(content.buffer).getUint32(40), seal);
  // A long one: index above 255.
  const long = [0x87, 1, 0x23, 0x45, 0, 1];
  const crc = slowCrc(long, start);
  const folded = (crc ^ (crc >>> 16)) & 0xffff;
  equal([...content.slice(44, 52)], [...long, folded >> 8, folded & 0xff]);
  equal([...content.slice(52, 56)], [9, 0xff, 0xff, 0xff]);
  // "Deleted" has no value.
  equal([...content.slice(60, 63)], [4, 3, 0x80]);
  equal(toHex(content.slice(68, 84)), "ff".repeat(16));
});

test("values of every length come back, also after a restart", () => {
  const lengths = [0, 1, 3, 4, 5, 8, 11, 12, 13, 24, 59, 60, 61, 64, 127, 128, 300, 1023, 1024];
  for (const unit of PROGRAM_UNITS) {
    const flash = formatted(unit);
    const store = opened(flash);
    for (const length of lengths) {
      equal(store.put(at(length), bytesOf(length)), true);
      equal(store.put(key(KIND.SCENE, length % 7), bytesOf(length, 2)), true);
    }
    for (const now of [store, opened(flash)]) {
      for (const length of lengths) equal(now.get(at(length)), bytesOf(length));
      equal(now.get(at(2)), undefined);
      equal(now.has(at(1)), true);
      equal(now.has(at(2)), false);
    }
  }
});

test("the newest value counts, and deleted is deleted", () => {
  const flash = formatted(4);
  const store = opened(flash);
  for (let i = 0; i < 5; i++) store.put(at(1), bytesOf(i, i));
  store.put(at(2), bytesOf(4));
  equal(store.delete(at(2)), true);
  const { writes } = store;
  equal(store.delete(at(2)), true);
  equal(store.writes, writes);
  store.put(at(3), bytesOf(1));
  store.delete(at(3));
  store.put(at(3), bytesOf(2));
  for (const now of [store, opened(flash)]) {
    equal(now.get(at(1)), bytesOf(4, 4));
    equal(now.get(at(2)), undefined);
    equal(now.get(at(3)), bytesOf(2));
  }
});

test("keys of a kind, by index", () => {
  const store = opened(formatted(4));
  for (const index of [300, 2, 0xffffff, 7, 0]) store.put(key(KIND.RIGHT, index), bytesOf(1));
  store.put(key(KIND.SCENE, 1), bytesOf(1));
  store.delete(key(KIND.RIGHT, 7));
  equal(store.keys(KIND.RIGHT).map(indexOf), [0, 2, 300, 0xffffff]);
  equal(store.keys(KIND.SETTING), []);
});

test("misuse is our bug", () => {
  const store = opened(formatted(4));
  throws(() => store.put(at(1), new Uint8Array(1025)), /1025/);
  throws(() => store.put(0x7e000001, new Uint8Array(1)), /key/);
  throws(() => store.put(1, new Uint8Array(1)), /key/);
  throws(() => store.put(-1, new Uint8Array(1)), /key/);
  throws(() => store.put(2 ** 32, new Uint8Array(1)), /key/);
});

test("a partition that was never formatted, or for another board", () => {
  const blank = new NorFlash({ size: 65536, programBytes: 4 });
  equal(refused(blank).kind, "blank");
  equal(/never formatted/.test(refused(blank).message), true);
  const other = new NorFlash({ size: 65536, programBytes: 16 });
  other.restore(formatted(4).snapshot());
  equal(refused(other).kind, "geometry");
  const larger = new NorFlash({ size: 131072, programBytes: 4 });
  const content = larger.snapshot();
  content.set(formatted(4).snapshot());
  larger.restore(content);
  equal(refused(larger).kind, "geometry");
  equal(refused(new NorFlash({ size: 28672, programBytes: 4 })).kind, "geometry");
  equal(refused(new NorFlash({ size: 65536, programBytes: 32 })).kind, "geometry");
});

test("against a map, through many rounds of the ring", () => {
  for (const unit of PROGRAM_UNITS) {
    const random = new SeededRandom(unit);
    const flash = formatted(unit, 14);
    let store = opened(flash, 300);
    const model = new Map<number, Uint8Array>();
    for (let i = 0; i < 30_000 * SCALE; i++) {
      const where = key(1 + random.below(5), random.below(30) + (random.chance(0.1) ? 1000 : 0));
      if (random.chance(0.15)) {
        equal(store.delete(where), true);
        model.delete(where);
      } else {
        const value = bytesOf(random.below(random.chance(0.02) ? 300 : 24), i);
        equal(store.put(where, value), true);
        model.set(where, value);
      }
      if (i % 40 === 0) tidyUp(store);
      if (i % 900 === 0) {
        store = opened(flash, 300);
        for (const [stored, value] of model) equal(store.get(stored), value);
        let count = 0;
        for (let kind = 1; kind < 6; kind++) count += store.keys(kind).length;
        equal(count, model.size);
      }
    }
    const least = Math.min(...flash.wear);
    equal(Math.max(...flash.wear) - least <= 1, true, "the ring wears all sectors alike");
  }
});

test("put never erases; it says no when only the reserve is left, and tidying helps", () => {
  for (const unit of PROGRAM_UNITS) {
    const flash = formatted(unit, 8);
    const store = opened(flash);
    let writes = 0;
    while (store.put(at(writes % 9), bytesOf(20, writes))) writes++;
    equal(flash.wear.join(""), "00000000");
    equal(writes > 500, true);
    // What was acknowledged before the refusal is there.
    for (let i = 1; i <= 9; i++) equal(store.get(at((writes - i) % 9)), bytesOf(20, writes - i));
    equal(store.needsTidy, true);
    tidyUp(store);
    equal(store.put(at(1), bytesOf(20, 77)), true);
    equal(opened(flash).get(at(1)), bytesOf(20, 77));
    equal(store.erases > 2, true);
    equal(store.tidy(), false);
  }
});

test("live data beyond the limit is refused, and the rest goes on working", () => {
  for (const unit of PROGRAM_UNITS) {
    const flash = formatted(unit, 10);
    const store = opened(flash);
    let count = 0;
    for (;;) {
      tidyUp(store);
      if (!store.put(at(count), bytesOf(1000, count))) break;
      count++;
    }
    // Ten sectors less the reserve and the spare ones, each with room for the longest record.
    equal(count >= 9 && count <= 12, true, `${count} records of 1,000 bytes`);
    for (let i = 0; i < 500 * SCALE + 20; i++) {
      equal(store.put(at(i % count), bytesOf(1000, i)), true);
      tidyUp(store);
    }
    equal(opened(flash).keys(KIND.SETTING).length, count);
  }
});

test("no more keys than it was made for", () => {
  const flash = formatted(4);
  const store = opened(flash, 20);
  for (let i = 0; i < 20; i++) equal(store.put(at(i), bytesOf(2)), true);
  equal(store.put(at(20), bytesOf(2)), false);
  equal(store.put(at(19), bytesOf(3)), true);
  store.delete(at(4));
  equal(store.put(at(20), bytesOf(2)), true);
  throws(() => opened(flash, 19), /more keys/);
});

test("flash that refuses a program: the old value counts, later records go elsewhere", () => {
  for (const unit of PROGRAM_UNITS) {
    // At each of the operations of a put.
    for (let bad = 1; bad <= 3; bad++) {
      const flash = formatted(unit);
      const store = opened(flash);
      store.put(at(1), bytesOf(10, 1));
      let countdown = bad;
      flash.refuses = () => --countdown === 0;
      const isDone = store.put(at(1), bytesOf(10, 2));
      flash.refuses = undefined;
      equal(isDone, countdown > 0);
      if (!isDone) equal(store.get(at(1)), bytesOf(10, 1));
      equal(store.put(at(2), bytesOf(10, 3)), true);
      const after = opened(flash);
      if (!isDone) equal(after.get(at(1)), bytesOf(10, 1));
      equal(after.get(at(2)), bytesOf(10, 3));
    }
  }
});

test("flash that refuses everything: false, and nothing is lost", () => {
  const flash = formatted(4);
  const store = opened(flash);
  store.put(at(1), bytesOf(10));
  flash.refuses = () => true;
  equal(store.put(at(1), bytesOf(2)), false);
  equal(store.delete(at(1)), false);
  for (let i = 0; i < 40; i++) store.tidy();
  equal(store.get(at(1)), bytesOf(10));
  flash.refuses = undefined;
  equal(opened(flash).get(at(1)), bytesOf(10));
});

test("a cell that does not erase any more is noticed when it is programmed", () => {
  const flash = formatted(4);
  const store = opened(flash);
  store.put(at(1), bytesOf(8));
  // In the value and in the seal of the next record.
  flash.flip(32 + 16 + 6, 0x01);
  const seal = 32 + 16 + 12;
  flash.flip(seal, 0x80);
  flash.flip(seal + 1, 0x80);
  equal(store.put(at(2), new Uint8Array(8).fill(0xff)), false);
  equal(store.put(at(2), bytesOf(8, 3)), true);
  equal(opened(flash).get(at(1)), bytesOf(8));
  equal(opened(flash).get(at(2)), bytesOf(8, 3));
});

test("a sector that refuses its erase is left alone", () => {
  const flash = formatted(4, 10);
  const store = opened(flash);
  flash.refuses = ({ offset, bytes }) => bytes === undefined && offset === 4096;
  for (let i = 0; i < 6000 * SCALE + 1500; i++) {
    equal(store.put(at(i % 5), bytesOf(20, i)), true);
    tidyUp(store);
  }
  equal(flash.wear[1], 0);
  equal(opened(flash).keys(KIND.SETTING).length, 5);
});

test("the index finds, replaces and removes as a map does", () => {
  const random = new SeededRandom(9);
  const index = new Index(60, 65536);
  const model = new Map<number, number>();
  for (let i = 0; i < 40_000 * SCALE + 500; i++) {
    // Few kinds and indices, so that runs of places meet.
    const where = key(1 + random.below(4), random.below(4) * 0x1000 + random.below(20));
    const isFull = model.size === 60 && !model.has(where);
    if (random.chance(0.4)) {
      index.remove(where);
      model.delete(where);
    } else if (isFull) throws(() => index.set(where, 64, 12), /more keys/);
    else {
      const offset = 32 + 4 * random.below(1000);
      index.set(where, offset, 12);
      model.set(where, offset);
    }
    equal(index.count, model.size);
    equal(index.bytes, 12 * model.size);
    const place = index.find(where);
    equal(place < 0 ? undefined : index.offsetAt(place), model.get(where));
  }
  for (const [where, offset] of model) equal(index.offsetAt(index.find(where)), offset);
});

test("250 keys take at most 6 KB of memory", () => {
  equal(new Index(250, 65536).footprint <= 6144, true);
  equal(new Index(250, 2 ** 20).footprint <= 6144, true);
});

test("a store of more keys than it is opened for is refused, and opens with room for them", () => {
  const flash = formatted(4);
  const store = opened(flash, 20);
  for (let i = 0; i < 20; i++) equal(store.put(at(i), Uint8Array.of(i)), true);
  throws(() => opened(flash, 19), /more keys/);
  equal(opened(flash, 20).keys(KIND.SETTING).length, 20);
});
