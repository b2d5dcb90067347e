/**
 * ARCHITECTURE decision 8: what is protected with group material stops at access level 2, whatever
 * rights say. Signed to everybody and to one, in pairwise mode, as the unicast answer to a
 * challenge, under a symmetric key: here the sender has every right there is, and it is the
 * material that refuses. Over a context of two the same message is obeyed.
 */

import type { Level } from "../../modules/access/level.js";
import { mayUse } from "../../modules/access/policy.js";
import { DELETE, ECHO, GET, POST, PUT } from "../../modules/coap/options.js";
import { equal, test } from "../harness.js";
import { craft, memberEndpoint, OFF, pathOptions } from "../support/craft.js";
import { Guild, type GuildCraft, type GuildSpec } from "../support/guild.js";
import { BOUND_ANSWERS, LAMP, light, SIGNED, SWITCH, verdict } from "../support/lamps.js";
import { type Rig, Room } from "../support/rig.js";

const EVERY_RIGHT = 5;
const CHALLENGE = [[7, 2]] as const;
/** The message /par/power takes: 1, on. */
const ONE = Uint8Array.of(0x31);

/** Levels 3 to 5. */
const WISHES: readonly (readonly [what: string, wish: Partial<GuildCraft>])[] = [
  ["PUT /par/power, level 3", { code: PUT, options: pathOptions("par/power"), payload: ONE }],
  ["GET /par/max, level 3", { code: GET, options: pathOptions("par/max") }],
  ["GET /loc, level 4", { code: GET, options: pathOptions("loc") }],
  ["DELETE /grp/1, level 4", { code: DELETE, options: pathOptions("grp/1") }],
  ["POST /3/0/5, level 4", { code: POST, options: pathOptions("3/0/5") }],
  ["GET /fw/state, level 5", { code: GET, options: pathOptions("fw/state") }],
  ["PUT /fw/manifest, level 5", { code: PUT, options: pathOptions("fw/manifest"), payload: ONE }],
];

function guildOf(profile: string, more: Partial<GuildSpec> = {}): Guild {
  return new Guild({ profile, id: 5, members: [SWITCH, LAMP], ...more });
}

function lampIn(room: Room, guild: Guild): Rig {
  const rights = [
    [SWITCH, guild.appGroup, EVERY_RIGHT],
    [SWITCH, null, EVERY_RIGHT],
  ] as const;
  return room.luminaire(LAMP, { guilds: [guild], rights, settings: [[0, 0]] });
}

/** A way for a message to come: to whom, and in which mode. */
interface Way {
  readonly what: string;
  readonly profile: string;
  readonly to: Partial<GuildCraft>;
  readonly more?: Partial<GuildSpec>;
}

const ONE_LAMP = { to: memberEndpoint(LAMP) };

const WAYS: readonly Way[] = [
  ...SIGNED.flatMap((profile) => [
    { what: "signed, to everybody", profile, to: {} },
    { what: "signed, to one", profile, to: ONE_LAMP },
  ]),
  { what: "pairwise mode", profile: "group-oscore", to: { ...ONE_LAMP, peer: LAMP } },
  { what: "pairwise mode, to everybody", profile: "group-oscore", to: { peer: LAMP } },
  ...[0xff01, 0xff02].flatMap((suite) => [
    { what: `suite ${suite.toString(16)}`, profile: "dtls-record", to: {}, more: { suite } },
    { what: `suite ${suite.toString(16)}, to one`, profile: "dtls-record", to: ONE_LAMP },
  ]),
];

for (const { what, profile, to, more } of WAYS) {
  test(`${profile}, ${what}: levels 3 and 4 are forbidden, whatever rights say`, () => {
    const room = new Room();
    const guild = guildOf(profile, more);
    const lamp = lampIn(room, guild);
    let sequence = 1;
    for (const [name, wish] of WISHES) {
      equal(verdict(lamp, guild.craft(light(sequence++, { ...to, ...wish }))), "forbidden", name);
    }
    room.clock.advance(10_000_000);
    equal(room.net.sent.length, 0, "nobody is told");
    equal(verdict(lamp, guild.craft(light(sequence, { ...to, payload: OFF }))), "accepted");
    equal(lamp.level, 0, "level 2 is not");
  });
}

