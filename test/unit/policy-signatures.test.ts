/** Requests that are acted on before their signature is verified (modules/groups/unverified.ts). */
import { GET } from "../../modules/coap/options.js";
import { statusOf } from "../../modules/device/status.js";
import { UNVERIFIED_MAX } from "../../modules/groups/unverified.js";
import { encodeCommand } from "../../modules/lighting/command.js";
import { equal, test, throws } from "../harness.js";
import { OFF, ON, pathOptions } from "../support/craft.js";
import { CHANGES, DEFER, Guild, type GuildCraft, type GuildSpec } from "../support/guild.js";
import { LAMP, light, SIGNED, SWITCH, verdict } from "../support/lamps.js";
import { type Rig, Room } from "../support/rig.js";

const FORGER = 2;
const MEMBERS = [SWITCH, FORGER, LAMP];

function guildOf(profile: string, more: Partial<GuildSpec> = {}): Guild {
  return new Guild({ profile, id: 5, members: MEMBERS, policy: DEFER, ...more });
}

function lampIn(room: Room, ...guilds: Guild[]): Rig {
  const rights = guilds.flatMap(({ appGroup }) =>
    [SWITCH, FORGER].map((client) => [client, appGroup, 2] as const),
  );
  return room.luminaire(LAMP, { guilds, rights, settings: [[0, 0]] });
}

/** Says it is from the switch, and is signed by another member. */
function forged(sequence: number, payload: Uint8Array = ON): GuildCraft {
  return light(sequence, { signer: FORGER, payload });
}

function counts(rig: Rig): number[] {
  return [rig.count("unverified"), rig.count("verified"), rig.count("forged")];
}

const LATER = 200_000;

for (const profile of SIGNED) {
  test(`${profile}: defer: obeyed with the group's proof, verified when there is time`, () => {
    const room = new Room();
    const guild = guildOf(profile);
    const lamp = lampIn(room, guild);
    equal(verdict(lamp, guild.craft(forged(1))), "forged", "a first contact is verified first");
    equal(verdict(lamp, guild.craft(light(2, { payload: OFF }))), "accepted");
    equal(lamp.device.groups.schemes?.proof.by, "member");
    equal(counts(lamp), [0, 0, 1]);
    const before = lamp.signatures.verified;
    equal(verdict(lamp, guild.craft(light(3))), "accepted");
    equal([lamp.level, lamp.signatures.verified - before], [254, 0]);
    equal(lamp.device.groups.schemes?.proof.by, "group");
    equal(counts(lamp), [1, 0, 1]);
    equal(verdict(lamp, guild.craft(light(3))), "replayed", "marked all the same");
    room.clock.advance(LATER);
    equal(counts(lamp), [1, 1, 1]);
    lamp.restart();
    equal(verdict(lamp, guild.craft(forged(4))), "forged", "so is the first after a restart");
  });

  test(`${profile}: defer: a number far beyond what was verified is verified first`, () => {
    const room = new Room();
    const guild = guildOf(profile);
    const lamp = lampIn(room, guild);
    const { window } = guild.profile;
    equal(verdict(lamp, guild.craft(light(10))), "accepted");
    equal(verdict(lamp, guild.craft(forged(10 + window + 1))), "forged");
    equal(verdict(lamp, guild.craft(forged(10 + window, OFF))), "accepted");
    equal(counts(lamp), [1, 0, 1]);
    equal(verdict(lamp, guild.craft(light(11))), "accepted", "nothing of the member is lost");
  });
}

test("defer: a forgery is counted, and from then on everything is verified first", () => {
  const room = new Room();
  const guild = guildOf("group-oscore");
  const lamp = lampIn(room, guild);
  equal(verdict(lamp, guild.craft(light(10))), "accepted");
  equal(verdict(lamp, guild.craft(forged(12, OFF))), "accepted");
  equal(lamp.level, 0);
  room.clock.advance(LATER);
  equal(counts(lamp), [1, 0, 1]);
  equal(verdict(lamp, guild.craft(forged(13, OFF))), "forged");
  equal(verdict(lamp, guild.craft(light(14))), "accepted");
  equal(counts(lamp), [1, 0, 2]);
  room.clock.advance(3_700_000_000);
  equal(verdict(lamp, guild.craft(light(15))), "accepted");
  equal(counts(lamp), [2, 0, 2], "after an hour of it");
});

test("defer: what was forged overtakes nothing once it is known", () => {
  const room = new Room();
  const guild = guildOf("group-oscore");
  const lamp = lampIn(room, guild);
  equal(verdict(lamp, guild.craft(light(10))), "accepted");
  equal(verdict(lamp, guild.craft(forged(20, OFF))), "accepted");
  room.clock.advance(LATER);
  equal(verdict(lamp, guild.craft(light(11))), "accepted");
  equal(lamp.level, 254);
});

