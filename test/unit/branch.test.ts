/** Devices in a key tree: one eviction is said to all at once, and who missed it asks for keys. */
import type { Branch } from "../../modules/access/delivery.js";
import { SENDER } from "../../modules/access/scope.js";
import { accessToken, expel, renew, sealingOf } from "../../modules/authority/distribution.js";
import { groups, numberKey } from "../../modules/authority/records.js";
import { concat } from "../../modules/bytes/concat.js";
import { toHex } from "../../modules/bytes/hex.js";
import { uintBytes } from "../../modules/bytes/uint.js";
import { decode } from "../../modules/cbor/decode.js";
import { emitMessage, NON, type Option } from "../../modules/coap/message.js";
import { addPath, POST } from "../../modules/coap/options.js";
import { KIND, key } from "../../modules/store/keys.js";
import { equal, test } from "../harness.js";
import { deviceAddress } from "../support/addresses.js";
import { APPLICATION, GROUP } from "../support/grants.js";
import { LAMPS, obeying, Place, SWITCHES } from "../support/place.js";
import { PORT, type Rig, ROLE } from "../support/rig.js";

function newest({ device }: Rig): number {
  const keyId = device.groups.directory.security(GROUP)?.associations.at(-1)?.keyId;
  return keyId?.at(-1) ?? 0;
}

/** All four in the tree, with the newest key and branch. */
function begun() {
  const place = new Place();
  place.growTree();
  const lamps = LAMPS.map((number) => place.device(number, ROLE.LUMINAIRE));
  const switches = SWITCHES.map((number) => place.device(number, ROLE.SWITCH));
  place.pass(60);
  for (let round = 0; round < 3; round++) place.pushAll();
  place.pass(120);
  const lose = () =>
    place.ledger.run((rows) => expel(rows, place.center, Uint8Array.of(4), place.now));
  return { place, lamps, switches, lose };
}

test("one eviction: said once to all, and the lost switch has nothing of it", () => {
  const { place, lamps, switches, lose } = begun();
  const [kept, lost] = switches;
  equal(
    switches.map((press) => obeying(place, lamps, press)),
    [2, 2],
  );
  // Repetitions are over, which would be under an unknown key then.
  place.pass(40);
  const before = [...lamps, ...switches].map(newest);
  lose();
  const asked = place.asked.length;
  equal(place.sayAll() > 0, true);
  const after = [...lamps, kept, lost].map(newest);
  equal(
    after.map((one, at) => one > before[at]),
    [true, true, true, false],
  );
  equal([obeying(place, lamps, kept), place.asked.length], [2, asked], "and nobody asked");
  place.pass(5);
  equal(obeying(place, lamps, lost), 0, "no grace after a loss");
  // What is said again, or comes after a restart, changes nothing.
  for (const rig of lamps) rig.restart();
  place.sayAll();
  equal(lamps.map(newest), after.slice(0, 2));
});

test("a branch outlives a restart", () => {
  const { place, lamps, switches, lose } = begun();
  const before = newest(lamps[0]);
  for (const rig of [...lamps, switches[0]]) rig.restart();
  place.pass(1);
  lose();
  place.sayAll();
  equal(
    lamps.map((lamp) => newest(lamp) > before),
    [true, true],
  );
});

test("who missed a message asks for keys, and is in the tree again", () => {
  const { place, lamps, lose } = begun();
  lose();
  const before = newest(lamps[0]);
  // The last one has the group's key.
  place.sayAll((all) => all.slice(0, -1));
  equal(lamps.map(newest), [before, before]);
  place.pass(20);
  equal(
    lamps.map((lamp) => newest(lamp) > before),
    [true, true],
  );
  const then = newest(lamps[0]);
  place.ledger.run((rows) => expel(rows, place.center, Uint8Array.of(3), place.now));
  place.sayAll();
  equal(
    lamps.map((lamp) => newest(lamp) > then),
    [true, true],
  );
});

test("what nobody of ours signed, or too much of it, is not looked at", () => {
  const { place, lamps, lose } = begun();
  lose();
  const before = newest(lamps[0]);
  const changed = (message: Uint8Array) => {
    const other = message.slice();
    other[other.length - 1] ^= 1;
    return other;
  };
  place.sayAll((all) => all.map(changed));
  equal(lamps.map(newest), [before, before]);
  place.sayAll((all) => [...Array.from({ length: 30 }, () => changed(all[0])), ...all]);
  equal(lamps.map(newest), [before, before], "the ration is used up");
  place.pass(15);
  place.sayAll();
  equal(
    lamps.map((lamp) => newest(lamp) > before),
    [true, true],
  );
});

