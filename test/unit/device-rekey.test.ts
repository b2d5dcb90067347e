import { lowlatency } from "../../modules/profiles/lowlatency.js";
import type { Profile } from "../../modules/profiles/profile.js";
import { equal, test } from "../harness.js";
import { type Craft, craft, OFF, ON } from "../support/craft.js";
import { type Rig, Room } from "../support/rig.js";

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
