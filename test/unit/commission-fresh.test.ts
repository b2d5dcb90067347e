/** A device that is nobody's: silent until a press, found and joined in its window, and by one. */
import { utf8 } from "../../modules/bytes/utf8.js";
import { decode } from "../../modules/cbor/decode.js";
import { CONTENT, GET, PUT } from "../../modules/coap/options.js";
import { emitFactory } from "../../modules/commission/factory.js";
import { GUESSES_MAX, WINDOW_SECONDS } from "../../modules/commission/window.js";
import { KIND, kindOf } from "../../modules/store/keys.js";
import { Store } from "../../modules/store/store.js";
import { equal, test } from "../harness.js";
import { deviceAddress } from "../support/addresses.js";
import type { NorFlash } from "../support/flash.js";
import { blobFor, factoryOf, Joiner, LABEL_FILL, Newcomer } from "../support/newcomer.js";
import { opened } from "../support/partition.js";
import { eui64, ROLE, Room } from "../support/rig.js";

const SECOND = 1_000_000;
const LAMP = 20;
const LINK = '</join>;rt="lumicast.fresh";ep="0200000000000014";n="0";role="luminaire"';

function fresh() {
  const room = new Room();
  const lamp = new Newcomer(room, { number: LAMP });
  return { room, lamp, joiner: new Joiner(room) };
}

function pressed() {
  const all = fresh();
  all.lamp.press();
  return all;
}

/** Whether four bytes of a used label stand together anywhere in the partition. */
function holdsLabel(flash: NorFlash): boolean {
  const content = flash.snapshot();
  let run = 0;
  for (let i = 0; i < content.length; i++) {
    run = content[i] === LABEL_FILL ? run + 1 : 0;
    if (run === 4) return true;
  }
  return false;
}

const saidBy = ({ net }: Room, number: number) =>
  net.sent.filter(({ from }) => from.address[15] === number).length;

test("until a press nobody hears of it, and who tries is counted", () => {
  const { room, lamp, joiner } = fresh();
  equal(lamp.device, undefined);
  equal([joiner.discover(), joiner.discover(deviceAddress(LAMP))], [[], []]);
  equal(joiner.ask(LAMP, GET, "join"), "unreachable");
  equal([saidBy(room, LAMP), lamp.count("windowClosed") >= 4], [0, true]);
});

test("it breathes by its light", () => {
  const { room, lamp } = fresh();
  room.clock.advance(4 * SECOND);
  equal(lamp.shown.map(({ level }) => level).slice(0, 4), [200, 20, 200, 20]);
});

test("in its window it is found, by all and alone, and not by who looks for something else", () => {
  const { room, joiner, lamp } = pressed();
  equal(joiner.discover(), [LINK]);
  equal(joiner.discover(deviceAddress(LAMP)), [LINK]);
  equal(joiner.discover(undefined, "rt=lumicast.light"), []);
  equal(joiner.discover(deviceAddress(LAMP), "rt=lumicast.light"), [""]);
  room.clock.advance(WINDOW_SECONDS * SECOND);
  equal(joiner.discover(), []);
  equal(lamp.log.at(-1), "fresh: may not be joined (time)");
});

test("answers to all are spread over two seconds", () => {
  const room = new Room();
  const lamps = [21, 22, 23, 24, 25, 26].map((number) => new Newcomer(room, { number }));
  for (const lamp of lamps) lamp.press();
  const joiner = new Joiner(room);
  equal(joiner.discover().length, 6);
  const times = room.net.sent
    .filter(({ from }) => from.address[15] < 30)
    .map((one) => one.atMicros);
  equal(Math.max(...times) - Math.min(...times) > SECOND / 2, true);
});

test("in the clear it answers so many in one window, and no more", () => {
  const { joiner } = pressed();
  let answered = 0;
  for (let i = 0; i < 70; i++) {
    answered += joiner.discover(deviceAddress(LAMP), "rt=lumicast.fresh", SECOND / 10).length;
  }
  equal(answered, 60);
});

test("who has the label learns who it is, sees it blink, and gives it a place", () => {
  const { room, lamp, joiner } = pressed();
  const facts = joiner.answered(LAMP, GET, "join");
  if (facts?.ok !== true) throw new Error("no facts");
  equal(facts.response.code, CONTENT);
  const decoded = decode(facts.response.payload ?? new Uint8Array(0));
  equal(decoded.ok && decoded.value instanceof Map && [...decoded.value], [
    [1, eui64(LAMP)],
    [2, ROLE.LUMINAIRE],
    [4, 0],
    [7, "0.1.0"],
  ]);
  const before = lamp.shown.length;
  equal(joiner.ask(LAMP, PUT, "idn", utf8("5")), "2.04");
  room.clock.advance(2 * SECOND);
  equal(lamp.shown.length - before >= 4, true, "lit and dark, twice each");
  equal(joiner.join(LAMP, blobFor(LAMP)), "2.04");
  equal(lamp.restarts, [], "the answer goes out before");
  room.clock.advance(2 * SECOND);
  equal(lamp.restarts, ["joined"]);
  lamp.restart();
  equal(lamp.device !== undefined && lamp.device.channels !== undefined, true);
  equal(
    lamp.log.filter((line) => /1a1a|EUI|label [0-9]/.test(line)),
    [],
  );
});

