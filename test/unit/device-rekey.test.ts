import type { KeyOffer } from "../../modules/groups/keyring.js";
import type { Datagram } from "../../modules/ports/datagram.js";
import { lowlatency } from "../../modules/profiles/lowlatency.js";
import type { Profile } from "../../modules/profiles/profile.js";
import { equal, test } from "../harness.js";
import { type Craft, craft, OFF, ON } from "../support/craft.js";
import { FAULTS, type Fault, type NorFlash, PowerCut } from "../support/flash.js";
import { Guild } from "../support/guild.js";
import { LAMP, light, verdict } from "../support/lamps.js";
import { Rig, ROLE, Room, type Spec } from "../support/rig.js";
import { SCALE } from "../support/scale.js";

const OLD = { keyId: 7, fill: 0xa1 };
const NEW = { keyId: 8, fill: 0xb2 };
const LATE = { ok: false, drop: "outOfOrder" };

/** A lamp that shows at once and hears the old key for some hours, restarts included. */
function lampIn(room: Room): Rig {
  return room.luminaire(20, { settings: [[0, 0]], graceSeconds: 40_000 });
}

function securityOf(rig: Rig) {
  const security = rig.device.groups.directory.security(1);
  if (security === undefined) throw new Error("no security group 1");
  return security;
}

function rekey(rig: Rig, to = NEW): void {
  const keyId = Uint8Array.of(to.keyId);
  const raw = new Uint8Array(16).fill(to.fill);
  const offer = { keyId, raw, validitySeconds: undefined, messages: undefined };
  equal(rig.device.groups.keyring.install(securityOf(rig), offer).ok, true);
}

test("a command held back under the old key does not undo one under the new key", () => {
  const lamp = lampIn(new Room());
  equal(lamp.device.receive(craft({ ...OLD, sequence: 5, payload: ON })).ok, true);
  rekey(lamp);
  equal(lamp.device.receive(craft({ ...NEW, sequence: 9, payload: OFF })).ok, true);
  equal(lamp.device.receive(craft({ ...OLD, sequence: 7, payload: ON })), LATE);
  equal(lamp.level, 0);
  const again = craft({ ...OLD, sequence: 7, payload: ON });
  equal(lamp.device.receive(again), { ok: false, drop: "replayed" }, "it was used up");
  equal(lamp.device.receive(craft({ ...NEW, sequence: 10, payload: ON })).ok, true);
  equal(lamp.level, 254);
});

test("who counts from 0 again under a newer key is obeyed, and does not go back", () => {
  const lamp = lampIn(new Room());
  equal(lamp.device.receive(craft({ ...OLD, sequence: 500, payload: ON })).ok, true);
  rekey(lamp);
  equal(lamp.device.receive(craft({ ...NEW, sequence: 0, payload: OFF })).ok, true);
  equal(lamp.level, 0);
  equal(lamp.device.receive(craft({ ...NEW, sequence: 1, payload: ON })).ok, true);
  equal(lamp.level, 254);
  equal(lamp.device.receive(craft({ ...NEW, sequence: 0, payload: OFF })).ok, false);
});

test("nor when it is the first that is heard under the old key", () => {
  const lamp = lampIn(new Room());
  rekey(lamp);
  equal(lamp.device.receive(craft({ ...NEW, sequence: 9, payload: OFF })).ok, true);
  equal(lamp.device.receive(craft({ ...OLD, sequence: 7, payload: ON })), LATE);
  equal(lamp.level, 0);
});

test("nor after a restart", () => {
  const room = new Room();
  const lamp = lampIn(room);
  equal(lamp.device.receive(craft({ ...OLD, sequence: 5, payload: ON })).ok, true);
  rekey(lamp);
  equal(lamp.device.receive(craft({ ...NEW, sequence: 9, payload: OFF })).ok, true);
  room.clock.advance(3_000_000);
  lamp.restart();
  const shown = lamp.shown.length;
  equal(lamp.device.receive(craft({ ...OLD, sequence: 7, payload: OFF })), LATE);
  equal(lamp.device.receive(craft({ ...OLD, sequence: 9, payload: OFF })), LATE);
  equal(lamp.shown.length, shown);
  const newer = craft({ ...NEW, sequence: 10, payload: OFF });
  equal(lamp.device.receive(newer).ok, true, "idle before: none lost");
  equal(lamp.level, 0);
});

test("nor across two rekeys", () => {
  const lamp = lampIn(new Room());
  rekey(lamp);
  rekey(lamp, { keyId: 9, fill: 0xc3 });
  const newest = { keyId: 9, fill: 0xc3, sequence: 9, payload: OFF };
  equal(lamp.device.receive(craft(newest)).ok, true);
  equal(lamp.device.receive(craft({ ...OLD, sequence: 7, payload: ON })), LATE);
  equal(lamp.device.receive(craft({ ...NEW, sequence: 8, payload: ON })), LATE);
  equal(lamp.level, 0);
});

