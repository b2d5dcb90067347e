/** A state of many lamps, observed by one request (modules/device/watching.ts), end to end. */
import { fromUtf8 } from "../../modules/bytes/utf8.js";
import { CON, parseMessage } from "../../modules/coap/message.js";
import { addUint, CONTENT, CONTENT_FORMAT, MAX_AGE, OBSERVE } from "../../modules/coap/options.js";
import type { News, Watching } from "../../modules/device/parts.js";
import type { AppGroup } from "../../modules/groups/directory.js";
import type { Datagram } from "../../modules/ports/datagram.js";
import type { RequestBinding } from "../../modules/profiles/profile.js";
import { equal, test } from "../harness.js";
import { memberEndpoint } from "../support/craft.js";
import { Guild, type GuildCraft, type GuildSpec } from "../support/guild.js";
import { BOUND_ANSWERS, GROUPS, LAMP, rightsIn, SWITCH, verdict } from "../support/lamps.js";
import type { Fate } from "../support/net.js";
import { type Rig, Room } from "../support/rig.js";

const SECOND = 1_000_000;
/** The leisure, and the time in which a change is noticed. */
const SPREAD = 5 * SECOND + 250_000;
const PATH = "3311/0/5850";
const LAMPS = [20, 21, 22];
const MEMBERS = [SWITCH, 2, ...LAMPS];

function guildOf(profile: string, more: Partial<GuildSpec> = {}): Guild {
  return new Guild({ profile, id: 5, members: MEMBERS, ...more });
}

/** A switch and three lamps; `news` collects what the switch hears, as "lamp:state". */
function hall(profile: string, more: Partial<GuildSpec> = {}) {
  const room = new Room();
  const guild = guildOf(profile, more);
  const settings = [[0, 0]] as const;
  const common = { guilds: [guild], rights: rightsIn(guild), settings };
  const lamps = LAMPS.map((number) => room.luminaire(number, common));
  const wall = room.switch(SWITCH, { ...common, target: guild.appGroup });
  // They shine from the start, and so the switch learns that they do.
  room.press(wall);
  room.clock.advance(40 * SECOND);
  room.net.sent.length = 0;
  const news: string[] = [];
  const watching = watch(wall, guild.appGroup, news);
  return { room, guild, lamps, wall, news, watching };
}

function textOf({ inner }: News): string {
  return inner?.payload === undefined ? "" : `=${fromUtf8(inner.payload)}`;
}

function watch(wall: Rig, id: number, news: string[], member?: number): Watching {
  const { device } = wall;
  const appGroup = device.groups.directory.appGroup(id) as AppGroup;
  const one = member === undefined ? {} : { member: memberOf(member) };
  const watching = device.dialogues?.watch(device, {
    appGroup,
    path: PATH,
    ...one,
    onNews: (each) => void news.push(`${each.member[0]} ${each.what}${textOf(each)}`),
  });
  if (watching === undefined) throw new Error("not observed");
  return watching;
}

function memberOf(number: number) {
  return { id: Uint8Array.of(number), at: memberEndpoint(number) };
}

function states(watching: Watching): string[] {
  return watching
    .states()
    .map(({ member, inner }) => `${member[0]}=${fromUtf8(inner.payload as Uint8Array)}`)
    .sort();
}

const OFF_ALL = ["20=0", "21=0", "22=0"];
const ON_ALL = ["20=1", "21=1", "22=1"];

