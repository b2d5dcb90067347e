/**
 * A join that somebody recorded, said again to a device that draws the same numbers as then: the
 * worst that its chance can do. All that stands between is that a label is used once.
 */
import { askReset } from "../../modules/device/reset.js";
import { KIND } from "../../modules/store/keys.js";
import { equal, test } from "../harness.js";
import type { NorFlash } from "../support/flash.js";
import type { Sent } from "../support/net.js";
import { blobFor, Joiner, Newcomer } from "../support/newcomer.js";
import { opened } from "../support/partition.js";
import { Room } from "../support/rig.js";

const LAMP = 20;
const JOINER = 200;
const SECOND = 1_000_000;
const KEYS = 700;

interface Recorded {
  /** What the joiner said, and when. */
  readonly said: readonly Sent[];
  /** The lamp's flash before, and after the join and its first start. */
  readonly before: NorFlash;
  readonly after: NorFlash;
}

function recorded(): Recorded {
  const room = new Room();
  const lamp = new Newcomer(room, { number: LAMP });
  const before = lamp.flash.copy(1);
  lamp.press();
  equal(new Joiner(room).join(LAMP, blobFor(LAMP)), "2.04");
  const said = room.net.sent.filter(({ from }) => from.address[15] === JOINER);
  lamp.restart();
  return { said, before, after: lamp.flash };
}

/** Pressed, it hears all of it once more, at the same moments after its start. */
function saidAgain(said: readonly Sent[], flash: NorFlash): Newcomer {
  const room = new Room();
  const lamp = new Newcomer(room, { number: LAMP, flash });
  lamp.press();
  for (const { from, to, bytes, atMicros } of said) {
    room.clock.advanceTo(atMicros + 1000);
    lamp.port.onDatagram?.({ from, to, bytes: bytes.slice(), atMicros: room.clock.micros() });
  }
  room.clock.advance(5 * SECOND);
  return lamp;
}

test("a recorded join, said again to a lamp whose chance repeats: nothing, once joined", () => {
  const { said, before, after } = recorded();
  // The recording is good: the lamp as it was takes it for the joiner.
  equal(saidAgain(said, before).restarts, ["joined"]);
  equal(askReset(opened(after, KEYS)), true);
  const lamp = saidAgain(said, after);
  equal([lamp.device, lamp.restarts], [undefined, []]);
  equal(opened(lamp.flash, KEYS).keys(KIND.JOINED), []);
});
