/** Whether a sender's numbers are fresh (modules/groups/synchronise.ts), by each policy. */
import { ECHO, GET } from "../../modules/coap/options.js";
import type { Association } from "../../modules/groups/directory.js";
import {
  CHALLENGES_MAX,
  type Challenge,
  Synchronisation,
} from "../../modules/groups/synchronise.js";
import { equal, test } from "../harness.js";
import { memberEndpoint, OFF, pathOptions } from "../support/craft.js";
import { Guild, type GuildCraft, type GuildSpec } from "../support/guild.js";
import { LAMP, light, OTHER_SWITCH, SWITCH, verdict } from "../support/lamps.js";
import { SeededRandom } from "../support/random.js";
import { type Rig, Room, type Spec } from "../support/rig.js";

const ECHOED = ["multicast-oscore-04", "group-oscore-02", "group-oscore"];
/** Without an option to be echoed: the sender is asked anything. */
const ASKED = ["oscoap-00", "dtls-record"];
const GROUPS = [...ECHOED, ...ASKED];

const BASELINE = [[7, 1]] as const;
const CHALLENGE = [[7, 2]] as const;

const MEMBERS = [SWITCH, OTHER_SWITCH, LAMP];

function guildOf(profile: string, more: Partial<GuildSpec> = {}): Guild {
  return new Guild({ profile, id: 5, members: MEMBERS, policy: CHALLENGE, ...more });
}

function rightsIn(guild: Guild): NonNullable<Spec["rights"]> {
  return guild.spec.members.map((client) => [client, guild.appGroup, 2] as const);
}

function lampIn(room: Room, guild: Guild, number = LAMP, more: Partial<Spec> = {}): Rig {
  const settings = [[0, 0]] as const;
  return room.luminaire(number, { guilds: [guild], rights: rightsIn(guild), settings, ...more });
}

function switchIn(room: Room, guild: Guild): Rig {
  const { appGroup: target } = guild;
  return room.switch(SWITCH, { guilds: [guild], target, rights: rightsIn(guild) });
}

/** A switch's first command, which the lamp holds back, and what becomes of it. */
function heldBack(room: Room, profile: string): { lamp: Rig; wall: Rig } {
  const guild = guildOf(profile);
  const lamp = lampIn(room, guild);
  const wall = switchIn(room, guild);
  wall.device.command({ on: false });
  room.clock.advance(10_000);
  equal([lamp.level, lamp.count("notSynchronised")], [254, 1]);
  room.clock.advance(6 * SECOND);
  return { lamp, wall };
}

/** What the lamp asks for, as it asks. */
function challengesOf(rig: Rig): Challenge[] {
  const made: Challenge[] = [];
  const { synchronisation } = rig.device.groups.schemes ?? {};
  if (synchronisation === undefined) throw new Error("no policy");
  const begin = synchronisation.begin.bind(synchronisation);
  synchronisation.begin = (...asked) => {
    const challenge = begin(...asked);
    if (challenge !== undefined && !made.includes(challenge)) made.push(challenge);
    return challenge;
  };
  return made;
}

/** The answer to a challenge. */
function retry(sequence: number, { echo }: Challenge, more: Partial<GuildCraft> = {}): GuildCraft {
  const options = [...pathOptions("l"), { number: ECHO, value: echo }];
  return light(sequence, { to: memberEndpoint(LAMP), options, ...more });
}

const SECOND = 1_000_000;

