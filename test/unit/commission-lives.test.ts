/**
 * What a device is when it starts: provisioned, joined or fresh, whatever became of it before, and
 * wherever the power went.
 */

import { SENDER, upTo } from "../../modules/access/scope.js";
import { toHex } from "../../modules/bytes/hex.js";
import { Id64 } from "../../modules/bytes/id64.js";
import { utf8 } from "../../modules/bytes/utf8.js";
import { GET } from "../../modules/coap/options.js";
import { emitFactory, type Factory, factoryIn } from "../../modules/commission/factory.js";
import { levelMaxIn } from "../../modules/commission/joined.js";
import { TsCrypto } from "../../modules/crypto/crypto.js";
import { NobleP256 } from "../../modules/crypto/noble-p256.js";
import { KIND, key } from "../../modules/store/keys.js";
import { turnOver } from "../../modules/store/turn.js";
import { equal, test, throws } from "../harness.js";
import { cutJoining } from "../support/cut-joining.js";
import { FAULTS, NorFlash, PowerCut } from "../support/flash.js";
import { APPLICATION, GROUP, ROLES, SWITCH } from "../support/grants.js";
import { Managed } from "../support/managed.js";
import { blobFor, factoryOf, Joiner, Newcomer, printed } from "../support/newcomer.js";
import { formatted, opened, PROGRAM_UNITS } from "../support/partition.js";
import { provisioning, ROLE, Room } from "../support/rig.js";

const SECOND = 1_000_000;
const LAMP = 20;
const KEYS = 700;

function joinedRoom(flash?: NorFlash) {
  const room = new Room();
  const lamp = new Newcomer(room, { number: LAMP, ...(flash && { flash }) });
  lamp.press();
  const joiner = new Joiner(room);
  equal(joiner.join(LAMP, blobFor(LAMP)), "2.04");
  return { room, lamp, joiner };
}

test("a factory record is taken once: the same blob brings no used label back", () => {
  const { lamp, joiner } = joinedRoom();
  lamp.restart();
  lamp.device?.role.face.upkeep?.system.factoryReset();
  lamp.restart();
  lamp.press();
  equal(
    joiner.discover().map((link) => /n="1"/.test(link)),
    [true],
  );
  // Without any blob it is what it was.
  lamp.blob = undefined;
  lamp.restart();
  lamp.press();
  equal(joiner.discover().length, 1);
});

test("without a blob, and with nothing in flash, it says what is missing", () => {
  throws(() => new Newcomer(new Room(), { number: LAMP, blob: undefined }), /no provisioning/);
});

test("another device's factory blob is refused, and another image's role", () => {
  const { lamp } = joinedRoom();
  lamp.blob = emitFactory(factoryOf(21));
  throws(() => lamp.restart(), /flash: belongs to device 0200000000000014, and not to 02000000000/);
});

test("an installation from outside comes before a join, and a factory record after it", () => {
  const { lamp } = joinedRoom();
  lamp.blob = provisioning({ number: LAMP, role: ROLE.LUMINAIRE });
  lamp.restart();
  equal([lamp.device?.channels, lamp.device?.rights.count], [undefined, 9]);
  const room = new Room();
  const flash = new NorFlash({ size: 65536, programBytes: 16 });
  const blob = provisioning({ number: LAMP, role: ROLE.LUMINAIRE });
  const other = new Newcomer(room, { number: LAMP, flash, blob });
  other.blob = emitFactory(factoryOf(LAMP));
  throws(() => other.restart(), /flash: holds an installation that came with a file/);
});

const BROKEN: readonly (readonly [string, Partial<Factory>, RegExp])[] = [
  ["a short EUI-64", { eui64: new Uint8Array(7) }, /factory\.eui64: 8 bytes/],
  ["no role", { role: 0 }, /factory\.role: 1 to 4/],
  ["a fifth role", { role: 5 }, /factory\.role: 1 to 4/],
  ["a short label", { label: new Uint8Array(15) }, /factory\.label: 16 bytes/],
  ["a short key", { rawKey: new Uint8Array(31) }, /factory\.rawKey: 32 bytes/],
  ["neither label nor trust", { label: undefined }, /neither a label nor a key/],
  [
    "a key that nobody may come by",
    { label: undefined, rawKey: new Uint8Array(32).fill(1) },
    /neither a label nor a key/,
  ],
];