test("defer: before it overtakes a message, it is verified", () => {
  const room = new Room();
  const guild = guildOf("group-oscore");
  const lamp = lampIn(room, guild);
  equal(verdict(lamp, guild.craft(light(10))), "accepted");
  equal(verdict(lamp, guild.craft(forged(20, OFF))), "accepted");
  equal(verdict(lamp, guild.craft(light(11))), "accepted");
  equal(lamp.level, 254);
  equal(verdict(lamp, guild.craft(light(15, { payload: OFF }))), "accepted");
  equal(verdict(lamp, guild.craft(light(14))), "outOfOrder", "the genuine ones keep their order");
  equal(lamp.level, 0);
});

test("defer: a few wait, and what comes when they are many is verified first", () => {
  const room = new Room();
  const guild = guildOf("group-oscore");
  const lamp = lampIn(room, guild);
  equal(verdict(lamp, guild.craft(light(10))), "accepted");
  for (let i = 0; i < UNVERIFIED_MAX; i++) {
    equal(verdict(lamp, guild.craft(light(11 + i))), "accepted");
  }
  equal(verdict(lamp, guild.craft(forged(30))), "forged");
  equal(counts(lamp), [UNVERIFIED_MAX, 0, 1]);
  room.clock.advance(1_000_000);
  equal(counts(lamp), [UNVERIFIED_MAX, UNVERIFIED_MAX, 1]);
});

test("defer: while messages come there is no time to verify", () => {
  const room = new Room();
  const guild = guildOf("group-oscore");
  const lamp = lampIn(room, guild);
  for (let i = 0; i < 5; i++) {
    equal(verdict(lamp, guild.craft(light(10 + i))), "accepted");
    room.clock.advance(60_000);
  }
  equal(counts(lamp), [4, 0, 0]);
  room.clock.advance(LATER);
  equal(counts(lamp), [4, 4, 0]);
});

test("changes: verified first when something would be different", () => {
  const room = new Room();
  const guild = guildOf("group-oscore", { policy: CHANGES });
  const lamp = lampIn(room, guild);
  const say = (sequence: number, command: Parameters<typeof encodeCommand>[0]) =>
    verdict(lamp, guild.craft(forged(sequence, encodeCommand(command))));
  equal(
    verdict(lamp, guild.craft(light(10, { payload: encodeCommand({ level: 100 }) }))),
    "accepted",
  );
  const different = [
    { on: false },
    { level: 0 },
    { level: 99 },
    { mired: 200 },
    { x: 1000, y: 1000 },
    { on: false, level: 100 },
  ];
  for (const command of different) equal(say(11, command), "forged", JSON.stringify(command));
  const same = [
    { on: true },
    { level: 100 },
    { mired: 370 },
    { on: true, level: 100 },
    { scene: 9 },
  ];
  same.forEach((command, index) => {
    const expected = command.scene === undefined ? "accepted" : "unsupported";
    equal(say(20 + index, command), expected, JSON.stringify(command));
  });
  equal(lamp.level, 100);
  const reads = { from: SWITCH, signer: FORGER, code: GET, options: pathOptions("3311/0/5850") };
  equal(verdict(lamp, guild.craft({ ...reads, sequence: 30 })), "accepted");
  const fading = encodeCommand({ level: 50, fadeTenths: 100 });
  equal(verdict(lamp, guild.craft(light(31, { payload: fading }))), "accepted");
  equal(say(32, { level: 50 }), "forged", "a fade would begin anew");
});

test("changes: what nobody verified overtakes nothing unseen", () => {
  const room = new Room();
  const guild = guildOf("group-oscore", { policy: CHANGES });
  const lamp = lampIn(room, guild);
  equal(verdict(lamp, guild.craft(light(10))), "accepted");
  for (const sequence of [15, 16, 17]) {
    equal(verdict(lamp, guild.craft(forged(sequence))), "accepted");
  }
  room.clock.advance(10_000_000);
  equal(counts(lamp), [3, 0, 0], "nobody looks");
  equal(verdict(lamp, guild.craft(light(12, { payload: OFF }))), "accepted");
  equal([lamp.level, lamp.count("forged")], [0, 1], "until it matters");
});

test("a group that accepts nothing unverified beside one that does", () => {
  const room = new Room();
  const open = guildOf("group-oscore-02");
  const strict = guildOf("group-oscore-02", { id: 6, policy: [[6, 0]] });
  const lamp = lampIn(room, open, strict);
  for (const guild of [open, strict]) equal(verdict(lamp, guild.craft(light(1))), "accepted");
  equal(verdict(lamp, strict.craft(forged(2))), "forged");
  equal(verdict(lamp, open.craft(forged(2))), "accepted");
  equal(
    statusOf(lamp.device).groups.map(({ id, unverified }) => [id, unverified]),
    [
      [1, undefined],
      [open.appGroup, "defer"],
      [strict.appGroup, undefined],
    ],
    "and the device says so",
  );
});

test("unverified: refused unless the installation says that it is accepted", () => {
  const room = new Room();
  for (const signatures of [1, 2]) {
    const guild = guildOf("group-oscore", { policy: [[6, signatures]] });
    throws(() => lampIn(room, guild), /securityGroups.*acceptUnverified: true expected/);
  }
});