for (const profile of GROUPS) {
  test(`${profile}: best effort: the first message is obeyed`, () => {
    const room = new Room();
    const guild = guildOf(profile, { policy: [[7, 0]] });
    const lamp = lampIn(room, guild);
    equal(verdict(lamp, guild.craft(light(40))), "accepted");
    equal(verdict(lamp, guild.craft(light(4000))), "accepted");
  });

  test(`${profile}: baseline: the first message is the reference, and no more`, () => {
    const room = new Room();
    const guild = guildOf(profile, { policy: [...BASELINE, [9, 100]] });
    const lamp = lampIn(room, guild);
    equal(verdict(lamp, guild.craft(light(40, { payload: OFF }))), "notSynchronised");
    equal(lamp.level, 254);
    equal(verdict(lamp, guild.craft(light(40))), "replayed", "used up");
    equal(verdict(lamp, guild.craft(light(39))), "replayed", "what may have been held back");
    equal(verdict(lamp, guild.craft(light(41, { payload: OFF }))), "accepted");
    equal(verdict(lamp, guild.craft(light(142))), "accepted", "a hundred numbers left out");
    equal(verdict(lamp, guild.craft(light(244, { payload: OFF }))), "notSynchronised", "one more");
    equal(verdict(lamp, guild.craft(light(243))), "replayed");
    equal(verdict(lamp, guild.craft(light(245, { payload: OFF }))), "accepted");
    room.clock.advance(3 * SECOND);
    lamp.restart();
    equal(verdict(lamp, guild.craft(light(246))), "notSynchronised", "after a restart");
    equal(verdict(lamp, guild.craft(light(247))), "accepted");
    equal(room.net.sent.length, 0, "nobody is asked");
  });

  test(`${profile}: what only reads is answered whatever its number`, () => {
    const room = new Room();
    const guild = guildOf(profile, { policy: BASELINE });
    const lamp = lampIn(room, guild);
    const read = { from: SWITCH, code: GET, options: pathOptions("3311/0/5850") };
    equal(verdict(lamp, guild.craft({ ...read, sequence: 5 })), "accepted");
    equal(verdict(lamp, guild.craft(light(6))), "notSynchronised", "and is no reference");
  });

  test(`${profile}: challenge: a device that only listens falls back to the baseline`, () => {
    const room = new Room();
    const guild = guildOf(profile, { silent: [LAMP] });
    const lamp = lampIn(room, guild);
    equal(verdict(lamp, guild.craft(light(40))), "notSynchronised");
    equal(verdict(lamp, guild.craft(light(41))), "accepted");
    room.clock.advance(20 * SECOND);
    equal(room.net.sent.length, 0);
  });
}

