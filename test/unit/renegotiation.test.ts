/** RFC 8613 Appendix B.2 between whole devices: who loses what, and who is only listening. */
import { uintBytes } from "../../modules/bytes/uint.js";
import { CON } from "../../modules/coap/message.js";
import { PUT } from "../../modules/coap/options.js";
import { DerivedContexts } from "../../modules/groups/derived.js";
import { RUN_MICROS } from "../../modules/groups/renegotiation.js";
import { SEQUENCE_MAX } from "../../modules/oscore/option.js";
import type { Datagram } from "../../modules/ports/datagram.js";
import { KIND, key, kindOf } from "../../modules/store/keys.js";
import { equal, test, throws } from "../harness.js";
import { pathOptions, withBytes } from "../support/craft.js";
import { FAULTS, PowerCut } from "../support/flash.js";
import { Guild } from "../support/guild.js";
import { flip, verdict } from "../support/lamps.js";
import type { Sent } from "../support/net.js";
import { NonceWatch, Pair, RENEGOTIATE } from "../support/pair.js";
import { type Rig, Room, type Spec } from "../support/rig.js";
import { SCALE } from "../support/scale.js";

const SWITCH = 1;
const LAMP = 20;
const SECOND = 1_000_000;

interface Two {
  readonly room: Room;
  readonly lamp: Rig;
  readonly wall: Rig;
}

const RIGHTS = [[SWITCH, null, 2]] as const;

/** `number`'s part, with the lamp or the switch as the other. */
function specOf(number: number, watch: NonceWatch, more: Partial<Spec> = {}): Partial<Spec> {
  const guild = new Pair(number, number === LAMP ? SWITCH : LAMP, [RENEGOTIATE]);
  const { appGroup } = guild;
  return {
    guilds: [guild],
    rights: RIGHTS,
    settings: [[0, 0]],
    crypto: watch.crypto(),
    ...(number === LAMP ? {} : { target: appGroup }),
    ...more,
  };
}

function two(watch = new NonceWatch(), more: Partial<Spec> = {}): Two {
  const room = new Room();
  const lamp = room.luminaire(LAMP, specOf(LAMP, watch, more));
  const wall = room.switch(SWITCH, specOf(SWITCH, watch));
  return { room, lamp, wall };
}

/** The same device with an empty flash; the one before is no more. */
function erased({ room }: Two, old: Rig, watch: NonceWatch): Rig {
  old.port.onDatagram = undefined;
  const { number, role } = old.spec;
  const spec = specOf(number, watch, { seed: number + 100 });
  return role === 1 ? room.luminaire(number, spec) : room.switch(number, spec);
}

/** Says a level, and sees what came of it. */
function say({ room }: Two, wall: Rig, level: number): void {
  equal(wall.device.command({ on: true, level }), true);
  room.clock.advance(50_000);
}

function datagram({ from, to, bytes }: Sent): Datagram {
  return { from, to, bytes: bytes.slice(), atMicros: 0 };
}

/** Everything sent to the lamp so far. */
function heard({ room }: Two): Datagram[] {
  return room.net.sent.filter(({ to }) => to.address[15] === LAMP).map(datagram);
}

function records(rig: Rig, kind: number): number {
  return rig.device.store.keys(kind).filter((one) => kindOf(one) === kind).length;
}

function contextsOf(rig: Rig): DerivedContexts {
  const { derived } = rig.device.groups.directory.securities()[1];
  if (!(derived instanceof DerivedContexts)) throw new Error("derives nothing");
  return derived;
}

/** The newest context's counter, as flash has it. */
function setCounter(rig: Rig, value: number | undefined): void {
  const index = contextsOf(rig).all.at(-1)?.index as number;
  const { store } = rig.device;
  if (value === undefined) store.delete(key(KIND.SEQUENCE, index + 1));
  else store.put(key(KIND.SEQUENCE, index + 1), uintBytes(value));
  rig.restart();
}

