import { equalBytes } from "../../modules/bytes/equal.js";
import { uintBytes } from "../../modules/bytes/uint.js";
import { utf8 } from "../../modules/bytes/utf8.js";
import { CON, emitMessage, NON, parseMessage } from "../../modules/coap/message.js";
import {
  addOption,
  CHANGED,
  CONTENT,
  GET,
  POST,
  PUT,
  URI_PATH,
} from "../../modules/coap/options.js";
import { TsCrypto } from "../../modules/crypto/crypto.js";
import { OPTION_TOKEN } from "../../modules/device/channels.js";
import { ownToken } from "../../modules/groups/tokens.js";
import { Workspace } from "../../modules/oscore/aad.js";
import { lowlatency } from "../../modules/profiles/lowlatency.js";
import { equal, test } from "../harness.js";
import { deviceAddress } from "../support/addresses.js";
import { flipped } from "../support/dtls-craft.js";
import { APPLICATION, GROUP, NOW, sealing } from "../support/grants.js";
import { credentialOf, Managed } from "../support/managed.js";
import { GROUP_ADDRESS, PORT, type Rig, ROLE } from "../support/rig.js";
import { SecureEnd, Told, Wire } from "../support/secure.js";

const IN_GROUP = uintBytes(GROUP);

function keysOf(rig: Rig): number[] {
  return rig.device.groups.directory.securities()[0].associations.map(({ keyId }) => keyId[0]);
}

/** Whether the lamp obeys a press that comes now. */
function obeys({ room }: Managed, lamp: Rig, press: Rig): boolean {
  const before = lamp.count("accepted");
  room.press(press);
  room.clock.advance(1_000_000);
  return lamp.count("accepted") > before;
}

/** A room with a lamp and a switch that have their keys; the lamp knows the switch's rights. */
function settled() {
  const place = new Managed();
  const lamp = place.device(1, ROLE.LUMINAIRE);
  const press = place.device(2, ROLE.SWITCH);
  place.pass(20);
  place.push(1, () => place.rightsOf(2));
  place.pass(5);
  return { place, lamp, press };
}

test("a room without a key in its installation: from DTLS to light", () => {
  const place = new Managed();
  const lamp = place.device(1, ROLE.LUMINAIRE);
  const press = place.device(2, ROLE.SWITCH);
  equal([keysOf(lamp), keysOf(press)], [[], []]);
  place.pass(20);
  equal([keysOf(lamp), keysOf(press)], [[1], [1]]);
  equal([...place.asked].sort(), ["keys@1", "keys@2", "token@1", "token@2"]);
  equal([obeys(place, lamp, press), lamp.count("forbidden") > 0], [false, true], "without a right");
  equal(place.push(1, () => place.rightsOf(2))?.words, []);
  place.pass(5);
  equal(obeys(place, lamp, press), true);
});

test("after a restart without anybody there: keys, rights and light", () => {
  const { place, lamp, press } = settled();
  place.isThere = false;
  lamp.restart();
  press.restart();
  place.asked.length = 0;
  place.pass(5);
  equal([obeys(place, lamp, press), place.asked], [true, []]);
});

test("a press before there is a key is obeyed once there is one", () => {
  const place = new Managed();
  const lamp = place.device(1, ROLE.LUMINAIRE);
  place.pass(20);
  place.push(1, () => place.rightsOf(2));
  place.pass(5);
  place.isThere = false;
  const press = place.device(2, ROLE.SWITCH);
  const before = lamp.count("accepted");
  place.room.press(press);
  equal(lamp.count("accepted"), before);
  place.isThere = true;
  place.pass(35);
  equal(lamp.count("accepted") > before, true);
});

