/** Members whose key is not known yet, and numbers that come with a key. */
import { type Cbor, decode } from "../../modules/cbor/decode.js";
import { encode } from "../../modules/cbor/encode.js";
import { ACK, parseMessage } from "../../modules/coap/message.js";
import { CONTENT, FETCH, findTexts, URI_PATH } from "../../modules/coap/options.js";
import { TsCrypto } from "../../modules/crypto/crypto.js";
import { handOver, heardOf } from "../../modules/groups/handover.js";
import {
  HEARD_ONCE_MAX,
  learn,
  questionFor,
  STRANGERS_MAX,
  type Stranger,
  Strangers,
} from "../../modules/groups/repository.js";
import { Workspace } from "../../modules/oscore/aad.js";
import { OscoreOption } from "../../modules/oscore/option.js";
import { Outer } from "../../modules/oscore/outer.js";
import type { Inner } from "../../modules/profiles/profile.js";
import { equal, test } from "../harness.js";
import { memberEndpoint } from "../support/craft.js";
import { Guild } from "../support/guild.js";
import { LAMP, light, SIGNED, SWITCH, verdict } from "../support/lamps.js";
import { SeededRandom } from "../support/random.js";
import { type Rig, Room } from "../support/rig.js";

const STRANGER = 2;
const REPOSITORY = 9;
const PATH = "ace-group/hall/creds";
const SECOND = 1_000_000;

/** As the lamp was told: without the switch. The repository is asked over `security`. */
function guildOf(profile: string, security = 8): Guild {
  const { address, port } = memberEndpoint(REPOSITORY);
  const repository = new Map<Cbor, Cbor>([
    [0, address],
    [1, port],
    [2, PATH],
    [3, security],
  ]);
  return new Guild({ profile, id: 5, members: [LAMP], policy: [[10, repository]] });
}

const channel = new Guild({ profile: "oscore", id: 8, members: [LAMP, REPOSITORY] });

function lampIn(room: Room, guild: Guild): Rig {
  const rights = [[SWITCH, guild.appGroup, 2]] as const;
  return room.luminaire(LAMP, { guilds: [guild, channel], rights, settings: [[0, 0]] });
}

/** What `{creds, peer_identifiers}` say (RFC 9594 §4.4.1). */
function credentials(...members: readonly { id: Uint8Array; credential: Uint8Array }[]) {
  return encode(
    new Map<Cbor, Cbor>([
      [13, members.map(({ credential }) => credential)],
      [15, members.map(({ id }) => id)],
    ]),
  );
}

/** The group's repository of public keys, at the other end of the channel. */
function serve(room: Room, answerOf: (question: Inner) => Uint8Array): Inner[] {
  const asked: Inner[] = [];
  const port = room.net.port(memberEndpoint(REPOSITORY).address);
  const own = {
    id: channel.idOf(REPOSITORY),
    credential: channel.credentialOf(REPOSITORY),
    signer: undefined,
  };
  const offer = channel.offer(REPOSITORY, 1);
  const key = channel.profile.importKey(new TsCrypto(), { ...offer, own, addresses: [] });
  port.onDatagram = ({ bytes, from, to }) => {
    const arrival = { outer: new Outer(), option: new OscoreOption(), to };
    arrival.outer.scan(bytes);
    channel.profile.identify(arrival, "request");
    const context = { appGroup: { id: 0 }, request: undefined, work: new Workspace() };
    const opened = channel.profile.open(key, arrival, context);
    if (!opened.ok) throw new Error(opened.drop);
    asked.push(opened.value);
    const { pivStart, pivLength } = arrival.option;
    const message = parseMessage(bytes);
    if (!message.ok) throw new Error("no message");
    const { mid, token } = message.value;
    const request = {
      kid: channel.idOf(LAMP),
      piv: bytes.slice(pivStart, pivStart + pivLength),
      keyId: channel.keyId(),
    };
    const payload = answerOf(opened.value);
    const said = { from: REPOSITORY, sequence: 0, code: CONTENT, options: [], payload };
    const answer = channel.craft({ ...said, type: ACK, mid, token, to: from, request });
    port.send({ to: from, fromPort: to.port, bytes: answer.bytes });
  };
  return asked;
}