test("a first command goes the five steps, the next one goes straight", () => {
  const both = two();
  const { room, lamp, wall } = both;
  say(both, wall, 77);
  equal(lamp.level, 77);
  equal(room.net.sent.length, 3);
  say(both, wall, 78);
  equal(lamp.level, 78);
  equal(room.net.sent.length, 4);
  equal([records(lamp, KIND.DERIVED), records(wall, KIND.DERIVED)], [1, 1]);
});

test("what was derived outlives a restart of either end, and nothing is accepted again", () => {
  const both = two();
  const { room, lamp, wall } = both;
  say(both, wall, 77);
  for (const rig of [lamp, wall]) {
    rig.restart();
    const before = room.net.sent.length;
    say(both, wall, 80 + before);
    equal(lamp.level, 80 + before);
    equal(room.net.sent.length, before + 1);
  }
  lamp.restart();
  const shown = lamp.shown.length;
  for (const old of heard(both)) equal(verdict(lamp, old) === "accepted", false);
  equal(lamp.shown.length, shown);
});

test("an erased switch: its old messages are nobody's, and it is obeyed", () => {
  const watch = new NonceWatch();
  const both = two(watch);
  const { lamp } = both;
  say(both, both.wall, 77);
  const wall = erased(both, both.wall, watch);
  say(both, wall, 90);
  equal(lamp.level, 90);
  const shown = lamp.shown.length;
  for (const old of heard(both)) equal(verdict(lamp, old) === "accepted", false);
  equal(lamp.shown.length, shown);
});

test("an erased lamp asks for a new context instead of an ordinary request's answer", () => {
  const watch = new NonceWatch();
  const both = two(watch);
  const { room, wall } = both;
  say(both, wall, 77);
  say(both, wall, 78);
  const old = heard(both);
  const lamp = erased(both, both.lamp, watch);
  const before = room.net.sent.length;
  say(both, wall, 91);
  equal(lamp.level, 91);
  equal(room.net.sent.length, before + 3);
  for (const one of old) equal(verdict(lamp, one) === "accepted", false);
  equal(lamp.level, 91);
});

test("numbers that come to an end, or are lost, make a new context", () => {
  const both = two();
  const { room, lamp, wall } = both;
  say(both, wall, 77);
  setCounter(wall, SEQUENCE_MAX - 200);
  say(both, wall, 92);
  equal(lamp.level, 92);
  equal(room.net.sent.length, 6);
  // Two at once, from one address.
  room.clock.advance(2 * SECOND);
  setCounter(wall, undefined);
  say(both, wall, 93);
  equal(lamp.level, 93);
  equal(room.net.sent.length, 9);
});

test("two contexts a key and no more; the third takes the place of the oldest", () => {
  const watch = new NonceWatch();
  const both = two(watch);
  const { lamp, wall } = both;
  for (let level = 60; level < 64; level++) {
    say(both, wall, level);
    equal(lamp.level, level);
    both.room.clock.advance(5 * SECOND);
    setCounter(wall, SEQUENCE_MAX);
  }
  for (const rig of [lamp, wall]) equal(records(rig, KIND.DERIVED), 2);
  equal(records(lamp, KIND.REPLAY_ROW), 2);
  lamp.restart();
  equal(contextsOf(lamp).all.length, 2);
  equal(lamp.device.groups.recipients.associations().length, 2);
});

test("who sends old requests #1 again gets few answers, and nothing is written", () => {
  const both = two();
  const { room, lamp, wall } = both;
  say(both, wall, 77);
  const [first] = heard(both);
  room.clock.advance(10 * SECOND);
  const [flash, shown, sent] = [lamp.flash.snapshot(), lamp.shown.length, room.net.sent.length];
  for (let i = 0; i < 50; i++) verdict(lamp, first);
  equal(room.net.sent.length - sent, 2);
  room.clock.advance(3 * SECOND);
  for (let i = 0; i < 50; i++) verdict(lamp, first);
  equal(room.net.sent.length - sent, 3);
  equal([lamp.flash.snapshot(), lamp.shown.length], [flash, shown]);
  say(both, wall, 78);
  equal(lamp.level, 78, "who has a context is not held up");
});

