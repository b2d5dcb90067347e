import { fromHex, toHex } from "../../modules/bytes/hex.js";
import { utf8 } from "../../modules/bytes/utf8.js";
import { ACK, CON, emitMessage, NON, parseMessage } from "../../modules/coap/message.js";
import { GET, NO_RESPONSE, URI_QUERY } from "../../modules/coap/options.js";
import { LIMITS } from "../../modules/device/limits.js";
import type { MemberReport } from "../../modules/device/parts.js";
import { lowlatency } from "../../modules/profiles/lowlatency.js";
import { equal, test, throws } from "../harness.js";
import { address } from "../support/addresses.js";
import { craft, GROUP, memberEndpoint, OFF, ON, pathOptions } from "../support/craft.js";
import { Rig, ROLE, Room } from "../support/rig.js";

const NO_FADE = { settings: [[0, 0] as const] };

function levels(lamps: readonly Rig[]): (number | undefined)[] {
  return lamps.map((lamp) => lamp.level);
}

/** Everything this host sent so far. */
function sentBy(room: Room, number: number) {
  return room.net.sent.filter(({ from }) => from.address[15] === number);
}

test("a press lights the group, the next one darkens it; other groups stay", () => {
  const room = new Room();
  const one = room.luminaire(20, NO_FADE);
  const two = room.luminaire(21, NO_FADE);
  const other = room.luminaire(22, { ...NO_FADE, appGroups: [[2, 2]], rights: [[1, 2, 2]] });
  const wall = room.switch(1);
  room.press(wall);
  equal(levels([one, two]), [254, 254]);
  room.clock.advance(1_000_000);
  room.press(wall);
  equal(levels([one, two, other]), [0, 0, 254]);
  equal([other.count("accepted"), other.count("unknownGroup") > 0], [0, true]);
});

test("a luminaire's own button switches it, without a network; the group goes on", () => {
  const room = new Room();
  const lamp = room.luminaire(20, NO_FADE);
  const other = room.luminaire(21, NO_FADE);
  const wall = room.switch(1);
  room.net.fate = () => [];
  room.press(lamp);
  equal(levels([lamp, other]), [0, 254]);
  room.clock.advance(1_000_000);
  room.press(lamp);
  equal(levels([lamp, other]), [254, 254]);
  room.clock.advance(1_000_000);
  room.press(lamp);
  room.net.fate = () => [1000];
  room.clock.advance(1_000_000);
  room.press(wall);
  equal(levels([lamp, other]), [254, 254]);
  equal(
    room.net.sent.filter(({ from }) => from.address[15] === 20),
    [],
  );
});

test("switches follow each other: the second one toggles what the first one made", () => {
  const room = new Room();
  const lamp = room.luminaire(20, NO_FADE);
  const first = room.switch(1);
  const second = room.switch(2);
  room.press(first);
  room.clock.advance(1_000_000);
  room.press(second);
  equal(lamp.level, 0);
  room.clock.advance(60_000_000);
  equal(lamp.level, 0, "no repetition undoes it");
});

test("a lamp that missed a press catches up with the repetition", () => {
  const room = new Room();
  const lamp = room.luminaire(20, NO_FADE);
  const wall = room.switch(1);
  room.press(wall);
  room.clock.advance(40_000_000);
  room.net.fate = () => [];
  room.press(wall);
  equal(lamp.level, 254);
  room.net.fate = () => [1000];
  room.clock.advance(300_000);
  equal(lamp.level, 0);
});

test("a switch never sends the same number twice, through restarts", () => {
  const room = new Room();
  const wall = room.switch(1);
  for (let i = 0; i < 4; i++) {
    room.press(wall);
    room.clock.advance(500_000);
    wall.restart();
  }
  const pivs = sentBy(room, 1).map(({ bytes }) => toHex(bytes.slice(5, 12)));
  equal(pivs.length >= 4, true);
  equal(new Set(pivs).size, pivs.length);
});