for (const profile of SIGNED) {
  test(`${profile}: the key of a switch nobody told of is fetched, and then it is obeyed`, () => {
    const room = new Room();
    const lamp = lampIn(room, guildOf(profile));
    const full = new Guild({ profile, id: 5, members: [SWITCH, LAMP] });
    const target = full.appGroup;
    const wall = room.switch(SWITCH, { guilds: [full], target, rights: [] });
    const asked = serve(room, () => credentials(full.member(LAMP), full.member(SWITCH)));
    wall.device.command({ on: false });
    room.clock.advance(6 * SECOND);
    equal([lamp.level, lamp.count("unknownMember"), asked.length], [254, 1, 1]);
    const [{ code, options, payload }] = asked;
    equal([code, findTexts(options, URI_PATH)?.join("/")], [FETCH, PATH]);
    const question = decode(payload as Uint8Array);
    equal(question.ok && question.value, new Map([[4, [true, [], [full.idOf(SWITCH)]]]]));
    wall.device.command({ on: false });
    room.clock.advance(SECOND);
    equal([lamp.level, lamp.count("accepted") > 0, asked.length], [0, true, 1]);
    lamp.restart();
    wall.device.command({ on: true });
    room.clock.advance(SECOND);
    equal([lamp.level, asked.length], [254, 1], "and known from then on");
  });

  test(`${profile}: an answer with a key that is none, or is somebody else's`, () => {
    const room = new Room();
    const guild = guildOf(profile);
    const lamp = lampIn(room, guild);
    const { schemes, directory } = lamp.device.groups;
    const association = directory.security(5)?.associations[0];
    if (schemes === undefined || association === undefined) throw new Error("no group");
    const full = new Guild({ profile, id: 5, members: [SWITCH, STRANGER, LAMP] });
    const known = full.member(SWITCH);
    const stranger = { association, id: known.id };
    const learned = (answer: Uint8Array, who = stranger) => {
      const outcome = learn(schemes, who, answer);
      return outcome.ok ? "ok" : outcome.drop;
    };
    equal(learned(Uint8Array.of(0xff)), "malformed");
    equal(learned(encode(new Map<Cbor, Cbor>([[13, [known.credential]]]))), "malformed");
    equal(learned(credentials()), "unknownMember");
    equal(learned(credentials(full.member(STRANGER))), "unknownMember", "another one's");
    const bad = (credential: Uint8Array) => learned(credentials({ ...known, credential }));
    equal(bad(known.credential.slice(1)), "unknownMember", "cut short");
    equal(bad(new Uint8Array(known.credential.length)), "unknownMember", "no key to be trusted");
    equal(bad(new Uint8Array(101).fill(1)), "malformed", "longer than any credential");
    const ours = { association, id: full.idOf(LAMP) };
    const own = credentials({ ...full.member(STRANGER), id: ours.id });
    equal(learned(own, ours), "unknownMember", "ours");
    equal(learned(credentials(known)), "ok");
    const swapped = credentials({ ...full.member(STRANGER), id: known.id });
    equal(learned(swapped), "unknownMember", "known already");
    equal(verdict(lamp, full.craft(light(1))), "accepted");
  });
}

test("a stranger is asked for once, not many are, and not at once", () => {
  const room = new Room();
  const { strangers, ask } = strangersIn(room);
  equal(ask(...new Array<number>(17).fill(1)), false, "longer than any id");
  equal([ask(1), ask(2)], [true, false], "one a second");
  room.clock.advance(SECOND);
  equal([ask(1), ask(2)], [false, true], "one of them once");
  strangers.learned(strangerOf(room, 2));
  for (let i = 3; i <= HEARD_ONCE_MAX + 1; i++) {
    room.clock.advance(SECOND);
    equal(ask(i), true, `${i}`);
  }
  room.clock.advance(SECOND);
  equal(ask(200), false, "the rest is for those who are heard again");
  equal(ask(200), true);
  room.clock.advance(600 * SECOND);
  equal(ask(1), true, "after ten minutes");
});