test("pushed: 2.04 once it is in flash, and the old key is heard meanwhile", () => {
  const { place, lamp } = settled();
  place.keyId = 2;
  const told = place.push(1, ({ pairwise }) => ({
    tokens: pairwise ? [place.ownOf(1, pairwise)] : [],
  }));
  place.pass(5);
  equal([told?.words, keysOf(lamp)], [[CHANGED], [1, 2]]);
  place.keyId = 3;
  lamp.flash.refuses = () => true;
  const refused = place.push(1, ({ pairwise }) => ({
    tokens: pairwise ? [place.ownOf(1, pairwise)] : [],
    broken: [IN_GROUP],
  }));
  place.pass(5);
  equal([refused?.words, keysOf(lamp)], [[163], [1, 2]], "5.03: to be said again");
  lamp.flash.refuses = undefined;
});

test("only the KDC's session pushes; anybody may present", () => {
  const { place, lamp } = settled();
  const handle = (path: string[], payload: Uint8Array, id = "00", method = POST) =>
    lamp.device.channels?.handle({
      ...{ from: { by: "dtls", id }, method, path, query: [], format: undefined, payload },
    }).code;
  equal(handle(["keys", "push"], Uint8Array.of(0xa0)), 131);
  equal(handle(["keys", "push"], utf8("x"), "6465766963652031"), 128);
  equal(handle(["keys", "push"], Uint8Array.of(0xa0), "6465766963652031"), CHANGED);
  equal(handle(["keys", "push"], utf8("x"), "00", GET), 133);
  equal(handle(["authz-info"], place.kdc.token({ issuedAt: NOW + 1 })), 65);
  equal(handle(["authz-info"], utf8("x")), 129);
  equal(handle(["nowhere"], utf8("x")), 132);
});

test("resources of every level by their rights; nobody in particular gets none", () => {
  const place = new Managed();
  const authority = place.part(1, [[8, Uint8Array.of(9)]]);
  const lamp = place.device(1, ROLE.LUMINAIRE, { authority, rights: [[9, null, 3]] });
  place.pass(20);
  const told = new Told();
  const ask = (method: number, path: string[], payload?: Uint8Array) => {
    const what = { method, path, ...(payload && { payload, format: 0 }) };
    equal(place.channels.askPeer("6465766963652031", what, told.done), true);
    place.pass(3);
  };
  ask(GET, ["3", "0", "0"]);
  ask(PUT, ["par", "power-on"], utf8("1"));
  ask(POST, ["3", "0", "5"]);
  equal(told.words.map((code) => (code === 132 ? "4.04" : code)).slice(0, 1), [CONTENT]);
  equal(told.words[2], 131, "factory reset is level 4");
  const code = lamp.device.channels?.handle({
    ...{ from: { by: "dtls", id: "00" }, method: GET, path: ["3", "0", "0"], query: [] },
    ...{ format: undefined, payload: new Uint8Array(0) },
  }).code;
  equal(code, 131);
});

test("a stranger has no channel at all", () => {
  const { place, lamp } = settled();
  const wire = new Wire();
  const thief = new SecureEnd(wire, 9, {
    client: () => ({ psk: { ...credentialOf(3), key: new Uint8Array(16) } }),
  });
  const told = new Told();
  thief.channels.ask(
    { address: deviceAddress(1), port: 5684 },
    { method: GET, path: [] },
    told.done,
  );
  for (const { bytes } of wire.sent) {
    lamp.port.onDatagram?.({
      from: thief.address,
      to: { address: deviceAddress(1), port: 5684 },
      bytes,
      atMicros: place.room.clock.micros(),
    });
  }
  equal(told.answers, []);
});

/** A datagram to the lamp, from nobody in particular. */
function arrive(
  place: Managed,
  lamp: Rig,
  bytes: Uint8Array,
  to = deviceAddress(1),
  from = 77,
): void {
  lamp.port.onDatagram?.({
    from: { address: deviceAddress(from), port: PORT },
    to: { address: to, port: PORT },
    bytes,
    atMicros: place.room.clock.micros(),
  });
}