test("a switch that lost its counter refuses to send", () => {
  const room = new Room();
  const wall = room.switch(1);
  wall.flash.refuses = () => true;
  for (let i = 0; i < 200; i++) room.press(wall);
  equal(wall.count("sendRefused") > 0, true);
  equal(sentBy(room, 1).length < 200, true, "it stopped at what flash had vouched for");
});

test("motion lights the group", () => {
  const room = new Room();
  const lamp = room.luminaire(20, NO_FADE);
  lamp.device.receive(craft({ sender: 2, sequence: 1, payload: OFF }));
  const sensor = room.sensor(3, ROLE.PRESENCE);
  sensor.sensor.onMotion?.(true, room.clock.micros());
  room.clock.advance(10_000);
  equal(lamp.level, 254);
});

test("execution reports are collected, one a luminaire", () => {
  const room = new Room();
  const lamps = [20, 21, 22].map((number) => room.luminaire(number));
  lamps[2].light.failed = true;
  const wall = room.switch(1, { rights: lamps.map((_, i) => [20 + i, 1, 1] as const) });
  let reports: readonly MemberReport[] = [];
  wall.device.onReports = (all) => {
    reports = all;
  };
  wall.device.command({ on: true, report: true });
  room.clock.advance(10_000_000);
  const byMember = reports.map(({ member, result }) => `${member[0]} ${result}`).sort();
  equal(byMember, ["20 ok", "21 ok", "22 lampFailure"]);
  equal(wall.count("accepted"), 3);
});

test("a switch set to want reports says how many luminaires obeyed", () => {
  const room = new Room();
  for (const number of [20, 21, 22]) room.luminaire(number);
  const wall = room.switch(1, { settings: [[10, 1]] });
  room.press(wall);
  room.clock.advance(8_000_000);
  equal(wall.log, ["reports: 3 ok, 0 failed, 0 lamp failures"]);
});

test("drop unsolicited: an answer nobody asked for, and a second one of the same member", () => {
  const room = new Room();
  const lamp = room.luminaire(20);
  const wall = room.switch(1);
  wall.device.command({ on: true, report: true });
  room.clock.advance(10_000);
  const asked = sentBy(room, 1)[0].bytes;
  const token = asked.slice(4, 4 + (asked[0] & 15));
  const request = { kid: Uint8Array.of(1), piv: Uint8Array.of(asked[4 + token.length + 2]) };
  const answer = (sequence: number, own: Uint8Array) =>
    craft({
      sender: 20,
      sequence,
      code: 68,
      path: "",
      token: own,
      to: memberEndpoint(1),
      payload: fromHex("a10000"),
      request,
    });
  equal(wall.device.receive(answer(500, Uint8Array.of(1, 2))), { ok: false, drop: "unsolicited" });
  room.clock.advance(8_000_000);
  equal(wall.device.receive(answer(501, token)), { ok: false, drop: "unsolicited" });
  equal(lamp.count("accepted"), 1);
});

test("a separate answer sent again is acknowledged again and counted once", () => {
  const room = new Room();
  const wall = room.switch(1);
  wall.device.command({ on: true, report: true });
  const asked = sentBy(room, 1)[0].bytes;
  const token = asked.slice(4, 4 + (asked[0] & 15));
  const answer = craft({
    sender: 20,
    sequence: 1,
    type: CON,
    code: 68,
    path: "",
    token,
    to: memberEndpoint(1),
    payload: fromHex("a10000"),
    request: { kid: Uint8Array.of(1), piv: Uint8Array.of(asked[4 + token.length + 2]) },
  });
  equal(wall.device.receive(answer).ok, true);
  equal(wall.device.receive(answer), { ok: false, drop: "duplicate" });
  const acks = sentBy(room, 1)
    .slice(1)
    .map(({ bytes }) => toHex(bytes));
  equal(acks, ["60000001", "60000001"]);
});