test("who floods with made-up ids has to keep at it to keep newcomers out", () => {
  const room = new Room();
  const { ask } = strangersIn(room);
  const flood = (from: number, to: number) => {
    for (let i = from; i < to; i++) {
      room.clock.advance(SECOND);
      ask(1, i);
      ask(1, i);
    }
  };
  flood(0, STRANGERS_MAX);
  room.clock.advance(SECOND);
  equal([ask(2), ask(2)], [false, false], "all are used up");
  room.clock.advance(29 * SECOND);
  equal([ask(2), ask(3)], [true, false], "but one now and then");
  room.clock.advance(SECOND);
  equal([ask(3), ask(3)], [false, false]);
  const others = Array.from({ length: 20 }, (_, index) => ask(4, index));
  equal(others.includes(true), false);
  room.clock.advance(29 * SECOND);
  equal([ask(3), ask(4, 19)], [false, true], "only the last ones heard are remembered");
});

function strangerOf(room: Room, ...id: number[]): Stranger {
  const lamp = lampIn(room, guildOf("group-oscore"));
  const association = lamp.device.groups.directory.security(5)?.associations[0];
  if (association === undefined) throw new Error("no group");
  return { association, id: Uint8Array.from(id) };
}

function strangersIn(room: Room): { strangers: Strangers; ask: (...id: number[]) => boolean } {
  const strangers = new Strangers({ clock: room.clock, random: new SeededRandom(1) });
  const { association } = strangerOf(room);
  return { strangers, ask: (...id) => strangers.ask({ association, id: Uint8Array.from(id) }) };
}

test("a repository is asked over a channel of two, and over nothing less", () => {
  const room = new Room();
  const lamp = lampIn(room, guildOf("group-oscore", 5));
  const full = new Guild({ profile: "group-oscore", id: 5, members: [SWITCH, LAMP] });
  equal(verdict(lamp, full.craft(light(1))), "unknownMember");
  room.clock.advance(6 * SECOND);
  equal(room.net.sent.length, 0);
});

test("what is asked is what RFC 9594 §4.4 has", () => {
  // {4: [true, [], [h'0a']]}
  equal(questionFor(Uint8Array.of(10)), Uint8Array.of(0xa1, 4, 0x83, 0xf5, 0x80, 0x81, 0x41, 10));
});

for (const profile of [...SIGNED, "dtls-record"]) {
  test(`${profile}: numbers that come with the key are a reference`, () => {
    const room = new Room();
    const members = [SWITCH, STRANGER, LAMP];
    const guild = new Guild({ profile, id: 5, members, policy: [[7, 1]] });
    const lamp = lampIn(room, guild);
    const { groups } = lamp.device;
    const association = groups.directory.security(5)?.associations[0];
    const { schemes } = groups;
    if (schemes === undefined || association === undefined) throw new Error("no group");
    const heard = () => heardOf(groups, schemes, association, guild.idOf(SWITCH));
    const hand = (sequence: number) =>
      handOver(groups, schemes, association, [{ id: guild.idOf(SWITCH), sequence }]);
    equal(heard(), undefined);
    equal(hand(40).ok, true);
    equal(verdict(lamp, guild.craft(light(40))), "replayed");
    equal(verdict(lamp, guild.craft(light(39))), "replayed");
    equal(verdict(lamp, guild.craft(light(41))), "accepted", "the first message");
    equal(hand(50).ok, true);
    equal(heard(), 50);
    equal(verdict(lamp, guild.craft(light(45))), "replayed");
    room.clock.advance(3 * SECOND);
    lamp.flash.refuses = () => true;
    equal(hand(60), { ok: false, drop: "storeFailed" });
    lamp.flash.refuses = () => false;
    lamp.restart();
    equal(verdict(lamp, guild.craft(light(50))), "replayed", "after a restart, too");
  });
}
