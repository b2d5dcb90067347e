/** A reset by taking the mains away again and again: off, unless the factory's record says so. */
import { CYCLES_MAX, CYCLES_MIN } from "../../modules/commission/cycles.js";
import { emitFactory, factoryIn } from "../../modules/commission/factory.js";
import { KIND, key } from "../../modules/store/keys.js";
import { equal, test, throws } from "../harness.js";
import { PowerCut } from "../support/flash.js";
import { blobFor, factoryOf, Joiner, Newcomer } from "../support/newcomer.js";
import { opened } from "../support/partition.js";
import { Room } from "../support/rig.js";

const LAMP = 20;
const SECOND = 1_000_000;
const KEYS = 700;
const COUNT = key(KIND.FACTORY, 3);

/** A joined lamp that has been on for a minute. */
function joined(cycles?: number): { room: Room; lamp: Newcomer } {
  const room = new Room();
  const made = cycles === undefined ? factoryOf(LAMP) : factoryOf(LAMP, { cycles });
  const lamp = new Newcomer(room, { number: LAMP, blob: emitFactory(made) });
  lamp.press();
  equal(new Joiner(room).join(LAMP, blobFor(LAMP)), "2.04");
  lamp.restart();
  room.clock.advance(60 * SECOND);
  return { room, lamp };
}

/** So many starts, each with power for so long. */
function cycle({ room, lamp }: { room: Room; lamp: Newcomer }, times: number, seconds = 2): void {
  for (let start = 0; start < times; start++) {
    lamp.restart();
    room.clock.advance(seconds * SECOND);
  }
}

test("nothing said: no number of short starts resets it, and none is counted", () => {
  const { room, lamp } = joined();
  cycle({ room, lamp }, 3 * CYCLES_MAX);
  equal([lamp.device === undefined, opened(lamp.flash, KEYS).has(COUNT)], [false, false]);
});

test("where it is wanted, the last of a row resets it, and the one before does not", () => {
  const { room, lamp } = joined(5);
  cycle({ room, lamp }, 4);
  equal(lamp.device === undefined, false);
  cycle({ room, lamp }, 1);
  equal(lamp.device, undefined);
  equal(opened(lamp.flash, KEYS).keys(KIND.JOINED), []);
  equal(lamp.log.includes("reset: by 5 short starts in a row"), true);
  cycle({ room, lamp }, 20);
  equal(opened(lamp.flash, KEYS).has(COUNT), false, "a fresh one counts none");
});

test("ten seconds of power end a row, and the next start begins another one", () => {
  const { room, lamp } = joined(5);
  for (let round = 0; round < 4; round++) {
    cycle({ room, lamp }, 3);
    cycle({ room, lamp }, 1, 10.1);
    equal([lamp.device === undefined, opened(lamp.flash, KEYS).has(COUNT)], [false, false]);
  }
});

test("a cut at each write of the last start: joined, or reset and nothing else", () => {
  const { room, lamp } = joined(5);
  cycle({ room, lamp }, 4);
  const before = lamp.flash.copy(2);
  let cuts = 0;
  for (let at = 1; at < 400; at++) {
    lamp.flash.become(before);
    lamp.flash.cutAt(at, "torn");
    try {
      lamp.restart();
      break;
    } catch (error) {
      if (!(error instanceof PowerCut)) throw error;
    }
    lamp.flash.restart();
    cuts++;
    lamp.restart();
    equal([lamp.device, opened(lamp.flash, KEYS).keys(KIND.JOINED)], [undefined, []], `cut ${at}`);
  }
  equal(cuts > 20, true, `${cuts} cuts`);
});

test("the factory's record says how many, within reason", () => {
  for (const cycles of [CYCLES_MIN, CYCLES_MAX]) {
    equal(factoryIn(emitFactory(factoryOf(LAMP, { cycles })))?.cycles, cycles);
  }
  for (const cycles of [0, CYCLES_MIN - 1, CYCLES_MAX + 1]) {
    throws(() => factoryIn(emitFactory(factoryOf(LAMP, { cycles }))), /factory\.cycles: 5 to 20/);
  }
  equal("cycles" in (factoryIn(emitFactory(factoryOf(LAMP))) ?? {}), false);
});
