import { FlashLedger } from "../../modules/authority/flash-ledger.js";
import type { Rows, Table } from "../../modules/authority/ledger.js";
import { MemoryLedger } from "../../modules/authority/memory.js";
import { toHex } from "../../modules/bytes/hex.js";
import { KIND } from "../../modules/store/keys.js";
import { equal, test, throws } from "../harness.js";
import { FAULTS, type FlashOperation, type NorFlash, PowerCut } from "../support/flash.js";
import { bytesOf, formatted, opened } from "../support/partition.js";
import { SeededRandom } from "../support/random.js";

const STORE_KEYS = 400;
const TABLES: readonly Table[] = ["device", "member", "authority"];

function ledgerOn(flash: NorFlash): FlashLedger {
  return FlashLedger.open(opened(flash, STORE_KEYS));
}

/** All there is, as text. */
function contentOf(rows: Rows): string {
  return TABLES.map((table) =>
    rows
      .keys(table, "")
      .map((key) => `${table}/${key}=${toHex(rows.get(table, key) ?? new Uint8Array(0))}`)
      .join("\n"),
  ).join("\n");
}

/** Some rows put, some deleted; the same for whoever has the same chance. */
function change(rows: Rows, lot: SeededRandom, rowsMax: number): void {
  for (let count = 1 + lot.below(6); count > 0; count--) {
    const table = TABLES[lot.below(TABLES.length)];
    const number = `${lot.below(rowsMax)}`.padStart(4, "0");
    // Ids in hex and others, as tables have them.
    const key = lot.chance(0.5) ? number : `${number}/x`;
    if (lot.chance(0.3)) rows.delete(table, key);
    else rows.put(table, key, bytesOf(lot.below(90), lot.below(1000)));
  }
}

test("rows in flash are the rows in memory, whatever is done to them", () => {
  const flash = formatted(4);
  const memory = new MemoryLedger();
  const lots = [new SeededRandom(5), new SeededRandom(5)];
  let ledger = ledgerOn(flash);
  for (let decision = 0; decision < 60; decision++) {
    const rowsMax = decision < 40 ? 60 : 4;
    ledger.run((rows) => change(rows, lots[0], rowsMax));
    memory.run((rows) => change(rows, lots[1], rowsMax));
    if (decision % 10 === 0) ledger = ledgerOn(flash);
    equal(ledger.run(contentOf), memory.run(contentOf));
    const [some, all] = [ledger, memory].map((one) =>
      one.run((rows) => rows.keys("device", "001")),
    );
    equal(some.join(), all.join());
  }
});

test("what a decision that throws has done is nothing", () => {
  const flash = formatted(16);
  const ledger = ledgerOn(flash);
  ledger.run((rows) => rows.put("device", "a", Uint8Array.of(1)));
  const operations = flash.operations;
  throws(() => {
    ledger.run((rows) => {
      rows.put("device", "a", Uint8Array.of(2));
      rows.put("device", "b", Uint8Array.of(2));
      throw new Error("no");
    });
  }, /no/);
  // What changes nothing writes nothing.
  ledger.run((rows) => rows.put("device", "a", Uint8Array.of(1)));
  equal(flash.operations, operations);
  equal(ledgerOn(flash).run(contentOf), ledger.run(contentOf));
  equal(
    ledger.run((rows) => rows.keys("device", "").join()),
    "a",
  );
});

test("a row has its bounds, and so has the ledger", () => {
  const ledger = ledgerOn(formatted(16));
  throws(() => {
    ledger.run((rows) => rows.put("device", "a", new Uint8Array(1021)));
  }, /device a has 1021 bytes/);
  ledger.run((rows) => rows.put("device", "a", new Uint8Array(1000)));
  throws(() => {
    ledger.run((rows) => {
      for (let at = 0; at < 200; at++) rows.put("device", `${at}`, new Uint8Array(400));
    });
  }, /ledger: .*remove devices that are gone/);
  equal(
    ledger.run((rows) => rows.keys("device", "").join()),
    "a",
  );
});

/** Each operation of the flash not done, torn or done, and then no power. */
function cutEach(flash: NorFlash, check: (torn: NorFlash, where: string) => void): void {
  flash.onOperation = ({ offset, bytes }: FlashOperation) => {
    for (const fault of FAULTS) {
      const torn = flash.copy(flash.operations + 1);
      torn.cutAt(1, fault);
      try {
        if (bytes === undefined) torn.erase(offset);
        else torn.program(offset, bytes);
      } catch (error) {
        if (!(error instanceof PowerCut)) throw error;
      }
      torn.restart();
      check(torn, `operation ${flash.operations + 1} (${fault})`);
    }
  };
}

test("power cuts at every flash operation: a decision is whole, or nothing of it", () => {
  const flash = formatted(16, 8);
  const ledger = ledgerOn(flash);
  const lot = new SeededRandom(7);
  for (let decision = 0; decision < 12; decision++) ledger.run((rows) => change(rows, lot, 30));
  let before = ledger.run(contentOf);
  let after = before;
  let cuts = 0;
  const seen = { before: 0, after: 0 };
  cutEach(flash, (torn, where) => {
    cuts++;
    const again = ledgerOn(torn);
    const content = again.run(contentOf);
    if (content === before) seen.before++;
    else if (content === after) seen.after++;
    else throw new Error(`${where}: half of a decision`);
    // What was cut off takes no room for good.
    const pages = opened(torn, STORE_KEYS).keys(KIND.LEDGER).length;
    equal(pages, again.size + 1, where);
  });
  for (let decision = 0; decision < 4; decision++) {
    const twin = new MemoryLedger();
    before = ledger.run(contentOf);
    const lots = [new SeededRandom(decision), new SeededRandom(decision)];
    twin.run((rows) => ledger.run((own) => copy(own, rows)));
    twin.run((rows) => change(rows, lots[0], 30));
    after = twin.run(contentOf);
    ledger.run((rows) => change(rows, lots[1], 30));
    equal(ledger.run(contentOf), after);
  }
  equal(cuts > 100 && seen.before > 50 && seen.after > 20, true, `${JSON.stringify(seen)}`);
});

function copy(from: Rows, to: Rows): void {
  for (const table of TABLES) {
    for (const key of from.keys(table, "")) {
      to.put(table, key, from.get(table, key) ?? new Uint8Array(0));
    }
  }
}

test("a ledger whose pages are gone is no ledger", () => {
  const flash = formatted(16);
  ledgerOn(flash).run((rows) => rows.put("device", "a", Uint8Array.of(1)));
  const store = opened(flash, STORE_KEYS);
  const page = store.keys(KIND.LEDGER)[1];
  store.delete(page);
  throws(() => void FlashLedger.open(store), /does not read back/);
});

test("a root that flash refused is asked for again by nobody before a restart", () => {
  const store = opened(formatted(16), STORE_KEYS);
  const ledger = FlashLedger.open(store);
  ledger.run((rows) => rows.put("device", "a", Uint8Array.of(1)));
  const put = store.put.bind(store);
  const root = store.keys(KIND.LEDGER)[0];
  store.put = (key, value) => key !== root && put(key, value);
  throws(() => {
    ledger.run((rows) => rows.put("device", "b", Uint8Array.of(1)));
  }, /flash is full/);
  store.put = put;
  throws(() => void ledger.run(contentOf), /flash refuses/);
  equal(
    FlashLedger.open(store).run((rows) => rows.keys("device", "").join()),
    "a",
  );
});