test("drop unsolicited: an answer under another application group than asked", () => {
  const room = new Room();
  const appGroups = [
    [1, 1],
    [2, 1],
  ] as const;
  const wall = room.switch(1, { appGroups });
  wall.device.command({ on: true, report: true });
  const asked = sentBy(room, 1)[0].bytes;
  const token = asked.slice(4, 4 + (asked[0] & 15));
  const request = { kid: Uint8Array.of(1), piv: Uint8Array.of(asked[4 + token.length + 2]) };
  const answer = (appGroup: number, sequence: number) =>
    craft({
      sender: 20,
      sequence,
      appGroup,
      code: 68,
      path: "",
      token,
      to: memberEndpoint(1),
      payload: fromHex("a10000"),
      request,
    });
  equal(wall.device.receive(answer(2, 1)), { ok: false, drop: "unsolicited" });
  equal(wall.device.receive(answer(1, 2)).ok, true);
  equal(wall.device.receive(answer(1, 3)), { ok: false, drop: "unsolicited" }, "once a member");
});

test("a right that a new installation does not list is gone", () => {
  const room = new Room();
  const rights = [
    [1, 1, 2],
    [2, 1, 2],
  ] as const;
  const lamp = room.luminaire(20, { rights });
  equal(lamp.device.receive(craft({ sender: 2, sequence: 1 })).ok, true);
  const again = new Rig(room, { ...lamp.spec, rights: [[1, 1, 2]] }, lamp.flash);
  const refused = { ok: false, drop: "forbidden" };
  equal(again.device.receive(craft({ sender: 2, sequence: 2 })), refused);
  equal(again.device.receive(craft({ sender: 1, sequence: 2 })).ok, true);
});

test("answers leave room in the replay table for those who command", () => {
  const room = new Room();
  const wall = room.switch(1, { rights: [2, 3].map((sender) => [sender, 1, 2] as const) });
  equal(wall.device.receive(craft({ sender: 3, sequence: 1 })).ok, true);
  wall.device.command({ on: true, report: true });
  const asked = sentBy(room, 1)[0].bytes;
  const token = asked.slice(4, 4 + (asked[0] & 15));
  const request = { kid: Uint8Array.of(1), piv: Uint8Array.of(asked[4 + token.length + 2]) };
  let full = 0;
  for (let sender = 20; sender < 20 + LIMITS.answersMax; sender++) {
    const to = memberEndpoint(1);
    const payload = fromHex("a10000");
    const wish = { sender, sequence: 1, code: 68, path: "", token, to, payload, request };
    const outcome = wall.device.receive(craft(wish));
    if (!outcome.ok && outcome.drop === "tableFull") full++;
  }
  equal(full, 1, "one of the rows that answers may take is somebody's");
  equal(wall.device.receive(craft({ sender: 2, sequence: 1 })).ok, true);
});

test("an old key is heard beside the new one until its grace is over", () => {
  const room = new Room();
  // A restart counts as an hour of uptime (store/uptime.ts).
  const lamp = room.luminaire(20, { graceSeconds: 3660 });
  const { keyring, directory } = lamp.device.groups;
  const security = directory.security(1);
  if (security === undefined) throw new Error("no security group 1");
  const raw = new Uint8Array(16).fill(0xb2);
  const offer = { keyId: Uint8Array.of(8), raw, validitySeconds: undefined, messages: undefined };
  equal(keyring.install(security, offer).ok, true);
  equal(raw, new Uint8Array(16), "the raw key is wiped");
  equal(lamp.device.receive(craft({ sequence: 1 })).ok, true);
  equal(lamp.device.receive(craft({ sequence: 2, keyId: 8, fill: 0xb2 })).ok, true);
  lamp.restart();
  equal(lamp.device.receive(craft({ sequence: 40 })).ok, true, "both survive a restart");
  room.clock.advance(61_000_000);
  const late = lamp.device.receive(craft({ sequence: 80 }));
  equal(late.ok, false);
  room.clock.advance(5_000_000);
  equal(lamp.device.receive(craft({ sequence: 81 })), { ok: false, drop: "unknownKey" });
  equal(lamp.device.receive(craft({ sequence: 82, keyId: 8, fill: 0xb2 })).ok, true);
});