/** The same, as somebody else on the network says it. */
function elsewhere({ from, ...datagram }: Datagram): Datagram {
  const address = from.address.slice();
  address[15] ^= 0x40;
  return { ...datagram, from: { ...from, address } };
}

test("one address does not use up what the peer needs, at either step", () => {
  const both = two();
  const { room, lamp, wall } = both;
  say(both, wall, 77);
  const first = elsewhere(heard(both)[0]);
  room.clock.advance(10 * SECOND);
  // From a port of its own each time.
  for (let i = 0; i < 60; i++) {
    const from = { ...first.from, port: 5000 + i };
    verdict(lamp, { ...first, from });
  }
  setCounter(wall, SEQUENCE_MAX);
  say(both, wall, 92);
  equal(lamp.level, 92);
  const { lamp: other, second } = halfway();
  const forged = elsewhere(withBytes(second, flip(second.bytes.length - 1)));
  for (let i = 0; i < 60; i++) equal(verdict(other, forged), "unknownKey");
  equal(verdict(other, second), "accepted");
});

test("a request #1 that does not open is not answered", () => {
  const both = two();
  const { room, lamp, wall } = both;
  say(both, wall, 77);
  const [first] = heard(both);
  room.clock.advance(10 * SECOND);
  const sent = room.net.sent.length;
  const forged = withBytes(first, flip(first.bytes.length - 1));
  equal(verdict(lamp, forged), "unknownKey");
  equal(room.net.sent.length, sent);
});

/** A lamp that answered a request #1, and the request #2 that never came. */
function halfway(): Two & { readonly second: Datagram } {
  const both = two();
  const { room } = both;
  room.net.fate = (_sent, _receiver, index) => (index === 2 ? [] : [1000]);
  say(both, both.wall, 77);
  equal(both.lamp.level, 254);
  equal(room.net.sent.length, 3);
  return { ...both, second: heard(both)[1] };
}

test("a lost request #2 is made up for by the next one", () => {
  const both = halfway();
  say(both, both.wall, 78);
  equal(both.lamp.level, 78);
  equal(both.room.net.sent.length, 4);
});

test("guesses at a request #2 are few, and nothing is written before one opens", () => {
  const { room, lamp, second } = halfway();
  const flash = lamp.flash.snapshot();
  const forged = withBytes(second, flip(second.bytes.length - 1));
  for (let i = 0; i < 4; i++) equal(verdict(lamp, forged), "unknownKey");
  equal(lamp.flash.snapshot(), flash);
  equal(records(lamp, KIND.DERIVED), 0);
  // Whoever heard the R2 can keep its owner waiting, for a second.
  equal(verdict(lamp, second) === "accepted", false);
  room.clock.advance(2 * SECOND);
  equal(verdict(lamp, second), "accepted");
  equal(lamp.level, 77);
  equal(verdict(lamp, second), "replayed");
});

test("guesses at requests #1 do not keep a request #2 out", () => {
  const { lamp, second } = halfway();
  const strange = withBytes(second, (bytes) => {
    // In R2, so it is none of ours.
    bytes[bytes.indexOf(0x18, 5) + 2] ^= 1;
  });
  for (let i = 0; i < 10; i++) equal(verdict(lamp, strange), "unknownKey");
  equal(verdict(lamp, second), "accepted");
});

test("an R2 is good for the time of an exchange", () => {
  const { room, lamp, second } = halfway();
  room.clock.advance(RUN_MICROS + SECOND);
  equal(verdict(lamp, second) === "accepted", false);
  equal(records(lamp, KIND.DERIVED), 0);
});

