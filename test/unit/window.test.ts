import {
  closeWindow,
  isFreshIn,
  markIn,
  NUMBER_MAX,
  startWindow,
  WINDOW_BITS,
  type Windows,
} from "../../modules/oscore/window.js";
import { equal, test } from "../harness.js";
import { SeededRandom } from "../support/random.js";
import { SCALE } from "../support/scale.js";

function windowsFor(rows: number): Windows {
  return { highest: new Float64Array(rows), bits: new Int32Array(2 * rows), rows };
}

/** RFC 8613 §7.4 in the plainest way: a set of everything seen. */
class Model {
  readonly seen = new Set<number>();
  highest = -1;

  isFresh(number: number): boolean {
    return number > this.highest - WINDOW_BITS && !this.seen.has(number);
  }

  mark(number: number): void {
    this.seen.add(number);
    this.highest = Math.max(this.highest, number);
  }
}

function begin(number: number): (candidate: number) => boolean {
  const windows = windowsFor(3);
  startWindow(windows, 1, number);
  const model = new Model();
  model.mark(number);
  // Looks at the window, compares with the model, then marks what is fresh.
  return (candidate) => {
    const isFresh = isFreshIn(windows, 1, candidate);
    equal(isFresh, model.isFresh(candidate), `${candidate} after ${model.highest}`);
    if (isFresh) {
      markIn(windows, 1, candidate);
      model.mark(candidate);
      equal(isFreshIn(windows, 1, candidate), false, `${candidate} again`);
    }
    equal(windows.highest[1], model.highest);
    return isFresh;
  };
}

const PLACES = [64, 2 ** 31, 2 ** 32, 2 ** 39, 2 ** 40 - 1, 2 ** 48, 2 ** 53 - 200];

test("the edges of the window", () => {
  for (const top of PLACES) {
    const offer = begin(top);
    equal(offer(top), false);
    equal(offer(top - 63), true);
    equal(offer(top - 64), false);
    equal(offer(top - 31), true);
    equal(offer(top - 32), true);
    equal(offer(top - 1), true);
    equal(offer(top + 1), true);
    // Now top - 63 is 64 below the highest.
    equal(offer(top - 62), true);
    equal(offer(top - 63), false);
    equal(offer(top - 31), false);
  }
});

test("steps of every length keep what is still in the window", () => {
  for (let step = 1; step <= 70; step++) {
    const offer = begin(1000);
    for (const late of [1, 2, 5, 30, 31, 32, 33, 40, 62, 63]) offer(1000 - late);
    offer(1000 + step);
    for (let late = 0; late < 80; late++) offer(1000 + step - late);
  }
});

test("random orders around 2^31, 2^32, 2^39, 2^40 - 1, against a set", () => {
  const random = new SeededRandom(11);
  const offersEach = 60;
  const rounds = Math.ceil((300_000 * SCALE) / offersEach);
  for (let round = 0; round < rounds; round++) {
    const center = PLACES[random.below(PLACES.length)];
    let around = center - random.below(100);
    const offer = begin(around);
    for (let i = 0; i < offersEach; i++) {
      const kind = random.below(100);
      if (kind < 60) around += random.below(4);
      else if (kind < 66) around += random.below(140);
      const late = kind < 60 ? random.below(8) : random.below(90);
      offer(Math.min(Math.max(0, around - late), NUMBER_MAX));
    }
  }
});

test("jumps of any size forget nothing that counts", () => {
  const random = new SeededRandom(12);
  for (let round = 0; round < Math.ceil(2000 * SCALE); round++) {
    const offer = begin(random.below(1000));
    let from = 0;
    for (const to of [2 ** 31 - 1, 2 ** 31, 2 ** 32, 2 ** 39, 2 ** 40 - 1, NUMBER_MAX]) {
      offer(to - random.below(3));
      offer(to);
      offer(from);
      offer(to - 1 - random.below(70));
      from = to;
    }
  }
});

test("after a restart everything up to the bound counts as seen", () => {
  for (const top of PLACES) {
    const windows = windowsFor(1);
    closeWindow(windows, 0, top);
    for (let age = 0; age < 70 && age <= top; age++) equal(isFreshIn(windows, 0, top - age), false);
    equal(isFreshIn(windows, 0, top + 1), true);
    markIn(windows, 0, top + 3);
    equal(isFreshIn(windows, 0, top + 2), true);
    equal(isFreshIn(windows, 0, top), false);
  }
});

test("what is no number of a message is never fresh", () => {
  const windows = windowsFor(1);
  startWindow(windows, 0, 10);
  for (const number of [-1, NUMBER_MAX + 1, Number.NaN, Number.POSITIVE_INFINITY]) {
    equal(isFreshIn(windows, 0, number), false, `${number}`);
  }
});

test("rows do not touch each other", () => {
  const windows = windowsFor(3);
  for (let row = 0; row < 3; row++) startWindow(windows, row, 100);
  markIn(windows, 1, 140);
  markIn(windows, 1, 99);
  for (const row of [0, 2]) {
    equal(windows.highest[row], 100);
    equal(isFreshIn(windows, row, 99), true);
    equal(isFreshIn(windows, row, 140), true);
  }
});
