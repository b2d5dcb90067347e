import { Id64 } from "../../modules/bytes/id64.js";
import { uintBytes } from "../../modules/bytes/uint.js";
import { TsCrypto } from "../../modules/crypto/crypto.js";
import { Directory, type SecurityGroup } from "../../modules/groups/directory.js";
import { Keyring } from "../../modules/groups/keyring.js";
import { Recipients } from "../../modules/oscore/recipients.js";
import { lowlatency } from "../../modules/profiles/lowlatency.js";
import { KIND, key } from "../../modules/store/keys.js";
import type { Store } from "../../modules/store/store.js";
import { Uptime } from "../../modules/store/uptime.js";
import { equal, test } from "../harness.js";
import { TestClock } from "../support/clock.js";
import { FAULTS, type NorFlash, PowerCut } from "../support/flash.js";
import { Guild } from "../support/guild.js";
import { formatted, opened } from "../support/partition.js";
import { Room } from "../support/rig.js";

const SECOND = 1_000_000;
/** Longer than the hour a restart counts as (store/uptime.ts). */
const GRACE_SECONDS = 10_000;
/** The last second a record can name. */
const LATEST = 0xfffffffe;
const SENDER = Uint8Array.of(5);

interface World {
  readonly flash: NorFlash;
  readonly store: Store;
  readonly clock: TestClock;
  readonly uptime: Uptime;
  readonly recipients: Recipients;
  readonly keyring: Keyring;
  readonly security: SecurityGroup;
}

/** The keys of a device after a start on this flash. */
function start(flash: NorFlash, graceSeconds = GRACE_SECONDS): World {
  const store = opened(flash);
  const clock = new TestClock();
  const uptime = new Uptime(store, clock);
  const recipients = new Recipients({ store, capacity: 8 });
  const directory = new Directory();
  const crypto = new TsCrypto();
  const keyring = new Keyring({ store, crypto, recipients, uptime, directory, keysMax: 4 });
  keyring.forgetOrphans();
  const security = keyring.addSecurity({ id: 1, profile: lowlatency, graceSeconds });
  return { flash, store, clock, uptime, recipients, keyring, security };
}

function install(world: World, id: number, validitySeconds?: number) {
  return world.keyring.install(world.security, {
    keyId: Uint8Array.of(id),
    raw: new Uint8Array(16).fill(id),
    validitySeconds,
    messages: undefined,
  });
}

function keyIds(world: World): number[] {
  return world.security.associations.map(({ keyId }) => keyId[0]);
}

/** Whether a number of the sender would be accepted under key `index`. */
function isFresh(world: World, index: number, number: number): boolean {
  const row = world.recipients.find(index, new Id64().read(SENDER, 0, 1));
  return row < 0 || world.recipients.isFresh(row, number);
}

function hear(world: World, index: number, sequence: number): void {
  const row = world.recipients.admit(index, { bytes: SENDER, start: 0, length: 1, sequence });
  equal(row >= 0, true);
}

/** Flash refuses this operation, counted from 0 and from now on, and no other. */
function refuseOne(flash: NorFlash, operation: number): void {
  let count = 0;
  flash.refuses = () => count++ === operation;
}

/** Operations that `act` takes. */
function operationsOf(flash: NorFlash, act: () => void): number {
  const before = flash.operations;
  act();
  return flash.operations - before;
}

/** True when the record of key `index` names the end of its grace. */
function hasGraceRecord(store: Store, index: number): boolean {
  const record = store.get(key(KIND.GROUP_KEY, index)) ?? new Uint8Array(16);
  return record.slice(12, 16).some((byte) => byte !== 0xff);
}

/** Flash with key 7, its only one. */
function withKey7(): NorFlash {
  const flash = formatted(4);
  equal(install(start(flash), 7).ok, true);
  return flash;
}

/** A device whose key 7, heard up to number 100, is out of its grace and about to be dropped. */
function atRetirement(): World {
  const world = start(withKey7());
  hear(world, 0, 90);
  equal(world.recipients.mark(0, 100), true);
  equal(install(world, 8).ok, true);
  world.clock.advance(GRACE_SECONDS * SECOND);
  // A count that went with the key, as budgeted keys have it.
  equal(world.store.put(key(KIND.KEY_USE, 0), Uint8Array.of(0, 0, 0, 64)), true);
  return world;
}

test("a cut anywhere in a rekey: the old key is heard for its grace and no longer", () => {
  const whole = start(withKey7());
  const operations = operationsOf(whole.flash, () => equal(install(whole, 8).ok, true));
  let repaired = 0;
  for (let operation = 1; operation <= operations; operation++) {
    for (const fault of FAULTS) {
      const flash = withKey7();
      const before = start(flash);
      flash.cutAt(flash.operations + operation, fault);
      let isCut = false;
      try {
        install(before, 8);
      } catch (error) {
        if (!(error instanceof PowerCut)) throw error;
        isCut = true;
      }
      equal(isCut, true, `no cut at ${operation}`);
      flash.restart();
      const ungraced = !hasGraceRecord(opened(flash), 0);
      const after = start(flash);
      const is8 = keyIds(after).includes(8);
      equal(keyIds(after), is8 ? [7, 8] : [7]);
      if (is8 && ungraced) repaired++;
      equal(install(after, 8).ok, !is8, "installed once and not again");
      after.keyring.retire();
      equal(keyIds(after), [7, 8]);
      after.clock.advance(GRACE_SECONDS * SECOND);
      after.keyring.retire();
      equal(keyIds(after), [8], `cut ${fault} at ${operation}`);
      equal(keyIds(start(flash)), [8]);
    }
  }
  equal(repaired > 0, true, "cuts between the key and the grace were among them");
});

