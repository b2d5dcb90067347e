import { equal, test, throws } from "../harness.js";

/** The harness itself: on both engines `equal` finds what differs and nothing else. */

class Point {
  readonly x: number;
  constructor(x: number) {
    this.x = x;
  }
}

const same: [string, () => unknown][] = [
  ["numbers", () => 7],
  ["not a number", () => Number.NaN],
  ["text", () => "lamp"],
  ["undefined", () => undefined],
  ["bytes", () => new Uint8Array([1, 2, 255])],
  ["no bytes", () => new Uint8Array(0)],
  ["nested", () => ({ a: [1, { b: new Uint8Array([3]) }], c: undefined })],
  [
    "map",
    () =>
      new Map<unknown, unknown>([
        [1, "a"],
        ["k", [2]],
      ]),
  ],
  [
    "map with byte keys",
    () =>
      new Map([
        [new Uint8Array([1]), 1],
        [new Uint8Array([2]), 2],
      ]),
  ],
  ["set", () => new Set([1, "a"])],
  ["instances", () => new Point(3)],
  ["words", () => new Uint32Array([1, 4294967295])],
  ["big integers", () => 2n ** 70n],
];

for (const [name, make] of same) {
  test(`equal accepts ${name}`, () => {
    equal(make(), make());
  });
}

const different: [string, unknown, unknown][] = [
  ["a number and its text", 1, "1"],
  ["zero and minus zero", 0, -0],
  ["null and undefined", null, undefined],
  ["bytes of other content", new Uint8Array([1, 2]), new Uint8Array([1, 3])],
  ["bytes of other length", new Uint8Array([1]), new Uint8Array([1, 0])],
  ["bytes and an array", new Uint8Array([1]), [1]],
  ["bytes and words", new Uint8Array([1]), new Uint16Array([1])],
  ["arrays of other length", [1, undefined], [1]],
  ["an array and a map", [1], new Map([[0, 1]])],
  ["an absent and an undefined field", {}, { a: undefined }],
  ["a field too many", { a: 1, b: 2 }, { a: 1 }],
  ["deep fields", { a: { b: [1, 2] } }, { a: { b: [1, 3] } }],
  ["map values", new Map([[1, 2]]), new Map([[1, 3]])],
  ["map keys", new Map([[1, 2]]), new Map([[2, 2]])],
  ["map byte keys", new Map([[new Uint8Array([1]), 1]]), new Map([[new Uint8Array([2]), 1]])],
  ["sets", new Set([1]), new Set([2])],
  ["classes", new Point(3), { x: 3 }],
  ["two functions", () => 1, () => 1],
];

for (const [name, actual, expected] of different) {
  test(`equal tells ${name} apart`, () => {
    throws(() => equal(actual, expected));
    throws(() => equal(expected, actual));
  });
}

test("throws wants a throw whose text matches", () => {
  throws(() => {
    throw new RangeError("too far");
  }, /RangeError: too far/);
  throws(() => throws(() => 1));
  throws(() =>
    throws(() => {
      throw new Error("this");
    }, /that/),
  );
});