test("a branch that was overtaken does not take the place of the newer one", () => {
  const { place, lamps, lose } = begun();
  const store = lamps[0].device.store;
  const [older] = store.keys(KIND.BRANCH).map((one) => store.get(one) as Uint8Array);
  lose();
  place.sayAll();
  const record = decode(older);
  const [securityGroup, epoch, path] = record.ok && Array.isArray(record.value) ? record.value : [];
  const branch = { securityGroup, epoch, path } as Branch;
  const kept = () => store.keys(KIND.BRANCH).map((one) => store.get(one));
  const before = kept();
  place.push(1, () => ({ branches: [branch] }));
  place.pass(5);
  equal(kept(), before);
});

/** What tokens are sealed under here, as flash has it. */
function sealingIn({ device }: Rig): Uint8Array | undefined {
  return device.store.get(key(KIND.SEALING, GROUP));
}

/** The same, as the ledger has it. */
function sealingAt(place: Place): Uint8Array {
  const { kek, kekNumber } = place.ledger.run((rows) => groups.need(rows, numberKey(GROUP)));
  return concat(Uint8Array.of(0), uintBytes(kekNumber), kek);
}

/** Shows all lamps what switch 3 may do from now on, as anybody can. */
function show(place: Place, level: 1 | 2): void {
  const { center, now } = place;
  const token = place.ledger.run((rows) =>
    accessToken(rows, center, {
      group: GROUP,
      claims: { subject: Uint8Array.of(SWITCHES[0]) },
      scope: [{ appGroup: APPLICATION, level, roles: SENDER }],
      pairwise: sealingOf(rows, center, GROUP),
      isShown: true,
      now,
    }),
  );
  for (const number of LAMPS) {
    const options: Option[] = [];
    addPath(options, "/authz-info");
    const head = { type: NON, code: POST, mid: 9000 + level, token: new Uint8Array(0) } as const;
    const bytes = emitMessage({ ...head, options, payload: token });
    place.port.send({ to: { address: deviceAddress(number), port: PORT }, fromPort: PORT, bytes });
  }
  place.pass(1);
}

test("what was said to all brings the sealing key: a token that is shown opens at once", () => {
  const { place, lamps, switches, lose } = begun();
  const [kept, lost] = switches;
  equal(obeying(place, lamps, kept), 2);
  place.pass(40);
  lose();
  const asked = place.asked.length;
  place.sayAll();
  const after = sealingAt(place);
  equal(lamps.map(sealingIn), [after, after]);
  equal(sealingIn(lost), undefined, "who was put out has none of it");
  show(place, 1);
  equal(
    [obeying(place, lamps, kept), place.asked.length],
    [0, asked],
    "nobody was pushed anything",
  );
  place.pass(40);
  // The same root, another epoch.
  place.ledger.run((rows) => renew(rows, place.center, GROUP, { isBroken: false, now: place.now }));
  place.sayAll();
  equal(lamps.map(sealingIn), [sealingAt(place), sealingAt(place)]);
  equal(toHex(sealingAt(place)) === toHex(after), false);
  show(place, 2);
  equal(obeying(place, lamps, kept), 2);
});

test("who asks late has the same sealing key, whatever is said again", () => {
  const { place, lamps, lose } = begun();
  lose();
  place.sayAll((all) => all.slice(0, -1));
  place.pass(20);
  equal(lamps.map(sealingIn), [sealingAt(place), sealingAt(place)]);
  place.sayAll();
  for (const rig of lamps) rig.restart();
  equal(lamps.map(sealingIn), [sealingAt(place), sealingAt(place)]);
});

test("flash that refuses the sealing key: nothing counts, and it comes again", () => {
  const { place, lamps, lose } = begun();
  const [lamp] = lamps;
  const [before, key] = [sealingIn(lamp), newest(lamp)];
  lose();
  let left = 1;
  lamp.flash.refuses = () => left-- > 0;
  place.sayAll();
  equal([sealingIn(lamp), newest(lamp)], [before, key]);
  lamp.flash.refuses = undefined;
  place.sayAll();
  equal([sealingIn(lamp), newest(lamp) > key], [sealingAt(place), true]);
});

test("what is said again costs nothing, however often", () => {
  const { place, lamps, lose } = begun();
  lose();
  const before = newest(lamps[0]);
  place.sayAll((all) => Array.from({ length: 40 }, () => all[0]));
  place.sayAll();
  equal(
    lamps.map((lamp) => newest(lamp) > before),
    [true, true],
  );
});