/** What the lamp wants echoed after `act`. */
function echoOf(lamp: Rig, act: () => void): Uint8Array {
  const { synchronisation } = lamp.device.groups.schemes ?? {};
  if (synchronisation === undefined) throw new Error("no policy");
  const begin = synchronisation.begin.bind(synchronisation);
  let echo: Uint8Array | undefined;
  synchronisation.begin = (...asked) => {
    const made = begin(...asked);
    echo = made?.echo;
    return made;
  };
  act();
  if (echo === undefined) throw new Error("no challenge");
  return echo;
}

for (const profile of BOUND_ANSWERS) {
  for (const pairwise of profile === "group-oscore" ? [false, true] : [false]) {
    const mode = pairwise ? "in pairwise mode" : "signed";
    test(`${profile}, the answer to a challenge, ${mode}: levels 3 and 4 are forbidden`, () => {
      for (const [name, wish] of WISHES) {
        const room = new Room();
        const guild = guildOf(profile, { policy: CHALLENGE });
        const lamp = lampIn(room, guild);
        const echo = echoOf(lamp, () => {
          equal(verdict(lamp, guild.craft(light(9, { payload: OFF }))), "notSynchronised");
          room.clock.advance(6_000_000);
        });
        const options = [...(wish.options ?? []), { number: ECHO, value: echo }];
        const peer = pairwise ? { peer: LAMP } : {};
        const retry = guild.craft(light(10, { ...wish, ...ONE_LAMP, ...peer, options }));
        equal(verdict(lamp, retry), "forbidden", name);
      }
    });
  }
}

test("lowlatency: levels 3 and 4 are forbidden, whatever rights say", () => {
  const room = new Room();
  const rights = [
    [SWITCH, 1, EVERY_RIGHT],
    [SWITCH, null, EVERY_RIGHT],
  ] as const;
  const lamp = room.luminaire(LAMP, { rights });
  let sequence = 1;
  for (const to of [undefined, memberEndpoint(LAMP)]) {
    for (const [name, { code, options = [], payload }] of WISHES) {
      const path = options.map(({ value }) => String.fromCharCode(...value)).join("/");
      const wish = { sequence: sequence++, path, code: code ?? POST, payload };
      const datagram = craft(to === undefined ? wish : { ...wish, to });
      equal(verdict(lamp, datagram), "forbidden", name);
    }
  }
});

test("oscore: the same is obeyed over a context of two", () => {
  const room = new Room();
  const pair = guildOf("oscore");
  const lamp = lampIn(room, pair);
  const [, wish] = WISHES[0];
  const { code = PUT, options = [], payload = ONE } = wish;
  const said = { from: SWITCH, sequence: 1, code, options, payload, to: memberEndpoint(LAMP) };
  equal(verdict(lamp, pair.craft(said)), "accepted");
  room.clock.advance(1_000_000);
  equal(room.net.sent.length, 1, "and answered");
});

test("level 5 is refused to every proof but a channel's", () => {
  const id = Uint8Array.of(SWITCH);
  const proofs = [{ by: "group" }, { by: "member", id }, { by: "pairwise", id }] as const;
  for (const needed of [3, 4, 5] as Level[]) {
    for (const transport of ["multicast", "unicast"] as const) {
      for (const scope of ["group", "device"] as const) {
        for (const proof of proofs) {
          const access = { proof, transport, scope, granted: 5, needed } as const;
          equal(mayUse(access), false, `${needed} ${transport} ${scope} ${proof.by}`);
        }
      }
    }
    const channel = { by: "channel", id } as const;
    const own = { proof: channel, transport: "unicast", scope: "device", granted: 5 } as const;
    equal(mayUse({ ...own, needed }), true);
  }
});