for (const profile of ECHOED) {
  test(`${profile}: challenge: the switch says it again, to the lamp that asks`, () => {
    const room = new Room();
    const { lamp, wall } = heldBack(room, profile);
    equal([lamp.level, lamp.count("accepted")], [0, 1]);
    const { proof } = lamp.device.groups.schemes ?? {};
    equal(proof?.by, profile === "group-oscore" ? "pairwise" : "member");
    equal(room.net.sent.length, 3, "command, challenge, command");
    wall.device.command({ on: true });
    room.clock.advance(10_000);
    equal([lamp.level, room.net.sent.length], [254, 4], "from then on he is known");
  });

  test(`${profile}: challenge: a lamp that asks first reports all the same`, () => {
    const room = new Room();
    const guild = guildOf(profile);
    lampIn(room, guild);
    const wall = switchIn(room, guild);
    const reported: string[] = [];
    wall.device.onReports = (all) => void reported.push(...all.map(({ result }) => result));
    wall.device.command({ on: false, report: true });
    room.clock.advance(10 * SECOND);
    equal(reported, ["ok"]);
  });

  test(`${profile}: challenge: an answer of somebody else, or to something else`, () => {
    const room = new Room();
    const guild = guildOf(profile);
    const lamp = lampIn(room, guild);
    const made = challengesOf(lamp);
    equal(verdict(lamp, guild.craft(light(40))), "notSynchronised");
    equal(verdict(lamp, guild.craft(light(50, { from: OTHER_SWITCH }))), "notSynchronised");
    const [first, second] = made;
    const held = (wish: GuildCraft, why: string) =>
      equal(verdict(lamp, guild.craft(wish)), "notSynchronised", why);
    held(retry(51, first, { from: OTHER_SWITCH }), "another member's value");
    held(retry(41, second), "and the other way round");
    held(retry(42, first, { to: guild.group }), "sent to many");
    held(retry(43, first, { source: memberEndpoint(9) }), "from another address");
    held(retry(44, { ...first, echo: first.echo.slice(1) }), "cut short");
    held(light(45), "nothing echoed");
    equal(lamp.level, 254);
    equal(verdict(lamp, guild.craft(retry(46, first, { payload: OFF }))), "accepted");
    equal(lamp.level, 0);
    held(retry(47, first), "twice");
    equal(verdict(lamp, guild.craft(light(48))), "accepted");
    equal(lamp.level, 254);
  });

  test(`${profile}: challenge: what is older than its answer counts as seen`, () => {
    const room = new Room();
    const guild = guildOf(profile);
    const lamp = lampIn(room, guild);
    const made = challengesOf(lamp);
    equal(verdict(lamp, guild.craft(light(40))), "notSynchronised");
    equal(verdict(lamp, guild.craft(retry(50, made[0]))), "accepted");
    equal(verdict(lamp, guild.craft(light(45, { payload: OFF }))), "replayed");
    equal(verdict(lamp, guild.craft(light(51, { payload: OFF }))), "accepted");
  });

  test(`${profile}: challenge: over after its time, and made anew with the next message`, () => {
    const room = new Room();
    const guild = guildOf(profile);
    const lamp = lampIn(room, guild);
    const made = challengesOf(lamp);
    const say = (wish: GuildCraft) => verdict(lamp, guild.craft(wish));
    equal(say(light(40)), "notSynchronised");
    room.clock.advance(SECOND);
    equal(say(light(41)), "notSynchronised");
    equal(made.length, 1, "one at a time");
    room.clock.advance(20 * SECOND);
    equal(say(retry(42, made[0])), "notSynchronised", "too late");
    equal(say(light(43)), "notSynchronised");
    equal(made.length, 2);
    equal(say(retry(44, made[0])), "notSynchronised", "the old value");
    equal(say(retry(45, made[1])), "accepted");
    lamp.restart();
    equal(say(light(46)), "notSynchronised", "after a restart");
  });

  test(`${profile}: challenge: after a gap in the numbers`, () => {
    const room = new Room();
    const guild = guildOf(profile, { policy: [...CHALLENGE, [9, 10]] });
    const lamp = lampIn(room, guild);
    const made = challengesOf(lamp);
    const say = (wish: GuildCraft) => verdict(lamp, guild.craft(wish));
    equal(say(light(40)), "notSynchronised");
    equal(say(retry(41, made[0])), "accepted");
    equal(say(light(52)), "accepted", "ten left out");
    equal(say(light(64)), "notSynchronised", "eleven");
    equal(say(light(65)), "notSynchronised", "until he answers");
    equal(say(retry(66, made[1])), "accepted");
    equal(say(light(67)), "accepted");
  });

  test(`${profile}: challenge: a rekey ends it`, () => {
    const room = new Room();
    const guild = guildOf(profile);
    const lamp = lampIn(room, guild);
    const made = challengesOf(lamp);
    const { keyring, directory } = lamp.device.groups;
    const security = directory.security(5);
    if (security === undefined) throw new Error("no group");
    equal(verdict(lamp, guild.craft(light(40))), "notSynchronised");
    equal(keyring.install(security, guild.offer(LAMP, 2)).ok, true);
    equal(verdict(lamp, guild.craft(retry(41, made[0]))), "notSynchronised", "under the old key");
    equal(verdict(lamp, guild.craft(retry(1, made[0]), 2)), "notSynchronised", "under the new");
    equal(verdict(lamp, guild.craft(light(2), 2)), "notSynchronised");
    equal(verdict(lamp, guild.craft(retry(42, made[1]))), "notSynchronised", "under another key");
    equal(verdict(lamp, guild.craft(retry(3, made[1]), 2)), "accepted");
  });
}

for (const profile of ASKED) {
  test(`${profile}: challenge: the switch is asked, and its answer is the reference`, () => {
    const room = new Room();
    const { lamp, wall } = heldBack(room, profile);
    equal([lamp.level, room.net.sent.length], [254, 3], "command, question, answer");
    wall.device.command({ on: false });
    room.clock.advance(10_000);
    equal([lamp.level, room.net.sent.length], [0, 4]);
  });

  test(`${profile}: challenge: only the sender answers for his numbers, by the same key`, () => {
    const room = new Room();
    const guild = guildOf(profile);
    const lamp = lampIn(room, guild);
    const made = challengesOf(lamp);
    const { groups } = lamp.device;
    equal(verdict(lamp, guild.craft(light(40))), "notSynchronised");
    const { association, row, from, multicast } = groups.arriving;
    const message = { association, row, from, multicast, option: { sequence: 41 } };
    const answered = (sender: number, said: typeof message) => {
      groups.schemes?.synchronisation?.answered(made[0], said, guild.idOf(sender));
    };
    answered(OTHER_SWITCH, message);
    equal(verdict(lamp, guild.craft(light(42))), "notSynchronised", "another member");
    answered(SWITCH, { ...message, association: { ...association } });
    equal(verdict(lamp, guild.craft(light(43))), "notSynchronised", "another key");
    answered(SWITCH, message);
    equal(verdict(lamp, guild.craft(light(44))), "accepted");
  });
}

