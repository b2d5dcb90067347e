import { CON, NON, parseMessage } from "../../modules/coap/message.js";
import { CONTENT, GET } from "../../modules/coap/options.js";
import type { AppGroup } from "../../modules/groups/directory.js";
import { OscoreOption } from "../../modules/oscore/option.js";
import { Outer } from "../../modules/oscore/outer.js";
import type { Datagram } from "../../modules/ports/datagram.js";
import { equal, test, throws } from "../harness.js";
import { memberEndpoint, pathOptions } from "../support/craft.js";
import type { GuildCraft } from "../support/guild.js";
import {
  BOUND_ANSWERS,
  guildOf,
  LAMP,
  lampIn,
  light,
  rightsIn,
  SECOND_LAMP,
  SIGNED,
  SWITCH,
  silently,
  verdict,
} from "../support/lamps.js";
import { type Rig, Room } from "../support/rig.js";

/** A switch that asked its group for reports, and what an answer has to be bound to. */
function asking(profile: string, guild = guildOf(profile), epochs = [guild.firstEpoch]) {
  const room = new Room();
  const more = { guilds: [guild], target: guild.appGroup, rights: rightsIn(guild), epochs };
  const wall = room.switch(SWITCH, more);
  const ask = () => {
    equal(wall.device.command({ on: true, report: true }), true);
    const sent = room.net.sent.at(-1) as { bytes: Uint8Array };
    const message = parseMessage(sent.bytes);
    if (!message.ok) throw new Error("not a message");
    const exchange = wall.device.exchanges.match(
      sent.bytes,
      4,
      message.value.token.length,
      memberEndpoint(LAMP),
    );
    const { request } = exchange.ok ? exchange.value.binding : { request: undefined };
    if (request === undefined) throw new Error("no exchange");
    return { request, token: message.value.token };
  };
  const answer = (
    asked: ReturnType<typeof ask>,
    wish: Partial<GuildCraft> = {},
    epoch = guild.firstEpoch,
  ) =>
    guild.craft(
      {
        from: LAMP,
        sequence: 1,
        withoutNumber: BOUND_ANSWERS.includes(profile),
        code: CONTENT,
        options: [],
        payload: Uint8Array.of(1),
        to: memberEndpoint(SWITCH),
        ...asked,
        ...wish,
      },
      epoch,
    );
  return { room, wall, ask, answer, guild };
}

for (const profile of SIGNED) {
  test(`${profile}: an answer twice, to nothing, to another request, by another member`, () => {
    const { room, wall, ask, answer } = asking(profile);
    const [first, second] = [ask(), ask()];
    const good = answer(first);
    equal(verdict(wall, good), "accepted");
    silently(wall, room, good, "replayed");
    const token = Uint8Array.of(9, 9, 9, 9);
    silently(wall, room, answer({ ...first, token }), "unsolicited");
    // Bound to the first request, sent as if to the second one.
    const moved = answer({ request: first.request, token: second.token }, { from: SECOND_LAMP });
    silently(wall, room, moved, "forged");
    const posed = answer(second, { from: LAMP, signer: SECOND_LAMP, sequence: 2 });
    silently(wall, room, posed, "forged");
    equal(verdict(wall, answer(second, { sequence: 2 })), "accepted");
    equal(verdict(wall, answer(second, { from: SECOND_LAMP })), "accepted", "each lamp once");
  });

  test(`${profile}: an answer by somebody who was not in the group that was asked`, () => {
    const guild = guildOf(profile);
    const other = guildOf(profile, { id: 6 });
    const room = new Room();
    const rights = rightsIn(guild);
    const wall = room.switch(SWITCH, { guilds: [guild, other], target: guild.appGroup, rights });
    wall.device.command({ on: true, report: true });
    const { bytes } = room.net.sent.at(-1) as { bytes: Uint8Array };
    const message = parseMessage(bytes);
    if (!message.ok) throw new Error("not a message");
    const { token } = message.value;
    const found = wall.device.exchanges.match(bytes, 4, token.length, memberEndpoint(LAMP));
    if (!found.ok || found.value.binding.request === undefined) throw new Error("no exchange");
    const { request } = found.value.binding;
    const wish = { from: LAMP, sequence: 1, code: CONTENT, options: [], token };
    const to = memberEndpoint(SWITCH);
    const keyId = profile === "group-oscore" ? request.keyId : other.keyId();
    const bound = keyId === undefined ? request : { ...request, keyId };
    const foreign = other.craft({ ...wish, to, request: bound, namesKey: true });
    equal(verdict(wall, foreign) === "accepted", false);
  });
}

