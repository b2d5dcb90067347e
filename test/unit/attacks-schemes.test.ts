/**
 * "Bad input gets" of every scheme with members, as a table: what an attacker does to a message,
 * and what becomes of it under each scheme. Signatures are genuine Ed25519. The attacker has the
 * group's keys where he needs them: he is a member, or took one's lamp apart.
 *
 * Elsewhere: the same done to answers (attacks-answers), levels 3 to 5 (attacks-levels), Echo
 * misuse (policy-synchronisation, oscore-echo), windows and tables (schemes), lowlatency
 * (device-receive).
 */
import type { Drop } from "../../modules/bytes/outcome.js";
import { CONTENT, PUT } from "../../modules/coap/options.js";
import { NobleSignatures } from "../../modules/crypto/noble.js";
import type { Datagram } from "../../modules/ports/datagram.js";
import { equal, test, throws } from "../harness.js";
import { memberEndpoint, OFF, pathOptions } from "../support/craft.js";
import { Guild, type GuildCraft, type GuildSpec } from "../support/guild.js";
import { LAMP, SWITCH, verdict } from "../support/lamps.js";
import { type Rig, Room, type Spec } from "../support/rig.js";
import {
  flagCleared,
  malleable,
  moved,
  passedOffAs,
  SIGNATURE_BYTES,
  stripped,
} from "../support/tamper.js";

const SIGNED = ["oscoap-00", "multicast-oscore-04", "group-oscore-02", "group-oscore"] as const;
const ALL = [...SIGNED, "dtls-record", "oscore"] as const;
type Name = (typeof ALL)[number];

const INSIDER = 2;
const TOKEN = Uint8Array.of(1, 2, 3, 4);
/** Points of order 1, 2 and 8: RFC 7748 §6.1 and its image on the Edwards curve. */
const SMALL_ORDER = [
  [1, ...zeros(31)],
  [0xec, ...new Array<number>(30).fill(0xff), 0x7f],
  [
    0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0,
    0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05,
  ],
];

function zeros(count: number): number[] {
  return new Array<number>(count).fill(0);
}

function guildOf(profile: Name, more: Partial<GuildSpec> = {}): Guild {
  const members = profile === "oscore" ? [SWITCH, LAMP] : [SWITCH, INSIDER, LAMP];
  return new Guild({ profile, id: 5, members, signatures: new NobleSignatures(), ...more });
}

function lampIn(room: Room, guild: Guild, more: Partial<Spec> = {}): Rig {
  const rights = [
    ...[SWITCH, INSIDER].map((client) => [client, guild.appGroup, 2] as const),
    [SWITCH, null, 2] as const,
  ];
  const signatures = new NobleSignatures();
  return room.luminaire(LAMP, { guilds: [guild], rights, signatures, settings: [[0, 0]], ...more });
}

/** "Off", number 10, from the switch to everybody. */
function off(more: Partial<GuildCraft> = {}): GuildCraft {
  return { from: SWITCH, sequence: 10, options: pathOptions("l"), payload: OFF, ...more };
}

/** An option whose delta is reserved (RFC 7252 §3.1); in a record, not even a header. */
function garbled(plain: Uint8Array): Uint8Array {
  return plain.map((_, at) => (at === 0 ? 2 : 0xf1));
}

interface Attack {
  readonly what: string;
  readonly make: (guild: Guild, profile: Name) => Datagram;
  /** What becomes of it; a scheme that is not named cannot be attacked like this. */
  readonly gets: { readonly [profile in Name]?: Drop };
}

/** The same in all these. */
function all(profiles: readonly Name[], drop: Drop): Attack["gets"] {
  return Object.fromEntries(profiles.map((profile) => [profile, drop]));
}

