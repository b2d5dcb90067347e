/** Contexts derived of an installed key: their records, and answers to a run that are none. */
import { concat } from "../../modules/bytes/concat.js";
import { fromHex } from "../../modules/bytes/hex.js";
import { TsCrypto } from "../../modules/crypto/crypto.js";
import { counted } from "../../modules/groups/counted.js";
import { DerivedContexts } from "../../modules/groups/derived.js";
import { placeOf } from "../../modules/groups/places.js";
import { Workspace } from "../../modules/oscore/aad.js";
import { OscoreOption } from "../../modules/oscore/option.js";
import { Outer } from "../../modules/oscore/outer.js";
import { Recipients } from "../../modules/oscore/recipients.js";
import { RenegotiationServer } from "../../modules/oscore/renegotiate.js";
import type { Datagram } from "../../modules/ports/datagram.js";
import { oscore } from "../../modules/profiles/oscore.js";
import { KIND, key, kindOf } from "../../modules/store/keys.js";
import type { Store } from "../../modules/store/store.js";
import { equal, test } from "../harness.js";
import { verdict } from "../support/lamps.js";
import { Pair, RENEGOTIATE } from "../support/pair.js";
import { SeededRandom } from "../support/random.js";
import { type Rig, Room } from "../support/rig.js";

const SWITCH = 1;
const LAMP = 20;
const SECOND = 1_000_000;

function lampIn(room: Room): Rig {
  const guilds = [new Pair(LAMP, SWITCH, [RENEGOTIATE])];
  return room.luminaire(LAMP, { guilds, rights: [[SWITCH, null, 2]], settings: [[0, 0]] });
}

function wallIn(room: Room): Rig {
  const guild = new Pair(SWITCH, LAMP, [RENEGOTIATE]);
  return room.switch(SWITCH, { guilds: [guild], target: guild.appGroup });
}

function derivedOf(rig: Rig): number {
  return rig.device.store.keys(KIND.DERIVED).length;
}

test("whichever write of a new context flash refuses, it is whole or nobody obeys under it", () => {
  for (let refused = 1; refused <= 12; refused++) {
    const room = new Room();
    const lamp = lampIn(room);
    const wall = wallIn(room);
    let left = refused;
    lamp.flash.refuses = () => --left === 0;
    wall.device.command({ on: true, level: 77 });
    room.clock.advance(100_000);
    lamp.flash.refuses = undefined;
    const obeyed = lamp.level === 77;
    lamp.restart();
    if (obeyed) equal(derivedOf(lamp), 1, `write ${refused}`);
    room.clock.advance(100 * SECOND);
    wall.device.command({ on: true, level: 78 });
    room.clock.advance(100_000);
    equal(lamp.level, 78, `write ${refused}`);
  }
});

/** The contexts of a lamp that has two, and a store and rows that can be told to refuse. */
function grown() {
  const room = new Room();
  const lamp = lampIn(room);
  wallIn(room).device.command({ on: true });
  room.clock.advance(SECOND);
  const { groups, store } = lamp.device;
  const security = groups.directory.securities()[1];
  const recipients = new Recipients({ store, capacity: 64 });
  let refused = 0;
  const forgotten: number[] = [];
  const guarded = {
    get: (one: number) => store.get(one),
    has: (one: number) => store.has(one),
    put: (one: number, value: Uint8Array) => store.put(one, value),
    delete: (one: number) => kindOf(one) !== refused && store.delete(one),
  };
  const rows = {
    forget: (association: number) => {
      forgotten.push(association);
      return refused !== KIND.REPLAY_ROW && recipients.forget(association);
    },
  };
  const parts = {
    store: guarded as unknown as Store,
    recipients: rows as unknown as Recipients,
    crypto: new TsCrypto(),
    onGone: () => {},
  };
  const contexts = new DerivedContexts(parts, security);
  const [{ base, idContext }] = contexts.all;
  const another = (fill: number) => {
    const named = concat(idContext.subarray(0, 16), new Uint8Array(8).fill(fill));
    return contexts.establish(base, { idContext: named, context: contexts.all[0] }, false);
  };
  const refuse = (kind: number) => {
    refused = kind;
  };
  return { contexts, base, another, refuse, forgotten, parts };
}