for (const profile of BOUND_ANSWERS) {
  test(`${profile}: answers of one lamp: one without a number, others once each`, () => {
    const { room, wall, ask, answer } = asking(profile);
    const asked = ask();
    const numbered = answer(asked, { sequence: 7, withoutNumber: false });
    equal(verdict(wall, numbered), "accepted");
    silently(wall, room, numbered, "replayed");
    // Fresh and genuine, but a group request is answered once by each address.
    equal(verdict(wall, answer(asked)), "unsolicited");
    silently(wall, room, answer(asked), "replayed");
  });

  test(`${profile}: a lamp's second answer has its own number, its first none`, () => {
    const room = new Room();
    const guild = guildOf(profile);
    const lamp = lampIn(room, guild);
    const get = { options: pathOptions("3311/0/5850"), code: GET, to: memberEndpoint(LAMP) };
    const token = Uint8Array.of(1, 2);
    const wish = { from: SWITCH, token, ...get };
    equal(verdict(lamp, guild.craft({ ...wish, sequence: 1 })), "accepted");
    equal(lamp.device.groups.schemes?.taken?.isAnswered, true);
  });
}

test("group-oscore: from however many addresses, a member answers once", () => {
  const { wall, ask, answer } = asking("group-oscore");
  const asked = ask();
  for (const number of [60, 61, 62]) {
    const source = memberEndpoint(number);
    const again = answer(asked, { sequence: number, withoutNumber: false, source });
    equal(verdict(wall, again), number === 60 ? "accepted" : "unsolicited");
  }
  equal(verdict(wall, answer(asked, { from: SECOND_LAMP })), "accepted");
});

test("group-oscore: who has nothing but the key before the request's does not answer it", () => {
  const { room, wall, ask, answer, guild } = asking("group-oscore", undefined, [1, 2]);
  const asked = ask();
  equal(asked.request.keyId, guild.keyId(2));
  const late = { withoutNumber: false, namesKey: true };
  silently(wall, room, answer(asked, late, 1), "unknownKey");
  equal(verdict(wall, answer(asked, {}, 2)), "accepted");
});

test("an answer to a group that names its messages is none to one that does not", () => {
  const room = new Room();
  const guild = guildOf("group-oscore");
  const wall = room.switch(SWITCH, { guilds: [guild], target: 1 });
  wall.device.command({ on: true, report: true });
  const { bytes } = room.net.sent.at(-1) as { bytes: Uint8Array };
  const message = parseMessage(bytes);
  if (!message.ok) throw new Error("not a message");
  const answer = guild.craft({
    from: LAMP,
    sequence: 1,
    code: CONTENT,
    options: [],
    to: memberEndpoint(SWITCH),
    token: message.value.token,
    request: { kid: Uint8Array.of(SWITCH), piv: Uint8Array.of(0), keyId: guild.keyId() },
  });
  silently(wall, room, answer, "unsolicited");
});

test("group-oscore: a retransmitted answer is not opened again", () => {
  const { wall, ask, answer } = asking("group-oscore");
  const confirmable = answer(ask(), { type: CON });
  equal(verdict(wall, confirmable), "accepted");
  equal(verdict(wall, confirmable), "duplicate");
});

