/**
 * Rights and replay rows, loaded from the host's flash with native help and without, run by
 * rows.test.ts: prints what came of each store, and where the two differ.
 */
import { Rights } from "../../modules/access/rights.js";
import { toHex } from "../../modules/bytes/hex.js";
import { Recipients } from "../../modules/oscore/recipients.js";
import { KIND, key } from "../../modules/store/keys.js";
import { Store } from "../../modules/store/store.js";
import { HostFlash } from "../../platforms/headless/flash.js";
import { host } from "../../platforms/headless/host.js";
import { SeededRandom } from "../support/random.js";

const ROUNDS = 150;
const CAPACITY = 6;

type Stored = Pick<Store, "get" | "put" | "delete" | "keys">;
type Records = readonly (readonly [kind: number, index: number, value: readonly number[]])[];

const CLIENT = [2, 0x4c, 0x55, 0x4d, 2, 0, 0, 7];
const BEYOND = [0x20, 0, 0, 0, 0, 0, 0];
const { RIGHT, REPLAY_ROW: ROW, REPLAY_BOUND: BOUND } = KIND;

/** What only damage, a smaller table or another program leaves; and the ends of what is sound. */
const CASES: Readonly<Record<string, Records>> = {
  "right, empty": [[RIGHT, 0, []]],
  "right, no client": [[RIGHT, 0, [2, 0, 0, 0, 1]]],
  "right, client of 9 bytes": [[RIGHT, 0, [2, 0, 0, 0, 1, 9, ...CLIENT]]],
  "right, level 6": [[RIGHT, 0, [6, 0, 0, 0, 1, ...CLIENT]]],
  "right, level 128": [[RIGHT, 0, [0x80, 0, 0, 0, 1, ...CLIENT]]],
  "right, leading zero": [[RIGHT, 0, [2, 0, 0, 0, 1, 0, 7]]],
  "right, beyond": [[RIGHT, CAPACITY, [2, 0, 0, 0, 1, 7]]],
  "right of client 0, group 2^32 - 1": [[RIGHT, 3, [5, 255, 255, 255, 255, 0]]],
  "right for the device": [[RIGHT, 1, [0x0b, 1, 2, 3, 4, ...CLIENT]]],
  "row, empty": [[ROW, 0, []]],
  "row, no length": [[ROW, 0, [0, 1]]],
  "row, id cut": [[ROW, 0, [0, 1, 8, 1, 2, 3]]],
  "row, id of 20 bytes": [[ROW, 0, [0, 1, 20, ...CLIENT, ...CLIENT, ...CLIENT]]],
  "row, number of 8 bytes": [[ROW, 0, [0, 1, 1, 7, 0, 0, 0, 0, 0, 0, 0, 1]]],
  "row, number 2^53": [[ROW, 0, [0, 1, 1, 7, ...BEYOND]]],
  "row, beyond": [[ROW, CAPACITY, [0, 1, 1, 7, 5]]],
  "row, id of no bytes, number 0": [[ROW, 5, [0, 1, 0]]],
  "row, association 4094": [[ROW, 2, [15, 254, 8, ...CLIENT, 5]]],
  "row, association 4095": [[ROW, 2, [15, 255, 8, ...CLIENT, 5]]],
  "bound of 8 bytes": [
    [ROW, 0, [0, 1, 1, 7, 5]],
    [BOUND, 0, [0, 0, 0, 0, 0, 0, 0, 9]],
  ],
  "bound 2^53": [
    [ROW, 0, [0, 1, 1, 7, 5]],
    [BOUND, 0, BEYOND],
  ],
  "bound below the first number": [
    [ROW, 0, [0, 1, 1, 7, 5]],
    [BOUND, 0, [0, 0, 0, 4]],
  ],
  "bound 2^53 - 1": [
    [ROW, 0, [0, 1, 1, 7, 5]],
    [BOUND, 0, [0x1f, 255, 255, 255, 255, 255, 255]],
  ],
  "bound of no bytes": [
    [ROW, 0, [0, 1, 1, 7, 5]],
    [BOUND, 0, []],
  ],
  "bound of nobody": [[BOUND, 4, [1, 2, 3, 4]]],
};