test("the label that was used is nowhere in flash any more, and proves nothing", () => {
  const { lamp, joiner } = pressed();
  equal(holdsLabel(lamp.flash), true);
  equal(joiner.join(LAMP, blobFor(LAMP)), "2.04");
  lamp.restart();
  equal(holdsLabel(lamp.flash), false);
  lamp.restart();
  equal(lamp.device !== undefined, true, "started a second time");
});

test("after a reset it is fresh again, and joined by the same label's next step", () => {
  const { room, lamp, joiner } = pressed();
  equal(joiner.join(LAMP, blobFor(LAMP)), "2.04");
  lamp.restart();
  for (let n = 1; n < 4; n++) {
    equal(lamp.device?.role.face.upkeep?.system.factoryReset(), true);
    lamp.restart();
    equal([lamp.device, holdsLabel(lamp.flash)], [undefined, false]);
    lamp.press();
    equal(joiner.discover(), [LINK.replace('n="0"', `n="${n}"`)]);
    const again = new Joiner(room, 210 + n);
    if (n === 1) {
      equal(again.join(LAMP, blobFor(LAMP)), "unreachable", "by the label as printed");
      again.channels.stop();
    }
    if (again.label !== undefined) again.label.n = n;
    equal(again.join(LAMP, blobFor(LAMP)), "2.04");
    lamp.restart();
    equal(lamp.device !== undefined, true);
  }
});

test("a handshake is one guess, and the 21st finds the window closed", () => {
  const { room, lamp, joiner } = pressed();
  for (let guess = 1; guess <= GUESSES_MAX; guess++) {
    joiner.label = { printed: new Uint8Array(16).fill(guess + 100), n: 0 };
    equal(joiner.ask(LAMP, GET, "join"), "unreachable");
    equal(lamp.count("forged"), guess);
  }
  equal(lamp.log.at(-1), "fresh: may not be joined (guesses)");
  const before = saidBy(room, LAMP);
  joiner.label = { printed: new Uint8Array(16).fill(LABEL_FILL), n: 0 };
  equal(joiner.ask(LAMP, GET, "join"), "unreachable", "the right one comes too late");
  equal(saidBy(room, LAMP), before);
});

test("two joiners: both are out, nothing was taken, and the window is closed", () => {
  const { room, lamp, joiner } = pressed();
  const other = new Joiner(room, 201);
  equal(joiner.ask(LAMP, PUT, "idn", utf8("1")), "2.04");
  const others = other.ask(LAMP, GET, "join");
  equal(others === "2.05", false, others);
  equal(joiner.join(LAMP, blobFor(LAMP)) === "2.04", false);
  equal(lamp.log.at(-1), "fresh: may not be joined (two joiners)");
  room.clock.advance(5 * SECOND);
  equal([lamp.restarts, opened(lamp.flash, 700).keys(KIND.JOINED)], [[], []]);
  lamp.press();
  room.clock.advance(60 * SECOND);
  equal(joiner.join(LAMP, blobFor(LAMP)), "2.04", "one of them, after another press");
});

test("a captured join, said again, does nothing: not while joined, not after a reset", () => {
  const { room, lamp, joiner } = pressed();
  equal(joiner.join(LAMP, blobFor(LAMP)), "2.04");
  const captured = room.net.sent.filter(({ from }) => from.address[15] === 200);
  const again = () => {
    for (const { from, to, bytes } of captured) {
      const atMicros = room.clock.micros();
      lamp.port.onDatagram?.({ from, to, bytes: bytes.slice(), atMicros });
      room.clock.advance(20_000);
    }
    room.clock.advance(5 * SECOND);
  };
  room.clock.advance(2 * SECOND);
  lamp.restart();
  again();
  equal(lamp.restarts, ["joined"]);
  lamp.device?.role.face.upkeep?.system.factoryReset();
  lamp.restart();
  lamp.press();
  again();
  equal(opened(lamp.flash, 700).keys(KIND.JOINED), []);
  equal(lamp.restarts, ["joined"]);
});

test("whoever else comes in the second before it starts anew is not heard", () => {
  const { room, lamp, joiner } = pressed();
  equal(joiner.join(LAMP, blobFor(LAMP)), "2.04");
  const [before, counted] = [saidBy(room, LAMP), lamp.count("windowClosed")];
  const other = new Joiner(room, 201);
  equal([other.discover(), other.ask(LAMP, GET, "join")], [[], "unreachable"]);
  equal([saidBy(room, LAMP), lamp.count("windowClosed") > counted], [before, true]);
});

test("joined is joined: what the same joiner says next is refused", () => {
  const { lamp, joiner } = pressed();
  equal(joiner.join(LAMP, blobFor(LAMP)), "2.04");
  const other = blobFor(LAMP, { settings: [[0, 1]] });
  equal(joiner.join(LAMP, other), "4.09");
  equal(joiner.ask(LAMP, PUT, "idn", utf8("1")), "4.09");
  lamp.restart();
  equal(lamp.device !== undefined, true);
});