for (const profile of GROUPS) {
  test(`${profile}: one request, and each lamp tells what becomes of it`, () => {
    const { room, wall, news, watching, lamps } = hall(profile);
    room.clock.advance(6 * SECOND);
    equal(
      news.sort(),
      LAMPS.map((lamp) => `${lamp} state=1`),
    );
    equal(states(watching), ON_ALL);
    room.press(wall);
    room.clock.advance(SPREAD);
    equal(
      news.slice(3).sort(),
      LAMPS.map((lamp) => `${lamp} state=0`),
      "a press, once each",
    );
    equal(states(watching), OFF_ALL);
    equal(
      lamps.map(({ device }) => device.observers?.size),
      [1, 1, 1],
    );
    watching.stop();
    room.clock.advance(8 * SECOND);
    equal(
      lamps.map(({ device }) => device.observers),
      [undefined, undefined, undefined],
    );
    room.press(wall);
    room.clock.advance(SPREAD);
    equal([news.length, wall.device.watches], [6, undefined]);
  });
}

test("lowlatency: one request, and each lamp tells what becomes of it", () => {
  const room = new Room();
  const settings = [[0, 0]] as const;
  const lamps = [5, 6].map((number) => room.luminaire(number, { settings }));
  const wall = room.switch(1, { settings });
  room.press(wall);
  room.clock.advance(40 * SECOND);
  const news: string[] = [];
  const watching = watch(wall, 1, news);
  room.clock.advance(6 * SECOND);
  equal(states(watching), ["5=1", "6=1"]);
  room.press(wall);
  room.clock.advance(SPREAD);
  equal(states(watching), ["5=0", "6=0"]);
  room.clock.advance(1801 * SECOND);
  room.press(wall);
  room.clock.advance(8 * SECOND);
  equal(states(watching), ["5=1", "6=1"], "registered again since");
  equal(
    lamps.map(({ device }) => device.observers?.size),
    [1, 1],
  );
});

test("a press is told by each lamp at a time of its own; of several, the last state once", () => {
  const { room, watching, wall, news } = hall("group-oscore");
  room.clock.advance(SPREAD);
  room.net.sent.length = 0;
  const before = news.length;
  const [atMicros, told] = [room.clock.micros(), () => notified(room)];
  // On, off, on: within a second, and so within one wait.
  for (let i = 0; i < 3; i++) {
    room.press(wall);
    room.clock.advance(SECOND / 4);
  }
  room.clock.advance(SPREAD);
  equal([states(watching), news.length - before <= 6], [OFF_ALL, true]);
  const times = told().map((each) => each - atMicros);
  equal(new Set(times).size, times.length);
  const first = Math.min(...times);
  const last = Math.max(...times);
  equal(last - first > SECOND && last <= SECOND + SPREAD, true, times.join(" "));
});

/** When lamps told the switch something, in the order of sending. */
function notified({ net }: Room): number[] {
  const toSwitch = net.sent.filter(({ to }) => isFrom(SWITCH, to));
  return toSwitch.map(({ atMicros }) => atMicros);
}

test("oscore: one peer's state, by unicast", () => {
  const room = new Room();
  const channel = new Guild({ profile: "oscore", id: 9, members: [SWITCH, LAMP] });
  const settings = [[0, 0]] as const;
  const rights = [[SWITCH, null, 2]] as const;
  const lamp = room.luminaire(LAMP, { guilds: [channel], rights, settings });
  const wall = room.switch(SWITCH, { guilds: [channel], target: channel.appGroup, settings });
  const news: string[] = [];
  const watching = watch(wall, channel.appGroup, news, LAMP);
  room.clock.advance(SECOND);
  equal(news, ["20 state=1"]);
  lamp.button.onEdge?.(true, room.clock.micros());
  room.clock.advance(100_000);
  lamp.button.onEdge?.(false, room.clock.micros());
  room.clock.advance(SECOND);
  equal(news, ["20 state=1", "20 state=0"]);
  watching.stop();
  room.clock.advance(SECOND);
  equal(lamp.device.observers, undefined);
});

/** Sent by that lamp, as far as a datagram shows it. */
function isFrom(number: number, from: { readonly address: Uint8Array }): boolean {
  return from.address[15] === number;
}

