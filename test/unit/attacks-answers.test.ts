/**
 * What attacks-schemes.test.ts does to requests, done to answers: a switch asked its group for
 * reports, and an attacker, who may be a member, has a lamp's answer. Of schemes that sign, every
 * mistreatment of a signature; of all, an answer to nothing, twice, and by somebody else.
 * Signatures are genuine Ed25519.
 */
import type { Drop } from "../../modules/bytes/outcome.js";
import { CON } from "../../modules/coap/message.js";
import { CONTENT, OBSERVE } from "../../modules/coap/options.js";
import { NobleSignatures } from "../../modules/crypto/noble.js";
import type { Datagram } from "../../modules/ports/datagram.js";
import type { RequestBinding } from "../../modules/profiles/profile.js";
import { equal, test } from "../harness.js";
import { craft, memberEndpoint } from "../support/craft.js";
import { Guild, type GuildCraft, type GuildSpec } from "../support/guild.js";
import { LAMP, SECOND_LAMP, SIGNED, SWITCH, verdict } from "../support/lamps.js";
import { type Rig, Room } from "../support/rig.js";
import {
  flagCleared,
  malleable,
  moved,
  naming,
  passedOffAs,
  SIGNATURE_BYTES,
  stripped,
} from "../support/tamper.js";

/** The answer is bound to the request's number and has none of its own. */
const BOUND = ["multicast-oscore-04", "group-oscore-02", "group-oscore", "oscore"];
const SYMMETRIC = ["dtls-record", "oscore"];
/** What it says does not matter here. */
const REPORT = Uint8Array.of(1);

function guildOf(profile: string, more: Partial<GuildSpec> = {}): Guild {
  const members = profile === "oscore" ? [SWITCH, LAMP] : [SWITCH, LAMP, SECOND_LAMP];
  return new Guild({ profile, id: 5, members, signatures: new NobleSignatures(), ...more });
}

interface Asked {
  readonly token: Uint8Array;
  readonly request: RequestBinding;
}

/** A switch, what it asked for, and answers as holders of the lamps' keys make them. */
class Asking {
  readonly room = new Room();
  readonly guild: Guild;
  readonly wall: Rig;

  constructor(profile: string, more: Partial<GuildSpec> = {}) {
    this.guild = guildOf(profile, more);
    const { appGroup: target } = this.guild;
    const signatures = new NobleSignatures();
    this.wall = this.room.switch(SWITCH, { guilds: [this.guild], target, rights: [], signatures });
  }

  /** One more command, of which reports are wanted. */
  ask(): Asked {
    const { exchanges } = this.wall.device;
    const open = exchanges.open.bind(exchanges);
    const made: ReturnType<typeof open>[] = [];
    exchanges.open = (opening) => {
      const exchange = open(opening);
      made.push(exchange);
      return exchange;
    };
    equal(this.wall.device.command({ on: true, report: true }), true);
    exchanges.open = open;
    const [exchange] = made;
    const request = exchange?.binding.request;
    if (exchange === undefined || request === undefined) throw new Error("nothing was asked");
    return { token: exchange.token, request };
  }

  /** The lamp's answer, its number 7 where it has one. */
  answer(asked: Asked, more: Partial<GuildCraft> = {}, guild = this.guild): Datagram {
    return guild.craft({
      from: LAMP,
      sequence: 7,
      withoutNumber: BOUND.includes(guild.spec.profile),
      code: CONTENT,
      options: [],
      payload: REPORT,
      to: memberEndpoint(SWITCH),
      ...asked,
      ...more,
    });
  }

  is(expected: Drop | "accepted", answer: Datagram, why = ""): void {
    const sent = this.room.net.sent.length;
    equal(verdict(this.wall, answer), expected, why);
    equal(this.room.net.sent.length, sent, "no answer to an answer");
  }
}

interface Attack {
  readonly what: string;
  readonly make: (asking: Asking, asked: Asked, profile: string) => Datagram;
  /** What becomes of it; a scheme that is not named cannot be attacked like this. */
  readonly gets: Readonly<Record<string, Drop>>;
}

function all(profiles: readonly string[], reason: Drop): Readonly<Record<string, Drop>> {
  return Object.fromEntries(profiles.map((profile) => [profile, reason]));
}

const MALFORMED = {
  "oscoap-00": "malformed",
  "multicast-oscore-04": "malformed",
  "group-oscore-02": "malformed",
} as const;

