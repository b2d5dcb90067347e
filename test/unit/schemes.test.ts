/** Devices in groups of schemes with a key for each member, in one room. */
import { CON } from "../../modules/coap/message.js";
import { GET, PUT } from "../../modules/coap/options.js";
import type { MemberReport } from "../../modules/device/parts.js";
import { Outer } from "../../modules/oscore/outer.js";
import type { Datagram } from "../../modules/ports/datagram.js";
import { TABLE_LINES } from "../../modules/ports/intake.js";
import { equal, test, throws } from "../harness.js";
import { craft, memberEndpoint, OFF, ON, pathOptions, withBytes } from "../support/craft.js";
import { Guild } from "../support/guild.js";
import {
  flip,
  GROUPS,
  guildOf,
  LAMP,
  lampIn,
  light,
  MEMBERS,
  OTHER_SWITCH,
  rightsIn,
  SECOND_LAMP,
  SIGNED,
  SWITCH,
  silently,
  verdict,
} from "../support/lamps.js";
import { QuickInTypeScript } from "../support/quick.js";
import { Room } from "../support/rig.js";

for (const profile of GROUPS) {
  test(`${profile}: a press lights the room, and reports come from every lamp`, () => {
    const room = new Room();
    const guild = guildOf(profile);
    const lamps = [LAMP, SECOND_LAMP].map((number) => lampIn(room, guild, {}, number));
    const target = guild.appGroup;
    const more = { guilds: [guild], target, rights: rightsIn(guild) };
    const wall = room.switch(SWITCH, more);
    const reports: (readonly MemberReport[])[] = [];
    wall.device.onReports = (all) => void reports.push(all);
    wall.device.command({ on: true, report: true });
    room.clock.advance(1_000_000);
    equal(
      lamps.map((lamp) => lamp.level),
      [254, 254],
    );
    room.clock.advance(10_000_000);
    const members = reports[0]?.map(({ member, result }) => [member[0], result]);
    equal(members?.sort(), [
      [LAMP, "ok"],
      [SECOND_LAMP, "ok"],
    ]);
  });

  test(`${profile}: a lamp in a group of lowlatency, too, obeys both`, () => {
    const room = new Room();
    const guild = guildOf(profile);
    const rights = [...rightsIn(guild), [SWITCH, 1, 2]] as const;
    const lamp = lampIn(room, guild, { rights });
    equal(verdict(lamp, craft({ sequence: 1, payload: OFF })), "accepted");
    equal(lamp.level, 0);
    equal(verdict(lamp, guild.craft(light(1))), "accepted");
    equal(lamp.level, 254);
    equal(verdict(lamp, craft({ sequence: 2, payload: OFF })), "accepted");
    equal(lamp.level, 0);
    lamp.restart();
    silently(lamp, room, guild.craft(light(1)), "replayed");
    silently(lamp, room, craft({ sequence: 2, payload: ON }), "replayed");
    equal(verdict(lamp, guild.craft(light(2))), "accepted");
    const target = guild.appGroup;
    const wall = room.switch(SWITCH, { guilds: [guild], target });
    equal(wall.device.command({ on: true }), true);
    wall.restart();
    equal(wall.device.command({ on: true }), true, "still a member after a restart");
    equal(verdict(lamp, { ...(room.net.sent.at(-1) as Datagram), atMicros: 0 }), "accepted");
  });

  test(`${profile}: replays, strangers, forgeries and other groups' addresses`, () => {
    const room = new Room();
    const guild = guildOf(profile);
    const lamp = lampIn(room, guild);
    const good = guild.craft(light(40));
    equal(verdict(lamp, good), "accepted");
    silently(lamp, room, good, "replayed");
    const next = guild.craft(light(41));
    const last = next.bytes.length - 1;
    silently(lamp, room, withBytes(next, flip(last)), "forged");
    const other = guildOf(profile, { members: [...MEMBERS, 9] });
    silently(lamp, room, other.craft(light(1, { from: 9 })), "unknownMember");
    const elsewhere = { ...next.to, address: next.to.address.slice().fill(7, 15) };
    silently(lamp, room, { ...next, to: elsewhere }, "unknownGroup");
    equal(verdict(lamp, next), "accepted");
  });

  test(`${profile}: our own message, reflected`, () => {
    const room = new Room();
    const guild = guildOf(profile);
    const lamp = lampIn(room, guild);
    const own = guild.craft(light(1, { from: LAMP }));
    silently(lamp, room, own, profile === "dtls-record" ? "unknownMember" : "replayed");
  });

  test(`${profile}: level 3 is refused to anything under group material`, () => {
    const room = new Room();
    const guild = guildOf(profile);
    const rights = [...rightsIn(guild, 5), [SWITCH, null, 5]] as const;
    const lamp = lampIn(room, guild, { rights });
    const wish = { options: pathOptions("par/power"), code: PUT };
    equal(verdict(lamp, guild.craft(light(1, wish))), "forbidden");
    if (profile === "dtls-record") return;
    const unicast = { ...wish, to: memberEndpoint(LAMP) };
    equal(verdict(lamp, guild.craft(light(2, unicast))), "forbidden");
    if (profile !== "group-oscore") return;
    equal(verdict(lamp, guild.craft(light(3, { ...unicast, peer: LAMP }))), "forbidden");
    equal(lamp.shown.length, 1);
  });
}

