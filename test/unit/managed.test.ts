/** Devices and the authority's own decisions, over DTLS: a room from its first start to a loss. */
import { expel, narrow, renew } from "../../modules/authority/distribution.js";
import { awaiting } from "../../modules/authority/pushing.js";
import { devices } from "../../modules/authority/records.js";
import { isDue } from "../../modules/authority/spent.js";
import { toHex } from "../../modules/bytes/hex.js";
import { SERVICE_UNAVAILABLE } from "../../modules/coap/options.js";
import { equal, test } from "../harness.js";
import { APPLICATION, GROUP } from "../support/grants.js";
import { credentialOf } from "../support/managed.js";
import { NonceWatch } from "../support/pair.js";
import { LAMPS, obeying, Place, SWITCHES } from "../support/place.js";
import { type Rig, ROLE } from "../support/rig.js";

function begun() {
  const place = new Place();
  return { place, ...place.begin() };
}

function keyIds({ device }: Rig): number[] {
  const security = device.groups.directory.security(GROUP);
  return (security?.associations ?? []).map(({ keyId }) => keyId[0]);
}

test("first start: tokens, keys, rights by AT-Rs that the switches show, and light", () => {
  const { place, lamps, switches } = begun();
  equal([...lamps, ...switches].map(keyIds), Array(4).fill([1]));
  equal(
    switches.map((press) => obeying(place, lamps, press)),
    [2, 2],
  );
  equal(
    lamps.flatMap(({ log }) => log.filter((line) => /refused/.test(line))),
    [],
  );
});

test("a renewal in peace: pushed, confirmed, and nobody without light in between", () => {
  const { place, lamps, switches } = begun();
  place.ledger.run((rows) => renew(rows, place.center, GROUP, { isBroken: false, now: place.now }));
  equal(obeying(place, lamps, switches[0]), 2, "before anybody has it");
  equal(place.pushAll(), [1, 2, 3, 4]);
  equal([...lamps, ...switches].map(keyIds), Array(4).fill([1, 2]));
  equal(obeying(place, lamps, switches[0]), 2);
  equal(place.ledger.run(awaiting), []);
});

test("a lost switch: its keys and its word are worth nothing, the others go on", () => {
  const { place, lamps, switches } = begun();
  const [kept, lost] = switches;
  place.ledger.run((rows) => expel(rows, place.center, Uint8Array.of(4), place.now));
  equal(place.pushAll(), [1, 2, 3]);
  equal([...lamps, kept].map(keyIds), Array(3).fill([2]), "never a grace after a loss");
  place.pass(40);
  equal([obeying(place, lamps, lost), obeying(place, lamps, kept)], [0, 2]);
  // It comes back with what it has: its AT-KDC is refused, its AT-R too.
  lost.restart();
  place.pass(400);
  equal([keyIds(lost), obeying(place, lamps, lost)], [[1], 0]);
  equal(
    lamps.every((lamp) => lamp.device.rights.count === 1),
    true,
  );
});

test("taken out of the group in peace: the lamps hear of it, under the same key", () => {
  const { place, lamps, switches } = begun();
  place.ledger.run((rows) => narrow(rows, place.center, Uint8Array.of(4), []));
  equal(place.pushAll(), [1, 2]);
  const [kept, gone] = switches;
  equal([obeying(place, lamps, gone), obeying(place, lamps, kept)], [0, 2]);
  // What he has he may show again.
  gone.restart();
  place.pass(400);
  equal([obeying(place, lamps, gone), lamps.map(keyIds)], [0, [[1], [1]]]);
});

test("a lamp that was off during a renewal asks for the key when it comes back", () => {
  const { place, lamps, switches } = begun();
  const [, away] = lamps;
  const { onDatagram } = away.port;
  away.port.onDatagram = undefined;
  place.ledger.run((rows) => renew(rows, place.center, GROUP, { isBroken: false, now: place.now }));
  place.pushAll();
  equal([keyIds(lamps[0]), keyIds(away)], [[1, 2], [1]]);
  away.port.onDatagram = onDatagram;
  away.restart();
  place.pass(70);
  equal(keyIds(away), [1, 2]);
  equal(obeying(place, lamps, switches[0]), 2);
});

test("a message under an unknown key: the lamp asks once, not as often as somebody says so", () => {
  const { place, lamps, switches } = begun();
  const [, deaf] = lamps;
  const asked = () => place.asked.filter((one) => one === "keys@2").length;
  const miss = () => {
    const { onDatagram } = deaf.port;
    deaf.port.onDatagram = undefined;
    place.ledger.run((rows) =>
      renew(rows, place.center, GROUP, { isBroken: false, now: place.now }),
    );
    place.pushAll();
    // What was to bring it is over, as after a restart of the authority.
    place.channels.close(toHex(credentialOf(2).identity));
    deaf.port.onDatagram = onDatagram;
  };
  const before = asked();
  miss();
  place.room.press(switches[0]);
  place.pass(2);
  equal([keyIds(deaf), asked() - before], [[1, 2], 1], "in time for what is said again");
  place.pass(60);
  miss();
  const { answer } = place;
  place.answer = (request) =>
    request.path[0] === "keys" ? { code: SERVICE_UNAVAILABLE } : answer?.(request);
  const soFar = asked();
  for (let press = 0; press < 59; press++) {
    place.room.press(switches[0]);
    place.pass(2);
  }
  equal(deaf.count("unknownKey") > 50, true);
  equal(asked() - soFar < 8, true, `${asked() - soFar} questions`);
});