test("flash that refuses anywhere in a rekey: the new key is there once, or not at all", () => {
  const whole = start(withKey7());
  const operations = operationsOf(whole.flash, () => equal(install(whole, 8).ok, true));
  const outcomes = new Set<boolean>();
  for (let operation = 0; operation < operations; operation++) {
    const world = start(withKey7());
    refuseOne(world.flash, operation);
    const { ok } = install(world, 8);
    outcomes.add(ok);
    world.flash.refuses = undefined;
    equal(keyIds(world), ok ? [7, 8] : [7]);
    equal(install(world, 8).ok, !ok, "offered again");
    const after = start(world.flash);
    equal(keyIds(after), [7, 8]);
    equal(install(after, 8), { ok: false, drop: "replayed" });
    after.clock.advance(GRACE_SECONDS * SECOND);
    after.keyring.retire();
    equal(keyIds(after), [8]);
  }
  equal([...outcomes].sort(), [false, true]);
});

test("flash that refuses anywhere in a retirement never leaves a key without its rows", () => {
  const whole = atRetirement();
  const operations = operationsOf(whole.flash, () => whole.keyring.retire());
  equal([keyIds(whole), whole.recipients.associations()], [[8], []]);
  const left = new Set<number>();
  for (let operation = 0; operation < operations; operation++) {
    const world = atRetirement();
    refuseOne(world.flash, operation);
    world.keyring.retire();
    world.flash.refuses = undefined;
    left.add(keyIds(world).length);
    for (const now of [world, start(world.flash.copy(1))]) {
      if (keyIds(now).includes(7)) equal(isFresh(now, 0, 100), false, `operation ${operation}`);
    }
    world.keyring.retire();
    const after = start(world.flash);
    equal([keyIds(after), after.recipients.associations()], [[8], []]);
  }
  equal([...left].sort(), [1, 2], "both: the key stayed, and it went");
});

test("what a refused retirement left is taken away before another key takes the place", () => {
  const world = atRetirement();
  const { flash, store } = world;
  // The key goes, then nothing more does.
  let isGone = false;
  flash.refuses = () => {
    isGone ||= store.get(key(KIND.GROUP_KEY, 0)) === undefined;
    return isGone;
  };
  world.keyring.retire();
  equal([keyIds(world), world.recipients.associations()], [[8], [0]]);
  refuseOne(flash, 0);
  equal(install(world, 9), { ok: false, drop: "storeFailed" });
  const installed = install(world, 9);
  equal(installed.ok && installed.value.index, 0);
  equal([isFresh(world, 0, 5), store.has(key(KIND.KEY_USE, 0))], [true, false]);
});

/** A device that has been running for so many seconds. */
function aged(seconds: number): World {
  const flash = formatted(4);
  equal(opened(flash).put(key(KIND.UPTIME, 0), uintBytes(seconds)), true);
  return start(flash, 0x7fffffff);
}

test("an end of a key that has no place in its record is its last one, and never wraps", () => {
  for (const validity of [LATEST - 101, LATEST - 100, LATEST - 99, LATEST - 98, LATEST]) {
    const world = aged(100);
    const installed = install(world, 7, validity);
    const expected = Math.min(100 + validity, LATEST);
    equal(installed.ok && installed.value.lifetime?.terms.endsAtSeconds, expected);
    const [after] = start(world.flash).security.associations;
    equal(after.lifetime?.terms.endsAtSeconds, expected, `${validity} after a restart`);
  }
});

test("nor does the end of a grace", () => {
  for (const late of [0, 1, 2, 1000]) {
    const world = aged(LATEST - 0x7fffffff + late);
    equal([install(world, 7).ok, install(world, 8).ok], [true, true]);
    equal(world.security.associations[0].lifetime?.retiresAtSeconds, LATEST);
    const [after] = start(world.flash).security.associations;
    equal(after.lifetime?.retiresAtSeconds, LATEST);
  }
});

test("oscore: one context under two spellings of its key id is refused", () => {
  const guild = new Guild({ profile: "oscore", id: 5, members: [1, 20] });
  const { directory, keyring } = new Room().luminaire(20, { guilds: [guild] }).device.groups;
  const security = directory.security(5) as SecurityGroup;
  const offer = { ...guild.offer(20, 1), keyId: Uint8Array.of(0x40) };
  equal(keyring.install(security, offer), { ok: false, drop: "replayed" });
});
