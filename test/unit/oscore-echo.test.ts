/**
 * RFC 8613 Appendix B.1.2 in a device: who lost his window, or hears of a context for the first
 * time, asks by Echo whether his peer is there, and takes nothing for an answer that is not.
 */
import { isMulticast } from "../../modules/coap/addresses.js";
import { parseMessage } from "../../modules/coap/message.js";
import { ECHO, UNAUTHORIZED } from "../../modules/coap/options.js";
import { TsCrypto } from "../../modules/crypto/crypto.js";
import type { Challenge } from "../../modules/groups/synchronise.js";
import { Workspace } from "../../modules/oscore/aad.js";
import { OscoreOption } from "../../modules/oscore/option.js";
import { Outer } from "../../modules/oscore/outer.js";
import type { Datagram } from "../../modules/ports/datagram.js";
import { equal, test } from "../harness.js";
import { memberEndpoint, OFF, pathOptions } from "../support/craft.js";
import { Guild, type GuildCraft, type GuildSpec } from "../support/guild.js";
import { LAMP, light, OTHER_SWITCH, SWITCH, verdict } from "../support/lamps.js";
import { type Rig, Room } from "../support/rig.js";

const CHALLENGE = [[7, 2]] as const;
const SECOND = 1_000_000;
const TO_LAMP = { to: memberEndpoint(LAMP) };

function pairOf(more: Partial<GuildSpec> = {}): Guild {
  return new Guild({
    profile: "oscore",
    id: 5,
    members: [SWITCH, LAMP],
    policy: CHALLENGE,
    ...more,
  });
}

class Lamp {
  readonly room = new Room();
  readonly rig: Rig;
  readonly made: Challenge[] = [];

  constructor(...pairs: readonly Guild[]) {
    const rights = [SWITCH, OTHER_SWITCH].map((client) => [client, null, 2] as const);
    this.rig = this.room.luminaire(LAMP, { guilds: pairs, rights, settings: [[0, 0]] });
    this.watch();
  }

  restart(): void {
    this.rig.restart();
    this.watch();
  }

  is(expected: string, datagram: Datagram, why = ""): void {
    equal(verdict(this.rig, datagram), expected, why);
  }

  private watch(): void {
    const { synchronisation } = this.rig.device.groups.schemes ?? {};
    if (synchronisation === undefined) throw new Error("no policy");
    const begin = synchronisation.begin.bind(synchronisation);
    synchronisation.begin = (...asked) => {
      const challenge = begin(...asked);
      if (challenge !== undefined) this.made.push(challenge);
      return challenge;
    };
  }
}

/** A command to the lamp alone. */
function said(pair: Guild, sequence: number, more: Partial<GuildCraft> = {}): Datagram {
  return pair.craft(light(sequence, { ...TO_LAMP, ...more }));
}

/** The same with a value echoed. */
function echoed(
  pair: Guild,
  sequence: number,
  echo: Uint8Array | undefined,
  more: Partial<GuildCraft> = {},
): Datagram {
  const value = echo ?? new Uint8Array(0);
  return said(pair, sequence, { options: [...pathOptions("l"), { number: ECHO, value }], ...more });
}

test("oscore: after a restart the lamp asks, and the answer is the reference", () => {
  const pair = pairOf();
  const lamp = new Lamp(pair);
  lamp.is("notSynchronised", said(pair, 40));
  lamp.is("accepted", echoed(pair, 41, lamp.made[0]?.echo));
  lamp.is("accepted", said(pair, 42, { payload: OFF }));
  lamp.room.clock.advance(3 * SECOND);
  lamp.restart();
  lamp.is("replayed", said(pair, 42), "what was accepted stays so");
  lamp.is("notSynchronised", said(pair, 50));
  lamp.is("accepted", echoed(pair, 60, lamp.made[1]?.echo));
  lamp.is("replayed", said(pair, 55), "what was held back before the answer");
  lamp.is("accepted", said(pair, 61, { payload: OFF }));
  equal(lamp.rig.level, 0);
});