/** What a symmetric scheme is: asserted, so that nobody takes it for more. */
test("dtls-record: a member can pose as another member", () => {
  const room = new Room();
  const guild = guildOf("dtls-record");
  const lamp = lampIn(room, guild);
  const posed = guild.craft(light(1, { from: SWITCH, signer: OTHER_SWITCH }));
  equal(verdict(lamp, posed), "accepted");
  equal(lamp.level, 254);
});

test("lowlatency: a member can pose as another member", () => {
  const room = new Room();
  const lamp = room.luminaire(LAMP);
  equal(verdict(lamp, craft({ sequence: 1, sender: OTHER_SWITCH })), "accepted");
});

for (const profile of SIGNED) {
  test(`${profile}: a message to the group without a signature proves nobody`, () => {
    const room = new Room();
    const guild = guildOf(profile);
    const lamp = lampIn(room, guild);
    const { directory } = lamp.device.groups;
    const security = directory.securities().find((one) => one.profile === guild.profile);
    Object.assign(security as object, { profile: { ...guild.profile, signed: () => undefined } });
    silently(lamp, room, guild.craft(light(1)), "forged");
    Object.assign(security as object, { profile: guild.profile });
    equal(verdict(lamp, guild.craft(light(1))), "accepted");
  });

  test(`${profile}: signed by another member, or nobody`, () => {
    const room = new Room();
    const guild = guildOf(profile);
    const lamp = lampIn(room, guild);
    const posed = guild.craft(light(1, { from: SWITCH, signer: OTHER_SWITCH }));
    silently(lamp, room, posed, "forged");
    equal(lamp.device.groups.schemes?.contexts.count, 0, "no context of who was not verified");
    equal(verdict(lamp, guild.craft(light(1))), "accepted");
    equal(lamp.device.groups.schemes?.contexts.count, 1);
  });

  test(`${profile}: whose key is none to be trusted never becomes a member`, () => {
    const room = new Room();
    const guild = guildOf(profile);
    const lamp = lampIn(room, guild);
    const members = lamp.device.groups.schemes?.members;
    const zeros = { id: guild.idOf(SWITCH), credential: guild.credentialOf(SWITCH).fill(0, -32) };
    const group = { id: guild.spec.id, profile: guild.profile };
    equal(members?.put(group, zeros), { ok: false, drop: "unknownMember" });
    const short = { ...zeros, credential: guild.credentialOf(SWITCH).subarray(1) };
    equal(members?.put(group, short), { ok: false, drop: "unknownMember" });
    equal(verdict(lamp, guild.craft(light(1))), "accepted", "and who is one stays as he was");
    const publicKeys = new Map([[SWITCH, new Uint8Array(32)]]);
    const bad = guildOf(profile, { publicKeys });
    throws(() => lampIn(new Room(), bad), /member 01 not stored .its credential is none/);
  });

  test(`${profile}: a key is looked at when its member is entered, not when he is heard`, () => {
    const room = new Room();
    const guild = guildOf(profile);
    const lamp = lampIn(room, guild);
    const { signatures } = lamp;
    let looked = 0;
    signatures.isPublicKey = () => {
      looked++;
      return true;
    };
    const stranger = guildOf(profile, { fill: 3 });
    for (let i = 1; i < 9; i++) silently(lamp, room, stranger.craft(light(i)), "forged");
    equal([looked, signatures.verified], [0, 0], "nobody without the group's key makes us work");
    equal(verdict(lamp, guild.craft(light(1))), "accepted");
    equal(verdict(lamp, guild.craft(light(2))), "accepted");
    equal([looked, signatures.verified], [0, 2]);
  });

  test(`${profile}: two groups with one Gid, told apart by what opens`, () => {
    const room = new Room();
    const guild = guildOf(profile, { id: 5, fill: 1 });
    const twin = guildOf(profile, { id: 6, fill: 2 });
    twin.keyId = () => guild.keyId();
    const rights = [...rightsIn(guild), ...rightsIn(twin)];
    const lamp = room.luminaire(LAMP, { guilds: [guild, twin], rights, settings: [[0, 0]] });
    const unicast = { to: memberEndpoint(LAMP) };
    equal(verdict(lamp, twin.craft(light(1, unicast))), "accepted");
    equal(verdict(lamp, guild.craft(light(1, { ...unicast, payload: OFF }))), "accepted");
    equal(lamp.level, 0);
    const stranger = guildOf(profile, { id: 7, fill: 3 });
    stranger.keyId = () => guild.keyId();
    silently(lamp, room, stranger.craft(light(2, unicast)), "forged");
    // To a group's address, only that group's keys are tried.
    silently(lamp, room, twin.craft(light(3, { to: guild.group })), "forged");
  });
}

