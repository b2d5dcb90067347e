/** What is left in memory of keys that are no more, and of records that hold keys. */
import { type Cbor, encode } from "../../modules/cbor/encode.js";
import { TsCrypto } from "../../modules/crypto/crypto.js";
import { type Association, Directory, type SecurityGroup } from "../../modules/groups/directory.js";
import { Keyring } from "../../modules/groups/keyring.js";
import { loadOwn, storeOwn } from "../../modules/groups/own.js";
import type { Schemes } from "../../modules/groups/schemes.js";
import { Recipients } from "../../modules/oscore/recipients.js";
import type { Datagram } from "../../modules/ports/datagram.js";
import { lowlatency } from "../../modules/profiles/lowlatency.js";
import { KIND } from "../../modules/store/keys.js";
import type { Store } from "../../modules/store/store.js";
import { Uptime } from "../../modules/store/uptime.js";
import { equal, test } from "../harness.js";
import { TestClock } from "../support/clock.js";
import { FakeSignatures } from "../support/fake-signatures.js";
import { CHANGES } from "../support/guild.js";
import {
  GROUPS,
  guildOf,
  LAMP,
  lampIn,
  light,
  OTHER_SWITCH,
  SWITCH,
  verdict,
} from "../support/lamps.js";
import { Pair, RENEGOTIATE } from "../support/pair.js";
import { formatted, opened } from "../support/partition.js";
import { type Rig, Room } from "../support/rig.js";

const HOURS = 3_600_000_000;

/** A store whose values, given and taken, are seen. */
function spied(): { store: Store; values: Uint8Array[] } {
  const store = opened(formatted(4));
  const values: Uint8Array[] = [];
  const get = store.get.bind(store);
  const put = store.put.bind(store);
  store.get = (key) => {
    const value = get(key);
    if (value !== undefined) values.push(value);
    return value;
  };
  store.put = (key, value) => {
    values.push(value);
    return put(key, value);
  };
  return { store, values };
}

function holds(values: readonly Uint8Array[], secret: number): boolean {
  return values.some((value) => value.some((_, i) => isRun(value.subarray(i, i + 8), secret)));
}

function isRun(bytes: Uint8Array, secret: number): boolean {
  return bytes.length === 8 && bytes.every((byte) => byte === secret);
}

/** Of this key: what others are derived from, and keys that lie in memory as bytes. */
function secretsOf(association: Association): Uint8Array[] {
  const all = association as unknown as Record<string, Uint8Array | undefined> & {
    derivation?: { extracted: Uint8Array };
  };
  const found = [all.baseKey, all.tgk, all.signatureKey, all.derivation?.extracted];
  return found.filter((one) => one !== undefined);
}

function isZero(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0);
}

/** What of it has a value. */
function fieldsOf(association: Association): string[] {
  return Object.entries(association).flatMap(([name, value]) => (value === undefined ? [] : name));
}

function securityOf(rig: Rig, id: number): SecurityGroup {
  const security = rig.device.groups.directory.security(id);
  if (security === undefined) throw new Error(`no security group ${id}`);
  return security;
}

function schemesOf(rig: Rig): Schemes {
  const { schemes } = rig.device.groups;
  if (schemes === undefined) throw new Error("no schemes with members");
  return schemes;
}

for (const profile of GROUPS) {
  test(`${profile}: a key is heard in its grace, and after it nothing of it is left`, () => {
    const room = new Room();
    const guild = guildOf(profile);
    const lamp = lampIn(room, guild);
    const { keyring } = lamp.device.groups;
    const security = securityOf(lamp, guild.spec.id);
    const schemes = schemesOf(lamp);
    equal(verdict(lamp, guild.craft(light(1))), "accepted");
    const [old] = security.associations;
    schemes.counter(old);
    const secrets = secretsOf(old);
    const { count } = schemes.contexts;
    equal([count > 0, schemes.counted, secrets.length > 0], [true, 1, true]);
    equal(keyring.install(security, guild.offer(LAMP, 2)).ok, true);
    keyring.retire();
    equal([schemes.contexts.count, schemes.counted], [count, 1], "its grace is not over");
    equal(secrets.some(isZero), false);
    equal(verdict(lamp, guild.craft(light(2))), "accepted", "its grace is not over");
    const late = guild.craft(light(3));
    room.clock.advance(100 * HOURS);
    keyring.retire();
    equal(security.associations.length, 1);
    equal([schemes.contexts.count, schemes.counted], [0, 0]);
    equal([secrets.every(isZero), schemes.taken], [true, undefined]);
    const names = ["index", "keyId", "lifetime", "security"];
    equal(fieldsOf(old).sort(), names, "whoever holds it has its name");
    equal(verdict(lamp, late), profile === "dtls-record" ? "oldEpoch" : "unknownKey");
    equal(verdict(lamp, guild.craft(light(4), 2)), "accepted");
  });
}