const ATTACKS: readonly Attack[] = [
  {
    what: "a signature of zeros",
    make: (guild) => guild.craft(off({ sign: () => new Uint8Array(SIGNATURE_BYTES) })),
    gets: all(SIGNED, "forged"),
  },
  {
    what: "signed by another member",
    make: (guild) => guild.craft(off({ signer: INSIDER })),
    gets: all(SIGNED, "forged"),
  },
  {
    what: "the signature of another message",
    make: (guild) => {
      let taken = new Uint8Array(0);
      const take = (signature: Uint8Array) => {
        taken = signature.slice();
        return signature;
      };
      guild.craft(off({ sequence: 9, sign: take }));
      return guild.craft(off({ sign: () => taken }));
    },
    gets: all(SIGNED, "forged"),
  },
  {
    what: "a second signature of the same message (S + L)",
    make: (guild) => guild.craft(off({ sign: malleable })),
    gets: all(SIGNED, "forged"),
  },
  {
    what: "no signature",
    make: (guild, profile) => stripped(profile, guild.craft(off())),
    gets: {
      "oscoap-00": "malformed",
      "multicast-oscore-04": "malformed",
      "group-oscore-02": "malformed",
      // What is left is too short for a signature behind a tag, or has no right tag.
      "group-oscore": "malformed",
    },
  },
  {
    what: "the signature where another scheme has it",
    make: (guild, profile) => moved(profile, guild.craft(off())),
    gets: {
      "oscoap-00": "malformed",
      "multicast-oscore-04": "malformed",
      "group-oscore-02": "malformed",
      // It reads as a kid of 65 bytes.
      "group-oscore": "malformed",
    },
  },
  {
    what: "group flag, or that of the signature, cleared",
    make: (guild) => flagCleared(guild.craft(off())),
    gets: {
      "multicast-oscore-04": "malformed",
      "group-oscore-02": "malformed",
      "group-oscore": "forged",
    },
  },
  {
    what: "the kid of another member",
    make: (guild, profile) => {
      const datagram = guild.craft(off({ from: INSIDER }));
      if (profile === "dtls-record") return { ...datagram, from: memberEndpoint(SWITCH) };
      return passedOffAs(SWITCH, profile, datagram);
    },
    gets: {
      "oscoap-00": "forged",
      "multicast-oscore-04": "forged",
      "group-oscore-02": "forged",
      "group-oscore": "forged",
      "dtls-record": "forged",
    },
  },
  {
    what: "another group's Gid",
    make: (guild, profile) => guildOf(profile, { prefix: 0x77, fill: guild.spec.id }).craft(off()),
    gets: all(SIGNED, "unknownKey"),
  },
  {
    what: "the group's Gid, another group's secret",
    make: ({ spec }) => new Guild({ ...spec, fill: 0x55 }).craft(off()),
    gets: all(ALL, "forged"),
  },
  {
    what: "an epoch that is not there",
    make: (guild) => guild.craft(off(), 2),
    gets: { ...all(SIGNED, "unknownKey"), "dtls-record": "oldEpoch" },
  },
  {
    what: "a number that goes back",
    make: (guild) => guild.craft(off({ sequence: 4 })),
    gets: { "dtls-record": "replayed" },
  },
  {
    what: "an answer to a request that was never made",
    make: (guild) => {
      const request = { kid: guild.idOf(LAMP), piv: Uint8Array.of(1), keyId: guild.keyId() };
      return guild.craft(off({ code: CONTENT, token: TOKEN, to: memberEndpoint(LAMP), request }));
    },
    gets: all(ALL, "unsolicited"),
  },
  {
    what: "protected, and no CoAP inside",
    make: (guild) => guild.craft(off({ inside: garbled })),
    gets: { ...all(ALL, "malformed") },
  },
  {
    what: "level 3",
    make: (guild) => guild.craft(off({ code: PUT, options: pathOptions("par/power") })),
    gets: all(ALL, "forbidden"),
  },
  {
    what: "level 3, to this device alone",
    make: (guild) => {
      const to = memberEndpoint(LAMP);
      return guild.craft(off({ code: PUT, options: pathOptions("par/power"), to }));
    },
    gets: all([...SIGNED, "dtls-record"], "forbidden"),
  },
  {
    what: "level 3, in pairwise mode",
    make: (guild) => {
      const wish = { code: PUT, options: pathOptions("par/power"), peer: LAMP };
      return guild.craft(off({ ...wish, to: memberEndpoint(LAMP) }));
    },
    gets: { "group-oscore": "forbidden" },
  },
];

/** Each scheme, and what else two of them can be keyed for. */
const VARIANTS: readonly (readonly [name: string, profile: Name, more: Partial<GuildSpec>])[] = [
  ...ALL.map((profile) => [profile, profile, {}] as const),
  ["group-oscore, algorithm 30", "group-oscore", { groupEncryption: 30 }],
  ["dtls-record, MTS_WITH_NULL_SHA256", "dtls-record", { suite: 0xff02 }],
];

for (const [name, profile, more] of VARIANTS) {
  for (const { what, make, gets } of ATTACKS) {
    const expected = gets[profile];
    if (expected === undefined) continue;
    test(`${name}: ${what}: ${expected}`, () => {
      const room = new Room();
      const guild = guildOf(profile, more);
      const lamp = lampIn(room, guild);
      equal(
        verdict(lamp, guild.craft(off({ sequence: 5, options: pathOptions("idn") }))),
        "unsupported",
      );
      const [shown, sent] = [lamp.shown.length, room.net.sent.length];
      equal(verdict(lamp, make(guild, profile)), expected);
      room.clock.advance(10_000_000);
      equal([lamp.shown.length, room.net.sent.length], [shown, sent], "no light, no answer");
      // What was genuine is used up; nothing else changes what comes after it.
      const isRecord = profile === "dtls-record" && what.startsWith("an answer");
      const isGenuine = what.startsWith("level") || what.startsWith("protected") || isRecord;
      const next = guild.craft(off({ sequence: isGenuine ? 11 : 10 }));
      equal(verdict(lamp, next), "accepted");
      equal(lamp.level, 0);
    });
  }
}

for (const profile of SIGNED) {
  // R and S of zeros would verify under such a key.
  test(`${profile}: whose key has a small order never becomes a member`, () => {
    const room = new Room();
    for (const point of SMALL_ORDER) {
      const publicKeys = new Map([[INSIDER, Uint8Array.from(point)]]);
      const guild = guildOf(profile, { publicKeys });
      throws(() => lampIn(room, guild), /its credential is none to be trusted/);
    }
  });
}