for (const profile of GROUPS) {
  test(`${profile}: numbers below the window are refused, those within are taken`, () => {
    const room = new Room();
    const guild = guildOf(profile);
    const lamp = lampIn(room, guild);
    const { window } = guild.profile;
    equal(verdict(lamp, guild.craft(light(200))), "accepted");
    silently(lamp, room, guild.craft(light(200 - window)), "replayed");
    if (window === 1) return;
    equal(verdict(lamp, guild.craft(light(201 - window))), "outOfOrder");
  });
}

test("group-oscore: secrets are agreed on with few who were not heard yet", () => {
  const room = new Room();
  const guild = guildOf("group-oscore");
  const lamp = lampIn(room, guild);
  const stranger = guildOf("group-oscore", { fill: 3 });
  const pairwise = { peer: LAMP, to: memberEndpoint(LAMP) };
  const forged = (sequence: number) => stranger.craft(light(sequence, pairwise));
  for (let i = 1; i < 5; i++) silently(lamp, room, forged(i), "forged");
  for (let i = 5; i < 9; i++) silently(lamp, room, forged(i), "overflow");
  equal(verdict(lamp, guild.craft(light(1, pairwise))), "overflow");
  room.clock.advance(1_000_000);
  equal(verdict(lamp, guild.craft(light(2, pairwise))), "accepted");
  silently(lamp, room, forged(9), "forged");
  equal(verdict(lamp, guild.craft(light(3, pairwise))), "accepted", "who was heard is at hand");
  equal(verdict(lamp, guild.craft(light(1, { from: OTHER_SWITCH }))), "accepted", "or signs");
});

test("group-oscore: pairwise mode is answered in pairwise mode, and the proof says so", () => {
  const room = new Room();
  const guild = guildOf("group-oscore");
  const lamp = lampIn(room, guild);
  const wish = light(1, { peer: LAMP, to: memberEndpoint(LAMP) });
  equal(verdict(lamp, guild.craft(wish)), "accepted");
  equal(lamp.device.groups.schemes?.proof, { by: "pairwise", id: guild.idOf(SWITCH) });
  equal(lamp.device.groups.schemes?.taken?.asker, guild.idOf(SWITCH));
  silently(lamp, room, guild.craft(wish), "replayed");
  const second = lampIn(room, guild, {}, SECOND_LAMP);
  silently(
    second,
    room,
    guild.craft(light(2, { peer: LAMP, to: memberEndpoint(SECOND_LAMP) })),
    "forged",
  );
});

test("a message out of form is tried under no key", () => {
  const room = new Room();
  for (const profile of ["multicast-oscore-04", "group-oscore-02", "group-oscore"]) {
    const guild = guildOf(profile);
    const lamp = lampIn(room, guild);
    const good = guild.craft(light(1));
    const outer = new Outer();
    equal(outer.scan(good.bytes), true);
    const bare = good.bytes.slice(0, outer.payloadStart - 1);
    silently(lamp, room, { ...good, bytes: bare }, "malformed");
    equal(lamp.device.groups.recipients.hasRoom(63), true);
  }
});

test("a message in form for no scheme, or for one of another group alone", () => {
  const room = new Room();
  const guild = guildOf("group-oscore");
  const lamp = lampIn(room, guild);
  const good = guild.craft(light(1));
  const at = good.bytes.indexOf(0x39, 4);
  equal(at > 0, true);
  // Reserved flag.
  silently(
    lamp,
    room,
    withBytes(good, (bytes) => bytes.fill(0xb9, at, at + 1)),
    "malformed",
  );
  const record = withBytes(good, (bytes) => bytes.fill(0x17, 0, 1));
  silently(lamp, room, record, "unknownGroup");
  const plain = room.luminaire(SECOND_LAMP);
  silently(plain, room, good, "malformed");
  silently(plain, room, record, "malformed");
});