function erased(): Store {
  const flash = new HostFlash();
  for (let at = 0; at < flash.size; at += flash.eraseBytes) flash.erase(at);
  Store.format({ flash });
  const opened = Store.open({ flash, keys: 60 });
  if (!opened.ok) throw new Error(opened.error.message);
  return opened.store;
}

/** What loading comes to: the columns and how many rows there are, or what is wrong. */
function outcome(load: () => { columns: ArrayBuffer; isFull: boolean }): string {
  try {
    const { columns, isFull } = load();
    return `${isFull} ${toHex(new Uint8Array(columns))}`;
  } catch (error) {
    return `refused: ${(error as Error).message}`;
  }
}

function rightsOf(store: Stored, capacity: number) {
  const rights = new Rights(store, capacity);
  return { columns: rights.columns, isFull: rights.count === capacity };
}

function recipientsOf(store: Stored, capacity: number) {
  const recipients = new Recipients({ store, capacity });
  return { columns: recipients.columns, isFull: !recipients.hasRoom() };
}

/** Whether native help says it when the key of a row is not there. */
function orphansAreTold(store: Store, capacity: number): boolean {
  try {
    const recipients = new Recipients({ store, capacity });
    const isKey = (index: number) => store.has(key(KIND.GROUP_KEY, index));
    return recipients.haveKeys === recipients.associations().every(isKey);
  } catch {
    return true;
  }
}

/** Loads both ways; the outcome, with what the native one says where it says something else. */
function compare(name: string, store: Store, capacity = CAPACITY): void {
  const plain: Stored = {
    get: (at) => store.get(at),
    put: (at, value) => store.put(at, value),
    delete: (at) => store.delete(at),
    keys: (kind) => store.keys(kind),
  };
  for (const load of [rightsOf, recipientsOf]) {
    const native = outcome(() => load(store, capacity));
    const reference = outcome(() => load(plain, capacity));
    const verdict = native === reference ? "same" : `DIFFERENT ${native}`;
    host().print(`${name}: ${verdict} ${reference}`);
  }
  if (!orphansAreTold(store, capacity)) host().print(`${name}: orphans not told`);
}

function randomRecords(random: SeededRandom, store: Store): void {
  // Nearly all keys that rows below may name.
  for (let index = 0; index < 20; index++) {
    if (random.chance(0.9)) store.put(key(KIND.GROUP_KEY, index), Uint8Array.of(1));
    else store.delete(key(KIND.GROUP_KEY, index));
  }
  const bytes = (count: number) => Array.from({ length: count }, () => random.below(256));
  const clients = [CLIENT, [7], [1, 0, 0], [...CLIENT.slice(0, 7), 8], bytes(4)];
  for (let row = 0; row < CAPACITY; row++) {
    const client = clients[random.below(clients.length)];
    const right = [random.below(6) | (random.chance(0.3) ? 8 : 0), 0, 0, 0, random.below(4)];
    if (random.chance(0.8)) store.put(key(RIGHT, row), Uint8Array.from([...right, ...client]));
    const first = bytes(random.below(6));
    const record = [0, random.below(20), client.length, ...client, ...first];
    if (random.chance(0.8)) store.put(key(ROW, row), Uint8Array.from(record));
    const bound = bytes(random.chance(0.2) ? 7 : 4);
    if (random.chance(0.7)) store.put(key(BOUND, row), Uint8Array.from([0, ...bound.slice(1)]));
  }
}

export default function main(): number {
  for (const [name, records] of Object.entries(CASES)) {
    const store = erased();
    // Before the one in question, and behind it.
    store.put(key(RIGHT, 2), Uint8Array.from([2, 0, 0, 0, 1, 7]));
    store.put(key(ROW, 1), Uint8Array.from([0, 1, 1, 9, 200]));
    for (const [kind, index, value] of records) store.put(key(kind, index), Uint8Array.from(value));
    compare(name, store);
  }
  const store = erased();
  const random = new SeededRandom(7);
  for (let round = 0; round < ROUNDS; round++) {
    randomRecords(random, store);
    for (const kind of [RIGHT, ROW, BOUND]) {
      if (random.chance(0.5)) store.delete(key(kind, random.below(CAPACITY)));
    }
    compare(`round ${round}`, store);
    // A table for fewer rows than there are.
    compare(`round ${round}, less`, store, 1 + random.below(CAPACITY - 1));
    while (store.needsTidy) store.tidy();
  }
  return 0;
}