test("challenges of many lamps are spread over a time that grows with their number", () => {
  const room = new Room();
  const lamps = Array.from({ length: 10 }, (_, index) => LAMP + index);
  const others = Array.from({ length: 88 }, (_, index) => 100 + index);
  const members = [SWITCH, ...lamps, ...others];
  const guild = guildOf("group-oscore", { members, policy: [...CHALLENGE, [11, 98]] });
  const rights = [[SWITCH, guild.appGroup, 2]] as const;
  const rigs = lamps.map((number) => lampIn(room, guild, number, { rights }));
  const target = guild.appGroup;
  const wall = room.switch(SWITCH, { guilds: [guild], target, rights: [] });
  const start = room.clock.micros();
  wall.device.command({ on: false });
  room.clock.advance(15 * SECOND);
  equal(
    rigs.map(({ level }) => level),
    lamps.map(() => 0),
  );
  const asked = room.net.sent.filter(({ from }) => from.address[15] !== SWITCH);
  equal(asked.length, lamps.length, "one of each");
  const delays = asked.map(({ atMicros }) => (atMicros - start) / SECOND);
  equal(delays.filter((delay) => delay > 5).length > 0, true, "beyond the usual leisure");
  equal(Math.max(...delays) < 10.7, true, "75 ms of each, and 40 ms more of each beyond 16");
});

test("a small room's challenges are over before anybody wonders, whatever the leisure", () => {
  const room = new Room();
  const lamps = Array.from({ length: 4 }, (_, index) => LAMP + index);
  const members = [SWITCH, ...lamps];
  const guild = guildOf("group-oscore", { members, policy: [...CHALLENGE, [11, 4]] });
  const rigs = lamps.map((number) => lampIn(room, guild, number, { rights: rightsIn(guild) }));
  const target = guild.appGroup;
  const wall = room.switch(SWITCH, { guilds: [guild], target, rights: [] });
  wall.device.command({ on: false });
  room.clock.advance(0.4 * SECOND);
  equal(
    rigs.map(({ level }) => level),
    lamps.map(() => 0),
  );
});

test("a lamp asks a few at once, then one a second", () => {
  const room = new Room();
  const senders = Array.from({ length: 30 }, (_, index) => 100 + index);
  const guild = guildOf("group-oscore", { members: [LAMP, ...senders] });
  const lamp = lampIn(room, guild, LAMP, { rights: [] });
  const made = challengesOf(lamp);
  const say = (from: number) => verdict(lamp, guild.craft(light(1, { from })));
  for (const from of senders.slice(0, 6)) equal(say(from), "notSynchronised");
  equal(made.length, 4);
  room.clock.advance(SECOND);
  for (const from of senders.slice(6, 10)) equal(say(from), "notSynchronised");
  equal(made.length, 5);
  for (const from of senders.slice(10)) {
    room.clock.advance(500_000);
    equal(say(from), "notSynchronised");
  }
});

test("a lamp remembers so many challenges, the oldest goes", () => {
  const room = new Room();
  const guild = guildOf("group-oscore");
  const { groups } = lampIn(room, guild).device;
  equal(groups.schemes?.synchronisation?.count, 0);
  const { recipients, arriving } = groups;
  const { clock } = room;
  const unlimited = { rate: { take: () => true }, follows: () => false };
  const parts = { clock, random: new SeededRandom(1), recipients, ...unlimited };
  const synchronisation = new Synchronisation(parts);
  const sent: number[] = [];
  arriving.begin(guild.craft(light(1)));
  arriving.association = groups.directory.security(5)?.associations[0] as Association;
  for (let i = 0; i < CHALLENGES_MAX + 4; i++) {
    const asking = { leisureMicros: SECOND, say: () => void sent.push(i) };
    synchronisation.begin(arriving, Uint8Array.of(i), asking);
  }
  equal(synchronisation.count, CHALLENGES_MAX);
  clock.advance(2 * SECOND);
  equal(Math.min(...sent), 4);
  equal(sent.length, CHALLENGES_MAX);
});
