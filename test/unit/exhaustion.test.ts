/**
 * RFC 10021 §2.6.2, and every scheme before it: a sender whose numbers are used up is silent under
 * that key, restarts or not, until a new context gives it new numbers. What needs no number of its
 * own goes on.
 */
import { uintBytes } from "../../modules/bytes/uint.js";
import { CONTENT, GET } from "../../modules/coap/options.js";
import { SEQUENCE_MAX } from "../../modules/oscore/option.js";
import type { Datagram } from "../../modules/ports/datagram.js";
import { KIND, key } from "../../modules/store/keys.js";
import { equal, test } from "../harness.js";
import { memberEndpoint, OFF, pathOptions } from "../support/craft.js";
import type { Guild } from "../support/guild.js";
import {
  BOUND_ANSWERS,
  GROUPS,
  guildOf,
  LAMP,
  lampIn,
  light,
  rightsIn,
  SWITCH,
  verdict,
} from "../support/lamps.js";
import { type Rig, Room } from "../support/rig.js";

function securityOf(rig: Rig, guild: Guild) {
  const security = rig.device.groups.directory.security(guild.spec.id);
  if (security === undefined) throw new Error("no group");
  return security;
}

/** As after 2^40 - 1 - `left` messages: power off, and on again. */
function spend(rig: Rig, guild: Guild, left: number): void {
  const [{ index }] = securityOf(rig, guild).associations;
  const next = uintBytes(SEQUENCE_MAX + 1 - left);
  equal(rig.device.store.put(key(KIND.SEQUENCE, index + 1), next), true);
  rig.restart();
}

function rekey(rig: Rig, guild: Guild, epoch: number): void {
  const { keyring } = rig.device.groups;
  equal(keyring.install(securityOf(rig, guild), guild.offer(rig.spec.number, epoch)).ok, true);
}

for (const profile of GROUPS) {
  test(`${profile}: the last number is used, none after it, and a new key begins anew`, () => {
    const room = new Room();
    const guild = guildOf(profile);
    const lamp = lampIn(room, guild);
    const { appGroup: target } = guild;
    const wall = room.switch(SWITCH, { guilds: [guild], target, rights: rightsIn(guild) });
    spend(wall, guild, 2);
    const say = (on: boolean) => wall.device.command({ on });
    const heard = () => lamp.count("accepted");
    equal([say(false), say(true)], [true, true]);
    room.clock.advance(100_000);
    equal([lamp.level, heard()], [254, 2], "2^40 - 1 is a number as any other");
    const sent = room.net.sent.length;
    equal([say(false), say(false)], [false, false]);
    room.clock.advance(100_000);
    equal([room.net.sent.length, wall.count("sendRefused")], [sent, 2]);
    wall.restart();
    equal(say(false), false, "nor after a restart");
    equal(room.net.sent.length, sent);
    rekey(lamp, guild, 2);
    rekey(wall, guild, 2);
    equal(say(false), true);
    room.clock.advance(100_000);
    equal([lamp.level, heard()], [0, 3], "a new context, numbers from the first one on");
  });
}

for (const profile of BOUND_ANSWERS) {
  test(`${profile}: a lamp without numbers answers once under its request's number`, () => {
    const room = new Room();
    const guild = guildOf(profile);
    const lamp = lampIn(room, guild);
    spend(lamp, guild, 0);
    const read = { code: GET, options: pathOptions("3311/0/5850"), to: memberEndpoint(LAMP) };
    const token = Uint8Array.of(1, 2);
    equal(verdict(lamp, guild.craft(light(1, { ...read, token }))), "accepted");
    room.clock.advance(1_000_000);
    equal(room.net.sent.length, 1);
    const { schemes, arriving } = lamp.device.groups;
    const taken = schemes?.taken;
    const again = schemes?.seal({
      header: { type: 1, mid: 1, token },
      inner: { code: CONTENT, options: [], payload: undefined },
      clear: [],
      appGroup: arriving.appGroup,
      association: arriving.association,
      to: memberEndpoint(SWITCH),
      request: taken,
    });
    equal(again, { ok: false, drop: "storeFailed" }, "two answers never share a number");
  });

  test(`${profile}: a lamp without numbers challenges nobody`, () => {
    const room = new Room();
    const guild = guildOf(profile, { policy: [[7, 2]] });
    const lamp = lampIn(room, guild);
    spend(lamp, guild, 0);
    const command: Datagram = guild.craft(light(9, { payload: OFF }));
    equal(verdict(lamp, command), "notSynchronised");
    room.clock.advance(10_000_000);
    equal([lamp.level, room.net.sent.length, lamp.count("sendRefused")], [254, 0, 1]);
  });
}
