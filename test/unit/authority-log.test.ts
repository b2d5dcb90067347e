/** The log of an authority: each thing that can be done to it behind its back, and what tells. */
import type { Rows, Table } from "../../modules/authority/ledger.js";
import {
  changesText,
  entered,
  entriesOf,
  faultsOf,
  type Head,
  headOf,
  isSignedBy,
} from "../../modules/authority/log.js";
import { MemoryLedger } from "../../modules/authority/memory.js";
import { nextOf, numberKey } from "../../modules/authority/records.js";
import { fromHex } from "../../modules/bytes/hex.js";
import { utf8 } from "../../modules/bytes/utf8.js";
import { type Cbor, decode } from "../../modules/cbor/decode.js";
import { encode } from "../../modules/cbor/encode.js";
import { equal, test, throws } from "../harness.js";
import { parties } from "../support/authority.js";

const { crypto, signer } = parties();
const { publicKey } = signer;

/** A ledger with five entries of rows that come, change and go. */
class Book {
  readonly memory = new MemoryLedger();
  #now = 100;

  written(): this {
    const put = (key: string, value: string) => (rows: Rows) => {
      rows.put("device", key, utf8(value));
    };
    this.enter(put("a", "one"), "device add a");
    this.enter(put("b", "two"));
    this.enter(put("a", "three"));
    this.enter((rows) => rows.delete("device", "b"));
    this.enter((rows) => {
      put("c", "four")(rows);
      nextOf(rows, "client");
    });
    return this;
  }

  /** Without `what`, a device's doing. */
  enter(decide: (rows: Rows) => unknown, what?: string): Head | undefined {
    const note = what === undefined ? { by: "lamp", what: "" } : { by: "operator", what };
    const keeper = { crypto, signer, now: () => this.#now++ };
    const isSaid = what !== undefined;
    return this.run((rows) => entered(rows, keeper, { note, isSaid, decide }).head);
  }

  run<T>(decide: (rows: Rows) => T): T {
    return this.memory.run(decide);
  }

  faults(seen?: Head): string[] {
    return this.run((rows) => faultsOf(rows, { crypto, publicKey, seen }));
  }

  get(table: Table, key: string): Uint8Array {
    return this.run((rows) => rows.get(table, key)) ?? new Uint8Array(0);
  }

  put(table: Table, key: string, value: Uint8Array): void {
    this.run((rows) => rows.put(table, key, value));
  }

  /** Changes one item of an entry, or of the head. */
  edit(table: Table, key: string, at: number, item: Cbor): void {
    const decoded = decode(this.get(table, key));
    if (!decoded.ok || !Array.isArray(decoded.value)) throw new Error("no list");
    const list = [...decoded.value];
    list[at] = item;
    this.put(table, key, encode(list));
  }

  remove(table: Table, key: string): void {
    this.run((rows) => rows.delete(table, key));
  }
}

const entry = (number: number) => numberKey(number);

test("log: each transaction that changes a row is an entry; who only looks leaves none", () => {
  const book = new Book().written();
  equal(
    book.enter((rows) => rows.get("device", "a")),
    undefined,
  );
  equal(
    book.enter((rows) => nextOf(rows, "client")),
    undefined,
  );
  const entries = book.run((rows) => entriesOf(rows));
  equal(
    entries.map((one) => [one.number, one.at, one.by, one.what, changesText(one)]),
    [
      [1, 100, "operator", "device add a", "device a"],
      [2, 101, "lamp", "", "device b"],
      [3, 102, "lamp", "", "device a"],
      [4, 103, "lamp", "", "gone: device b"],
      [5, 104, "lamp", "", "device c"],
    ],
  );
  equal(
    book.run((rows) => entriesOf(rows, 5).length),
    1,
  );
  equal(book.faults(), []);
  equal(
    book.run((rows) => isSignedBy({ crypto, publicKey }, headOf(rows))),
    true,
  );
  equal(book.enter(() => undefined, "backup")?.count, 6);
});

test("log: a transaction that is undone leaves no entry", () => {
  const book = new Book().written();
  throws(
    () =>
      book.enter((rows) => {
        rows.put("device", "d", utf8("five"));
        throw new Error("changed its mind");
      }),
    /changed its mind/,
  );
  equal(
    book.run((rows) => headOf(rows).count),
    5,
  );
  equal(book.faults(), []);
});

test("log: an empty one is nobody's, and without fault", () => {
  const book = new Book();
  equal(book.faults(), []);
  equal(
    book.run((rows) => isSignedBy({ crypto, publicKey }, headOf(rows))),
    true,
  );
});

test("log: an entry that was edited breaks the chain", () => {
  const book = new Book().written();
  book.edit("log", entry(3), 4, "nothing much");
  equal(book.faults(), ["entry 3 was changed"]);
});

test("log: the last entry is under the signature", () => {
  const book = new Book().written();
  book.edit("log", entry(5), 4, "nothing much");
  equal(book.faults(), ["entry 5 was changed"]);
});

test("log: an entry that was removed is missed", () => {
  const book = new Book().written();
  book.remove("log", entry(2));
  equal(book.faults(), ["entry 2 was removed"]);
});

test("log: an entry cannot stand for another", () => {
  const book = new Book().written();
  book.put("log", entry(3), book.get("log", entry(2)));
  equal(book.faults().includes("entry 3 was put in another's place"), true);
});

test("log: its end cannot be cut off", () => {
  const book = new Book().written();
  book.remove("log", entry(5));
  const [first] = book.faults();
  equal(first, "the log ends with entry 4, and there were 5: the end was cut off");
});

test("log: its head is signed", () => {
  const book = new Book().written();
  const head = book.run((rows) => headOf(rows));
  book.remove("log", entry(5));
  const hash = crypto.sha256(book.get("log", entry(4)));
  book.remove("device", "c");
  book.put("authority", "log", encode([4, hash, head.signature ?? null]));
  equal(book.faults(), ["the head of the log is not signed by this authority"]);
});

test("log: an older one, whole, is told by the head that was seen", () => {
  const book = new Book().written();
  const seen = { count: 6, hash: fromHex("00".repeat(32)) };
  equal(book.faults(seen), ["the log ends with entry 5, and there were 6: the end was cut off"]);
});

test("log: another one, whole and signed, is told by the head that was seen", () => {
  const book = new Book().written();
  const seen = { count: 4, hash: fromHex("00".repeat(32)) };
  equal(book.faults(seen), ["entry 4 is not the one that was written"]);
  const hash = crypto.sha256(book.get("log", entry(4)));
  equal(book.faults({ count: 4, hash }), []);
});

test("log: a row that was changed behind its back is told", () => {
  const book = new Book().written();
  book.put("device", "a", utf8("more rights"));
  book.put("device", "z", utf8("a stranger"));
  equal(book.faults(), [
    "device a was changed outside the log",
    "device z was changed outside the log",
  ]);
});

test("log: a counter that was set back is told, one that rose is not", () => {
  const book = new Book().written();
  equal(
    book.enter((rows) => nextOf(rows, "client")),
    undefined,
    "no entry of its own",
  );
  equal(book.faults(), []);
  book.put("authority", "client", encode([0]));
  equal(book.faults(), ["the counter client was set back"]);
  book.remove("authority", "client");
  equal(book.faults(), ["the counter client was set back"]);
});

test("log: a row that was removed behind its back is told", () => {
  const book = new Book().written();
  book.remove("device", "a");
  equal(book.faults(), ["device a was removed outside the log"]);
});
