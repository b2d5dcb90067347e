/** What a message is for, whom an observation belongs to, and what is not echoed or believed. */
import { type Cbor, encode } from "../../modules/cbor/encode.js";
import { ACK, parseMessage } from "../../modules/coap/message.js";
import { CONTENT, GET, NOT_FOUND, OBSERVE, UNAUTHORIZED } from "../../modules/coap/options.js";
import { memberTables } from "../../modules/groups/member-tables.js";
import {
  MEMBERS_GROUPS,
  MEMBERS_PORT_COUNT,
  MEMBERS_PORTS,
} from "../../modules/ports/intake-member.js";
import { equal, test } from "../harness.js";
import { memberEndpoint, OFF, pathOptions } from "../support/craft.js";
import { CHANGES, DEFER, Guild, type GuildCraft } from "../support/guild.js";
import {
  guildOf,
  LAMP,
  lampIn,
  light,
  OTHER_SWITCH,
  rightsIn,
  SIGNED,
  SWITCH,
  verdict,
} from "../support/lamps.js";
import { Room } from "../support/rig.js";

const SECOND = 1_000_000;
const TOKEN = Uint8Array.of(0x4a);

/** A GET of the lamp's state with that Observe value, to the lamp alone. */
function watches(sequence: number, value = 0, more: Partial<GuildCraft> = {}): GuildCraft {
  const observe = { number: OBSERVE, value: value === 0 ? new Uint8Array(0) : Uint8Array.of(1) };
  const options = [observe, ...pathOptions("3311/0/5850")];
  const to = memberEndpoint(LAMP);
  return { from: SWITCH, sequence, code: GET, options, token: TOKEN, to, ...more };
}

test("an observation is its member's: no other one ends it from the same address", () => {
  const room = new Room();
  const guild = guildOf("group-oscore");
  const lamp = lampIn(room, guild);
  const source = memberEndpoint(77);
  const say = (wish: GuildCraft) =>
    equal(verdict(lamp, guild.craft({ ...wish, source })), "accepted");
  say(watches(1));
  equal(lamp.device.observers?.size, 1);
  say(watches(1, 1, { from: OTHER_SWITCH }));
  equal(lamp.device.observers?.size, 1, "deregistered by another member");
  say(watches(2, 0, { from: OTHER_SWITCH }));
  equal(lamp.device.observers?.size, 2, "one each");
  say(watches(2));
  equal(lamp.device.observers?.size, 2, "again: in place of his own");
  say(watches(3, 1));
  say(watches(3, 1, { from: OTHER_SWITCH }));
  equal(lamp.device.observers, undefined);
});

test("one id in two groups is two observers", () => {
  const room = new Room();
  const [guild, other] = [guildOf("group-oscore"), guildOf("group-oscore", { id: 6 })];
  const rights = [...rightsIn(guild), ...rightsIn(other)];
  const lamp = lampIn(room, guild, { guilds: [guild, other], rights });
  equal(verdict(lamp, guild.craft(watches(1))), "accepted");
  equal(verdict(lamp, other.craft(watches(1, 1))), "accepted");
  equal(lamp.device.observers?.size, 1);
});

for (const policy of [[[7, 1]], [[7, 2]]] as const) {
  test(`to observe is no mere reading: policy ${policy[0][1]} judges who registers`, () => {
    const room = new Room();
    const guild = guildOf("group-oscore", { policy });
    const lamp = lampIn(room, guild);
    // Recorded once, never delivered; now sent from an address of somebody's choice.
    const recorded = guild.craft(watches(1, 0, { source: memberEndpoint(99) }));
    equal(verdict(lamp, recorded), "notSynchronised");
    equal(lamp.device.observers, undefined);
    const reads = { from: OTHER_SWITCH, code: GET, options: pathOptions("3311/0/5850") };
    equal(verdict(lamp, guild.craft({ ...reads, sequence: 1 })), "accepted", "a reading is not");
  });
}

