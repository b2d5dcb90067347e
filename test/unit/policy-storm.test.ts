/**
 * What a message of an outsider's, recorded and never delivered, or made up, can do to who asks
 * whether a sender is there (modules/groups/synchronise.ts) or for his key (repository.ts), and
 * what makes a server ask in schemes without an Echo.
 */
import type { Cbor } from "../../modules/cbor/encode.js";
import type { Datagram } from "../../modules/ports/datagram.js";
import { equal, test } from "../harness.js";
import { memberEndpoint } from "../support/craft.js";
import { Guild, type GuildSpec } from "../support/guild.js";
import {
  BOUND_ANSWERS,
  GROUPS,
  LAMP,
  lampIn,
  light,
  OTHER_SWITCH,
  SIGNED,
  SWITCH,
  verdict,
} from "../support/lamps.js";
import { type Rig, Room } from "../support/rig.js";

/** Without an option to be echoed: the sender is asked anything. */
const ASKED = ["oscoap-00", "dtls-record"];
const LISTENERS = 4;
const CHALLENGE = [
  [7, 2],
  [11, LISTENERS],
] as const;
/** Challenges of so few are over by then, and their answers have come. */
const SPREAD_MICROS = 400_000;
const SECOND = 1_000_000;
const OUTSIDER = 90;
const REPOSITORY = 9;

function guildOf(profile: string, more: Partial<GuildSpec> = {}): Guild {
  const members = [SWITCH, OTHER_SWITCH, LAMP];
  return new Guild({ profile, id: 5, members, policy: CHALLENGE, ...more });
}

interface Hall {
  readonly room: Room;
  readonly guild: Guild;
  readonly lamp: Rig;
  readonly wall: Rig;
  /** What the switch said while the lamp was without power; long ago. */
  readonly recorded: readonly Datagram[];
}

function hallOf(profile: string, count: number, more: Partial<GuildSpec> = {}): Hall {
  const room = new Room();
  const guild = guildOf(profile, more);
  const lamp = lampIn(room, guild);
  const { appGroup: target } = guild;
  const wall = room.switch(SWITCH, { guilds: [guild], target, rights: [] });
  const { fate } = room.net;
  room.net.fate = () => [];
  for (let i = 0; i < count; i++) wall.device.command({ on: false });
  room.net.fate = fate;
  const recorded = room.net.sent.map((sent) => ({ ...sent, atMicros: 0 }));
  room.clock.advance(100 * SECOND);
  return { room, guild, lamp, wall, recorded };
}

/** From where the outsider says he is. */
function replay({ lamp }: Hall, datagram: Datagram, number: number): void {
  const from = memberEndpoint(number);
  equal(verdict(lamp, { ...datagram, from }), "notSynchronised");
}

/** "Off", as the switch says it; and again in schemes that drop what they ask about. */
function press({ room, wall }: Hall, profile: string): void {
  wall.device.command({ on: false });
  room.clock.advance(SPREAD_MICROS);
  if (ASKED.includes(profile)) wall.device.command({ on: false });
  room.clock.advance(10_000);
}

function askedBy({ room }: Hall): number[] {
  const sent = room.net.sent.filter(({ from }) => from.address[15] === LAMP);
  return sent.map(({ to }) => to.address[15]);
}

