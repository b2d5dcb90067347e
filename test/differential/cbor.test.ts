/** Our CBOR against cbor-x: what either writes, the other reads as the same value. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Encoder, Tag } from "cbor-x";
import fc from "fast-check";
import { type Cbor, decode, Float, Tagged } from "../../modules/cbor/decode.js";
import { encode } from "../../modules/cbor/encode.js";

const SEED = { seed: 8949, numRuns: 600 };

const oracle = new Encoder({
  useRecords: false,
  mapsAsObjects: false,
  variableMapSize: true,
  tagUint8Array: false,
});

const scalar: fc.Arbitrary<Cbor> = fc.oneof(
  fc.integer({ min: -0x80000000, max: 0xffffffff }),
  fc.integer({ min: -70000, max: 70000 }),
  fc.string({ maxLength: 70 }),
  fc.string({ unit: "binary", maxLength: 30 }),
  fc.uint8Array({ maxLength: 300 }),
  fc.boolean(),
  fc.constant(null),
  fc.constant(undefined),
);

const key = fc.oneof(fc.integer({ min: -300, max: 70000 }), fc.string({ maxLength: 30 }));

/** Trees of what both libraries hold in the same JavaScript types; floats are compared apart. */
const { value: tree } = fc.letrec<{ value: Cbor }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 5, depthSize: "medium", withCrossShrink: true },
    scalar,
    fc.array(tie("value"), { maxLength: 30 }),
    fc
      .uniqueArray(fc.tuple(key, tie("value")), { selector: ([name]) => name, maxLength: 30 })
      .map((entries) => new Map<Cbor, Cbor>(entries)),
  ),
}));

const LIMITS = { depthMax: 32, itemsMax: 100_000 };

test("cbor-x reads what we write", () => {
  fc.assert(
    fc.property(tree, (value) => {
      assert.deepEqual(plain(oracle.decode(encode(value))), plain(value));
    }),
    SEED,
  );
});

test("we read what we write, and write it again", () => {
  fc.assert(
    fc.property(tree, (value) => {
      const bytes = encode(value);
      const decoded = decode(bytes, LIMITS);
      assert.ok(decoded.ok);
      assert.deepEqual(plain(decoded.value), plain(value));
      assert.deepEqual(encode(decoded.value), bytes);
    }),
    SEED,
  );
});

test("cbor-x writes the same bytes when keys are in our order", () => {
  fc.assert(
    fc.property(tree, (value) => {
      const decoded = decode(encode(value), LIMITS);
      assert.ok(decoded.ok);
      assert.deepEqual(new Uint8Array(oracle.encode(decoded.value)), encode(value));
    }),
    SEED,
  );
});

test("floats: cbor-x reads ours exactly, in whatever width they are", () => {
  const any = fc.oneof(fc.double(), fc.float(), fc.integer({ min: -2048, max: 2048 }).map(half));
  fc.assert(
    fc.property(any, (value) => {
      const bytes = encode(new Float(value));
      assert.ok(Object.is(oracle.decode(bytes), value), `${value}`);
      const back = decode(bytes);
      assert.ok(back.ok);
      const got = back.value instanceof Float ? back.value.value : back.value;
      assert.ok(Object.is(got, value), `${value}`);
    }),
    SEED,
  );
});

test("tags", () => {
  for (const tag of [1000, 65536, 4294967295]) {
    const bytes = encode(new Tagged(tag, [1, "a"]));
    // A copy: cbor-x leaves a property on the array it reads.
    const read = oracle.decode(bytes.slice()) as Tag;
    assert.equal(read.tag, tag);
    assert.deepEqual(read.value, [1, "a"]);
    assert.deepEqual(new Uint8Array(oracle.encode(new Tag([1, "a"], tag))), bytes);
  }
});

/** A number that fits a half: eleven bits of mantissa. */
function half(mantissa: number): number {
  return mantissa / 1024;
}

/** Byte strings as plain arrays of one type: cbor-x hands out Buffers. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return { bytes: [...value] };
  if (Array.isArray(value)) return value.map(plain);
  if (!(value instanceof Map)) return value;
  const entries = [...value].map(([name, item]) => [plain(name), plain(item)] as const);
  return new Map(entries);
}