test("oscore: the challenge is a 4.01 with an Echo and a number of its own", () => {
  const pair = pairOf();
  const lamp = new Lamp(pair);
  lamp.is("notSynchronised", said(pair, 40, { token: Uint8Array.of(7, 7) }));
  lamp.room.clock.advance(6 * SECOND);
  const sent = lamp.room.net.sent;
  equal(sent.length, 1);
  const { bytes, to } = sent[0];
  equal(isMulticast(to.address), false);
  const message = parseMessage(bytes);
  equal(message.ok && message.value.token, Uint8Array.of(7, 7));
  const own = { id: pair.idOf(SWITCH), credential: new Uint8Array(0), signer: undefined };
  const key = pair.profile.importKey(new TsCrypto(), {
    ...pair.offer(SWITCH, 1),
    own,
    addresses: [],
  });
  const arrival = { outer: new Outer(), option: new OscoreOption(), to };
  equal(arrival.outer.scan(bytes), true);
  equal(pair.profile.identify(arrival, "response"), true);
  equal(
    arrival.option.pivLength,
    1,
    "of two answers to what may be a replay neither has its nonce",
  );
  const opened = pair.profile.open(key, arrival, {
    appGroup: { id: 0 },
    request: { kid: own.id, piv: Uint8Array.of(40) },
    work: new Workspace(),
  });
  if (!opened.ok) throw new Error(opened.drop);
  const { code, options } = opened.value;
  equal([code, options.length, options[0].number], [UNAUTHORIZED, 1, ECHO]);
  equal(options[0].value, lamp.made[0]?.echo);
});

test("oscore: an Echo of another peer, cut short, to many, from elsewhere, or twice", () => {
  const pair = pairOf();
  const other = pairOf({ id: 6, fill: 9, members: [OTHER_SWITCH, LAMP] });
  const lamp = new Lamp(pair, other);
  lamp.is("notSynchronised", said(pair, 40));
  lamp.is("notSynchronised", said(other, 40, { from: OTHER_SWITCH }));
  const [first, second] = lamp.made.map(({ echo }) => echo);
  lamp.is("notSynchronised", echoed(pair, 41, second), "another peer's value");
  lamp.is("notSynchronised", echoed(other, 42, first, { from: OTHER_SWITCH }), "and vice versa");
  lamp.is("notSynchronised", echoed(pair, 43, first?.slice(1)), "cut short");
  lamp.is("notSynchronised", echoed(pair, 44, first, { to: pair.group }), "over multicast");
  const elsewhere = { source: memberEndpoint(9) };
  lamp.is("notSynchronised", echoed(pair, 45, first, elsewhere), "from another address");
  lamp.is("notSynchronised", said(pair, 46), "nothing echoed");
  equal(lamp.rig.level, 254);
  lamp.is("accepted", echoed(pair, 47, first, { payload: OFF }));
  lamp.is("notSynchronised", echoed(pair, 48, first), "twice");
  equal(lamp.rig.level, 0);
});

test("oscore: an Echo after a new context, and after its time", () => {
  const pair = pairOf({ idContext: 1 });
  const newer = pairOf({ idContext: 2, fill: 8 });
  const lamp = new Lamp(pair);
  const { keyring, directory } = lamp.rig.device.groups;
  const security = directory.security(5);
  if (security === undefined) throw new Error("no group");
  lamp.is("notSynchronised", said(pair, 40));
  const [old] = lamp.made.map(({ echo }) => echo);
  equal(keyring.install(security, newer.offer(LAMP, 1)).ok, true);
  lamp.is("notSynchronised", echoed(pair, 41, old), "under the old context");
  lamp.is("notSynchronised", echoed(newer, 1, old), "under the new one");
  lamp.is("notSynchronised", said(newer, 2));
  const late = lamp.made.at(-1)?.echo;
  lamp.room.clock.advance(20 * SECOND);
  lamp.is("notSynchronised", echoed(newer, 3, late), "too late");
  lamp.is("notSynchronised", said(newer, 4));
  lamp.is("accepted", echoed(newer, 5, lamp.made.at(-1)?.echo));
});

test("oscore: a lamp in a context with another ID Context hears nothing of it", () => {
  const pair = pairOf({ idContext: 1, policy: [] });
  const stranger = pairOf({ idContext: 3, policy: [] });
  const room = new Room();
  const lamp = room.luminaire(LAMP, { guilds: [pair], rights: [[SWITCH, null, 2]] });
  equal(verdict(lamp, said(stranger, 1)), "unknownKey");
  equal(verdict(lamp, said(pair, 1)), "accepted");
});