for (const [name, more, said] of BROKEN) {
  test(`a factory blob that is none is refused: ${name}`, () => {
    throws(() => factoryIn(emitFactory(factoryOf(LAMP, more))), said);
  });
}

test("a factory blob is read as it was written, and an installation is none", () => {
  const rawKey = new Uint8Array(32).fill(3);
  const whole = factoryOf(LAMP, { n: 7, rawKey, trustOnPress: true });
  equal(factoryIn(emitFactory(whole)), whole);
  equal(factoryIn(blobFor(LAMP)), undefined);
  equal(factoryIn(utf8("no map")), undefined);
  const blob = emitFactory(whole);
  for (let size = 1; size < blob.length; size++) {
    let said = "";
    try {
      said = String(factoryIn(blob.slice(0, size)));
    } catch (error) {
      said = String(error);
    }
    equal(/undefined|factory/.test(said), true, `${size} bytes`);
  }
});

/** A device whose factory lets a press alone be enough. */
function trusting(more: Partial<Factory> = {}) {
  const room = new Room();
  const rawKey = new Uint8Array(32).fill(9);
  const blob = emitFactory(
    factoryOf(LAMP, { label: undefined, rawKey, trustOnPress: true, ...more }),
  );
  const lamp = new Newcomer(room, { number: LAMP, blob });
  const joiner = new Joiner(room);
  joiner.label = undefined;
  lamp.press();
  return { room, lamp, joiner };
}

test("by a press alone: only where the factory says so, and at most level 2 for good", () => {
  const never = trusting({ label: printed(), trustOnPress: false });
  equal(never.joiner.join(LAMP, blobFor(LAMP)), "unreachable");
  const { lamp, joiner } = trusting();
  const much = blobFor(LAMP, { rights: [[1, null, 3]] });
  equal(joiner.join(LAMP, much), "4.00 provisioning.rights: 2 is the highest level");
  equal(joiner.join(LAMP, blobFor(LAMP, { rights: [[1, 1, 2]] })), "2.04");
  lamp.restart();
  equal(levelMaxIn(opened(lamp.flash, KEYS)), 2);
  equal(lamp.device !== undefined, true);
});

test("by a press alone: of two who come both are out", () => {
  const { room, lamp, joiner } = trusting();
  const other = new Joiner(room, 201);
  other.label = undefined;
  equal(joiner.ask(LAMP, GET, "join"), "2.05");
  equal(other.ask(LAMP, GET, "join") === "2.05", false);
  equal(joiner.join(LAMP, blobFor(LAMP)) === "2.04", false);
  equal(lamp.log.at(-1), "fresh: may not be joined (two joiners)");
});

/** A joined lamp, and the level that a token of its KDC gives a switch to the lamp itself. */
function grantedBy(isTrusting: boolean): number | undefined {
  const managed = new Managed();
  const { room, kdc } = managed;
  const crypto = new TsCrypto(kdc.crypto.signatures, new NobleP256());
  const rawKey = new Uint8Array(32).fill(9);
  const factory = isTrusting ? { label: undefined, rawKey, trustOnPress: true } : {};
  const blob = emitFactory(factoryOf(LAMP, factory));
  const lamp = new Newcomer(room, { number: LAMP, blob, crypto });
  lamp.press();
  const joiner = new Joiner(room, 201);
  if (isTrusting) joiner.label = undefined;
  const authority = managed.part(LAMP);
  const place = { appGroups: [[APPLICATION, GROUP]] as const, authority };
  equal(joiner.join(LAMP, blobFor(LAMP, place)), "2.04");
  lamp.restart();
  managed.pass(10);
  const scope = [...ROLES, { appGroup: null, level: 4 as const, roles: SENDER }];
  const said = managed.push(LAMP, () => {
    const tokens = [kdc.token({ subject: SWITCH, scope })];
    return { ...managed.rightsOf(7), tokens };
  });
  managed.pass(10);
  equal(said !== undefined, true);
  return lamp.device?.rights.level(null, new Id64().read(SWITCH, 0, SWITCH.length));
}

test("by a press alone no token of any KDC gives more than level 2 either", () => {
  equal([grantedBy(false), grantedBy(true)], [4, 2]);
});