test("a request #1 that was sent to many is nobody's", () => {
  const room = new Room();
  const many = new Guild({
    profile: "oscore",
    id: 5,
    members: [SWITCH, LAMP],
    policy: [RENEGOTIATE],
  });
  const lamp = room.luminaire(LAMP, { guilds: [many], rights: RIGHTS });
  const wall = room.switch(SWITCH, { guilds: [many], target: many.appGroup });
  wall.device.command({ on: true, level: 77 });
  room.clock.advance(SECOND);
  equal([lamp.count("unknownKey"), room.net.sent.length], [1, 1]);
});

test("both ends begin at once: each has both contexts, and is obeyed", () => {
  const watch = new NonceWatch();
  const room = new Room();
  const part = (number: number, peer: number) => {
    const guild = new Pair(number, peer, [RENEGOTIATE]);
    const { appGroup } = guild;
    const rights = [[peer, null, 2]] as const;
    return { guilds: [guild], rights, target: appGroup, crypto: watch.crypto() };
  };
  const one = room.switch(1, part(1, 2));
  const other = room.switch(2, part(2, 1));
  const accepted = () => [one.count("accepted"), other.count("accepted")];
  one.device.command({ on: true });
  other.device.command({ on: true });
  room.clock.advance(SECOND);
  equal([contextsOf(one).all.length, contextsOf(other).all.length], [2, 2]);
  const before = accepted();
  one.device.command({ on: false });
  room.clock.advance(SECOND);
  other.device.command({ on: false });
  room.clock.advance(SECOND);
  equal(accepted(), [before[0] + 1, before[1] + 1]);
});

test("a command held back under the context before is older than any under the next", () => {
  const both = two();
  const { room, lamp, wall } = both;
  say(both, wall, 77);
  room.net.fate = () => [];
  say(both, wall, 10);
  const held = heard(both).at(-1) as Datagram;
  room.net.fate = () => [1000];
  setCounter(wall, SEQUENCE_MAX);
  say(both, wall, 99);
  equal(lamp.level, 99);
  equal(verdict(lamp, held), "outOfOrder");
  equal(lamp.level, 99);
});

test("rights are those of the kid, whichever context it is", () => {
  for (const [level, wanted] of [
    [2, "forbidden"],
    [3, "accepted"],
  ] as const) {
    const both = two(new NonceWatch(), { rights: [[SWITCH, null, level]] });
    const { room, lamp, wall } = both;
    const [appGroup] = [...wall.device.groups.directory.appGroups()].filter(({ id }) => id > 100);
    const sealed = () =>
      wall.device.groups.schemes?.seal({
        header: { type: CON, mid: room.net.sent.length, token: Uint8Array.of(1, 2, 3, 4) },
        inner: { code: PUT, options: pathOptions("par/power"), payload: Uint8Array.of(0x31) },
        clear: [],
        appGroup,
        association: undefined,
        to: appGroup,
        request: undefined,
        peer: Uint8Array.of(LAMP),
      });
    say(both, wall, 77);
    const made = sealed();
    if (made?.ok !== true) throw new Error("not sealed");
    const { bytes } = made.value;
    const put = { from: { ...appGroup, address: wall.port.address }, to: appGroup, bytes };
    equal(verdict(lamp, { ...put, atMicros: 0 }), wanted);
  }
});

test("a command of the old context is not taken for response #1, nor anything but a 4.01", () => {
  const both = two();
  const { room, wall } = both;
  room.net.fate = () => [];
  say(both, wall, 77);
  equal(wall.count("sent"), 1);
  const junk = datagram(room.net.sent[0]);
  for (let i = 0; i < 20; i++) {
    const bytes = junk.bytes.slice();
    bytes[1] = 0x44;
    equal(verdict(wall, { ...junk, bytes, from: junk.to, to: junk.from }), "unsolicited");
  }
  equal(records(wall, KIND.DERIVED), 0);
});