test("a lamp that is gone is asked alone, given up, and taken in again when it is back", () => {
  const { room, news, watching, lamps } = hall("group-oscore");
  room.clock.advance(6 * SECOND);
  const whole: Fate = room.net.fate;
  const dark: Fate = (sent, receiver, index) =>
    isFrom(21, sent.from) || isFrom(21, receiver) ? [] : whole(sent, receiver, index);
  room.net.fate = dark;
  room.clock.advance(500 * SECOND);
  equal(news.length, 3);
  const before = room.net.sent.length;
  room.clock.advance(250 * SECOND);
  equal(news.at(-1), "21 gone");
  equal(states(watching), ["20=1", "22=1"]);
  const asked = room.net.sent.slice(before).filter(({ from }) => isFrom(SWITCH, from));
  const asks = asked.filter(({ bytes }) => bytes.length > 4);
  equal(
    asks.every(({ to }) => isFrom(21, to)),
    true,
    "nobody else is asked",
  );
  room.net.fate = whole;
  lamps[1].restart();
  room.clock.advance(1200 * SECOND);
  equal(states(watching), ON_ALL);
});

test("a lamp that restarts is asked again, and goes on under its new registration", () => {
  const { room, news, watching, wall, lamps } = hall("group-oscore");
  room.clock.advance(6 * SECOND);
  lamps[0].restart();
  equal(lamps[0].device.observers, undefined);
  room.clock.advance(620 * SECOND);
  equal(lamps[0].device.observers?.size, 1);
  room.press(wall);
  room.clock.advance(SPREAD);
  equal(states(watching), OFF_ALL);
  equal(
    news.filter((one) => one.includes("gone") || one.includes("ended")),
    [],
  );
});

test("group-oscore: it goes on under the next key, whose numbers begin anew", () => {
  const { room, watching, wall, lamps, guild, news } = hall("group-oscore");
  room.clock.advance(6 * SECOND);
  for (let i = 0; i < 3; i++) {
    room.press(wall);
    room.clock.advance(SPREAD);
  }
  equal(states(watching), OFF_ALL);
  for (const rig of [...lamps, wall]) {
    const { keyring, directory } = rig.device.groups;
    const security = directory.security(5);
    if (security === undefined) throw new Error("no group");
    equal(keyring.install(security, guild.offer(rig.spec.number, 2)).ok, true);
  }
  // The old key's grace is over, and with it whatever is protected by it.
  room.clock.advance(70 * SECOND);
  const before = news.length;
  room.press(wall);
  room.clock.advance(SPREAD);
  equal([states(watching), news.length - before], [ON_ALL, 3]);
  room.press(wall);
  room.clock.advance(SPREAD);
  equal(states(watching), OFF_ALL);
});

test("a lamp that wants to know who asks is told, and tells", () => {
  for (const profile of BOUND_ANSWERS) {
    const { room, watching, wall } = hall(profile, { policy: [[7, 2]] });
    room.clock.advance(8 * SECOND);
    equal(states(watching), ON_ALL, profile);
    room.press(wall);
    room.clock.advance(SPREAD);
    equal(states(watching), OFF_ALL, profile);
  }
});

/** What the switch asked, and notifications as a lamp would make them. */
function asked(profile: string) {
  const room = new Room();
  const guild = guildOf(profile);
  const more = { guilds: [guild], target: guild.appGroup, rights: rightsIn(guild) };
  const wall = room.switch(SWITCH, more);
  const news: string[] = [];
  const watching = watch(wall, guild.appGroup, news);
  const [{ bytes }] = room.net.sent;
  const message = parseMessage(bytes);
  if (!message.ok) throw new Error("not a message");
  const { token } = message.value;
  const found = wall.device.exchanges.match(bytes, 4, token.length, memberEndpoint(LAMP));
  const { request } = found.ok ? found.value.binding : { request: undefined };
  if (request === undefined) throw new Error("no exchange");
  const says = (sequence: number, text: string, wish: Partial<GuildCraft> = {}, epoch = 1) =>
    guild.craft({ ...notification(token, request, text), sequence, ...wish }, epoch);
  return { room, guild, wall, news, watching, says, request, token };
}

