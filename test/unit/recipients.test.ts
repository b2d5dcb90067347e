import { Id64 } from "../../modules/bytes/id64.js";
import { Recipients, RUN_AHEAD } from "../../modules/oscore/recipients.js";
import { KIND, key } from "../../modules/store/keys.js";
import type { Store } from "../../modules/store/store.js";
import { equal, test, throws } from "../harness.js";
import { NorFlash } from "../support/flash.js";
import { formatted, opened } from "../support/partition.js";
import { SeededRandom } from "../support/random.js";
import { SCALE } from "../support/scale.js";

const CAPACITY = 100;

interface Rig {
  readonly flash: NorFlash;
  readonly store: Store;
  readonly recipients: Recipients;
}

function start(flash = formatted(4), capacity = CAPACITY): Rig {
  const store = opened(flash);
  return { flash, store, recipients: new Recipients({ store, capacity }) };
}

function idOf(...bytes: number[]): Uint8Array {
  return new Uint8Array(bytes);
}

function admit(rig: Rig, association: number, id: Uint8Array, sequence: number): number {
  return rig.recipients.admit(association, { bytes: id, start: 0, length: id.length, sequence });
}

function find(rig: Rig, association: number, id: Uint8Array): number {
  return rig.recipients.find(association, new Id64().read(id, 0, id.length));
}

/** The bound in flash: what counts as seen after a restart. */
function boundOf(rig: Rig, association: number, id: Uint8Array): number {
  const after = start(rig.flash.copy(1));
  const row = find(after, association, id);
  let top = 0;
  for (let bit = 2 ** 52; bit >= 1; bit /= 2) {
    if (!after.recipients.isFresh(row, top + bit)) top += bit;
  }
  return top;
}

test("a sender is found by association and id, inside a larger buffer", () => {
  const rig = start();
  const eui = idOf(0x02, 0, 0, 0xff, 0xfe, 0, 0, 0x31);
  const row = admit(rig, 5, eui, 100);
  equal(row >= 0, true);
  equal(find(rig, 5, eui), row);
  equal(find(rig, 6, eui), -1);
  const within = idOf(1, 2, 3, ...eui, 9);
  const id = new Id64();
  equal(rig.recipients.find(5, id.read(within, 3, 8)), row);
  equal(rig.recipients.find(5, id.read(within, 2, 8)), -1);
  equal(rig.recipients.find(5, id.read(within, 4, 7)), -1);
  equal(rig.recipients.find(5, id.read(new Uint8Array(20), 0, 9)), -1);
});

test("ids that are alike but not the same are different senders", () => {
  const rig = start();
  const ids = [
    idOf(),
    idOf(0),
    idOf(0, 0),
    idOf(1),
    idOf(0, 1),
    idOf(1, 0),
    idOf(1, 0, 0, 0, 0),
    idOf(0, 0, 0, 0, 1),
    idOf(0x80, 0, 0, 0),
    idOf(0xff, 0xff, 0xff, 0xff),
    idOf(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff),
    idOf(0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff),
  ];
  const rows = ids.map((id) => admit(rig, 1, id, 7));
  equal(new Set(rows).size, ids.length);
  const after = start(rig.flash);
  for (const now of [rig, after])
    equal(
      ids.map((id) => find(now, 1, id)),
      rows,
    );
});

test("a new sender is admitted only with a record in flash", () => {
  const rig = start();
  const id = idOf(1, 2);
  rig.flash.refuses = () => true;
  equal(admit(rig, 1, id, 40), -1);
  equal(find(rig, 1, id), -1);
  rig.flash.refuses = undefined;
  const row = admit(rig, 1, id, 40);
  equal(rig.recipients.isFresh(row, 40), false);
  equal(rig.recipients.isFresh(row, 39), true);
  equal(rig.recipients.isFresh(row, 41), true);
  const after = start(rig.flash);
  equal(after.recipients.isFresh(find(after, 1, id), 40), false);
  equal(after.recipients.isFresh(find(after, 1, id), 41), true);
});

test("a full table drops the newcomer and evicts nobody", () => {
  const rig = start(formatted(4), 3);
  for (let i = 0; i < 3; i++) {
    equal(rig.recipients.hasRoom(), true);
    equal(admit(rig, 1, idOf(i + 1), 10) >= 0, true);
  }
  equal(rig.recipients.hasRoom(), false);
  const { writes } = rig.store;
  equal(admit(rig, 1, idOf(9), 10), -1);
  equal(rig.store.writes, writes);
  for (let i = 0; i < 3; i++) equal(find(rig, 1, idOf(i + 1)), i);
});

