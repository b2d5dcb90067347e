/** Levels 3 and 4 over a channel of two: settings, restart, place, groups. */
import { fromHex, toHex } from "../../modules/bytes/hex.js";
import { utf8 } from "../../modules/bytes/utf8.js";
import { type Cbor, decode } from "../../modules/cbor/decode.js";
import { encode } from "../../modules/cbor/encode.js";
import { emitMessage, NON } from "../../modules/coap/message.js";
import { DELETE, GET, POST, PUT } from "../../modules/coap/options.js";
import { equal, test } from "../harness.js";
import { address } from "../support/addresses.js";
import { Channel, LAMP, MAINTAINER } from "../support/channel.js";
import { craft, memberEndpoint, OFF, ON, pathOptions } from "../support/craft.js";
import { verdict } from "../support/lamps.js";
import { GROUP_ADDRESS, type Rig } from "../support/rig.js";

const SECOND = 1_000_000;
const CBOR = 60;
const NOTHING = new Uint8Array(0);
const text = (value: string) => utf8(value);
const map = (...entries: [Cbor, Cbor][]) => encode(new Map(entries));

test("level 3: a power-on state is durable, and applied at the next start", () => {
  const channel = new Channel(3);
  const { lamp } = channel;
  equal(channel.code(PUT, "par/power", text("0")), "2.04");
  equal(channel.ask(GET, "par/power"), { code: "2.05", payload: text("0") });
  lamp.restart();
  equal(lamp.level, 0, "off after power-up");
  equal(channel.code(PUT, "par/power", text("1")), "2.04");
  lamp.restart();
  equal(lamp.level, 254, "full after power-up");
  equal(channel.ask(GET, "par/power")?.payload, text("1"));
});

test("level 3: limits and the default fade", () => {
  const channel = new Channel(3);
  const { lamp, room } = channel;
  equal(channel.code(PUT, "par/max", text("100")), "2.04");
  equal(channel.code(PUT, "par/min", text("255")), "4.00");
  equal(channel.code(PUT, "par/fade", text("20")), "2.04");
  lamp.restart();
  equal(verdict(lamp, craft({ sequence: 1, payload: ON })), "accepted");
  room.clock.advance(3 * SECOND);
  equal(lamp.level, 100);
  equal(verdict(lamp, craft({ sequence: 2, payload: OFF })), "accepted");
  room.clock.advance(SECOND);
  equal((lamp.level ?? 0) > 0, true, "still fading");
  room.clock.advance(2 * SECOND);
  equal(lamp.level, 0);
});

test("a right of level 3 does not reach level 4, nor one of 4 level 5", () => {
  const three = new Channel(3);
  for (const [code, path] of [
    [GET, "loc"],
    [POST, "3/0/4"],
    [POST, "3/0/5"],
    [PUT, "grp/2"],
  ] as const) {
    equal(three.code(code, path, code === GET ? undefined : map([0, 1])), undefined, path);
  }
  equal(three.lamp.count("forbidden"), 4);
  const four = new Channel(4);
  equal(four.code(GET, "fw/state"), undefined);
  equal(four.code(PUT, "fw/manifest", map([0, 1])), undefined);
  equal(four.lamp.count("forbidden"), 2);
});

test("level 4: a restart comes after its answer, and once", () => {
  const channel = new Channel(4);
  const { lamp, room } = channel;
  equal(channel.code(POST, "3/0/4"), "2.04");
  equal(lamp.restarts, []);
  equal(channel.code(POST, "3/0/4"), "2.04");
  room.clock.advance(2 * SECOND);
  equal(lamp.restarts, ["restart asked for"]);
});

test("level 4: a position is kept, read and taken away", () => {
  const channel = new Channel(4);
  const where = map([0, [120, -40, 260]], [1, "over the door"]);
  equal(channel.code(GET, "loc"), "4.04");
  equal(channel.code(PUT, "loc", where, CBOR), "2.01");
  channel.lamp.restart();
  equal(channel.ask(GET, "loc"), { code: "2.05", payload: where });
  equal(channel.code(PUT, "loc", map([1, "window"]), CBOR), "2.04");
  equal(channel.code(DELETE, "loc"), "2.02");
  equal(channel.code(GET, "loc"), "4.04");
});

test("level 4: what is no position is refused", () => {
  const channel = new Channel(4);
  const bad = [
    map([0, [1, 2]]),
    map([0, [1, 2, 0.5]]),
    map([0, "here"]),
    map([1, 7]),
    map([1, "x".repeat(65)]),
    map([2, 1]),
    encode([1, 2, 3]),
    fromHex("a1"),
  ];
  for (const value of bad) equal(channel.code(PUT, "loc", value, CBOR), "4.00", toHex(value));
  equal(channel.code(GET, "loc"), "4.04");
});

const ELSEWHERE = address(0xff15, 0x0777);

/** "on" to application group 5, wherever that is. */
function toFive(sequence: number, to: Uint8Array) {
  return craft({ sequence, appGroup: 5, to: { address: to, port: 5683 } });
}

/** The newest key id or null, and whether it is in effect; undefined: no such group. */
function shown(channel: Channel, id: number): [Cbor, Cbor] | undefined {
  const { code, payload = NOTHING } = channel.ask(GET, `grp/${id}`) ?? {};
  const decoded = decode(payload);
  if (code !== "2.05" || !decoded.ok || !(decoded.value instanceof Map)) return undefined;
  return [decoded.value.get(3), decoded.value.get(4)];
}

const KEY = Uint8Array.of(7);

const RIGHTS = [
  [MAINTAINER, null, 4],
  [MAINTAINER, 5, 2],
  [MAINTAINER, 1, 2],
] as const;