function notification(token: Uint8Array, request: RequestBinding, text: string) {
  const options = [{ number: OBSERVE, value: new Uint8Array(0) }];
  addUint(options, CONTENT_FORMAT, 0);
  addUint(options, MAX_AGE, 60);
  const payload = Uint8Array.from(text, (one) => one.charCodeAt(0));
  const to = memberEndpoint(SWITCH);
  return { from: LAMP, code: CONTENT, options, payload, token, request, to };
}

for (const profile of BOUND_ANSWERS) {
  test(`${profile}: each number once, and the highest is the state, whatever comes last`, () => {
    const { wall, news, watching, says, guild } = asked(profile);
    const first = says(4, "a");
    equal(verdict(wall, first), "accepted");
    equal(verdict(wall, first), "replayed");
    equal(verdict(wall, says(9, "c")), "accepted");
    equal(verdict(wall, says(7, "b")), "accepted", "genuine, but overtaken");
    equal(verdict(wall, says(7, "b")), "replayed");
    equal(verdict(wall, says(9, "x", { from: 21 })), "accepted", "another lamp's ninth");
    equal(news, ["20 state=a", "20 state=c", "21 state=x"]);
    equal(states(watching), ["20=c", "21=x"]);
    equal(verdict(wall, says(10, "d", { signer: 21 })), "forged");
    const request = { kid: Uint8Array.of(SWITCH), piv: Uint8Array.of(99), keyId: guild.keyId() };
    equal(verdict(wall, says(11, "d", { request })), "forged", "of another registration");
    equal(verdict(wall, says(12, "d", { token: Uint8Array.of(1, 2, 3, 4) })), "unsolicited");
    watching.stop();
    equal(verdict(wall, says(13, "d")), "unsolicited", "no more of it");
  });

  test(`${profile}: an answer without Observe is the last one; a late one revives nothing`, () => {
    const { wall, news, watching, says } = asked(profile);
    equal(verdict(wall, says(4, "a")), "accepted");
    equal(verdict(wall, says(6, "b", { options: [] })), "accepted");
    equal(verdict(wall, says(5, "late")), "accepted");
    equal([news, watching.states()], [["20 state=a", "20 ended=b"], []]);
    equal(verdict(wall, says(7, "c")), "accepted", "observed again");
    equal(states(watching), ["20=c"]);
  });
}

test("group-oscore: the answer without a number is the oldest, and there is one", () => {
  const { wall, news, says } = asked("group-oscore");
  equal(verdict(wall, says(3, "b")), "accepted");
  equal(verdict(wall, says(0, "a", { withoutNumber: true })), "accepted");
  equal(verdict(wall, says(0, "a", { withoutNumber: true })), "replayed");
  equal(news, ["20 state=b"]);
});

test("group-oscore: under the next key numbers count anew, and the key before is older", () => {
  const { wall, news, says, guild } = asked("group-oscore");
  const { keyring, directory } = wall.device.groups;
  const security = directory.security(5);
  if (security === undefined) throw new Error("no group");
  equal(verdict(wall, says(40, "a")), "accepted");
  equal(keyring.install(security, guild.offer(SWITCH, 2)).ok, true);
  const renewed = says(2, "b", { namesKey: true }, 2);
  equal(verdict(wall, renewed), "accepted");
  equal(verdict(wall, renewed), "replayed");
  equal(verdict(wall, says(41, "late")), "accepted");
  equal(news, ["20 state=a", "20 state=b"]);
});