test("fifty senders go over from one key to the next, each in his own time", () => {
  const room = new Room();
  const senders = Array.from({ length: 58 }, (_, i) => 100 + i);
  const rights = senders.map((sender) => [sender, 1, 2] as const);
  const lamp = room.luminaire(20, { settings: [[0, 0]], graceSeconds: 40_000, rights });
  const said = (wish: Craft) => {
    room.clock.advance(1_000_000);
    const outcome = lamp.device.receive(craft(wish));
    return outcome.ok ? "accepted" : outcome.drop;
  };
  const fifty = senders.slice(0, 50);
  for (const sender of fifty) equal(said({ ...OLD, sender, sequence: 5 }), "accepted");
  rekey(lamp);
  for (const sender of fifty) {
    equal(said({ ...OLD, sender, sequence: 6 }), "accepted", `${sender} under the old key`);
    equal(said({ ...NEW, sender, sequence: 7 }), "accepted", `${sender} under the new key`);
  }
  lamp.restart();
  for (const sender of fifty) {
    equal(said({ ...OLD, sender, sequence: 6 }), "replayed");
    equal(said({ ...NEW, sender, sequence: 40 }), "accepted", `${sender} after the restart`);
  }
  // Who is more than that has the room that answers leave, and then none; nobody makes room.
  for (const sender of senders.slice(50)) {
    equal(said({ ...OLD, sender, sequence: 6 }), "accepted");
    equal(said({ ...NEW, sender, sequence: 7 }), "accepted");
  }
  equal(said({ ...OLD, sender: 99, sequence: 1 }), "tableFull");
  equal(said({ ...NEW, sender: 99, sequence: 2 }), "tableFull");
  for (const sender of senders) equal(said({ ...NEW, sender, sequence: 80 }), "accepted");
});

test("senders are ordered each for itself, and what is newer under the old key is obeyed", () => {
  const lamp = lampIn(new Room());
  rekey(lamp);
  equal(lamp.device.receive(craft({ ...NEW, sender: 1, sequence: 900, payload: OFF })).ok, true);
  equal(lamp.device.receive(craft({ ...OLD, sender: 2, sequence: 7, payload: ON })).ok, true);
  equal(lamp.level, 254);
  equal(lamp.device.receive(craft({ ...OLD, sender: 1, sequence: 901, payload: OFF })).ok, true);
  equal(lamp.level, 0);
});

test("a refused command under the new key holds nothing back under the old one", () => {
  const lamp = lampIn(new Room());
  rekey(lamp);
  const forbidden = lamp.device.receive(craft({ ...NEW, sequence: 9, path: "par/power", code: 3 }));
  equal(forbidden, { ok: false, drop: "forbidden" });
  equal(lamp.device.receive(craft({ ...OLD, sequence: 7, payload: OFF })).ok, true);
  equal(lamp.level, 0);
});

test("where each key has numbers of its own, who went on to a newer one does not go back", () => {
  const lamp = lampIn(new Room());
  rekey(lamp);
  const apart: Profile = { ...lowlatency, numbering: "key" };
  Object.assign(securityOf(lamp), { profile: apart });
  equal(lamp.device.receive(craft({ ...OLD, sequence: 900, payload: ON })).ok, true);
  const forbidden = craft({ ...NEW, sequence: 0, path: "par/power", code: 3 });
  equal(lamp.device.receive(forbidden), { ok: false, drop: "forbidden" });
  equal(lamp.device.receive(craft({ ...OLD, sequence: 901, payload: ON })).ok, true, "not yet");
  equal(lamp.device.receive(craft({ ...NEW, sequence: 1, payload: OFF })).ok, true);
  equal(lamp.device.receive(craft({ ...OLD, sequence: 902, payload: ON })), LATE);
  equal(lamp.level, 0);
  const other = craft({ ...OLD, sender: 2, sequence: 5, payload: ON });
  equal(lamp.device.receive(other).ok, true, "each sender for himself");
  equal(lamp.device.receive(craft({ ...NEW, sequence: 2, payload: OFF })).ok, true);
  lamp.restart();
  Object.assign(securityOf(lamp), { profile: apart });
  equal(lamp.device.receive(craft({ ...OLD, sequence: 903, payload: ON })), LATE);
});

/** Fifty who speak to a lamp, and what they say under the keys of one group. */
interface Fifty {
  readonly name: string;
  readonly security: number;
  readonly spec: Partial<Spec>;
  offer(epoch: number): KeyOffer;
  say(sender: number, epoch: number, sequence: number): Datagram;
}

const SENDERS = Array.from({ length: 50 }, (_, i) => 100 + i);
/** More than the grace. */
const GRACE_MICROS = 61_000_000;