test("a context whose record stays keeps its counter and its row", () => {
  const { another, refuse, forgotten, parts, contexts } = grown();
  equal(another(1) === undefined, false);
  forgotten.length = 0;
  refuse(KIND.DERIVED);
  const { index } = contexts.all[0];
  equal(another(2), undefined);
  equal(forgotten, []);
  equal(parts.store.has(key(KIND.SEQUENCE, index + 1)), true);
});

test("no context begins where a row of another is left", () => {
  const { another, refuse, contexts } = grown();
  refuse(KIND.REPLAY_ROW);
  equal(another(1), undefined);
  equal(contexts.all.length, 1);
});

test("what was derived goes with its key, the record first", () => {
  const { base, refuse, forgotten, parts } = grown();
  const { store, recipients } = parts;
  const place = [0, 1].map((slot) => placeOf(base.index, slot));
  const there = () => place.filter((one) => store.has(key(KIND.DERIVED, one))).length;
  refuse(KIND.DERIVED);
  equal(counted?.clearDerived(store, recipients, base.index), false);
  equal([there(), forgotten], [1, []]);
  refuse(0);
  equal(counted?.clearDerived(store, recipients, base.index), true);
  equal(there(), 0);
  equal(forgotten.length, 1);
});

/** A switch whose request #1 is on its way, and a message to it. */
function waiting() {
  const room = new Room();
  const wall = wallIn(room);
  wall.device.command({ on: true, level: 77 });
  const [{ bytes, from, to }] = room.net.sent;
  const outer = new Outer();
  outer.scan(bytes);
  const option = new OscoreOption();
  option.parse(bytes, outer.oscoreStart, outer.oscoreLength);
  const token = bytes.slice(4, 4 + outer.tokenLength);
  const answer = (made: Uint8Array): Datagram => ({ from: to, to: from, bytes: made, atMicros: 0 });
  const kidContext = bytes.slice(option.contextStart, option.contextStart + option.contextLength);
  return { room, wall, token, answer, kidContext };
}

/** Response #1 of the lamp, with `code` in it. */
function responseOf(kidContext: Uint8Array, token: Uint8Array, code: number): Uint8Array {
  const secrets = {
    secret: new Uint8Array(16).fill(5),
    salt: new Uint8Array(8).fill(5),
    ownId: Uint8Array.of(LAMP),
    peerId: Uint8Array.of(SWITCH),
  };
  const server = new RenegotiationServer({ crypto: new TsCrypto(), random: new SeededRandom(9) });
  const offer = server.offered(secrets, kidContext);
  if (offer === undefined) throw new Error("no request #1");
  return oscore.seal(
    server.challenge(secrets, offer),
    {
      header: { type: 1, mid: 7, token },
      inner: { code, options: [], payload: undefined },
      clear: [],
      appGroup: { id: 0 },
      sender: secrets.ownId,
      piv: undefined,
      to: { address: new Uint8Array(16), port: 5683 },
      request: { kid: secrets.peerId, piv: Uint8Array.of(0) },
      namesKey: true,
    },
    new Workspace(),
  );
}

test("response #1 is a 4.01, and nothing else is one", () => {
  const { wall, token, answer, kidContext } = waiting();
  equal(verdict(wall, answer(responseOf(kidContext, token, 0x45))), "malformed");
  equal(derivedOf(wall), 0);
  equal(verdict(wall, answer(responseOf(kidContext, token, 0x81))), "accepted");
  equal(derivedOf(wall), 1);
});

test("guesses at a response #1 are few", () => {
  const { room, wall, token, answer, kidContext } = waiting();
  const good = responseOf(kidContext, token, 0x81);
  const forged = concat(
    fromHex("54440001"),
    token,
    fromHex("9b1009480011223344556677ff0102030405060708"),
  );
  for (let i = 0; i < 20; i++) equal(verdict(wall, answer(forged)), "unsolicited");
  equal(verdict(wall, answer(good)), "unsolicited", "whoever sees the token can have it wait");
  room.clock.advance(2 * SECOND);
  equal(verdict(wall, answer(good)), "accepted");
});