test("in a group that it is not granted, too, a lamp has the keys of the others", () => {
  const place = new Place();
  const more = { appGroups: [[APPLICATION, GROUP] as const, [50, 51] as const] };
  const lamp = place.device(1, ROLE.LUMINAIRE, more);
  place.pass(70);
  equal(keyIds(lamp), [1]);
  place.ledger.run((rows) => renew(rows, place.center, GROUP, { isBroken: false, now: place.now }));
  equal([place.pushAll(), keyIds(lamp)], [[1], [1, 2]]);
});

test("a strict place: no key with a token without an end; the others renew theirs", () => {
  const place = new Place();
  const strict = (number: number) => ({ authority: place.part(number, [[10, true]]) });
  place.ledger.run((rows) => {
    for (const eui64 of devices.keys(rows)) {
      const device = devices.need(rows, eui64);
      const isEndless = device.name === "device 2";
      if (!isEndless) devices.put(rows, eui64, { ...device, tokenSeconds: 600 });
    }
  });
  const lamps = LAMPS.map((number) => place.device(number, ROLE.LUMINAIRE, strict(number)));
  const press = place.device(SWITCHES[0], ROLE.SWITCH, strict(SWITCHES[0]));
  place.pass(70);
  equal(lamps.map(keyIds), [[1], []]);
  equal([lamps[1].log.includes("keys refused: endless"), keyIds(press)], [true, [1]]);
  for (let minutes = 0; minutes < 30; minutes += 5) {
    equal(obeying(place, [lamps[0]], press), 1, `after ${minutes} minutes`);
    place.pass(300);
  }
});

/** Presses on; what waits is brought as it would be. Fewest lamps that obeyed, and keys of each. */
function pressedOn(place: Place, lamps: readonly Rig[], press: Rig, presses: number) {
  let fewest = lamps.length;
  for (let count = 0; count < presses; count++) {
    fewest = Math.min(fewest, obeying(place, lamps, press));
    place.pass(3);
    if (place.ledger.run(awaiting).length > 0) place.pushAll();
  }
  return { fewest, keys: [...lamps, press].map((one) => keyIds(one).at(-1) ?? 0) };
}

test("a budget nears its end: another key is asked for, and nobody is without light", () => {
  const place = new Place(undefined, { messages: 256 });
  const { lamps, switches } = place.begin();
  const { fewest, keys } = pressedOn(place, lamps, switches[0], 60);
  equal(fewest, 2, "every press was obeyed");
  equal(new Set(keys).size, 1);
  equal([keys[0] > 1, keys[0] < 9], [true, true], `${keys[0]} keys`);
  const all = [...lamps, ...switches];
  equal(
    all.map((one) => one.count("expired")),
    [0, 0, 0, 0],
  );
});

test("a key grows old: the next one is there before, and nobody is without light", () => {
  const place = new Place(undefined, { validitySeconds: 400 });
  const { lamps, switches } = place.begin();
  let fewest = 2;
  for (let seconds = 0; seconds < 960; seconds += 30) {
    const isNext = place.ledger.run((rows) => isDue(rows, GROUP, place.now));
    const renewal = { isBroken: false, now: place.now };
    if (isNext) place.ledger.run((rows) => renew(rows, place.center, GROUP, renewal));
    if (isNext) place.pushAll();
    fewest = Math.min(fewest, obeying(place, lamps, switches[0]));
    place.pass(30);
  }
  equal([fewest, keyIds(lamps[0]).at(-1)], [2, 3]);
});

/** A room in which no key ever seals twice with one nonce, whatever becomes of its first switch. */
function watched() {
  const place = new Place();
  const crypto = new NonceWatch().crypto(place.kdc.crypto);
  const lamps = LAMPS.map((number) => place.device(number, ROLE.LUMINAIRE, { crypto }));
  const [number] = SWITCHES;
  const press = place.device(number, ROLE.SWITCH, { crypto });
  place.pass(70);
  for (let time = 0; time < 3; time++) equal(obeyed(place, lamps, press), [true, true]);
  return { place, lamps, press, crypto };
}

/** Which lamps are on by one press and off by the next; its first says what it believes. */
function obeyed(place: Place, lamps: readonly Rig[], press: Rig): boolean[] {
  const [first, second] = [0, 1].map(() => {
    place.room.press(press);
    place.pass(40);
    return lamps.map(({ level = 0 }) => level > 0);
  });
  return first.map((isOn, at) => isOn !== second[at]);
}

/** It begins anew, and everybody follows. */
function follows(place: Place, lamps: readonly Rig[], press: Rig): void {
  equal([keyIds(press), keyIds(lamps[0])], [[2], [1]]);
  // The lamps have heard nothing yet: neither of the key, nor of what the switch's token is under.
  // Nobody brought it while it was new, so when they ask after a press there is another for all.
  place.room.press(press);
  place.pass(40);
  place.pushAll();
  for (let time = 0; time < 4; time++) equal(obeyed(place, lamps, press), [true, true]);
  equal(lamps.map(keyIds), [[3], [3]], "the old one had its grace");
  press.restart();
  place.pass(120);
  equal([keyIds(press), obeyed(place, lamps, press)], [[3], [true, true]], "the same flash");
}

test("a switch whose flash was written anew: another key, no nonce twice, and light", () => {
  const { place, lamps, press, crypto } = watched();
  press.port.onDatagram = undefined;
  const [number] = SWITCHES;
  const again = place.device(number, ROLE.SWITCH, { crypto, seed: 77 });
  place.pass(120);
  follows(place, lamps, again);
});

test("a switch after a factory reset: another key, no nonce twice, and light", () => {
  const { place, lamps, press } = watched();
  equal(press.device.role.face.upkeep?.system.factoryReset(), true);
  press.restart();
  place.pass(120);
  follows(place, lamps, press);
});
