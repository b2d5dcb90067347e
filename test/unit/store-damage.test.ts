import { KIND, key } from "../../modules/store/keys.js";
import { Store } from "../../modules/store/store.js";
import { equal, test } from "../harness.js";
import { FAULTS, type NorFlash, PowerCut } from "../support/flash.js";
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
const bound = key(KIND.REPLAY_BOUND, 3);

/** What a store holds, in one line; the reason when it does not open. */
function contentOf(flash: NorFlash): string {
  const result = Store.open({ flash });
  if (!result.ok) return result.error.kind;
  const { store } = result;
  const keys = [KIND.SETTING, KIND.REPLAY_BOUND].flatMap((kind) => store.keys(kind));
  return keys.map((stored) => `${stored}=${store.get(stored)}`).join(";");
}

/** A store of a few sectors, the newest of them with a few records, and where those end. */
function used(unit: number): { flash: NorFlash; start: number; end: number } {
  const flash = formatted(unit);
  const store = opened(flash);
  for (let i = 0; i < 3; i++) store.put(at(i), bytesOf(30 + i));
  // Fill up this sector and the next: the records that follow are in the third.
  const start = 2 * 4096;
  for (let i = 0; flash.snapshot()[start + 16] === 0xff; i++) store.put(at(9), bytesOf(400, i));
  store.put(at(5), bytesOf(5));
  store.put(bound, bytesOf(4));
  store.put(at(300), bytesOf(200));
  store.delete(at(2));
  store.put(at(0), bytesOf(6, 9));
  const content = flash.snapshot();
  let end = start + 4096;
  while (content[end - 1] === 0xff && content[end - 2] === 0xff) end--;
  return { flash, start, end };
}

test("every single damaged bit of the log is found, or does no harm", () => {
  for (const unit of PROGRAM_UNITS) {
    const { flash, start, end } = used(unit);
    equal(end > start && end < start + 4096, true);
    const whole = contentOf(flash);
    let found = 0;
    let harmless = 0;
    const step = Math.ceil(1 / (8 * SCALE));
    for (let offset = start; offset < end; offset += step) {
      for (let bit = 0; bit < 8; bit++) {
        flash.flip(offset, 1 << bit);
        const now = contentOf(flash);
        if (now === "damaged" || now === "geometry") found++;
        else {
          equal(now === whole, true, `unit ${unit}, bit ${bit} at ${offset}`);
          harmless++;
        }
        flash.flip(offset, 1 << bit);
      }
    }
    // Harmless: bits of the last seal that look as if they were about to be programmed.
    equal(harmless <= 32, true, `${harmless} are taken for what a cut leaves`);
    equal(found > 500 * SCALE, true);
    equal(contentOf(flash), whole);
  }
});

test("damaged bytes anywhere in the log are found", () => {
  const random = new SeededRandom(4);
  for (const unit of PROGRAM_UNITS) {
    const { flash, end } = used(unit);
    const whole = contentOf(flash);
    for (let i = 0; i < 1500 * SCALE + 10; i++) {
      const offset = random.below(end);
      const mask = 1 + random.below(255);
      flash.flip(offset, mask);
      const now = contentOf(flash);
      // Bytes behind the last record of a closed sector are nobody's.
      equal(
        now === "damaged" || now === "geometry" || now === whole,
        true,
        `unit ${unit}, byte ${offset} ^ ${mask}, end ${end}`,
      );
      flash.flip(offset, mask);
    }
  }
});

test("an error names the place, whose record it is, and the remedy", () => {
  const { flash, start } = used(4);
  // Sector head 32, setting 9 with 400 bytes 412, setting 5 with 5 bytes 16, then the bound.
  const offset = start + 32 + 412 + 16;
  flash.flip(offset + 4 + 2, 0x10);
  const error = refused(flash);
  equal(error.kind, "damaged");
  equal(error.offset, offset);
  equal(error.key, bound);
  equal(
    error.message,
    "damaged record for replay bound 3 at 0x21cc of the store: " +
      "provision the device again, with a new sender id and new keys",
  );
});

test("the newest record, damaged, does not give way to the one before it", () => {
  for (const unit of PROGRAM_UNITS) {
    const flash = formatted(unit);
    const store = opened(flash);
    store.put(bound, bytesOf(4, 1));
    store.put(bound, bytesOf(4, 2));
    const size = unit === 4 ? 12 : 2 * unit;
    const last = 32 + size;
    // Its head, its value, a bit of its seal that was programmed, and one that was not.
    for (let offset = last; offset < last + 12; offset++) {
      for (const mask of [0xff, 0x0f, 0x81]) {
        flash.flip(offset, mask);
        const result = Store.open({ flash });
        if (result.ok) equal(result.store.get(bound), bytesOf(4, 2), `${unit} ${offset} ${mask}`);
        flash.flip(offset, mask);
      }
    }
    equal(opened(flash).get(bound), bytesOf(4, 2));
  }
});