test("with a label it takes whatever level the joiner says", () => {
  const room = new Room();
  const lamp = new Newcomer(room, { number: LAMP });
  lamp.press();
  equal(new Joiner(room).join(LAMP, blobFor(LAMP, { rights: [[1, null, 5]] })), "2.04");
  equal(levelMaxIn(opened(lamp.flash, KEYS)), 5);
});

test("a token's levels above the highest are that", () => {
  const scope = [
    { appGroup: 1, level: 2, roles: 1 },
    { appGroup: null, level: 4, roles: 1 },
  ] as const;
  equal(
    upTo(scope, 2).map(({ level }) => level),
    [2, 2],
  );
  equal(upTo(scope, undefined), scope);
});

test("half a blob does not pass for one", () => {
  const { lamp } = joinedRoom();
  equal(opened(lamp.flash, KEYS).delete(key(KIND.JOINED, 1)), true);
  throws(() => lamp.restart(), /how this device was joined does not read back/);
});

test("a blob that it cannot start by after all is undone: it is fresh again", () => {
  const room = new Room();
  const lamp = new Newcomer(room, { number: LAMP });
  lamp.press();
  const joiner = new Joiner(room);
  equal(joiner.join(LAMP, blobFor(LAMP, { settings: [[1000, 1]] })), "2.04");
  throws(() => lamp.restart(), /there is no setting 1000/);
  lamp.restart();
  equal(lamp.device, undefined);
  lamp.press();
  room.clock.advance(SECOND);
  const again = new Joiner(room, 201);
  if (again.label !== undefined) again.label.n = 1;
  equal(again.join(LAMP, blobFor(LAMP)), "2.04");
  lamp.restart();
  equal(lamp.device !== undefined, true);
});

for (const programBytes of [4, 16]) {
  test(`a join that a power cut ends is one, or none: units of ${programBytes}`, () => {
    const { fresh, joined } = cutJoining({ programBytes, secondCuts: 0.2, every: 40 });
    equal([fresh > 2, joined > 10], [true, true], `${fresh} and ${joined}`);
  });
}

test("a reset that is cut leaves the next label, and nothing of the join", () => {
  const { lamp } = joinedRoom();
  lamp.restart();
  equal(lamp.device?.role.face.upkeep?.system.factoryReset(), true);
  const before = lamp.flash.copy(2);
  let cuts = 0;
  for (let at = 1; at < 400; at++) {
    lamp.flash.become(before);
    lamp.flash.cutAt(at, FAULTS[at % 3]);
    try {
      lamp.restart();
      break;
    } catch (error) {
      if (!(error instanceof PowerCut)) throw error;
    }
    lamp.flash.restart();
    cuts++;
    lamp.restart();
    equal(lamp.device, undefined, `cut at operation ${at}`);
    equal(
      lamp.log.at(-1),
      "fresh: device 0200000000000014 belongs to nobody; press it to let it be joined",
    );
    const image = toHex(lamp.flash.snapshot());
    equal([image.includes("1a1a1a1a"), image.includes("5d5d5d5d")], [false, false]);
  }
  equal(cuts > 20, true, `${cuts} cuts`);
});

test("turning the log over erases what was there, and keeps what lives", () => {
  for (const programBytes of PROGRAM_UNITS) {
    const flash = formatted(programBytes, 8);
    const store = opened(flash);
    const filler = key(KIND.FACTORY, 2);
    equal(store.put(key(KIND.SCENE, 1), new Uint8Array(40).fill(0xe7)), true);
    equal(store.put(key(KIND.SCENE, 2), new Uint8Array(700).fill(19)), true);
    equal(store.put(key(KIND.SCENE, 1), new Uint8Array(40).fill(0xe8)), true);
    equal(turnOver(flash, store, filler), true);
    const image = toHex(flash.snapshot());
    equal([image.includes("e7e7e7e7"), image.includes("e8e8e8e8")], [false, true]);
    const again = opened(flash);
    equal([again.get(key(KIND.SCENE, 2))?.[0], again.has(filler)], [19, false]);
  }
});

test("flash that refuses to erase is said to", () => {
  const flash = formatted(16, 8);
  const store = opened(flash);
  store.put(key(KIND.SCENE, 1), new Uint8Array(40).fill(0xe7));
  flash.refuses = ({ bytes }) => bytes === undefined;
  equal(turnOver(flash, store, key(KIND.FACTORY, 2)), false);
});