test("a key that was there before never comes again", () => {
  const room = new Room();
  const lamp = room.luminaire(20, { graceSeconds: 1 });
  const recorded = craft({ sequence: 1 });
  equal(lamp.device.receive(recorded).ok, true);
  const install = (id: number, fill: number) => {
    const { keyring, directory } = lamp.device.groups;
    const security = directory.security(1);
    if (security === undefined) throw new Error("no security group 1");
    const raw = new Uint8Array(16).fill(fill);
    const offer = {
      keyId: Uint8Array.of(id),
      raw,
      validitySeconds: undefined,
      messages: undefined,
    };
    return keyring.install(security, offer);
  };
  equal(install(8, 0xb2).ok, true);
  room.clock.advance(10_000_000);
  lamp.restart();
  equal(install(7, 0xa1), { ok: false, drop: "replayed" });
  equal(install(8, 0xb2), { ok: false, drop: "replayed" });
  equal(lamp.device.receive(recorded), { ok: false, drop: "unknownKey" });
});

test("drop expired: a key whose hours are over, for hearing and for sending", () => {
  const room = new Room();
  const keys = [{ id: 7, fill: 0xa1, validitySeconds: 3600 }];
  const lamp = room.luminaire(20, { keys });
  const wall = room.switch(1, { keys });
  equal(lamp.device.receive(craft({ sender: 2, sequence: 1 })).ok, true);
  room.clock.advance(3_700_000_000);
  equal(lamp.device.receive(craft({ sender: 2, sequence: 2 })), { ok: false, drop: "expired" });
  room.press(wall);
  equal([wall.count("sent"), wall.count("sendRefused") > 0], [0, true]);
});

test("drop expired: a key whose message budget is used up, through a restart", () => {
  const room = new Room();
  const lamp = room.luminaire(20, { keys: [{ id: 7, fill: 0xa1, messages: 70 }] });
  for (let sequence = 1; sequence <= 10; sequence++) {
    equal(lamp.device.receive(craft({ sequence })).ok, true);
  }
  lamp.restart();
  let more = 0;
  for (let sequence = 100; sequence < 200; sequence++) {
    if (lamp.device.receive(craft({ sequence })).ok) more++;
  }
  equal(more > 0 && more <= 60, true, `${more} more after the restart`);
  equal(lamp.device.receive(craft({ sequence: 300 })), { ok: false, drop: "expired" });
});

test("plain CoAP reaches discovery and nothing else", () => {
  const room = new Room();
  const lamp = room.luminaire(20);
  const plain = (type: number, code: number, path: string, to = memberEndpoint(20), mid = 7) => {
    const options = [...pathOptions(path)];
    const payload = code === GET ? undefined : ON;
    const message = { type: type as 0, code, mid, token: Uint8Array.of(9), options, payload };
    return { from: memberEndpoint(99), to, bytes: emitMessage(message), atMicros: 0 };
  };
  equal(lamp.device.receive(plain(CON, GET, ".well-known/core")).ok, true);
  const reply = parseMessage(sentBy(room, 20)[0].bytes);
  if (!reply.ok) throw new Error("the reply does not parse");
  equal([reply.value.type, reply.value.code, reply.value.mid], [ACK, 69, 7]);
  for (const [code, path] of [
    [2, "l"],
    [1, "3311/0"],
    [1, "3/0/0"],
    [3, "par/power"],
    [2, "3/0/5"],
  ] as const) {
    for (const to of [memberEndpoint(20), GROUP]) {
      const datagram = plain(NON, code, path, to, code * 100 + path.length);
      equal(lamp.device.receive(datagram), { ok: false, drop: "forbidden" }, path);
    }
  }
  room.clock.advance(20_000_000);
  equal([sentBy(room, 20).length, lamp.shown.length], [1, 1]);
});

test("drop duplicate: a retransmission is answered from memory and done once", () => {
  const room = new Room();
  const lamp = room.luminaire(20, NO_FADE);
  const command = { sequence: 1, type: CON, to: memberEndpoint(20), payload: OFF };
  const request = craft(command);
  equal(lamp.device.receive(request).ok, true);
  const shown = lamp.shown.length;
  equal(lamp.device.receive(request), { ok: false, drop: "duplicate" });
  equal(lamp.shown.length, shown);
  const replies = sentBy(room, 20).map(({ bytes }) => toHex(bytes));
  equal(replies.length, 2);
  equal(replies[0], replies[1], "no second nonce for the same answer");
});