for (const profile of SIGNED) {
  test(`${profile}: a recorded message does not hold off the sender's own challenge`, () => {
    const hall = hallOf(profile, 1);
    replay(hall, hall.recorded[0], OUTSIDER);
    hall.room.clock.advance(SPREAD_MICROS);
    equal(askedBy(hall), [OUTSIDER]);
    press(hall, profile);
    equal([hall.lamp.level, askedBy(hall)], [0, [OUTSIDER, SWITCH]]);
  });

  test(`${profile}: nor do many, from many addresses, before and after his own`, () => {
    const hall = hallOf(profile, 24);
    const { room, lamp, wall, recorded } = hall;
    for (let i = 0; i < 12; i++) {
      replay(hall, recorded[i], OUTSIDER + i);
      room.clock.advance(SPREAD_MICROS);
    }
    const before = askedBy(hall).length;
    equal(before > 4 && before <= 9, true, `${before}: a few at once, then one a second`);
    room.clock.advance(10 * SECOND);
    // The answer takes its time.
    const { fate } = room.net;
    room.net.fate = (sent) => [sent.from.address[15] === LAMP ? SPREAD_MICROS : 1000];
    wall.device.command({ on: false });
    room.clock.advance(2000);
    for (let i = 12; i < 18; i++) replay(hall, recorded[i], OUTSIDER + i);
    room.clock.advance(SPREAD_MICROS);
    for (let i = 18; i < 24; i++) replay(hall, recorded[i], OUTSIDER + i);
    room.clock.advance(SPREAD_MICROS);
    room.net.fate = fate;
    if (ASKED.includes(profile)) wall.device.command({ on: false });
    room.clock.advance(10_000);
    equal(lamp.level, 0);
    equal(askedBy(hall).slice(before), [SWITCH]);
  });
}

for (const profile of BOUND_ANSWERS) {
  test(`${profile}: a recorded message in its sender's name holds him off for a second`, () => {
    const hall = hallOf(profile, 1);
    const { room, lamp, wall } = hall;
    replay(hall, hall.recorded[0], SWITCH);
    room.clock.advance(SPREAD_MICROS);
    wall.device.command({ on: false });
    room.clock.advance(SECOND);
    equal([lamp.level, askedBy(hall)], [254, [SWITCH]], "he may be about to answer");
    press(hall, profile);
    equal([lamp.level, askedBy(hall)], [0, [SWITCH, SWITCH]]);
  });
}

test("dtls-record: a recorded message brings the sender in, who answers any question", () => {
  const hall = hallOf("dtls-record", 1);
  replay(hall, hall.recorded[0], SWITCH);
  hall.room.clock.advance(SPREAD_MICROS);
  hall.wall.device.command({ on: false });
  hall.room.clock.advance(10_000);
  equal(hall.lamp.level, 0);
});

test("a message that waits for its challenge gives way to a newer one", () => {
  const hall = hallOf("group-oscore", 3);
  const { room, lamp, wall, recorded } = hall;
  const { to } = recorded[0];
  for (let i = 0; i < 3; i++) {
    const from = memberEndpoint(OUTSIDER + i);
    equal(verdict(lamp, { ...recorded[i], from, to }), "notSynchronised");
  }
  wall.device.command({ on: false });
  room.clock.advance(SPREAD_MICROS);
  equal(lamp.level, 0);
  equal(askedBy(hall), [SWITCH], "one challenge, to who spoke last");
});