for (const profile of GROUPS) {
  test(`${profile}: a retransmitted request is not opened again`, () => {
    const room = new Room();
    const guild = guildOf(profile);
    const lamp = lampIn(room, guild);
    if (profile === "dtls-record") return;
    const confirmable = guild.craft(light(1, { type: CON, to: memberEndpoint(LAMP) }));
    equal(verdict(lamp, confirmable), "accepted");
    equal(verdict(lamp, confirmable), "duplicate");
  });

  test(`${profile}: a table of senders that is full`, () => {
    const room = new Room();
    const guild = guildOf(profile);
    const lamp = lampIn(room, guild);
    const { recipients } = lamp.device.groups;
    for (let i = 0; recipients.hasRoom(0); i++) {
      recipients.admit(900, { bytes: Uint8Array.of(i), start: 0, length: 1, sequence: 1 });
    }
    silently(lamp, room, guild.craft(light(1)), "tableFull");
  });

  test(`${profile}: without flash nothing is accepted and nothing numbered is sent`, () => {
    const room = new Room();
    const guild = guildOf(profile);
    const lamp = lampIn(room, guild);
    equal(verdict(lamp, guild.craft(light(1))), "accepted");
    const target = guild.appGroup;
    const wall = room.switch(SWITCH, { guilds: [guild], target, rights: rightsIn(guild) });
    equal(wall.device.command({ on: true }), true);
    lamp.flash.refuses = () => true;
    wall.flash.refuses = () => true;
    equal(verdict(lamp, guild.craft(light(200))), "storeFailed");
    equal(verdict(lamp, guild.craft(light(1, { from: OTHER_SWITCH }))), "storeFailed");
    let sent = 0;
    while (sent < 200 && wall.device.command({ on: true })) sent++;
    equal(sent < 64, true, "what was reserved, and no more");
  });
}

test("dtls-record: a session belongs to the address it is bound to", () => {
  const room = new Room();
  const guild = guildOf("dtls-record");
  const lamp = lampIn(room, guild);
  const good = guild.craft(light(1));
  silently(lamp, room, { ...good, from: memberEndpoint(9) }, "unknownMember");
  silently(lamp, room, { ...good, from: memberEndpoint(OTHER_SWITCH) }, "forged");
  equal(verdict(lamp, good), "accepted");
});

test("dtls-record: another epoch, and a confirmable message to many", () => {
  const room = new Room();
  const guild = guildOf("dtls-record", { epoch: 2 });
  const lamp = lampIn(room, guild);
  silently(lamp, room, guild.craft(light(1), 1), "oldEpoch");
  silently(lamp, room, guild.craft(light(1), 3), "oldEpoch");
  equal(verdict(lamp, guild.craft(light(1, { type: CON }))), "malformed");
  equal(lamp.shown.length, 1);
  equal(verdict(lamp, guild.craft(light(2))), "accepted");
});

test("rights are those of the application groups a message may have been meant for", () => {
  const room = new Room();
  const guild = guildOf("group-oscore", { moreGroups: [300] });
  const other = guildOf("group-oscore", { id: 6 });
  const rights = [
    [SWITCH, 300, 2],
    [OTHER_SWITCH, other.appGroup, 2],
  ] as const;
  const settings = [[0, 0]] as const;
  const lamp = room.luminaire(LAMP, { guilds: [guild, other], rights, settings });
  // Multicast says which group; unicast does not, and the highest counts.
  equal(verdict(lamp, guild.craft(light(1))), "forbidden");
  const second = { to: guild.appGroups[1][1] };
  equal(verdict(lamp, guild.craft(light(2, second))), "accepted");
  equal(verdict(lamp, guild.craft(light(3, { to: memberEndpoint(LAMP) }))), "accepted");
  const elsewhere = light(1, { from: OTHER_SWITCH, to: memberEndpoint(LAMP) });
  equal(verdict(lamp, guild.craft(elsewhere)), "forbidden");
});

test("rights are an integer's: a longer spelling of a client's id has none", () => {
  const room = new Room();
  const guild = guildOf("group-oscore");
  guild.idOf = (number) => (number === SWITCH ? Uint8Array.of(0, SWITCH) : Uint8Array.of(number));
  const lamp = lampIn(room, guild);
  equal(verdict(lamp, guild.craft(light(1))), "forbidden");
});

