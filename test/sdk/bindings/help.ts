/**
 * Native help of the store and for members' messages, as the bindings have it, against the
 * TypeScript it stands for, on the partition of host.c.
 */
import { Rights } from "../../../modules/access/rights.js";
import { Recipients } from "../../../modules/oscore/recipients.js";
import type { Flash, Journal } from "../../../modules/ports/flash.js";
import type { BoundMembers, Intake, IntakeState } from "../../../modules/ports/intake.js";
import { KIND, key } from "../../../modules/store/keys.js";
import { Store } from "../../../modules/store/store.js";
import { SdkCrypto } from "../../../platforms/moddable/crypto.js";
import { SdkFlash } from "../../../platforms/moddable/flash.js";
import { SdkIntake } from "../../../platforms/moddable/intake.js";
import { equal, test, throws } from "../../harness.js";
import { ON, pathOptions } from "../../support/craft.js";
import { FakeSignatures } from "../../support/fake-signatures.js";
import { NorFlash } from "../../support/flash.js";
import { DEFER, Guild } from "../../support/guild.js";
import { plain } from "../../support/plain-flash.js";
import { SeededRandom } from "../../support/random.js";
import { Rig, ROLE, Room, type Spec } from "../../support/rig.js";

const KEYS = 120;
const ROWS = 40;

function opened(flash: Flash): Store | undefined {
  const result = Store.open({ flash, keys: KEYS });
  return result.ok ? result.store : undefined;
}

/** A log that was written to for a while, with rows in it; some are as no row should be. */
function worked(seed: number): SdkFlash {
  const flash = new SdkFlash();
  equal(Store.format({ flash: plain(flash) }), true);
  const store = opened(plain(flash)) as Store;
  const random = new SeededRandom(seed);
  const recipients = new Recipients({ store, capacity: ROWS });
  const rights = new Rights(store, ROWS);
  for (let step = 0; step < 400; step++) {
    const index = random.below(40);
    const id = Uint8Array.of(1 + random.below(250));
    if (random.chance(0.1)) store.put(key(KIND.GROUP_KEY, index % 4), new Uint8Array(40));
    const sender = { bytes: id, start: 0, length: 1, sequence: random.below(9000) };
    if (random.chance(0.1)) recipients.admit(index % 4, sender);
    if (random.chance(0.1)) rights.grant({ client: id, appGroup: index % 3, level: 2 });
    if (random.chance(0.05)) store.delete(key(KIND.SETTING, index));
    else store.put(key(KIND.SETTING, index), new Uint8Array(random.below(12)).fill(step));
    if (random.chance(0.02)) store.put(key(KIND.SCENE, index), new Uint8Array(random.below(300)));
    if (random.chance(0.2)) store.tidy();
  }
  const isOdd = seed % 4 === 0;
  if (isOdd) store.put(key(KIND.REPLAY_ROW, ROWS - 1), Uint8Array.of(0, 1, 9, 9));
  return flash;
}

/** Everything that opening finds; undefined where it is refused. */
function found(flash: Flash): unknown[] | undefined {
  const store = opened(flash);
  if (store === undefined) return undefined;
  const kinds = [KIND.GROUP_KEY, KIND.REPLAY_ROW, KIND.REPLAY_BOUND, KIND.RIGHT, KIND.SETTING];
  const keys = kinds.map((kind) => store.keys(kind));
  const values = keys.map((all) => all.map((one) => store.get(one)));
  const { cursor, index } = store.journal;
  return [keys, values, store.get(key(KIND.LIGHT, 7)), cursor, index, store.spareSectors];
}

function tables(flash: Flash): unknown[] {
  const store = opened(flash) as Store;
  const rights = new Rights(store, ROWS);
  let columns: unknown = "refused";
  try {
    columns = new Recipients({ store, capacity: ROWS }).columns;
  } catch (error) {
    columns = String(error);
  }
  return [rights.columns, columns];
}

test("the store: logs open alike with native help and without", () => {
  for (let seed = 1; seed <= 8; seed++) {
    const flash = worked(seed);
    equal(found(flash), found(plain(flash)), `seed ${seed}`);
    equal(tables(flash), tables(plain(flash)), `rows, seed ${seed}`);
  }
});

test("the store: more keys of a kind than a first look has room for", () => {
  const flash = new SdkFlash();
  Store.format({ flash: plain(flash) });
  const store = opened(flash) as Store;
  for (let index = 0; index < 100; index++) store.put(key(KIND.SETTING, index), new Uint8Array(2));
  const all = opened(flash)?.keys(KIND.SETTING) ?? [];
  equal(
    all,
    Array.from({ length: 100 }, (_, index) => key(KIND.SETTING, index)),
  );
});