for (const profile of ASKED) {
  test(`${profile}: challenge: after a restart, and anew when nobody answered`, () => {
    const hall = hallOf(profile, 0);
    const { room, lamp, wall } = hall;
    const say = (on: boolean) => {
      wall.device.command({ on });
      room.clock.advance(SECOND);
    };
    const { fate } = room.net;
    room.net.fate = (sent) => (sent.from.address[15] === LAMP ? [] : [1000]);
    say(false);
    equal([lamp.level, askedBy(hall).length], [254, 1], "who does not hear the question");
    room.net.fate = fate;
    room.clock.advance(6 * SECOND);
    say(false);
    equal([lamp.level, askedBy(hall).length], [254, 2]);
    say(false);
    equal([lamp.level, askedBy(hall).length], [0, 2]);
    lamp.restart();
    say(false);
    equal([lamp.level, askedBy(hall).length], [254, 3]);
    say(false);
    equal([lamp.level, askedBy(hall).length], [0, 3]);
  });

  test(`${profile}: challenge: after a gap in the numbers`, () => {
    const policy = [...CHALLENGE, [9, 10]] as const;
    const hall = hallOf(profile, 0, { policy });
    const { room, lamp, wall } = hall;
    const { fate } = room.net;
    const say = (on: boolean, lost: number) => {
      room.net.fate = () => [];
      for (let i = 0; i < lost; i++) wall.device.command({ on });
      room.net.fate = fate;
      wall.device.command({ on });
      room.clock.advance(SECOND);
    };
    say(false, 0);
    say(false, 10);
    equal([lamp.level, askedBy(hall).length], [0, 1], "ten left out");
    say(true, 11);
    equal([lamp.level, askedBy(hall).length], [0, 2], "eleven");
    say(true, 0);
    equal([lamp.level, askedBy(hall).length], [254, 2]);
  });

  test(`${profile}: challenge: a rekey ends it`, () => {
    const hall = hallOf(profile, 0);
    const { room, lamp, wall } = hall;
    const { keyring, directory, schemes } = lamp.device.groups;
    const security = directory.security(5);
    if (security === undefined) throw new Error("no group");
    wall.device.command({ on: false });
    room.clock.advance(1000);
    equal(schemes?.synchronisation?.count, 1);
    equal(keyring.install(security, hall.guild.offer(LAMP, 2)).ok, true);
    room.clock.advance(SECOND);
    equal([lamp.level, askedBy(hall).length], [254, 0]);
  });
}

for (const profile of GROUPS) {
  test(`${profile}: challenge: who only follows has the baseline`, () => {
    const room = new Room();
    const guild = guildOf(profile);
    const { appGroup: target } = guild;
    const rights = [[OTHER_SWITCH, target, 2]] as const;
    const wall = room.switch(SWITCH, { guilds: [guild], target, rights });
    const from = OTHER_SWITCH;
    equal(verdict(wall, guild.craft(light(40, { from }))), "notSynchronised");
    equal(verdict(wall, guild.craft(light(41, { from }))), "accepted");
    room.clock.advance(20 * SECOND);
    equal(room.net.sent.length, 0);
  });
}

test("a made-up id said to many: they ask for its key one after the other", () => {
  const room = new Room();
  const { address, port } = memberEndpoint(REPOSITORY);
  const repository = new Map<Cbor, Cbor>([
    [0, address],
    [1, port],
    [2, "ace-group/hall/creds"],
    [3, 8],
  ]);
  const lamps = Array.from({ length: 8 }, (_, index) => LAMP + index);
  const policy = [
    [10, repository],
    [11, 100],
  ] as const;
  const guild = new Guild({ profile: "group-oscore", id: 5, members: lamps, policy });
  const rigs = lamps.map((number) => {
    const channel = new Guild({ profile: "oscore", id: 8, members: [number, REPOSITORY] });
    return room.luminaire(number, { guilds: [guild, channel], rights: [] });
  });
  const whole = new Guild({ profile: "group-oscore", id: 5, members: [SWITCH, ...lamps] });
  const made = whole.craft(light(1));
  for (const rig of rigs) equal(verdict(rig, made), "unknownMember");
  room.clock.advance(10);
  equal(room.net.sent.length, 0);
  room.clock.advance(2 * SECOND);
  const early = room.net.sent.length;
  equal(early < lamps.length, true);
  // A hundred have 75 ms each, and 40 more beyond the sixteenth: 10.9 s.
  room.clock.advance(9 * SECOND);
  const askers = new Set(room.net.sent.map(({ from }) => from.address[15]));
  equal(askers.size, lamps.length, "all ask");
});

test("a sender has two challenges under way at most", () => {
  const hall = hallOf("group-oscore", 4);
  const { room, lamp, recorded } = hall;
  for (let i = 0; i < 4; i++) {
    replay(hall, recorded[i], OUTSIDER + i);
    room.clock.advance(SPREAD_MICROS);
  }
  equal(askedBy(hall).length, 4);
  equal(lamp.device.groups.schemes?.synchronisation?.count, 2);
});