test("without flash's word there is no join, and the next start is a fresh one", () => {
  for (const index of [0, 1]) {
    const { lamp, joiner } = pressed();
    const { put } = Store.prototype;
    try {
      Store.prototype.put = function (storeKey, value) {
        const isRefused = kindOf(storeKey) === KIND.JOINED && (storeKey & 0xffffff) === index;
        return !isRefused && put.call(this, storeKey, value);
      };
      equal(joiner.join(LAMP, blobFor(LAMP)), "5.03");
    } finally {
      Store.prototype.put = put;
    }
    equal(lamp.restarts, []);
    lamp.restart();
    equal([lamp.device, opened(lamp.flash, 700).keys(KIND.JOINED)], [undefined, []]);
  }
});

test("other paths and methods, and what is no number of seconds", () => {
  const { joiner } = pressed();
  equal(joiner.ask(LAMP, GET, "l"), "4.04");
  equal(joiner.ask(LAMP, GET, "idn"), "4.05");
  equal(joiner.ask(LAMP, PUT, "join"), "4.05");
  for (const said of ["", "x", "-1", "3601", "1e3"]) {
    equal(joiner.ask(LAMP, PUT, "idn", utf8(said)), "4.00 0 to 3600 seconds expected");
  }
});

test("a restart closes the window", () => {
  const { lamp, joiner } = pressed();
  equal(joiner.discover(), [LINK]);
  lamp.restart();
  equal(joiner.discover(), []);
});

test("a press while it is open closes it, for who is in it, too", () => {
  const { lamp, joiner } = pressed();
  equal(joiner.discover(), [LINK]);
  lamp.press();
  equal([joiner.discover(), joiner.join(LAMP, blobFor(LAMP))], [[], "unreachable"]);
  lamp.press();
  equal(joiner.discover(), [LINK]);
});

test("a joiner who leaves half-way leaves a fresh device, which a restart shows", () => {
  const { lamp, joiner, room } = pressed();
  equal(joiner.ask(LAMP, PUT, "idn", utf8("1")), "2.04");
  joiner.channels.stop();
  room.clock.advance(SECOND);
  equal(lamp.log.at(-1), "fresh: whoever joined it left before the end");
  equal(joiner.join(LAMP, blobFor(LAMP)), "2.04", "the same one may come back");
});

/** What a joiner offers, and what it is told. */
const WRONG: readonly (readonly [string, () => Uint8Array, RegExp])[] = [
  ["nothing", () => utf8("x"), /^4\.00 provisioning: not the CBOR map/],
  ["half of it", () => blobFor(LAMP).slice(0, 60), /^4\.00 provisioning: not the CBOR map/],
  ["another device's", () => blobFor(21), /^4\.00 provisioning\.eui64: this is 0200000000000014/],
  [
    "a switch's",
    () => blobFor(LAMP, { role: ROLE.SWITCH }),
    /^4\.00 provisioning\.role: this is 1/,
  ],
  ["a factory's", () => emitFactory(factoryOf(LAMP)), /^4\.00 provisioning/],
  ["nobody's", () => blobFor(LAMP, { authority: undefined }), /^4\.00 .*authority: missing/],
  ["with keys", () => blobFor(LAMP, { keys: [{ id: 7, fill: 1 }] }), /^4\.00 .*keys come from/],
];

for (const [name, blob, said] of WRONG) {
  test(`what it cannot live by is refused with a reason: ${name}`, () => {
    const { lamp, joiner } = pressed();
    const answer = joiner.join(LAMP, blob());
    equal([said.test(answer), answer === ""], [true, false], answer);
    equal(opened(lamp.flash, 700).keys(KIND.JOINED), []);
    equal(joiner.join(LAMP, blobFor(LAMP)), "2.04");
  });
}

test("a blob of several pieces, and one that is too long", () => {
  const { lamp, joiner } = pressed();
  const rights = Array.from({ length: 60 }, (_, i) => [i + 1, 1, 2] as const);
  const appGroups = Array.from({ length: 16 }, (_, i) => [i + 1, 1 + (i % 10)] as const);
  const long = blobFor(LAMP, { rights, appGroups });
  equal(long.length > 1024, true);
  equal(joiner.join(LAMP, new Uint8Array(4097)), "4.13");
  equal(joiner.join(LAMP, long), "2.04");
  lamp.restart();
  equal(lamp.device?.rights.count, 60);
});

test("whoever is in it when its time is over is out", () => {
  const { room, lamp, joiner } = pressed();
  equal(joiner.ask(LAMP, PUT, "idn", utf8("1")), "2.04");
  room.clock.advance((WINDOW_SECONDS - 10) * SECOND);
  equal(joiner.ask(LAMP, PUT, "idn", utf8("1")), "2.04", "shortly before");
  room.clock.advance(10 * SECOND);
  equal(joiner.join(LAMP, blobFor(LAMP)) === "2.04", false);
  equal([lamp.restarts, opened(lamp.flash, 700).keys(KIND.JOINED)], [[], []]);
});