test("sparse numbers have an exact bound, each written before it counts", () => {
  const rig = start();
  const id = idOf(3);
  const row = admit(rig, 2, id, 1000);
  for (let n = 1001; n < 1012; n++) {
    equal(rig.recipients.mark(row, n), true);
    equal(boundOf(rig, 2, id), n);
    rig.recipients.idle();
  }
});

test("in a burst the bound runs ahead, and idle pulls it back", () => {
  const rig = start();
  const id = idOf(3);
  const row = admit(rig, 2, id, 1000);
  // The first, and three more with exact bounds.
  for (let n = 1001; n <= 1003; n++) rig.recipients.mark(row, n);
  equal(boundOf(rig, 2, id), 1003);
  for (let n = 1004; n <= 1004 + RUN_AHEAD; n++) {
    const { writes } = rig.store;
    equal(rig.recipients.mark(row, n), true);
    equal(rig.store.writes - writes, n === 1004 ? 1 : 0);
    equal(boundOf(rig, 2, id), 1004 + RUN_AHEAD);
  }
  rig.recipients.mark(row, 1005 + RUN_AHEAD);
  equal(boundOf(rig, 2, id), 1005 + 2 * RUN_AHEAD);
  rig.recipients.idle();
  equal(boundOf(rig, 2, id), 1005 + RUN_AHEAD);
  // And sparse again.
  rig.recipients.mark(row, 1100);
  equal(boundOf(rig, 2, id), 1100);
});

test("late numbers within the window need no write", () => {
  const rig = start();
  const row = admit(rig, 2, idOf(3), 1000);
  const { writes } = rig.store;
  for (const n of [999, 950, 937]) {
    equal(rig.recipients.isFresh(row, n), true);
    equal(rig.recipients.mark(row, n), true);
    equal(rig.recipients.isFresh(row, n), false);
  }
  equal(rig.recipients.isFresh(row, 936), false);
  equal(rig.store.writes, writes);
});

test("refused by flash: not marked, and the next one may pass", () => {
  const rig = start();
  const id = idOf(3);
  const row = admit(rig, 2, id, 1000);
  rig.flash.refuses = () => true;
  equal(rig.recipients.mark(row, 1001), false);
  equal(rig.recipients.isFresh(row, 1001), true);
  rig.flash.refuses = undefined;
  equal(rig.recipients.mark(row, 1001), true);
  equal(boundOf(rig, 2, id), 1001);
});

test("a bound that idle could not pull back is pulled back the next time", () => {
  const rig = start();
  const id = idOf(3);
  const row = admit(rig, 2, id, 0);
  for (let n = 1; n < 10; n++) rig.recipients.mark(row, n);
  rig.flash.refuses = () => true;
  rig.recipients.idle();
  rig.flash.refuses = undefined;
  equal(boundOf(rig, 2, id), 4 + RUN_AHEAD);
  rig.recipients.idle();
  equal(boundOf(rig, 2, id), 9);
});

/** Flash that can carry out an operation and say that it did not: its check failed by a glitch. */
class DoubtfulFlash extends NorFlash {
  /** The operation, counted as `operations`, that is denied. */
  deniedAt = 0;

  override program(offset: number, bytes: Uint8Array): boolean {
    return super.program(offset, bytes) && this.operations !== this.deniedAt;
  }
}

test("a lower bound that flash refused, and yet has after a restart, replays nothing", () => {
  const flash = new DoubtfulFlash({ size: 16 * 4096, programBytes: 4 });
  flash.become(formatted(4));
  const rig = start(flash);
  const id = idOf(3);
  const row = admit(rig, 2, id, 0);
  let { operations } = flash;
  rig.recipients.mark(row, 1);
  operations = flash.operations - operations;
  for (let n = 2; n < 10; n++) rig.recipients.mark(row, n);
  equal(boundOf(rig, 2, id), 4 + RUN_AHEAD);
  // The last operation of a record makes it count.
  flash.deniedAt = flash.operations + operations;
  rig.recipients.idle();
  equal(boundOf(rig, 2, id), 9, "flash has the lower bound, and denied it");
  for (let n = 10; n < 50; n++) {
    equal(rig.recipients.mark(row, n), true);
    equal(boundOf(rig, 2, id) >= n, true, `${n} cannot be replayed`);
  }
});

test("numbers around 2^31, 2^32 and 2^40 - 1, and the largest there is", () => {
  for (const top of [2 ** 31, 2 ** 32, 2 ** 40 - 1, 2 ** 53 - 8]) {
    const rig = start();
    const id = idOf(1, 2, 3, 4, 5, 6, 7, 8);
    const row = admit(rig, 9, id, top - 20);
    for (let n = top - 19; n <= top + 3; n++) {
      equal(rig.recipients.isFresh(row, n), true);
      equal(rig.recipients.mark(row, n), true);
    }
    equal(boundOf(rig, 9, id) >= top + 3, true);
    rig.recipients.idle();
    equal(boundOf(rig, 9, id), top + 3);
  }
});