for (const [name, policy] of [
  ["defer", DEFER],
  ["changes", CHANGES],
] as const) {
  test(`${name}: nobody registers an observation before his signature was verified`, () => {
    const room = new Room();
    const guild = guildOf("group-oscore", { policy });
    const lamp = lampIn(room, guild);
    equal(verdict(lamp, guild.craft(light(1))), "accepted");
    const forged = guild.craft(watches(2, 0, { signer: OTHER_SWITCH }));
    equal([verdict(lamp, forged), lamp.device.observers], ["forged", undefined]);
    equal(verdict(lamp, guild.craft(watches(3))), "accepted");
    equal(lamp.device.observers?.size, 1);
  });
}

for (const profile of SIGNED) {
  test(`${profile}: a group is spoken to at its address and at its port`, () => {
    const room = new Room();
    const guild = guildOf(profile);
    // Port 6000 is another group's.
    const other = new Guild({ ...guild.spec, id: 6, port: 6000 });
    const rights = [...rightsIn(guild), ...rightsIn(other)];
    const lamp = lampIn(room, guild, { guilds: [guild, other], rights });
    const to = { address: guild.address, port: 6000 };
    equal(verdict(lamp, guild.craft(light(1, { to, payload: OFF }))), "unknownGroup");
    equal(lamp.level, 254);
    equal(verdict(lamp, guild.craft(light(2, { payload: OFF }))), "accepted");
    equal(verdict(lamp, other.craft(light(1, { to: other.group }))), "accepted");
  });
}

test("rights are asked for at the port that was spoken to", () => {
  const room = new Room();
  const guild = guildOf("group-oscore");
  // Two application groups at one address, told apart by the port alone.
  const wide = new Guild({ ...guild.spec, morePorts: [[201, 6000]] });
  const lamp = lampIn(room, wide, { rights: [[SWITCH, 201, 2]] });
  equal(verdict(lamp, wide.craft(light(1, { payload: OFF }))), "forbidden");
  const to = { address: guild.address, port: 6000 };
  equal(verdict(lamp, wide.craft(light(2, { to, payload: OFF }))), "accepted");
});

test("an observation by a group request stands by the right in that group alone", () => {
  const room = new Room();
  const guild = guildOf("group-oscore", { moreGroups: [201] });
  const rights = [
    [SWITCH, guild.appGroup, 2],
    [SWITCH, 201, 2],
  ] as const;
  const lamp = lampIn(room, guild, { rights });
  equal(verdict(lamp, guild.craft(watches(1, 0, { to: guild.group }))), "accepted");
  equal(lamp.device.observers?.size, 1);
  lamp.device.rights.revoke(guild.idOf(SWITCH));
  lamp.device.rights.grant({ client: guild.idOf(SWITCH), appGroup: 201, level: 2 });
  room.clock.advance(SECOND);
  equal(lamp.device.observers, undefined);
});

const REPOSITORY = 50;
const channel = new Guild({ profile: "oscore", id: 9, members: [LAMP, REPOSITORY] });

/** Where the keys of members are asked for. */
function repositoryPolicy() {
  const { address, port } = memberEndpoint(REPOSITORY);
  const place = new Map<Cbor, Cbor>([
    [0, address],
    [1, port],
    [2, "creds"],
    [3, channel.spec.id],
  ]);
  return [[10, place]] as const;
}

/** What was sent to the repository. */
function questions(room: Room) {
  return room.net.sent.filter(({ to }) => to.address[15] === REPOSITORY);
}

test("a stranger is forgotten with the next message", () => {
  const room = new Room();
  // One Gid, two groups: whoever is a stranger in the first is known in the second.
  const policy = repositoryPolicy();
  const few = guildOf("group-oscore", { members: [LAMP, OTHER_SWITCH], fill: 1, policy });
  class Twin extends Guild {
    override keyId() {
      return few.keyId();
    }
  }
  const twin = new Twin({ ...guildOf("group-oscore").spec, id: 6, fill: 2 });
  const records = guildOf("dtls-record", { id: 7 });
  const guilds = [few, twin, records, channel];
  const lamp = lampIn(room, few, { guilds, rights: rightsIn(twin) });
  equal(verdict(lamp, twin.craft(light(1, { to: memberEndpoint(LAMP) }))), "accepted");
  const nobodys = records.craft(light(1, { source: memberEndpoint(99) }));
  equal(verdict(lamp, nobodys), "unknownMember");
  room.clock.advance(10 * SECOND);
  equal(questions(room), []);
  equal(verdict(lamp, few.craft(light(2))), "unknownMember");
  room.clock.advance(10 * SECOND);
  equal(questions(room).length > 0, true, "another one is asked for");
});