test("dtls-record without encryption: a member's key is wiped with the epoch", () => {
  const room = new Room();
  const guild = guildOf("dtls-record", { suite: 0xff02 });
  const lamp = lampIn(room, guild);
  const keys: Uint8Array[] = [];
  const { crypto } = schemesOf(lamp);
  const hmac = crypto.hmac.bind(crypto);
  crypto.hmac = (input) => {
    keys.push(input.key);
    return hmac(input);
  };
  equal(verdict(lamp, guild.craft(light(1))), "accepted");
  const key = keys.at(-1) as Uint8Array;
  const { keyring } = lamp.device.groups;
  equal([key.length, isZero(key)], [16, false]);
  equal(keyring.install(securityOf(lamp, guild.spec.id), guild.offer(LAMP, 2)).ok, true);
  room.clock.advance(100 * HOURS);
  keyring.retire();
  equal(isZero(key), true);
});

test("lowlatency: an old key leaves its name", () => {
  const room = new Room();
  const lamp = room.luminaire(LAMP);
  const { keyring } = lamp.device.groups;
  const security = securityOf(lamp, 1);
  const [old] = security.associations;
  const limits = { validitySeconds: undefined, messages: undefined };
  const offer = { keyId: Uint8Array.of(8), raw: new Uint8Array(16).fill(0xb2), ...limits };
  equal(keyring.install(security, offer).ok, true);
  equal(fieldsOf(old).includes("aead"), true);
  room.clock.advance(100 * HOURS);
  keyring.retire();
  equal(fieldsOf(old).sort(), ["index", "keyId", "lifetime", "security"]);
});

test("what waits for its signature to be verified does not go unnoticed with its key", () => {
  const room = new Room();
  const guild = guildOf("group-oscore", { policy: CHANGES });
  const lamp = lampIn(room, guild);
  equal(verdict(lamp, guild.craft(light(1))), "accepted");
  equal(verdict(lamp, guild.craft(light(2, { signer: OTHER_SWITCH }))), "accepted");
  const { keyring } = lamp.device.groups;
  const { unverified } = schemesOf(lamp);
  equal([unverified?.count, lamp.count("forged")], [1, 0]);
  equal(keyring.install(securityOf(lamp, guild.spec.id), guild.offer(LAMP, 2)).ok, true);
  room.clock.advance(100 * HOURS);
  keyring.retire();
  equal([unverified?.count, lamp.count("forged")], [0, 1]);
});

/** Device `number` of two whose key contexts are derived from gets a newer one, and forgets it. */
function replaced(rig: Rig, room: Room, peer: number): void {
  const keyId = Uint8Array.of(9);
  const raw = encode(
    new Map<Cbor, Cbor>([
      [1, new Uint8Array(16).fill(6)],
      [2, new Uint8Array(8)],
      [3, keyId],
      [4, Uint8Array.of(peer)],
    ]),
  );
  const limits = { validitySeconds: undefined, messages: undefined };
  const { keyring } = rig.device.groups;
  equal(keyring.install(securityOf(rig, 5), { keyId, raw, ...limits }).ok, true);
  room.clock.advance(61_000_000);
  keyring.retire();
  equal(securityOf(rig, 5).associations.length, 1);
}

function pairOf(room: Room): { lamp: Rig; wall: Rig } {
  const [to, from] = [new Pair(LAMP, SWITCH, [RENEGOTIATE]), new Pair(SWITCH, LAMP, [RENEGOTIATE])];
  const lamp = room.luminaire(LAMP, { guilds: [to], rights: [[SWITCH, null, 2]] });
  return { lamp, wall: room.switch(SWITCH, { guilds: [from], target: from.appGroup }) };
}