test("the store: damaged logs open alike, or are refused alike", () => {
  const random = new SeededRandom(5);
  for (let round = 0; round < 20; round++) {
    const flash = worked(9);
    const at = random.below(flash.size / 16) * 16;
    flash.program(at, new Uint8Array(16).fill(random.below(255)));
    equal(found(flash), found(plain(flash)), `damaged at ${at}`);
  }
});

test("the store: misuse is refused", () => {
  const { journal } = new SdkFlash();
  const buffer = new ArrayBuffer(64);
  throws(() => journal.scan(buffer, buffer, 0, 70000, 1, -1, new ArrayBuffer(12)), /journal: end/);
  throws(() => journal.scan(buffer, buffer, 0, 16, 1, -1, new ArrayBuffer(4)), /journal: scan/);
  throws(() => journal.heads(buffer, 4096, buffer), /journal: heads/);
});

/** Counts what the device asks of native help. */
class Watched implements Intake {
  opened = 0;
  marked = 0;
  readonly #intake = new SdkIntake();

  bind(state: IntakeState) {
    return this.#intake.bind(state);
  }

  readonly bindMembers = (state: IntakeState): BoundMembers => {
    const bound = this.#intake.bindMembers?.(state) as BoundMembers;
    return {
      open: (bytes, address, port) => {
        const answer = bound.open(bytes, address, port);
        if (answer >= 0) this.opened++;
        return answer;
      },
      mark: () => {
        this.marked++;
        return bound.mark();
      },
    };
  };
}

class FakelySigned extends SdkCrypto {
  override readonly signatures = new FakeSignatures();
}

const LAMP = 20;

for (const groupEncryption of [10, 30]) {
  test(`members: a device with native help and one without, algorithm ${groupEncryption}`, () => {
    const guild = new Guild({
      ...{ profile: "group-oscore", id: 5, members: [1, 2, 3, LAMP] },
      ...{ policy: DEFER, groupEncryption },
    });
    const intake = new Watched();
    const rights = [1, 2].map((client) => [client, guild.appGroup, 2] as const);
    const spec: Spec = {
      ...{ number: LAMP, role: ROLE.LUMINAIRE, settings: [[0, 0]] },
      ...{ guilds: [guild], rights, crypto: new FakelySigned() },
    };
    const rooms = [new Room(), new Room()];
    const flash = new SdkFlash() as unknown as NorFlash;
    const rigs = [
      new Rig(rooms[0], { ...spec, intake }, flash),
      new Rig(rooms[1], spec, new NorFlash({ size: 65536, programBytes: 16 })),
    ];
    const random = new SeededRandom(groupEncryption);
    const next = [0, 0, 0, 0];
    for (let step = 0; step < 150; step++) {
      const from = 1 + random.below(3);
      const sequence = random.chance(0.2) ? random.below(60) : ++next[from];
      const payload = random.chance(0.9) ? ON : Uint8Array.of(0xff);
      const made = guild.craft({ from, sequence, options: pathOptions("l"), payload });
      // Not in its signature: after one that is forged everything is verified first.
      if (random.chance(0.1)) made.bytes[random.below(20)] ^= 1;
      const said = rigs.map(({ device }) => {
        const outcome = device.receive({ ...made, bytes: made.bytes.slice() });
        return outcome.ok ? "accepted" : outcome.drop;
      });
      equal(said[0], said[1], `step ${step}`);
      if (random.chance(0.3)) for (const { clock } of rooms) clock.advance(300_000);
    }
    const [native, reference] = rigs;
    equal([native.events, native.shown], [reference.events, reference.shown]);
    const columns = rigs.map(({ device }) => device.groups.recipients.columns);
    equal(columns[0], columns[1]);
    equal([intake.opened > 10, intake.marked > 10], [true, true]);
  });
}

test("members: nothing is marked that was not opened, nor twice", () => {
  const buffer = (size: number) => new ArrayBuffer(size);
  const rest = [buffer(4096), buffer(64), buffer(64), buffer(64)] as const;
  const bound = new SdkIntake().bindMembers?.([buffer(64), buffer(128), ...rest, [], 10]);
  throws(() => bound?.mark(), /there is no message to be marked/);
});

/** All that the port asks for is there. */
const journal: Journal = new SdkFlash().journal;
test("the store: the whole port", () => {
  const names = ["heads", "isErased", "keys", "load", "read", "scan"];
  equal(Object.keys(journal).sort(), names);
});