test("a flash that refuses the new context: nothing is sent or obeyed under it", () => {
  const both = two();
  const { lamp, wall, room } = both;
  lamp.flash.refuses = () => true;
  say(both, wall, 77);
  equal(lamp.level, 254);
  lamp.flash.refuses = undefined;
  room.clock.advance(3 * SECOND);
  say(both, wall, 78);
  equal(lamp.level, 78);
  setCounter(wall, SEQUENCE_MAX);
  wall.flash.refuses = () => true;
  room.clock.advance(3 * SECOND);
  say(both, wall, 79);
  equal(lamp.level, 78);
});

test("Echo and a new context: one question each, and request #2 answers both", () => {
  const watch = new NonceWatch();
  const room = new Room();
  const part = (number: number) => {
    const policy = [[7, 2], RENEGOTIATE] as const;
    const guild = new Pair(number, number === LAMP ? SWITCH : LAMP, policy);
    const more = number === LAMP ? {} : { target: guild.appGroup };
    return { ...specOf(number, watch), guilds: [guild], ...more };
  };
  const lamp = room.luminaire(LAMP, part(LAMP));
  const wall = room.switch(SWITCH, part(SWITCH));
  const both = { room, lamp, wall };
  say(both, wall, 77);
  equal(lamp.level, 77);
  equal(room.net.sent.length, 3, "request #2 was made after a random value of the lamp's");
  lamp.restart();
  say(both, wall, 78);
  equal(lamp.level, 78);
  equal(room.net.sent.length, 6, "after a restart a 4.01 with an Echo");
});

test("a group of another scheme cannot renegotiate", () => {
  const room = new Room();
  const guild = new Pair(LAMP, SWITCH, [RENEGOTIATE]);
  const group = new Guild({ ...guild.spec, profile: "group-oscore-02" });
  throws(() => room.luminaire(LAMP, { guilds: [group] }), /renegotiate is for oscore/);
});

/** Commands through a first run, a second one and a restart, as far as the power lasts. */
function story(both: Two, levels: readonly number[]): void {
  const { room, wall } = both;
  for (const level of levels) {
    if (level === 72) setCounter(wall, SEQUENCE_MAX);
    wall.device.command({ on: true, level });
    room.clock.advance(3 * SECOND);
  }
}

for (const which of ["lamp", "wall"] as const) {
  test(`power cut at every write of the ${which}: no nonce, and nothing obeyed, twice`, () => {
    const levels = [70, 71, 72, 73];
    const whole = two();
    const start = whole[which].flash.operations;
    story(whole, levels);
    const end = whole[which].flash.operations;
    equal(end > start + 8, true);
    // All of them where it is quick, a slice on XS.
    const step = Math.ceil(1 / SCALE);
    let count = 0;
    for (let at = start + 1; at <= end; at++) {
      for (const fault of FAULTS) if (count++ % step === 0) cutAt(which, at, fault, levels);
    }
  });
}

function cutAt(
  which: "lamp" | "wall",
  at: number,
  fault: (typeof FAULTS)[number],
  levels: readonly number[],
): void {
  const both = two();
  const { room, lamp, wall } = both;
  const rig = both[which];
  rig.flash.cutAt(at, fault);
  const where = `${which}, operation ${at}, ${fault}`;
  try {
    story(both, levels);
  } catch (error) {
    if (!(error instanceof PowerCut)) throw error;
  }
  rig.flash.restart();
  rig.restart();
  room.clock.advance(200 * SECOND);
  for (const level of [80, 81]) say(both, wall, level);
  equal(lamp.level, 81, where);
  equal(records(lamp, KIND.DERIVED) <= 2, true, where);
  lamp.restart();
  const shown = lamp.shown.length;
  for (const old of heard(both)) {
    equal(verdict(lamp, old) === "accepted", false, where);
    room.clock.advance(SECOND);
  }
  equal(lamp.shown.length, shown, where);
}