test("a forgery does not pre-empt the confirmable message it imitates", () => {
  const room = new Room();
  const lamp = room.luminaire(20, NO_FADE);
  const request = craft({ sequence: 1, type: CON, to: memberEndpoint(20), mid: 77, payload: OFF });
  const forged = craft({ sequence: 1, type: CON, to: memberEndpoint(20), mid: 77, fill: 0x55 });
  equal(lamp.device.receive(forged), { ok: false, drop: "forged" });
  equal(lamp.device.receive(request).ok, true);
});

test("drop overflow: plain requests are answered at a bounded rate", () => {
  const room = new Room();
  const lamp = room.luminaire(20);
  let dropped = 0;
  for (let mid = 0; mid < 50; mid++) {
    const options = pathOptions(".well-known/core");
    const message = {
      type: NON,
      code: GET,
      mid,
      token: new Uint8Array(0),
      options,
      payload: undefined,
    };
    const bytes = emitMessage({ ...message, type: NON });
    const from = memberEndpoint(30 + mid);
    const outcome = lamp.device.receive({ from, to: memberEndpoint(20), bytes, atMicros: 0 });
    if (!outcome.ok && outcome.drop === "overflow") dropped++;
  }
  equal(dropped, 46);
});

test("a group GET is answered within the leisure, by No-Response not at all", () => {
  const room = new Room();
  const lamp = room.luminaire(20);
  const get = { code: GET, path: "3311/0/5850", payload: undefined, token: Uint8Array.of(1) };
  equal(lamp.device.receive(craft({ sequence: 1, ...get })).ok, true);
  equal(sentBy(room, 20).length, 0, "not at once");
  room.clock.advance(5_000_000);
  equal(sentBy(room, 20).length, 1);
  const silent = [{ number: NO_RESPONSE, value: Uint8Array.of(2) }];
  equal(lamp.device.receive(craft({ sequence: 2, ...get, options: silent })).ok, true);
  room.clock.advance(6_000_000);
  equal(sentBy(room, 20).length, 1);
});

test("discovery by multicast answers only what matches", () => {
  const room = new Room();
  const lamp = room.luminaire(20);
  const ask = (query: string, mid: number) => {
    const options = [...pathOptions(".well-known/core"), { number: URI_QUERY, value: utf8(query) }];
    const message = { code: GET, mid, token: Uint8Array.of(2), options, payload: undefined };
    const bytes = emitMessage({ ...message, type: NON });
    lamp.device.receive({ from: memberEndpoint(99), to: GROUP, bytes, atMicros: 0 });
    room.clock.advance(6_000_000);
    return sentBy(room, 20).length;
  };
  equal(ask("rt=urn:oma:lwm2m:ext:3302", 1), 0);
  equal(ask("rt=lumicast.light", 2), 1);
});

test("start-up refuses what it cannot vouch for, and names it", () => {
  const room = new Room();
  const lamp = room.luminaire(20);
  throws(() => room.luminaireOn(21, lamp.flash), /flash: belongs to device 0200000000000014/);
  const damaged = room.luminaire(22);
  damaged.device.receive(craft({ sequence: 1 }));
  for (let offset = 100; offset < 130; offset++) damaged.flash.flip(offset, 0x10);
  throws(() => damaged.restart(), /flash: .*damaged.*provision the device again/);
  throws(() => room.switch(23, { target: 9 }), /provisioning.target: group 9 is not among/);
  throws(
    () => room.luminaire(24, { appGroups: [[1, 1]], rights: [[1, 1, 9]] }),
    /rights\[0\].level/,
  );
});

test("the profile is named as WIRE.md names it", () => {
  equal([lowlatency.name, lowlatency.proof, lowlatency.layer], ["lowlatency", "group", "message"]);
  equal(address(0xff15, 0xfd).length, 16);
});