const ATTACKS: readonly Attack[] = [
  {
    what: "a signature of zeros",
    make: (asking, asked) => asking.answer(asked, { sign: () => new Uint8Array(SIGNATURE_BYTES) }),
    gets: all(SIGNED, "forged"),
  },
  {
    what: "signed by another member",
    make: (asking, asked) => asking.answer(asked, { signer: SECOND_LAMP }),
    gets: all(SIGNED, "forged"),
  },
  {
    what: "the signature of the same lamp's answer to another request",
    make: (asking, asked) => {
      let taken = new Uint8Array(0);
      const other = { ...asked, request: { ...asked.request, piv: Uint8Array.of(77) } };
      asking.answer(other, {
        sign: (signature) => {
          taken = signature.slice();
          return signature;
        },
      });
      return asking.answer(asked, { sign: () => taken });
    },
    gets: all(SIGNED, "forged"),
  },
  {
    what: "a second signature of the same answer (S + L)",
    make: (asking, asked) => asking.answer(asked, { sign: malleable }),
    gets: all(SIGNED, "forged"),
  },
  {
    what: "no signature",
    make: (asking, asked, profile) => stripped(profile, asking.answer(asked)),
    gets: { ...MALFORMED, "group-oscore": "malformed" },
  },
  {
    what: "the signature where another scheme has it",
    make: (asking, asked, profile) => moved(profile, asking.answer(asked)),
    gets: { ...MALFORMED, "group-oscore": "malformed" },
  },
  {
    what: "group flag, or that of the signature, cleared",
    make: (asking, asked) => flagCleared(asking.answer(asked)),
    gets: {
      "multicast-oscore-04": "malformed",
      "group-oscore-02": "malformed",
      "group-oscore": "forged",
    },
  },
  {
    what: "under the id of another member",
    make: (asking, asked, profile) =>
      passedOffAs(LAMP, profile, asking.answer(asked, { from: SECOND_LAMP })),
    gets: all(SIGNED, "forged"),
  },
  {
    what: "naming another group's Gid",
    make: (asking, asked, profile) =>
      naming(guildOf(profile, { prefix: 0x77 }).keyId(), asking.answer(asked)),
    gets: {
      "multicast-oscore-04": "unknownKey",
      "group-oscore-02": "unknownKey",
      "group-oscore": "unknownKey",
    },
  },
  {
    what: "with another group's secret",
    make: (asking, asked, profile) => asking.answer(asked, {}, guildOf(profile, { fill: 0x55 })),
    gets: all([...SIGNED, ...SYMMETRIC], "forged"),
  },
  {
    what: "to a request that was never made",
    make: (asking, asked) => asking.answer({ ...asked, token: Uint8Array.of(9, 9, 9, 9) }),
    gets: all([...SIGNED, ...SYMMETRIC], "unsolicited"),
  },
  {
    what: "bound to another request than its token's",
    make: (asking, asked) => {
      const { request } = asking.ask();
      return asking.answer({ ...asked, request });
    },
    // A record is bound to nothing but its session: only the token ties it to a request.
    gets: all([...SIGNED, "oscore"], "forged"),
  },
  {
    what: "a confirmation of no request: plain CoAP",
    make: (asking, asked) => {
      const { token } = asked;
      const plain = asking.answer(asked);
      // NON 2.04 with the right token and no protection.
      return { ...plain, bytes: Uint8Array.of(0x54, 0x44, 0, 1, ...token) };
    },
    gets: all([...SIGNED, ...SYMMETRIC], "unsolicited"),
  },
];

for (const profile of [...SIGNED, ...SYMMETRIC]) {
  for (const { what, make, gets } of ATTACKS) {
    const expected = gets[profile];
    if (expected === undefined) continue;
    test(`${profile}: an answer, ${what}: ${expected}`, () => {
      const asking = new Asking(profile);
      const asked = asking.ask();
      asking.is(expected, make(asking, asked, profile));
      // What was genuine but for its token is used up: the next number.
      asking.is("accepted", asking.answer(asked, { sequence: 8 }), "and the lamp's own counts");
    });
  }

  test(`${profile}: an answer twice counts once`, () => {
    const asking = new Asking(profile);
    const asked = asking.ask();
    const good = asking.answer(asked);
    asking.is("accepted", good);
    asking.is("replayed", good);
  });
}

test("dtls-record: a member can pose as another one when it answers", () => {
  for (const suite of [0xff01, 0xff02]) {
    const asking = new Asking("dtls-record", { suite });
    const asked = asking.ask();
    const posed = asking.answer(asked, { from: LAMP, signer: SECOND_LAMP });
    asking.is("accepted", posed, `suite ${suite.toString(16)}`);
  }
});

/** A `lowlatency` switch that asked for reports, and answers as a holder of its group's key. */
function askingByName() {
  const room = new Room();
  const wall = room.switch(SWITCH);
  const asked: Uint8Array[] = [];
  const { exchanges } = wall.device;
  const open = exchanges.open.bind(exchanges);
  exchanges.open = (opening) => {
    const exchange = open(opening);
    if (exchange !== undefined) asked.push(exchange.token);
    return exchange;
  };
  equal(wall.device.command({ on: true, report: true }), true);
  const request = { kid: Uint8Array.of(SWITCH), piv: Uint8Array.of(0) };
  const wish = { code: CONTENT, path: "l", to: memberEndpoint(SWITCH), payload: REPORT, request };
  const answer = (more: Partial<Parameters<typeof craft>[0]>) =>
    craft({ sequence: 1, sender: LAMP, token: asked[0], ...wish, ...more });
  return { room, wall, answer, request };
}

test("lowlatency: an answer twice, to nothing, with another key; posed by a member", () => {
  const { wall, answer, request } = askingByName();
  equal(verdict(wall, answer({ token: Uint8Array.of(9, 9, 9, 9) })), "unsolicited");
  equal(verdict(wall, answer({ fill: 0x55 })), "forged");
  equal(verdict(wall, answer({ keyId: 9 })), "unknownKey");
  const elsewhere = { request: { ...request, piv: Uint8Array.of(5) } };
  equal(verdict(wall, answer(elsewhere)), "forged", "bound to another request");
  const good = answer({});
  equal(verdict(wall, good), "accepted");
  equal(verdict(wall, good), "replayed");
  // Made by whoever holds the group's key, in the name of a lamp that said nothing.
  equal(verdict(wall, answer({ sender: SECOND_LAMP })), "accepted");
});

test("lowlatency: what nobody observes has no notification", () => {
  const { room, wall, answer } = askingByName();
  const sent = room.net.sent.length;
  const options = [{ number: OBSERVE, value: Uint8Array.of(5) }];
  equal(verdict(wall, answer({ options })), "unsolicited");
  const confirmable = { options, sequence: 2, type: CON, mid: 77 };
  equal(verdict(wall, answer(confirmable)), "unsolicited");
  equal(room.net.sent.length, sent, "and no acknowledgement");
  equal(verdict(wall, answer({ sequence: 3 })), "accepted", "he did not answer yet");
});
