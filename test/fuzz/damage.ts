/**
 * Input for parsers, by fast-check: noise, and good input damaged in the ways that have hurt
 * others.
 */
import fc from "fast-check";

/** Positions are taken modulo the length that the bytes have when it is their turn. */
type Edit = (bytes: Uint8Array) => Uint8Array;

const position = fc.nat({ max: 0xffff });
const BYTES_MAX = 1500;

const edit: fc.Arbitrary<Edit> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.tuple(position, fc.nat({ max: 7 })).map(([at, bit]) => flip(at, bit)),
  },
  { weight: 4, arbitrary: fc.tuple(position, telling()).map(([at, value]) => put(at, value)) },
  { weight: 2, arbitrary: position.map(cut) },
  {
    weight: 2,
    arbitrary: fc.tuple(position, fc.uint8Array({ maxLength: 8 })).map(([at, b]) => insert(at, b)),
  },
  { weight: 1, arbitrary: fc.tuple(position, position).map(([at, to]) => remove(at, to)) },
  { weight: 1, arbitrary: fc.tuple(position, position).map(([at, n]) => repeat(at, n)) },
);

/** Bytes that mean something at a border of CoAP's or CBOR's encodings, and any other. */
function telling(): fc.Arbitrary<number> {
  const borders = [0x00, 0x0c, 0x0d, 0x0e, 0x0f, 0x17, 0x18, 0x1b, 0x1f, 0x40, 0x7f, 0x80, 0x9b];
  borders.push(0xbf, 0xd0, 0xdd, 0xe0, 0xee, 0xf0, 0xf9, 0xfb, 0xff);
  return fc.oneof(fc.constantFrom(...borders), fc.nat({ max: 255 }));
}

/** Noise (one in six), or an entry of `corpus` after none to six edits. */
export function damaged(corpus: readonly Uint8Array[]): fc.Arbitrary<Uint8Array> {
  const edited = fc.tuple(fc.constantFrom(...corpus), fc.array(edit, { maxLength: 6 }));
  return fc.oneof(
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 64 }) },
    { weight: 5, arbitrary: edited.map(([bytes, edits]) => applied(bytes, edits)) },
  );
}

function applied(bytes: Uint8Array, edits: readonly Edit[]): Uint8Array {
  let result = bytes;
  for (const one of edits) result = one(result);
  return result.slice(0, BYTES_MAX);
}

function flip(at: number, bit: number): Edit {
  return (bytes) => changed(bytes, at, (value) => value ^ (1 << bit));
}

function put(at: number, value: number): Edit {
  return (bytes) => changed(bytes, at, () => value);
}

function changed(bytes: Uint8Array, at: number, change: (value: number) => number): Uint8Array {
  if (bytes.length === 0) return bytes;
  const copy = bytes.slice();
  copy[at % bytes.length] = change(copy[at % bytes.length]);
  return copy;
}

function cut(at: number): Edit {
  return (bytes) => bytes.slice(0, at % (bytes.length + 1));
}

function insert(at: number, more: Uint8Array): Edit {
  return (bytes) => {
    const place = at % (bytes.length + 1);
    return Uint8Array.of(...bytes.slice(0, place), ...more, ...bytes.slice(place));
  };
}

function remove(at: number, to: number): Edit {
  return (bytes) => {
    const start = at % (bytes.length + 1);
    const end = start + (to % (bytes.length - start + 1));
    return Uint8Array.of(...bytes.slice(0, start), ...bytes.slice(end));
  };
}

/** One byte again and again: a thousand empty options, 81 81 81. */
function repeat(at: number, count: number): Edit {
  return (bytes) => {
    if (bytes.length === 0) return bytes;
    const place = at % bytes.length;
    const times = count % 1200;
    const copy = new Uint8Array(bytes.length + times);
    copy.set(bytes.slice(0, place));
    copy.fill(bytes[place], place, place + times);
    copy.set(bytes.slice(place), place + times);
    return copy;
  };
}