test("level 4: membership of a group is kept and holds from the next start", () => {
  const channel = new Channel(4, { rights: RIGHTS });
  const { lamp } = channel;
  equal(verdict(lamp, toFive(1, ELSEWHERE)), "unknownGroup");
  equal(channel.code(PUT, "grp/5", map([0, 1], [1, ELSEWHERE]), CBOR), "2.01");
  equal(shown(channel, 5), [KEY, false], "not yet");
  lamp.restart();
  equal(shown(channel, 5), [KEY, true]);
  equal(lamp.port.hears(ELSEWHERE), true);
  equal(verdict(lamp, toFive(2, ELSEWHERE)), "accepted");
  equal(channel.code(DELETE, "grp/5"), "2.02");
  equal(channel.code(GET, "grp/5"), "4.04");
  lamp.restart();
  equal(verdict(lamp, toFive(3, ELSEWHERE)), "unknownGroup");
});

test("level 4: a group of the installation can be moved and left", () => {
  const channel = new Channel(4, { rights: RIGHTS });
  const { lamp } = channel;
  equal(verdict(lamp, craft({ sequence: 1 })), "accepted");
  equal(channel.code(PUT, "grp/1", map([0, 1], [1, ELSEWHERE]), CBOR), "2.04");
  lamp.restart();
  const there = { address: ELSEWHERE, port: 5683 };
  equal(verdict(lamp, craft({ sequence: 2, to: there })), "accepted");
  equal(channel.code(DELETE, "grp/1"), "2.02");
  lamp.restart();
  equal(verdict(lamp, craft({ sequence: 3, to: there })), "unknownGroup");
  lamp.restart();
  equal(verdict(lamp, craft({ sequence: 4 })), "unknownGroup", "and does not come back");
});

test("level 4: a membership without a key says so, and obeys nobody", () => {
  const channel = new Channel(4, { rights: RIGHTS });
  const { lamp } = channel;
  equal(channel.code(PUT, "grp/5", map([0, 77], [1, ELSEWHERE]), CBOR), "2.01");
  equal(shown(channel, 5), [null, false]);
  lamp.restart();
  equal(shown(channel, 5), [null, false]);
  equal(verdict(lamp, toFive(1, ELSEWHERE)), "unknownGroup");
});

test("level 4: what is no group is refused", () => {
  const channel = new Channel(4);
  const bad = [
    map([0, 1]),
    map([0, 0x1000000], [1, ELSEWHERE]),
    map([0, 1], [1, NOTHING]),
    map([0, 1], [1, ELSEWHERE], [2, 0]),
    map([0, 1], [1, ELSEWHERE], [2, 65536]),
    map([0, 1], [1, ELSEWHERE], [3, 1]),
    encode(1),
  ];
  for (const value of bad) equal(channel.code(PUT, "grp/5", value, CBOR), "4.00", toHex(value));
  const good = map([0, 1], [1, ELSEWHERE]);
  equal(channel.code(PUT, "grp/4294967296", good, CBOR), "4.00");
  equal(channel.code(PUT, "grp/4294967295", good, CBOR), "2.01");
});

test("level 4: no more groups than a device has room for", () => {
  const channel = new Channel(4);
  // Two are there: the room's, and the channel's own.
  for (let id = 200; id < 214; id++) {
    equal(channel.code(PUT, `grp/${id}`, map([0, 1], [1, ELSEWHERE]), CBOR), "2.01");
  }
  equal(channel.code(PUT, "grp/300", map([0, 1], [1, ELSEWHERE]), CBOR), "5.03");
  equal(channel.code(PUT, "grp/200", map([0, 1], [1, GROUP_ADDRESS]), CBOR), "2.04");
  equal(channel.code(DELETE, "grp/200"), "2.02");
  equal(channel.code(PUT, "grp/300", map([0, 1], [1, ELSEWHERE]), CBOR), "2.01");
  channel.lamp.restart();
  equal([...channel.lamp.device.groups.directory.appGroups()].length, 16);
});

/** Of the lamp's own structure: nobody has a channel to a switch here. */
function groupOf(rig: Rig, id: number): boolean | undefined {
  return rig.device.role.face.upkeep?.structure.delete(`grp/${id}`);
}

test("a switch does not leave the group it commands", () => {
  const channel = new Channel(4);
  const { maintainer, guild } = channel;
  equal(groupOf(maintainer, guild.appGroup), false);
  equal(groupOf(maintainer, 1), true);
  maintainer.restart();
});

test("nothing of levels 3 to 5 in the clear, or under a group's key", () => {
  const channel = new Channel(5);
  const { lamp, room } = channel;
  const wishes = [
    [PUT, "par/power"],
    [GET, "loc"],
    [PUT, "grp/1"],
    [POST, "3/0/4"],
    [POST, "3/0/5"],
    [PUT, "fw/manifest"],
    [GET, "fw/state"],
    [POST, "fw/state"],
  ] as const;
  let sequence = 1;
  for (const [code, path] of wishes) {
    for (const to of [{}, { to: memberEndpoint(LAMP) }]) {
      const wish = { code, path, payload: undefined, sequence: sequence++, ...to };
      equal(verdict(lamp, craft(wish)), "forbidden", path);
    }
    const head = { type: NON, mid: sequence, token: NOTHING, payload: undefined } as const;
    const bytes = emitMessage({ ...head, code, options: pathOptions(path) });
    const plain = { from: memberEndpoint(MAINTAINER), to: memberEndpoint(LAMP), bytes };
    equal(verdict(lamp, { ...plain, atMicros: 0 }), "forbidden", path);
  }
  room.clock.advance(2 * SECOND);
  equal(lamp.restarts, []);
});