test("what nobody observes has no notification (RFC 8613 §4.1.3.5.2)", () => {
  for (const profile of GROUPS) {
    const room = new Room();
    const guild = guildOf(profile);
    const more = { guilds: [guild], target: guild.appGroup, rights: rightsIn(guild) };
    const wall = room.switch(SWITCH, more);
    const { exchanges } = wall.device;
    const tokens: Uint8Array[] = [];
    const open = exchanges.open.bind(exchanges);
    exchanges.open = (opening) => {
      const exchange = open(opening);
      if (exchange !== undefined) tokens.push(exchange.token);
      return exchange;
    };
    wall.device.command({ on: true, report: true });
    const [token] = tokens;
    const { last } = wall.device.groups.schemes ?? {};
    equal(last !== undefined, true);
    const opened = exchanges.match(token, 0, token.length, memberEndpoint(LAMP));
    const request = opened.ok ? opened.value.binding.request : undefined;
    if (request === undefined) throw new Error("no exchange");
    const observed = notification(token, request, "1");
    const taken = guild.craft({ ...observed, sequence: 1 });
    equal(verdict(wall, taken), "unsolicited", profile);
    const plain = guild.craft({ ...observed, options: [], sequence: 2 });
    equal(verdict(wall, plain), "accepted", profile);
  }
});

test("several answers to one request, where whoever asked takes them", () => {
  const { room, guild, wall } = asked("group-oscore");
  const { device } = wall;
  const appGroup = device.groups.directory.appGroup(guild.appGroup) as AppGroup;
  const heard: number[] = [];
  const sent = room.net.sent.length;
  const exchange = device.exchanges.open({
    binding: { appGroup, request: undefined },
    many: true,
    repeated: true,
    waitMicros: 10 * SECOND,
    onAnswer: ({ inner }) => void heard.push(inner.payload?.[0] ?? 0),
    onDone: () => {},
  });
  if (exchange === undefined) throw new Error("no exchange");
  const { schemes } = device.groups;
  const sealed = schemes?.seal({
    header: { type: 1, mid: 1, token: exchange.token },
    inner: { code: 1, options: [], payload: undefined },
    clear: [],
    appGroup,
    association: undefined,
    to: appGroup,
    request: undefined,
  });
  if (sealed?.ok !== true) throw new Error("not sealed");
  Object.assign(exchange.binding, {
    request: sealed.value.binding,
    awaited: schemes?.awaiting(sealed.value),
  });
  const { token } = exchange;
  const answer = (sequence: number, wish: Partial<GuildCraft> = {}): Datagram => {
    const request = sealed.value.binding;
    const said = { ...notification(token, request, ""), options: [] };
    return guild.craft({ ...said, payload: Uint8Array.of(sequence), sequence, ...wish });
  };
  equal(verdict(wall, answer(1, { withoutNumber: true })), "accepted");
  equal(verdict(wall, answer(2, { withoutNumber: true })), "replayed", "one has no number");
  for (const sequence of [5, 3, 4]) equal(verdict(wall, answer(sequence)), "accepted");
  equal(verdict(wall, answer(3)), "replayed");
  equal(heard, [1, 5, 3, 4]);
  equal(room.net.sent.length, sent, "nothing is said to it");
});

test("two observations at once, and no third", () => {
  const { wall, guild } = asked("group-oscore");
  watch(wall, guild.appGroup, []);
  const { device } = wall;
  const appGroup = device.groups.directory.appGroup(guild.appGroup) as AppGroup;
  const third = device.dialogues?.watch(device, { appGroup, path: PATH, onNews: () => {} });
  equal([third, device.watches?.length], [undefined, 2]);
});

test("a confirmable notification is acknowledged, once it was verified", () => {
  const { room, wall, says } = asked("group-oscore");
  const sent = room.net.sent.length;
  equal(verdict(wall, says(4, "a", { type: CON, signer: 21 })), "forged");
  equal(room.net.sent.length, sent);
  equal(verdict(wall, says(5, "a", { type: CON, mid: 77 })), "accepted");
  equal(
    room.net.sent.slice(sent).map(({ bytes }) => bytes),
    [Uint8Array.of(0x60, 0, 0, 77)],
  );
});