test("a device that only listens answers nobody and commands nothing", () => {
  const room = new Room();
  const guild = guildOf("group-oscore-02", { silent: [LAMP, SWITCH] });
  const lamp = lampIn(room, guild);
  const target = guild.appGroup;
  const wall = room.switch(SWITCH, { guilds: [guild], target, rights: rightsIn(guild) });
  equal(wall.device.command({ on: true }), false);
  const get = { options: pathOptions("3311/0/5850"), code: GET, to: memberEndpoint(LAMP) };
  const sent = room.net.sent.length;
  const from = OTHER_SWITCH;
  equal(
    verdict(lamp, guild.craft({ from, sequence: 1, token: Uint8Array.of(1), ...get })),
    "accepted",
  );
  room.clock.advance(1_000_000);
  equal(room.net.sent.length, sent);
  equal(lamp.count("sendRefused"), 1);
});

test("two share a context: anybody else is unknown, and the proof is a channel", () => {
  const room = new Room();
  const pair = new Guild({ profile: "oscore", id: 5, members: [SWITCH, LAMP] });
  const rights = [[SWITCH, null, 3]] as const;
  const lamp = room.luminaire(LAMP, { guilds: [pair], rights });
  const unicast = { to: memberEndpoint(LAMP), peer: LAMP };
  equal(verdict(lamp, pair.craft(light(1, unicast))), "accepted");
  equal(lamp.device.groups.schemes?.proof, { by: "channel", id: pair.idOf(SWITCH) });
  const stranger = new Guild({ profile: "oscore", id: 5, members: [OTHER_SWITCH, LAMP] });
  silently(lamp, room, stranger.craft(light(2, { ...unicast, from: OTHER_SWITCH })), "unknownKey");
});

test("two contexts whose peers have one id: neither peer has the other's rights", () => {
  const room = new Room();
  const pair = new Guild({ profile: "oscore", id: 5, members: [SWITCH, LAMP] });
  const other = new Guild({ profile: "oscore", id: 6, fill: 9, members: [SWITCH, LAMP] });
  const rights = [[SWITCH, null, 3]] as const;
  const lamp = room.luminaire(LAMP, { guilds: [pair, other], rights });
  const unicast = { to: memberEndpoint(LAMP), peer: LAMP };
  equal(verdict(lamp, other.craft(light(1, unicast))), "forbidden");
  equal(verdict(lamp, pair.craft(light(1, unicast))), "forbidden");
});

test("old and new keys side by side during a rekey, and answers under a newer one", () => {
  for (const profile of SIGNED) {
    const room = new Room();
    const guild = guildOf(profile);
    const lamp = lampIn(room, guild, { epochs: [1, 2] });
    equal(verdict(lamp, guild.craft(light(5), 1)), "accepted", profile);
    equal(verdict(lamp, guild.craft(light(1), 2)), "accepted", profile);
    silently(lamp, room, guild.craft(light(5), 1), "replayed");
    silently(lamp, room, guild.craft(light(1), 3), "unknownKey");
    room.clock.advance(70_000_000);
    equal(verdict(lamp, guild.craft(light(6), 1)) === "accepted", false, "its grace is over");
    equal(verdict(lamp, guild.craft(light(2), 2)), "accepted", profile);
  }
});

test("a message that names a group whose messages name none", () => {
  const room = new Room();
  const guild = guildOf("group-oscore");
  const lamp = lampIn(room, guild, { rights: [[1, guild.appGroup, 2]] });
  silently(lamp, room, craft({ sequence: 1, appGroup: guild.appGroup }), "unknownGroup");
});

test("native help beside groups it does not know", () => {
  const room = new Room();
  const guild = guildOf("group-oscore");
  const rights = [...rightsIn(guild), [SWITCH, 1, 2]] as const;
  const intake = new QuickInTypeScript();
  const lamp = lampIn(room, guild, { rights, intake });
  equal(verdict(lamp, guild.craft(light(1))), "accepted");
  equal(verdict(lamp, craft({ sequence: 1, payload: OFF })), "accepted");
  equal(verdict(lamp, craft({ sequence: 2, payload: ON })), "accepted");
  equal(
    intake.answers.some((answer) => answer >= 0),
    true,
  );
  equal(new Uint8Array(intake.states[0][0])[TABLE_LINES], 1, "lowlatency's");
  equal(verdict(lamp, guild.craft(light(2, { payload: OFF }))), "accepted");
  silently(lamp, room, craft({ sequence: 3, appGroup: guild.appGroup }), "unknownGroup");
});

test("one secret under one Gid in two groups is refused", () => {
  const room = new Room();
  const guild = guildOf("group-oscore", { fill: 1 });
  const twin = guildOf("group-oscore", { id: 6, fill: 1 });
  twin.keyId = () => guild.keyId();
  throws(() => room.luminaire(LAMP, { guilds: [guild, twin] }), /key not installed \(replayed\)/);
});
