/** The factory reset: nothing secret left, whenever the power goes, and no key twice. */
import { POST } from "../../modules/coap/options.js";
import { KIND, key, kindOf } from "../../modules/store/keys.js";
import { beginWipe, findWipe } from "../../modules/store/wipe.js";
import { equal, test, throws } from "../harness.js";
import { CHANNEL_FILL, Channel } from "../support/channel.js";
import { craft } from "../support/craft.js";
import { FAULTS, type Fault, type NorFlash, PowerCut } from "../support/flash.js";
import { verdict } from "../support/lamps.js";
import { formatted, opened } from "../support/partition.js";
import type { Rig } from "../support/rig.js";

const SECOND = 1_000_000;
/** All bytes of the room's key, of the channel's secret, of the next installation's keys. */
const SECRETS = [0xa1, CHANNEL_FILL];
const RUN = 8;

/** Whether eight bytes of it stand together anywhere in the partition. */
function holds(flash: NorFlash, secret: number): boolean {
  const content = flash.snapshot();
  let run = 0;
  for (let i = 0; i < content.length; i++) {
    run = content[i] === secret ? run + 1 : 0;
    if (run === RUN) return true;
  }
  return false;
}

const held = (flash: NorFlash) => SECRETS.filter((secret) => holds(flash, secret));

/** A lamp that was told to reset itself, and has not yet. */
function told(): Channel {
  const channel = new Channel(4);
  const { lamp, room } = channel;
  equal(verdict(lamp, craft({ sequence: 1 })), "accepted");
  equal(channel.code(POST, "3/0/5"), "2.04");
  equal(lamp.restarts, [], "the answer goes out before");
  room.clock.advance(2 * SECOND);
  equal(lamp.restarts, ["factory reset asked for"]);
  return channel;
}

const REFUSED = /key not installed \(replayed\)/;

test("a reset takes every key, and they do not come again", () => {
  const { lamp } = told();
  equal(held(lamp.flash), SECRETS);
  throws(() => lamp.restart(), REFUSED);
  equal(held(lamp.flash), []);
  equal(findWipe(lamp.flash), undefined);
  equal(
    lamp.log.some((line) => line.startsWith("factory reset: done")),
    true,
  );
  throws(() => lamp.restart(), REFUSED);
  equal(held(lamp.flash), []);
});

test("a device that was reset takes new keys, and goes on counting", () => {
  const { lamp, room } = told();
  const sequence = opened(lamp.flash, 500).get(key(KIND.SEQUENCE, 0));
  throws(() => lamp.restart(), REFUSED);
  const store = opened(lamp.flash, 500);
  equal(store.get(key(KIND.SEQUENCE, 0)), sequence, "no number twice");
  equal([store.keys(KIND.GROUP_KEY), store.keys(KIND.RIGHT)], [[], []]);
  const again = renewed(room, lamp, 0xb2);
  equal(verdict(again, craft({ sequence: 1, fill: 0xb2 })), "accepted");
  equal(verdict(again, craft({ sequence: 2 })), "forged", "the old key opens nothing");
});

/** The lamp's flash, with an installation whose only key is another. */
function renewed(room: Channel["room"], lamp: Rig, fill: number): Rig {
  return room.luminaireOn(20, lamp.flash, { keys: [{ id: 7, fill }], settings: [[0, 0]] });
}

test("what a second reset took is refused, and what the first one took, too", () => {
  const { lamp, room } = told();
  throws(() => lamp.restart(), REFUSED);
  const again = renewed(room, lamp, 0xb2);
  equal(again.device.role.face.upkeep?.system.factoryReset(), true);
  throws(() => again.restart(), REFUSED);
  throws(() => renewed(room, lamp, 0xb2), REFUSED);
  throws(() => renewed(room, lamp, 0xa1), REFUSED);
  renewed(room, lamp, 0xc3);
});

test("without the flash's word there is no reset", () => {
  const channel = new Channel(4);
  const { store } = channel.lamp.device;
  const put = store.put.bind(store);
  store.put = (storeKey, value) => kindOf(storeKey) !== KIND.RESET && put(storeKey, value);
  equal(channel.code(POST, "3/0/5"), "5.03");
  channel.room.clock.advance(2 * SECOND);
  equal(channel.lamp.restarts, []);
});

/** Starts it until the power stays; true when it was refused its old keys, false when it starts. */
function isOver(lamp: Rig): boolean {
  try {
    lamp.restart();
    return false;
  } catch (error) {
    if (error instanceof PowerCut) throw error;
    if (REFUSED.test(String(error))) return true;
    throw error;
  }
}

/** A start whose power goes at an operation; false when it came to its end before. */
function cutAt(lamp: Rig, operation: number, fault: Fault): boolean {
  const { flash } = lamp;
  flash.operations = 0;
  flash.cutAt(operation, fault);
  try {
    isOver(lamp);
    return false;
  } catch (error) {
    if (!(error instanceof PowerCut)) throw error;
    return true;
  } finally {
    flash.restart();
  }
}

for (const fault of FAULTS) {
  test(`a reset that a cut ends goes on at the next start: ${fault}`, () => {
    const { lamp } = told();
    const before = lamp.flash.copy(3);
    let cuts = 0;
    for (let operation = 1; operation < 500; operation++) {
      lamp.flash.become(before);
      if (!cutAt(lamp, operation, fault)) break;
      cuts++;
      equal(isOver(lamp), true, `cut at operation ${operation}: never half owned`);
      equal(held(lamp.flash), [], `cut at operation ${operation}`);
      equal(findWipe(lamp.flash), undefined);
    }
    equal(cuts > 20, true, `${cuts} cuts`);
  });
}

test("a reset that is cut again and again comes to its end", () => {
  const { lamp } = told();
  let cuts = 0;
  // Each start gets a little further than the one before.
  while (cutAt(lamp, 3 + cuts, FAULTS[cuts % 3])) cuts++;
  equal(held(lamp.flash), []);
  equal(cuts > 0, true);
});

test("the head of a reset that does not verify is none", () => {
  const { lamp } = told();
  const { flash } = lamp;
  cutAt(lamp, 4, "not");
  const wipe = findWipe(flash);
  if (wipe === undefined) throw new Error("not begun");
  for (const at of [0, 4, 9, 20]) {
    const other = flash.copy(5);
    other.flip(wipe.sector * 4096 + at, 1);
    equal(findWipe(other), undefined, `byte ${at}`);
  }
});

test("the head of a reset goes where no record lies", () => {
  const flash = formatted(16);
  const store = opened(flash);
  const last = 15 * 4096;
  // Round to the last sector, which is the first that is looked at.
  for (let i = 0; !isIn(flash, last); i++) {
    equal(store.put(key(KIND.SETTING, i % 3), new Uint8Array(512)) && i < 500, true);
    while (store.needsTidy) store.tidy();
  }
  const wipe = beginWipe(flash, []);
  equal([wipe?.sector === 15, opened(flash).keys(KIND.SETTING).length], [false, 3]);
});

/** Whether a record was written behind this offset. */
function isIn(flash: NorFlash, offset: number): boolean {
  return flash.snapshot()[offset + 32] !== 0xff;
}