test("older commands are told from newer ones, after a restart as well", () => {
  const rig = start();
  const id = idOf(3);
  const row = admit(rig, 2, id, 50);
  equal(rig.recipients.isNewest(row, 50), true);
  rig.recipients.applied(row, 50);
  rig.recipients.mark(row, 53);
  rig.recipients.applied(row, 53);
  equal(rig.recipients.isNewest(row, 52), false);
  equal(rig.recipients.isNewest(row, 53), false);
  equal(rig.recipients.isNewest(row, 54), true);
  const after = start(rig.flash).recipients;
  equal(after.isNewest(row, 53), false);
  equal(after.isNewest(row, 54), true);
});

test("the rows of a key that is gone go with it, the others stay", () => {
  const rig = start();
  for (let i = 1; i <= 20; i++) admit(rig, i % 3, idOf(i), i * 10);
  for (let i = 1; i <= 20; i++) rig.recipients.mark(find(rig, i % 3, idOf(i)), i * 10 + 1);
  equal(rig.recipients.associations().sort(), [0, 1, 2]);
  equal(rig.recipients.forget(1), true);
  for (const now of [rig, start(rig.flash)]) {
    equal(now.recipients.associations().sort(), [0, 2]);
    for (let i = 1; i <= 20; i++) {
      const row = find(now, i % 3, idOf(i));
      equal(row >= 0, i % 3 !== 1);
      if (row >= 0) equal(now.recipients.isFresh(row, i * 10 + 1), false);
    }
  }
  equal(rig.store.keys(KIND.REPLAY_ROW).length, 13);
  equal(rig.store.keys(KIND.REPLAY_BOUND).length, 13);
});

test("forgetting that flash refuses leaves the rows", () => {
  const rig = start();
  const row = admit(rig, 1, idOf(1), 10);
  rig.flash.refuses = () => true;
  equal(rig.recipients.forget(1), false);
  equal(find(rig, 1, idOf(1)), row);
  equal(rig.recipients.isFresh(row, 10), false);
  rig.flash.refuses = undefined;
  equal(rig.recipients.forget(1), true);
  equal(find(rig, 1, idOf(1)), -1);
});

test("a bound left behind by a cut in forget does not bind the next sender of the row", () => {
  const rig = start();
  const row = admit(rig, 1, idOf(1), 10);
  rig.recipients.mark(row, 900_000);
  // As forget() does it, with the power gone in the middle.
  rig.store.delete(key(KIND.REPLAY_ROW, row));
  const after = start(rig.flash);
  equal(admit(after, 2, idOf(2), 5), row);
  equal(boundOf(after, 2, idOf(2)), 5);
});

test("rows that do not fit the table stop the start: nobody is forgotten silently", () => {
  const rig = start();
  for (let i = 0; i < 5; i++) admit(rig, 1, idOf(i + 1), 1);
  throws(() => start(rig.flash, 4), /replay row 4 .* table of 4/);
  equal(rig.store.put(key(KIND.REPLAY_ROW, 2), idOf(0, 1, 8, 1)), true);
  throws(() => start(rig.flash), /replay row 2/);
});

test("ids and associations out of bounds are our bug", () => {
  const rig = start();
  throws(() => admit(rig, -1, idOf(1), 1), /association -1/);
  throws(() => admit(rig, 65535, idOf(1), 1), /association 65535/);
  throws(() => admit(rig, 1, new Uint8Array(9), 1), /id of 9 bytes/);
});

test("a hundred rows are found as a map finds them, through rekeyings", () => {
  const random = new SeededRandom(21);
  const rig = start(formatted(4, 32));
  const model = new Map<string, number>();
  for (let i = 0; i < 8000 * SCALE + 200; i++) {
    const association = random.below(6);
    const id = new Uint8Array(1 + random.below(8)).fill(random.below(7));
    const name = `${association}:${id}`;
    equal(find(rig, association, id), model.get(name) ?? -1);
    if (!model.has(name)) {
      const row = admit(rig, association, id, 1);
      equal(row >= 0, model.size < CAPACITY);
      if (row >= 0) model.set(name, row);
    }
    if (random.chance(0.01)) {
      equal(rig.recipients.forget(association), true);
      for (const known of [...model.keys()]) {
        if (known.startsWith(`${association}:`)) model.delete(known);
      }
    }
    while (rig.store.needsTidy) rig.store.tidy();
  }
});
