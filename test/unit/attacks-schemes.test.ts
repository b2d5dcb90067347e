/**
 * "Bad input gets" of every scheme with members, as a table: what an attacker does to a message,
 * and what becomes of it under each scheme. Signatures are genuine Ed25519. The attacker has the
 * group's keys where he needs them: he is a member, or took one's lamp apart.
 *
 * Elsewhere: Echo misuse (policy-synchronisation), answers twice and to another request
 * (schemes-answers), windows and tables (schemes), lowlatency (device-receive).
 */
import type { Drop } from "../../modules/bytes/outcome.js";
import { decode } from "../../modules/cbor/decode.js";
import { type Cbor, encode } from "../../modules/cbor/encode.js";
import { emitMessage, type Message, parseMessage } from "../../modules/coap/message.js";
import { CONTENT, ECHO, OSCORE, PUT } from "../../modules/coap/options.js";
import { NobleSignatures } from "../../modules/crypto/noble.js";
import type { Datagram } from "../../modules/ports/datagram.js";
import { equal, test, throws } from "../harness.js";
import { memberEndpoint, OFF, pathOptions } from "../support/craft.js";
import { Guild, type GuildCraft, type GuildSpec } from "../support/guild.js";
import { type Rig, Room, type Spec } from "../support/rig.js";

const SIGNED = ["oscoap-00", "multicast-oscore-04", "group-oscore-02", "group-oscore"] as const;
const ALL = [...SIGNED, "dtls-record", "oscore"] as const;
type Name = (typeof ALL)[number];

const SWITCH = 1;
const INSIDER = 2;
const LAMP = 20;
const TOKEN = Uint8Array.of(1, 2, 3, 4);
const SIGNATURE_BYTES = 64;
const SIGNATURE_FLAG = 0x20;
/** RFC 8032 §5.1: the order of the base point, little-endian. */
const ORDER = [
  0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0,
  0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];
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

function verdict(rig: Rig, datagram: Datagram): Drop | "accepted" {
  const outcome = rig.device.receive(datagram);
  return outcome.ok ? "accepted" : outcome.drop;
}

/** "Off", number 10, from the switch to everybody. */
function off(more: Partial<GuildCraft> = {}): GuildCraft {
  return { from: SWITCH, sequence: 10, options: pathOptions("l"), payload: OFF, ...more };
}

/** `S + L`: the same signature to whoever does not look. */
function malleable(signature: Uint8Array): Uint8Array {
  const other = signature.slice();
  let carry = 0;
  for (let i = 0; i < ORDER.length; i++) {
    const sum = other[32 + i] + ORDER[i] + carry;
    other[32 + i] = sum;
    carry = sum >> 8;
  }
  return other;
}

/** A message taken apart and put together again. */
function rebuilt(datagram: Datagram, change: (parts: Parts) => Partial<Parts>): Datagram {
  const parsed = parseMessage(datagram.bytes);
  if (!parsed.ok) throw new Error("no message");
  const message: Message = parsed.value;
  const value = message.options.find(({ number }) => number === OSCORE)?.value as Uint8Array;
  const parts = { value, payload: message.payload as Uint8Array };
  const changed = { ...parts, ...change(parts) };
  const options = message.options.map((option) =>
    option.number === OSCORE ? { number: OSCORE, value: changed.value } : option,
  );
  return { ...datagram, bytes: emitMessage({ ...message, options, payload: changed.payload }) };
}

interface Parts {
  readonly value: Uint8Array;
  readonly payload: Uint8Array;
}

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

/** The message without its signature, in form but for that. */
function stripped(profile: Name, datagram: Datagram): Datagram {
  return rebuilt(datagram, ({ value, payload }) => {
    if (profile === "group-oscore") return { payload: payload.slice(0, -SIGNATURE_BYTES) };
    if (profile === "oscoap-00") {
      const decoded = decode(payload);
      const [header, , ciphertext] = (decoded.ok ? decoded.value : []) as Cbor[];
      return { payload: encode([header, new Map<Cbor, Cbor>(), ciphertext]) };
    }
    const option = joined(value.slice(0, -SIGNATURE_BYTES - 1), value.slice(-1));
    option[0] -= SIGNATURE_FLAG;
    return { value: option };
  });
}

/** The signature where another of the schemes has it. */
function moved(profile: Name, datagram: Datagram): Datagram {
  return rebuilt(datagram, ({ value, payload }) => {
    if (profile === "group-oscore") {
      const signature = payload.slice(-SIGNATURE_BYTES);
      const option = joined(value.slice(0, -1), signature, value.slice(-1));
      return { value: option, payload: payload.slice(0, -SIGNATURE_BYTES) };
    }
    const signature = value.slice(-SIGNATURE_BYTES - 1, -1);
    const option = joined(value.slice(0, -SIGNATURE_BYTES - 1), value.slice(-1));
    return { value: option, payload: joined(payload, signature) };
  });
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
      "multicast-oscore-04": "malformed",
      "group-oscore-02": "malformed",
      // It reads as a kid of 65 bytes.
      "group-oscore": "malformed",
    },
  },
  {
    what: "group flag, or that of the signature, cleared",
    make: (guild) =>
      rebuilt(guild.craft(off()), ({ value }) => {
        const option = value.slice();
        option[0] -= SIGNATURE_FLAG;
        return { value: option };
      }),
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
      return rebuilt(datagram, ({ value }) => {
        const option = value.slice();
        option[option.length - 1] = SWITCH;
        return { value: option };
      });
    },
    gets: {
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
    make: (_guild, profile) => guildOf(profile, { fill: 0x55 }).craft(off()),
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

for (const profile of ALL) {
  for (const { what, make, gets } of ATTACKS) {
    const expected = gets[profile];
    if (expected === undefined) continue;
    test(`${profile}: ${what}: ${expected}`, () => {
      const room = new Room();
      const guild = guildOf(profile);
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

for (const profile of ["multicast-oscore-04", "group-oscore-02", "group-oscore"] as const) {
  test(`${profile}: level 3 in the answer to a challenge`, () => {
    const room = new Room();
    const guild = guildOf(profile, { policy: [[7, 2]] });
    const lamp = lampIn(room, guild);
    const { schemes, arriving } = lamp.device.groups;
    equal(verdict(lamp, guild.craft(off({ sequence: 9, payload: OFF }))), "notSynchronised");
    room.clock.advance(10_100_000);
    const made = schemes?.synchronisation?.begin(arriving, guild.idOf(SWITCH), 1_000_000);
    if (made === undefined) throw new Error("no challenge");
    const options = [...pathOptions("par/power"), { number: ECHO, value: made.echo }];
    const wish = off({ code: PUT, options, to: memberEndpoint(LAMP) });
    const peer = profile === "group-oscore" ? { peer: LAMP } : {};
    equal(verdict(lamp, guild.craft({ ...wish, ...peer })), "forbidden");
    equal(verdict(lamp, guild.craft(off({ sequence: 11 }))), "accepted", "and he is known");
  });
}
