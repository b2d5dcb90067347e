/** Devices in groups of schemes with a key for each member, in one room. */
import type { Drop } from "../../modules/bytes/outcome.js";
import { CON } from "../../modules/coap/message.js";
import { GET, PUT } from "../../modules/coap/options.js";
import type { MemberReport } from "../../modules/device/parts.js";
import type { Datagram } from "../../modules/ports/datagram.js";
import { equal, test } from "../harness.js";
import { craft, memberEndpoint, OFF, ON, pathOptions, withBytes } from "../support/craft.js";
import { Guild, type GuildCraft, type GuildSpec } from "../support/guild.js";
import { type Rig, Room, type Spec } from "../support/rig.js";

const SIGNED = ["oscoap-00", "multicast-oscore-04", "group-oscore-02", "group-oscore"];
const GROUPS = [...SIGNED, "dtls-record"];
/** In these the window covers requests only. */
const BOUND_ANSWERS = ["multicast-oscore-04", "group-oscore-02", "group-oscore"];

const SWITCH = 1;
const OTHER_SWITCH = 2;
const LAMP = 20;
const SECOND_LAMP = 21;
const MEMBERS = [SWITCH, OTHER_SWITCH, LAMP, SECOND_LAMP];

function guildOf(profile: string, more: Partial<GuildSpec> = {}): Guild {
  return new Guild({ profile, id: 5, members: MEMBERS, ...more });
}

/** Rights of the switches in a guild's application group. */
function rightsIn(guild: Guild, level = 2) {
  return [SWITCH, OTHER_SWITCH].map((client) => [client, guild.appGroup, level] as const);
}

function lampIn(room: Room, guild: Guild, more: Partial<Spec> = {}, number = LAMP): Rig {
  const settings = [[0, 0]] as const;
  return room.luminaire(number, { guilds: [guild], rights: rightsIn(guild), settings, ...more });
}

/** Says `payload` to /l. */
function light(sequence: number, more: Partial<GuildCraft> = {}): GuildCraft {
  return { from: SWITCH, sequence, options: pathOptions("l"), payload: ON, ...more };
}

function verdict(rig: Rig, datagram: Datagram): Drop | "accepted" {
  const outcome = rig.device.receive(datagram);
  return outcome.ok ? "accepted" : outcome.drop;
}

function flip(at: number): (bytes: Uint8Array) => void {
  return (bytes) => {
    bytes[at] ^= 1;
  };
}

/** A dropped datagram shows in nothing but one counter. */
function silently(rig: Rig, room: Room, datagram: Datagram, reason: Drop): void {
  const flash = rig.flash.snapshot();
  const [shown, sent, counted] = [rig.shown.length, room.net.sent.length, rig.events.length];
  equal(verdict(rig, datagram), reason);
  equal([rig.shown.length, room.net.sent.length], [shown, sent], `${reason}: no light, no reply`);
  equal(rig.events.slice(counted), [reason]);
  equal(rig.flash.snapshot(), flash, `${reason}: flash untouched`);
}

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

  test(`${profile}: a member without a key to be trusted is unknown`, () => {
    const room = new Room();
    const guild = guildOf(profile);
    const lamp = lampIn(room, guild);
    const schemes = lamp.device.groups.schemes;
    const zeros = guild.credentialOf(SWITCH).fill(0, -32);
    equal(
      schemes?.members.put(guild.spec.id, { id: guild.idOf(SWITCH), credential: zeros }).ok,
      true,
    );
    silently(lamp, room, guild.craft(light(1)), "unknownMember");
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