function authzInfo(token: Uint8Array, mid = 1, type: 0 | 1 = CON): Uint8Array {
  const options = [{ number: URI_PATH, value: utf8("authz-info") }];
  return emitMessage({ ...{ type, code: POST, mid }, token: utf8("t"), options, payload: token });
}

test("presented in the clear, by unicast alone, and not often", () => {
  const { place, lamp } = settled();
  const token = (at: number) => place.kdc.token({ subject: Uint8Array.of(5), issuedAt: NOW + at });
  const before = place.room.net.sent.length;
  const said = () => {
    const messages = place.room.net.sent.slice(before).map(({ bytes }) => parseMessage(bytes));
    return messages.map((one) => (one.ok ? one.value.code : "none"));
  };
  arrive(place, lamp, authzInfo(token(1), 1, NON), GROUP_ADDRESS);
  equal([lamp.device.rights.count, said()], [1, []]);
  arrive(place, lamp, authzInfo(token(1)));
  equal([lamp.device.rights.count, said()], [2, [65]]);
  arrive(place, lamp, authzInfo(token(0), 2));
  equal([said(), lamp.log.at(-1)], [[65, 129], "token refused: older"]);
  equal(lamp.log.at(-1), "token refused: older");
});

test("what nobody signed keeps no token out: signatures are rationed, half for an address", () => {
  const { place, lamp } = settled();
  const before = place.room.net.sent.length;
  const codes = (from: number) => {
    const sent = place.room.net.sent.slice(before);
    const mine = sent.filter(({ to }) => equalBytes(to.address, deviceAddress(from)));
    const parsed = mine.map(({ bytes }) => parseMessage(bytes));
    return parsed.map((one) => (one.ok ? one.value.code : "none"));
  };
  const token = (subject: number, more = {}) =>
    place.kdc.token({ subject: Uint8Array.of(subject), ...more });
  const show = (from: number, shown: Uint8Array, mid: number) =>
    arrive(place, lamp, authzInfo(shown, mid), deviceAddress(1), from);
  // Nobody's, another place's, another group's, another sealing key's, the lamp's, one that is old.
  const junk = [
    ...[utf8("no token"), token(5, { issuer: "kdc 2" }), token(5, { audience: "yard" })],
    ...[token(5, { securityGroup: uintBytes(77) }), token(1), token(2, { issuedAt: NOW - 1 })],
    token(5, { under: sealing(place.kdc.crypto, 9) }),
  ];
  for (let mid = 1; mid <= 40; mid++) show(77, junk[mid % junk.length], mid);
  equal(codes(77), Array(40).fill(129));
  equal(lamp.log.filter((line) => /refused/.test(line)).length, 4, "not a line for each");
  // What it knows costs nothing either, however often.
  for (let mid = 1; mid <= 20; mid++) show(78, token(2), mid);
  equal(codes(78), Array(20).fill(65));
  // Right in all but the signature.
  const forged = flipped(token(6), token(6).length - 1);
  for (let mid = 41; mid <= 44; mid++) show(77, forged, mid);
  equal(codes(77).slice(40), [129, 129, 163, 163]);
  show(79, token(6), 1);
  equal(codes(79), [65]);
  for (let from = 80; from < 83; from++) show(from, token(from), 1);
  equal([codes(80), codes(81), codes(82)], [[65], [163], [163]], "all of them have four");
});