/** A switch whose command a lamp answers by that Echo value; what it sends then. */
function echoes(profile: string, length: number): number {
  const room = new Room();
  const guild = guildOf(profile, { policy: [[7, 2]] });
  const more = { guilds: [guild], target: guild.appGroup, rights: rightsIn(guild) };
  const wall = room.switch(SWITCH, more);
  wall.device.command({ on: false });
  const [{ bytes }] = room.net.sent.splice(0);
  const message = parseMessage(bytes);
  if (!message.ok) throw new Error("not a message");
  const { token } = message.value;
  const found = wall.device.exchanges.match(bytes, 4, token.length, memberEndpoint(LAMP));
  const request = found.ok ? found.value.binding.request : undefined;
  if (request === undefined) throw new Error("no exchange");
  const { challenge } = guild.profile;
  const options = [{ number: challenge?.option as number, value: new Uint8Array(length) }];
  const code = challenge?.code as number;
  const to = memberEndpoint(SWITCH);
  const asks = guild.craft({ from: LAMP, sequence: 1, code, options, token, request, to });
  equal(verdict(wall, asks), "accepted");
  return room.net.sent.length;
}

test("RFC 9175: an Echo value of 1 to 40 bytes is echoed, and no other", () => {
  const lengths = [0, 1, 40, 41];
  equal(
    lengths.map((length) => echoes("group-oscore", length)),
    [0, 1, 1, 0],
  );
});

/** A lamp that answers for LAMP, of which the installation knows no key, and its repository. */
function learns(code: number): boolean {
  const room = new Room();
  const policy = repositoryPolicy();
  const few = guildOf("group-oscore", { members: [LAMP], policy });
  const all = guildOf("group-oscore");
  const lamp = lampIn(room, few, { guilds: [few, channel], rights: rightsIn(all) });
  equal(verdict(lamp, all.craft(light(1))), "unknownMember");
  room.clock.advance(10 * SECOND);
  const [sent] = questions(room);
  if (sent === undefined) throw new Error("nobody is asked");
  const message = parseMessage(sent.bytes);
  if (!message.ok) throw new Error("not a message");
  const { mid, token } = message.value;
  const request = { kid: channel.idOf(LAMP), piv: Uint8Array.of(0), keyId: channel.keyId() };
  const { id, credential } = all.member(SWITCH);
  const payload = encode(
    new Map<Cbor, Cbor>([
      [13, [credential]],
      [15, [id]],
    ]),
  );
  const said = { from: REPOSITORY, sequence: 0, code, options: [], payload };
  const to = memberEndpoint(LAMP);
  const answer = channel.craft({ ...said, type: ACK, mid, token, to, request });
  equal(verdict(lamp, answer), "accepted");
  return verdict(lamp, all.craft(light(2))) === "accepted";
}

test("a key is learned from an answer that grants it, not from an error", () => {
  equal([learns(CONTENT), learns(NOT_FOUND), learns(UNAUTHORIZED)], [true, false, false]);
});

test("native help is given the groups of one port, which it can tell from others", () => {
  const room = new Room();
  const guild = guildOf("group-oscore", { policy: DEFER });
  const other = guildOf("group-oscore", { id: 6, port: 6000, policy: DEFER });
  const rights = [...rightsIn(guild), ...rightsIn(other)];
  const lamp = lampIn(room, guild, { guilds: [guild, other], rights });
  for (const one of [guild, other]) {
    equal(verdict(lamp, one.craft(light(1, { to: one.group }))), "accepted");
  }
  const { directory, schemes } = lamp.device.groups;
  if (schemes === undefined) throw new Error("no group");
  const { tables, lines } = memberTables(directory, schemes.contexts);
  equal([tables[MEMBERS_GROUPS], tables[MEMBERS_PORT_COUNT], lines.length], [1, 1, 1]);
  equal(tables.slice(MEMBERS_PORTS, MEMBERS_PORTS + 2), Uint8Array.of(22, 51));
});
