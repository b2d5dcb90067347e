import { Id64 } from "../../modules/bytes/id64.js";
import { SEQUENCE_MAX } from "../../modules/oscore/option.js";
import { Recipients, RUN_AHEAD } from "../../modules/oscore/recipients.js";
import { BLOCK_NUMBERS, Sequence } from "../../modules/oscore/sequence.js";
import { KIND, key } from "../../modules/store/keys.js";
import { equal, test } from "../harness.js";
import { FAULTS, PowerCut } from "../support/flash.js";
import { formatted, opened, tidyUp } from "../support/partition.js";

test("numbers begin where provisioning says, and run on", () => {
  const store = opened(formatted(4));
  equal(Sequence.create(store), true);
  const sequence = new Sequence(store);
  for (let n = 0; n < 200; n++) equal(sequence.next(), n);
  const other = opened(formatted(4));
  equal(Sequence.create(other, 5_000_000_000), true);
  equal(new Sequence(other).next(), 5_000_000_000);
});

test("without a record no number: a missing counter is not 0", () => {
  const store = opened(formatted(4));
  const sequence = new Sequence(store);
  equal(sequence.next(), undefined);
  equal(sequence.next(), undefined);
  equal(store.get(key(KIND.SEQUENCE, 0)), undefined);
});

test("a counter that is there is never made again", () => {
  const store = opened(formatted(4));
  equal(Sequence.create(store, 1000), true);
  equal(Sequence.create(store), false);
  equal(Sequence.create(store, 2000), false);
  equal(new Sequence(store).next(), 1000);
});

test("a start reserves a block before the first number, and skips what was reserved", () => {
  const flash = formatted(4);
  Sequence.create(opened(flash));
  const used = new Set<number>();
  for (let round = 0; round < 5; round++) {
    const store = opened(flash);
    const sequence = new Sequence(store);
    equal(store.writes, 1);
    for (let i = 0; i < 70; i++) {
      const number = sequence.next() as number;
      equal(used.has(number), false);
      used.add(number);
    }
    equal(store.writes, 2);
  }
  equal(Math.max(...used) < 5 * (2 * BLOCK_NUMBERS + RUN_AHEAD), true);
});

test("flash that refuses: no number, until it does not", () => {
  const flash = formatted(4);
  const store = opened(flash);
  Sequence.create(store);
  flash.refuses = () => true;
  const sequence = new Sequence(store);
  equal(sequence.next(), undefined);
  flash.refuses = undefined;
  for (let n = 0; n < BLOCK_NUMBERS; n++) equal(sequence.next(), n);
  flash.refuses = () => true;
  equal(sequence.next(), undefined);
  flash.refuses = undefined;
  equal(sequence.next(), BLOCK_NUMBERS);
});

test("how many numbers are left can be told before they end", () => {
  const store = opened(formatted(4));
  equal(new Sequence(store).left, 0);
  Sequence.create(store, SEQUENCE_MAX - 2);
  const sequence = new Sequence(store);
  for (const left of [3, 2, 1, 0, 0]) {
    equal(sequence.left, left);
    sequence.next();
  }
});

test("2^40 - 1 is used once, then never anything again", () => {
  const flash = formatted(4);
  Sequence.create(opened(flash), SEQUENCE_MAX - 70);
  let store = opened(flash);
  const sequence = new Sequence(store);
  for (let n = SEQUENCE_MAX - 70; n <= SEQUENCE_MAX; n++) equal(sequence.next(), n);
  equal(sequence.next(), undefined);
  equal(sequence.next(), undefined);
  for (let round = 0; round < 3; round++) {
    store = opened(flash);
    equal(new Sequence(store).next(), undefined);
  }
});

test("numbers beyond 2^31 and 2^32 survive a restart", () => {
  for (const first of [2 ** 31 - 3, 2 ** 32 - 3, 2 ** 39]) {
    const flash = formatted(4);
    Sequence.create(opened(flash), first);
    equal(new Sequence(opened(flash)).next(), first);
    equal(new Sequence(opened(flash)).next(), first + BLOCK_NUMBERS + RUN_AHEAD);
  }
});

test("after a cut in a row of presses the first number is news to whoever was cut, too", () => {
  const id = Uint8Array.of(7);
  const name = new Id64().read(id, 0, id.length);
  // A block ends anywhere in the row.
  for (const presses of [1, 4, 5, 20, 36, 37, 63, BLOCK_NUMBERS]) {
    const [mine, theirs] = [formatted(4), formatted(4)];
    Sequence.create(opened(mine));
    const sequence = new Sequence(opened(mine));
    const lamp = new Recipients({ store: opened(theirs), capacity: 4 });
    for (let press = 0; press < presses; press++) {
      const number = sequence.next() as number;
      const row = lamp.find(0, name);
      if (row >= 0) equal(lamp.mark(row, number), true);
      else lamp.admit(0, { bytes: id, start: 0, length: 1, sequence: number });
    }
    const next = new Sequence(opened(mine)).next() as number;
    const again = new Recipients({ store: opened(theirs), capacity: 4 });
    equal(again.isFresh(again.find(0, name), next), true, `${presses} presses`);
  }
});

test("a cut at every operation of a reservation never repeats a number", () => {
  for (const fault of FAULTS) {
    for (let operation = 1; operation <= 3; operation++) {
      const flash = formatted(4);
      const store = opened(flash);
      Sequence.create(store);
      const sequence = new Sequence(store);
      let last = -1;
      for (let i = 0; i < BLOCK_NUMBERS; i++) last = sequence.next() as number;
      flash.cutAt(flash.operations + operation, fault);
      try {
        last = sequence.next() as number;
      } catch (error) {
        if (!(error instanceof PowerCut)) throw error;
      }
      flash.restart();
      const after = new Sequence(opened(flash)).next() as number;
      equal(after > last, true, `${after} after ${last}`);
    }
  }
});

test("tidying keeps the counter", () => {
  const flash = formatted(4, 8);
  const store = opened(flash);
  Sequence.create(store, 77);
  for (let i = 0; i < 2000; i++) {
    store.put(key(KIND.SETTING, 1), new Uint8Array(40));
    tidyUp(store);
  }
  equal(flash.wear[0] > 0, true);
  equal(new Sequence(opened(flash)).next(), 77);
});