test("in a first request: its token is taken, then the request, which was made without it", () => {
  const { place, lamp } = settled();
  const own = { id: Uint8Array.of(5), credential: new Uint8Array(0), signer: undefined };
  const raw = new Uint8Array(16).fill(1);
  const keyId = Uint8Array.of(1);
  const crypto = new TsCrypto();
  const key = lowlatency.importKey(crypto, { keyId, raw, own, addresses: [] });
  const to = { address: deviceAddress(1), port: PORT };
  const options = [{ number: URI_PATH, value: utf8("l") }];
  const payload = Uint8Array.of(0xa2, 0, 0xf5, 1, 0x18, 99);
  const departure = {
    header: { type: NON, mid: 9, token: new Uint8Array(0) },
    inner: { code: POST, options, payload },
    clear: [],
    appGroup: { id: APPLICATION },
    sender: own.id,
    piv: Uint8Array.of(1),
    to,
    request: undefined,
  };
  const sealed = lowlatency.seal(key, departure, new Workspace());
  const shown = (token: Uint8Array) => {
    const parsed = parseMessage(sealed);
    if (!parsed.ok) throw new Error("our own");
    const all = [...parsed.value.options];
    addOption(all, OPTION_TOKEN, token);
    return emitMessage({ ...parsed.value, options: all });
  };
  const token = place.kdc.token({ subject: own.id });
  arrive(place, lamp, shown(token), GROUP_ADDRESS);
  arrive(place, lamp, shown(utf8("no token")));
  arrive(place, lamp, sealed);
  equal(lamp.level, 254, "to many, with a bad one, without one");
  const again = lowlatency.seal(key, { ...departure, piv: Uint8Array.of(2) }, new Workspace());
  const parsed = parseMessage(again);
  if (!parsed.ok) throw new Error("our own");
  const all = [...parsed.value.options];
  addOption(all, OPTION_TOKEN, token);
  arrive(place, lamp, emitMessage({ ...parsed.value, options: all }));
  place.pass(5);
  equal(lamp.level, 99);
  const darker = { ...departure.inner, payload: Uint8Array.of(0xa2, 0, 0xf5, 1, 0x18, 88) };
  const third = { ...departure, inner: darker, piv: Uint8Array.of(3) };
  const unshown = parseMessage(lowlatency.seal(key, third, new Workspace()));
  if (!unshown.ok) throw new Error("our own");
  const badly = [...unshown.value.options];
  addOption(badly, OPTION_TOKEN, utf8("no token"));
  arrive(place, lamp, emitMessage({ ...unshown.value, options: badly }));
  place.pass(5);
  equal(lamp.level, 99, "what comes with a bad one is not read");
});

test("the AT-R to be presented is kept, and another KDC's installation is told of", () => {
  const { place, lamp, press } = settled();
  const shown = place.kdc.token({ subject: Uint8Array.of(2) });
  place.push(2, () => ({ tokens: [shown] }));
  place.pass(5);
  equal(ownToken(press.device.store, GROUP), shown);
  const authority = place.part(1);
  authority.set(0, "another");
  const moved = place.room.luminaireOn(1, lamp.flash, { ...lamp.spec, authority });
  equal(moved.log[0], "authority: another is not the KDC this device belongs to");
  equal(moved.device.channels?.trust.trusted?.issuer, "kdc");
});

test("a switch finds its lamps and shows each its AT-R, once; later ones are found later", () => {
  const place = new Managed();
  place.shows = true;
  const lamps = [1, 3, 4].map((number) => place.device(number, ROLE.LUMINAIRE));
  place.pass(20);
  // Every datagram comes twice; nobody is shown anything twice for it.
  place.room.net.fate = () => [1000, 1200];
  const press = place.device(2, ROLE.SWITCH);
  place.pass(40);
  place.room.net.fate = () => [1000];
  const shown = () =>
    place.room.net.sent.filter(({ to, bytes }) => to.port === PORT && bytes.length > 200).length;
  equal(shown(), 6, "in each of two rounds");
  for (const lamp of lamps) {
    equal([obeys(place, lamp, press), lamp.log.filter((line) => /refused/.test(line))], [true, []]);
  }
  const late = place.device(5, ROLE.LUMINAIRE);
  place.pass(15);
  equal(obeys(place, late, press), false);
  const before = shown();
  place.pass(700);
  equal([obeys(place, late, press), shown() > before], [true, true]);
  const writes = late.device.store.writes;
  place.pass(7 * 3600);
  equal(late.device.store.writes - writes < 20, true, "what is known is not written again");
});