function plainFifty(): Fifty {
  const keyOf = (epoch: number) => ({ keyId: 6 + epoch, fill: 0xa0 + epoch });
  const limits = { validitySeconds: undefined, messages: undefined };
  return {
    name: "lowlatency",
    security: 1,
    spec: { rights: SENDERS.map((sender) => [sender, 1, 2] as const) },
    offer(epoch) {
      const { keyId, fill } = keyOf(epoch);
      return { keyId: Uint8Array.of(keyId), raw: new Uint8Array(16).fill(fill), ...limits };
    },
    say: (sender, epoch, sequence) => craft({ ...keyOf(epoch), sender, sequence, payload: ON }),
  };
}

function memberFifty(profile: string): Fifty {
  const guild = new Guild({ profile, id: 5, members: [LAMP, ...SENDERS] });
  return {
    name: profile,
    security: 5,
    spec: {
      guilds: [guild],
      rights: SENDERS.map((sender) => [sender, guild.appGroup, 2] as const),
    },
    offer: (epoch) => guild.offer(LAMP, epoch),
    say: (from, epoch, sequence) => guild.craft(light(sequence, { from }), epoch),
  };
}

class FiftyAndLamp {
  readonly room = new Room();
  readonly rig: Rig;
  readonly #fifty: Fifty;

  constructor(fifty: Fifty, flash?: NorFlash) {
    this.#fifty = fifty;
    const spec = { number: LAMP, role: ROLE.LUMINAIRE, settings: [[0, 0]] as const, ...fifty.spec };
    this.rig = new Rig(this.room, spec, flash);
  }

  get keys(): number {
    const { groups } = this.rig.device;
    return groups.directory.security(this.#fifty.security)?.associations.length ?? 0;
  }

  /** Under how many keys anybody is known. */
  get known(): number {
    return this.rig.device.groups.recipients.associations().length;
  }

  renew(epoch: number): void {
    const { directory, keyring } = this.rig.device.groups;
    const security = directory.security(this.#fifty.security);
    if (security === undefined) throw new Error("no security group");
    equal(keyring.install(security, this.#fifty.offer(epoch)).ok, true);
  }

  /** What becomes of a message of each: every word once. */
  hear(epoch: number, sequence: number): string[] {
    const verdicts = SENDERS.map((sender) => {
      return verdict(this.rig, this.#fifty.say(sender, epoch, sequence));
    });
    return [...new Set(verdicts)];
  }

  /** True when the power went meanwhile; then it is back. */
  retire(): boolean {
    const { rig, room } = this;
    try {
      room.clock.advance(GRACE_MICROS);
      rig.device.groups.keyring.retire();
      return false;
    } catch (error) {
      if (!(error instanceof PowerCut)) throw error;
    }
    rig.flash.restart();
    rig.restart();
    return true;
  }
}

/** The first and the last operations, and some between. */
function cutsIn(operations: number): (readonly [number, Fault])[] {
  const places = [1, 2, 3, 4, Math.floor(operations / 2), operations - 1, operations];
  const all = places.flatMap((place) => FAULTS.map((fault) => [place, fault] as const));
  return SCALE < 1 ? [[2, "torn"]] : all;
}

for (const fifty of [plainFifty(), memberFifty("group-oscore"), memberFifty("dtls-record")]) {
  test(`${fifty.name}: fifty senders, the power cut while their old key is retired`, () => {
    const first = new FiftyAndLamp(fifty);
    equal(first.hear(1, 5), ["accepted"]);
    first.renew(2);
    equal(first.hear(2, 6), ["accepted"]);
    equal([first.keys, first.known], [2, 2]);
    const { flash } = first.rig;
    const whole = new FiftyAndLamp(fifty, flash.copy(1));
    const { operations } = whole.rig.flash;
    equal([whole.retire(), whole.keys, whole.known], [false, 1, 1]);
    const took = whole.rig.flash.operations - operations;
    const left = new Set<number>();
    for (const [place, fault] of cutsIn(took)) {
      const lamp = new FiftyAndLamp(fifty, flash.copy(place));
      const at = `${fault} at ${place} of ${took}`;
      lamp.rig.flash.cutAt(lamp.rig.flash.operations + place, fault);
      equal(lamp.retire(), true, at);
      left.add(lamp.keys);
      equal(lamp.known, lamp.keys, at);
      equal(lamp.hear(1, 5).includes("accepted"), false, at);
      equal(lamp.hear(2, 6).includes("accepted"), false, at);
      equal([lamp.retire(), lamp.keys, lamp.known], [false, 1, 1], at);
      lamp.renew(3);
      equal(lamp.hear(2, 300), ["accepted"], `${at}: the one before`);
      equal(lamp.hear(3, 301), ["accepted"], `${at}: the newest`);
      equal(lamp.known, 2, at);
    }
    if (SCALE === 1) equal([...left].sort(), [1, 2], "cuts before the key went, and after");
  });
}