test("dtls-record: an answer by another group than was asked", () => {
  const room = new Room();
  const guild = guildOf("dtls-record");
  const other = guildOf("dtls-record", { id: 6, members: [SWITCH, SECOND_LAMP] });
  const wall = room.switch(SWITCH, { guilds: [guild, other], target: guild.appGroup });
  const tokens: Uint8Array[] = [];
  const open = wall.device.exchanges.open.bind(wall.device.exchanges);
  wall.device.exchanges.open = (opening) => {
    const exchange = open(opening);
    if (exchange !== undefined) tokens.push(exchange.token);
    return exchange;
  };
  wall.device.command({ on: true, report: true });
  const to = memberEndpoint(SWITCH);
  const wish = { sequence: 1, code: CONTENT, options: [], token: tokens[0], to };
  silentlyButMarked(wall, other.craft({ ...wish, from: SECOND_LAMP }));
  equal(verdict(wall, guild.craft({ ...wish, from: LAMP })), "accepted");
});

function silentlyButMarked(rig: Rig, datagram: Datagram): void {
  equal(verdict(rig, datagram), "unsolicited");
}

/** Option of an answer that a lamp makes to the request it took last. */
function answered(lamp: Rig): OscoreOption {
  const { groups } = lamp.device;
  const { arriving, schemes } = groups;
  const sealed = schemes?.seal({
    header: { type: NON, mid: 1, token: Uint8Array.of(1) },
    inner: { code: CONTENT, options: [], payload: undefined },
    clear: [],
    appGroup: arriving.appGroup,
    association: arriving.association,
    to: memberEndpoint(SWITCH),
    request: schemes.taken,
  });
  if (sealed?.ok !== true) throw new Error(`not sealed: ${sealed?.drop}`);
  const outer = new Outer();
  const option = new OscoreOption();
  equal(outer.scan(sealed.value.bytes), true);
  equal(option.parse(outer.bytes, outer.oscoreStart, outer.oscoreLength), true);
  return option;
}

test("answers of one luminaire to one request never share a number", () => {
  const room = new Room();
  const guild = guildOf("group-oscore");
  const lamp = lampIn(room, guild);
  equal(verdict(lamp, guild.craft(light(1))), "accepted");
  const [first, second, third] = [answered(lamp), answered(lamp), answered(lamp)];
  equal([first.pivLength, second.pivLength, third.pivLength], [0, 1, 1]);
  equal(second.sequence !== third.sequence, true);
});

test("an answer under a newer key has its own number and names the key", () => {
  const room = new Room();
  const guild = guildOf("group-oscore");
  const lamp = lampIn(room, guild, { epochs: [1, 2] });
  equal(verdict(lamp, guild.craft(light(1), 1)), "accepted");
  room.clock.advance(70_000_000);
  const option = answered(lamp);
  equal([option.pivLength, option.contextLength], [1, 4]);
});

test("a request to a member nobody vouches for is not sent", () => {
  const room = new Room();
  const guild = guildOf("group-oscore");
  const wall = room.switch(SWITCH, { guilds: [guild], target: guild.appGroup });
  const { schemes, directory } = wall.device.groups;
  const appGroup = directory.appGroup(guild.appGroup) as AppGroup;
  const to = (peer: number) =>
    schemes?.seal({
      header: { type: NON, mid: 1, token: Uint8Array.of(1) },
      inner: { code: GET, options: [], payload: undefined },
      clear: [],
      appGroup,
      association: undefined,
      to: memberEndpoint(peer),
      request: undefined,
      peer: Uint8Array.of(peer),
    });
  equal(to(9), { ok: false, drop: "unknownMember" });
  const member = { id: guild.idOf(9), credential: guild.credentialOf(9).fill(0, -32) };
  const group = { id: guild.spec.id, profile: guild.profile };
  equal(schemes?.members.put(group, member), { ok: false, drop: "unknownMember" });
  equal(to(9), { ok: false, drop: "unknownMember" }, "nor to one whose key is none");
  equal(to(LAMP)?.ok, true);
});

test("where no answer can be under a newer key, one that comes too late is not sent", () => {
  const room = new Room();
  for (const profile of ["multicast-oscore-04", "group-oscore-02", "oscoap-00"]) {
    const guild = guildOf(profile);
    const lamp = lampIn(room, guild, { epochs: [1, 2] });
    equal(verdict(lamp, guild.craft(light(1), 1)), "accepted");
    room.clock.advance(70_000_000);
    throws(() => answered(lamp), /not sealed: expired/);
  }
});