test("nor does the newest record with a long head", () => {
  for (const unit of PROGRAM_UNITS) {
    const flash = formatted(unit);
    const store = opened(flash);
    store.put(at(300), bytesOf(9, 1));
    const last = 32 + Math.ceil(17 / unit) * unit + unit;
    store.put(at(300), bytesOf(9, 2));
    for (let offset = last; offset < last + 17; offset++) {
      for (const mask of [0xff, 0x0f, 0x02]) {
        flash.flip(offset, mask);
        equal(Store.open({ flash }).ok, false, `${unit} ${offset - last} ${mask}`);
        flash.flip(offset, mask);
      }
    }
    equal(opened(flash).get(at(300)), bytesOf(9, 2));
  }
});

test("a damaged head of the newest sector does not make it disappear", () => {
  for (const unit of PROGRAM_UNITS) {
    const { flash, start } = used(unit);
    for (let offset = start; offset < start + 32; offset++) {
      flash.flip(offset, 0x24);
      const error = refused(flash);
      // A mark for another unit or size says so.
      equal(error.kind === "damaged" || error.kind === "geometry", true, `byte ${offset}`);
      if (error.kind === "damaged") equal(error.offset, start);
      flash.flip(offset, 0x24);
    }
  }
});

test("nor does damage over its head and first records", () => {
  for (const unit of PROGRAM_UNITS) {
    for (const byte of [0x00, 0xff, 0x5a]) {
      const { flash, start, end } = used(unit);
      const content = flash.snapshot();
      // All but the last record, which is 64 bytes at the most.
      flash.restore(content.fill(byte, start + 16, end - 64));
      equal(refused(flash).kind, "damaged");
    }
  }
});

test("a damaged head of an older sector breaks the chain", () => {
  for (const sector of [0, 1]) {
    const { flash } = used(4);
    flash.flip(sector * 4096 + 17, 0x01);
    const error = refused(flash);
    equal(error.kind, "damaged");
    equal(error.offset, sector * 4096);
    equal(error.message.startsWith(`damaged sector head at 0x${sector}`), true);
  }
});

test("a sector that is missing altogether is missed", () => {
  const { flash } = used(4);
  const content = flash.snapshot();
  flash.restore(content.fill(0xff, 4096, 8192));
  equal(refused(flash).offset, 4096);
});

test("records cut off at the end of a closed sector are missed", () => {
  const { flash } = used(4);
  const content = flash.snapshot();
  let end = 8192;
  while (content[end - 1] === 0xff) end--;
  // Exactly the last record: head 8, value 400, seal 4.
  flash.restore(content.fill(0xff, Math.ceil(end / 4) * 4 - 412, 8192));
  equal(refused(flash).kind, "damaged");
});

test("all zeros and noise are damage, not a fresh start", () => {
  const flash = formatted(4);
  flash.restore(new Uint8Array(65536));
  equal(refused(flash).kind, "damaged");
  const noise = new Uint8Array(65536);
  for (let seed = 1; seed < 4; seed++) {
    new SeededRandom(seed).fill(noise);
    flash.restore(noise);
    equal(refused(flash).kind, "damaged");
  }
});

test("bytes behind the end of the log are damage", () => {
  const { flash, end } = used(4);
  flash.flip(end + 101, 0x08);
  equal(refused(flash).kind, "damaged");
});

test("records that an earlier life of the sector left behind do not count", () => {
  const flash = formatted(4);
  const store = opened(flash);
  store.put(at(1), bytesOf(4, 1));
  const old = flash.snapshot().slice(32, 32 + 12);
  // The same bytes in the next generation: an erase that did nothing there.
  while (flash.snapshot()[4096 + 16] === 0xff) store.put(at(2), bytesOf(400));
  tidyUp(store);
  const content = flash.snapshot();
  let end = 2 * 4096;
  while (content[end - 1] === 0xff) end--;
  content.set(old, Math.ceil(end / 4) * 4);
  flash.restore(content);
  equal(refused(flash).kind, "damaged");
});

test("a cut at every operation of formatting anew never brings back an old state", () => {
  const before = used(4);
  tidyUp(opened(before.flash));
  const whole = contentOf(before.flash);
  const image = before.flash.snapshot();
  for (const fault of FAULTS) {
    for (let operation = 1; ; operation++) {
      const { flash } = before;
      flash.restore(image);
      flash.operations = 0;
      flash.cutAt(operation, fault);
      let isCut = false;
      try {
        Store.format({ flash });
      } catch (error) {
        if (!(error instanceof PowerCut)) throw error;
        isCut = true;
      }
      flash.restart();
      const now = contentOf(flash);
      equal(["", "blank", "damaged", whole].includes(now), true, `${operation} ${fault}: ${now}`);
      if (!isCut) break;
      equal(Store.format({ flash }), true);
      equal(contentOf(flash), "");
    }
  }
});

test("random content of torn erases is never taken for part of the log", () => {
  const random = new SeededRandom(77);
  const { flash } = used(4);
  const whole = contentOf(flash);
  const image = flash.snapshot();
  for (let i = 0; i < 300 * SCALE + 3; i++) {
    const content = image.slice();
    for (let sector = 4; sector < 16; sector++) {
      if (random.chance(0.5)) random.fill(content.subarray(sector * 4096, (sector + 1) * 4096));
    }
    flash.restore(content);
    equal(contentOf(flash), whole);
    if (i > 3) continue;
    tidyUp(opened(flash));
    equal(contentOf(flash), whole);
  }
});