test("oscore: contexts that were derived of a key go with it", () => {
  const room = new Room();
  const { lamp, wall } = pairOf(room);
  wall.device.command({ on: true, level: 77 });
  room.clock.advance(1_000_000);
  equal(lamp.level, 77);
  for (const [rig, peer] of [[lamp, SWITCH] as const, [wall, LAMP] as const]) {
    const { derived } = securityOf(rig, 5);
    const [context] = derived?.all ?? [];
    equal(fieldsOf(context).includes("recipient"), true);
    replaced(rig, room, peer);
    equal([derived?.all.length, fieldsOf(context).includes("recipient")], [0, false]);
    equal([schemesOf(rig).contexts.count, schemesOf(rig).counted], [0, 0]);
    equal(rig.device.groups.recipients.associations(), []);
  }
});

test("oscore: an answer that comes when its key is gone begins nothing", () => {
  const room = new Room();
  const { lamp, wall } = pairOf(room);
  const answers: Datagram[] = [];
  const { onDatagram } = wall.port;
  wall.port.onDatagram = (datagram) => {
    answers.push({ ...datagram, bytes: datagram.bytes.slice() });
  };
  wall.device.command({ on: true, level: 77 });
  room.clock.advance(100_000);
  wall.port.onDatagram = onDatagram;
  equal([answers.length > 0, lamp.shown.length], [true, 1]);
  replaced(wall, room, LAMP);
  equal(verdict(wall, answers[0]), "unsolicited");
  equal(wall.device.store.keys(KIND.DERIVED), []);
});

test("no record of a key stays in memory, when it comes, starts its grace or is read", () => {
  const { store, values } = spied();
  const clock = new TestClock();
  const uptime = new Uptime(store, clock);
  const make = () => {
    const recipients = new Recipients({ store, capacity: 4 });
    const parts = { store, crypto: new TsCrypto(), recipients, uptime };
    const keyring = new Keyring({ ...parts, directory: new Directory(), keysMax: 4 });
    return { keyring, security: keyring.addSecurity({ id: 1, profile, graceSeconds: 60 }) };
  };
  // With numbers of its own for each key it is looked for among those that are there.
  const profile = { ...lowlatency, numbering: "key" as const };
  const { keyring, security } = make();
  for (const fill of [0xa1, 0xb2]) {
    const raw = new Uint8Array(16).fill(fill);
    const limits = { validitySeconds: undefined, messages: undefined };
    equal(keyring.install(security, { keyId: Uint8Array.of(fill), raw, ...limits }).ok, true);
  }
  equal(make().security.associations.length, 2);
  equal([holds(values, 0xa1), holds(values, 0xb2)], [false, false]);
  equal(values.length > 6, true);
});

test("nor one of a group that this device is no longer in", () => {
  const { store, values } = spied();
  const make = () => {
    const recipients = new Recipients({ store, capacity: 4 });
    const uptime = new Uptime(store, new TestClock());
    const parts = { store, crypto: new TsCrypto(), recipients, uptime };
    return new Keyring({ ...parts, directory: new Directory(), keysMax: 4 });
  };
  const before = make();
  for (const id of [1, 2]) {
    const security = before.addSecurity({ id, profile: lowlatency, graceSeconds: 60 });
    const raw = new Uint8Array(16).fill(0xa0 + id);
    const limits = { validitySeconds: undefined, messages: undefined };
    equal(before.install(security, { keyId: Uint8Array.of(7), raw, ...limits }).ok, true);
  }
  const after = make();
  equal(after.addSecurity({ id: 1, profile: lowlatency, graceSeconds: 60 }).associations.length, 1);
  equal(holds(values, 0xa2), true);
  after.forgetUnclaimed();
  equal([holds(values, 0xa1), holds(values, 0xa2)], [false, false]);
});

test("nor one of our own seed", () => {
  const { store, values } = spied();
  const member = { id: Uint8Array.of(1), credential: Uint8Array.of(2), addresses: [] };
  equal(storeOwn(store, 3, { ...member, seed: new Uint8Array(32).fill(0xc3) }), true);
  const own = loadOwn(store, new TsCrypto(new FakeSignatures()), 3)?.own;
  equal(own?.credential, member.credential);
  equal(own?.signer === undefined, false);
  equal(holds(values, 0xc3), false);
  equal(values.length, 2);
});
