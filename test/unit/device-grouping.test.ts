/** Groups changed by presses, at devices: over DTLS, with the authority's own decisions. */
import { emitAnnouncement, GROUPING_SECONDS } from "../../modules/access/grouping.js";
import type { Scope } from "../../modules/access/scope.js";
import { RECEIVER, SENDER } from "../../modules/access/scope.js";
import { createGroup } from "../../modules/authority/distribution.js";
import {
  announcedAt,
  noteRole,
  noteTold,
  type Telling,
  tellingsIn,
} from "../../modules/authority/grouping.js";
import { applications, devices, NONE, numberKey } from "../../modules/authority/records.js";
import { enrol } from "../../modules/authority/server.js";
import { toHex } from "../../modules/bytes/hex.js";
import { utf8 } from "../../modules/bytes/utf8.js";
import type { Cbor } from "../../modules/cbor/encode.js";
import { encode } from "../../modules/cbor/encode.js";
import { CBOR, codeText, DELETE, POST, PUT } from "../../modules/coap/options.js";
import type { Ask } from "../../modules/secure/request.js";
import { equal, test } from "../harness.js";
import { address, deviceAddress } from "../support/addresses.js";
import { TERMS } from "../support/authority.js";
import { APPLICATION, GROUP } from "../support/grants.js";
import { Place } from "../support/place.js";
import { eui64, type Rig, Rig as RigOf, ROLE } from "../support/rig.js";

const LAMP = 1;
const WALL = 3;
/** A lamp of no group, and a sensor of another. */
const NEWCOMER = 5;
const SENSOR = 6;
const MANAGER = 9;
const ATTIC = 2;
const ATTIC_ADDRESS = address(0xff15, 0x0a77);
const SECOND = 1_000_000;

class Hall extends Place {
  readonly rigs = new Map<number, Rig>();

  constructor() {
    super();
    this.ledger.run((rows) => {
      const { address: hall, ...rest } = applications.need(rows, numberKey(APPLICATION));
      applications.put(rows, numberKey(APPLICATION), { ...rest, address: HALL_ADDRESS });
      equal(hall.length, 16);
      createGroup(rows, this.center, ATTIC, TERMS);
      const attic = { name: "attic", group: ATTIC, address: ATTIC_ADDRESS, port: 5683 };
      applications.put(rows, numberKey(ATTIC), attic);
      const attics: Scope = [{ appGroup: ATTIC, level: 2, roles: SENDER }];
      for (const [number, scope] of [[NEWCOMER, []] as const, [SENSOR, attics] as const]) {
        const credential = this.idOf(number);
        const made = { name: `device ${number}`, credential, scope, tokenSeconds: NONE };
        const clientId = Uint8Array.of(number);
        enrol(rows, eui64(number), { ...made, clientId });
      }
      for (const [number, role] of ROLES) noteRole(rows, toHex(eui64(number)), role);
    });
  }

  /** As one that was joined: its authority commands it. */
  joined(number: number, role: number): Rig {
    const groups: Readonly<Record<number, readonly (readonly [number, number])[]>> = {
      [NEWCOMER]: [],
      [SENSOR]: [[ATTIC, ATTIC]],
    };
    const rig = new RigOf(this.room, {
      ...{ number, role, keys: [], crypto: this.kdc.crypto, settings: [[0, 0]] },
      appGroups: groups[number] ?? [[APPLICATION, GROUP]],
      ...(number === SENSOR ? { target: ATTIC } : {}),
      rights: [[MANAGER, null, 5]],
      authority: this.part(number, [[8, Uint8Array.of(MANAGER)]]),
    });
    this.rigs.set(number, rig);
    return rig;
  }

  ask(number: number, ask: Ask, seconds = 20): string {
    let said = "silence";
    this.channels.ask({ address: deviceAddress(number), port: 5684 }, ask, (answered) => {
      said = answered.ok ? codeText(answered.response.code) : answered.why;
    });
    for (let step = 0; step < seconds * 10 && said === "silence"; step++) this.pass(0.1);
    return said;
  }

  /** To all who can be tapped. */
  announce(): void {
    const open = this.ledger.run((rows) => announcedAt(rows, this.now));
    for (const { clientId, isIn } of open?.devices ?? []) {
      const [number] = clientId;
      if (!this.rigs.has(number) || open === undefined) continue;
      const payload = emitAnnouncement({ ...open, isIn });
      equal(this.ask(number, { method: PUT, path: ["grouping"], format: CBOR, payload }), "2.04");
    }
  }

  get tellings(): Telling[] {
    return this.ledger.run((rows) => tellingsIn(rows, () => []));
  }

  /** Its groups, and a start by them. `cut`: its power goes before it is asked to start. */
  tell({ isCut = false } = {}): string[] {
    return this.tellings.map((telling) => {
      const { payload, appGroup, clientId } = telling;
      const path = ["grp", `${appGroup}`];
      const ask = payload ? { method: PUT, path, format: CBOR, payload } : { method: DELETE, path };
      const said = this.ask(clientId[0], ask);
      const rig = this.rigs.get(clientId[0]) as Rig;
      if (!isCut) {
        equal(this.ask(clientId[0], { method: POST, path: ["3", "0", "4"] }), "2.04");
        this.ledger.run((rows) => noteTold(rows, telling));
        this.pass(2);
        equal(rig.restarts.splice(0), ["restart asked for"]);
      }
      this.channels.close(toHex(this.idOf(clientId[0])));
      rig.restart();
      this.pass(70);
      return said;
    });
  }

  press(rig: Rig, seconds = 0.1): void {
    const { clock } = this.room;
    rig.button.onEdge?.(true, clock.micros());
    clock.advance(seconds * SECOND);
    rig.button.onEdge?.(false, clock.micros());
    this.pass(0.5);
  }

  isIn(number: number): boolean {
    const { scope } = this.ledger.run((rows) => devices.need(rows, toHex(eui64(number))));
    return scope.some(({ appGroup }) => appGroup === APPLICATION);
  }
}

const HALL_ADDRESS = address(0xff15, 0x00fd);
const ROLES = [
  [LAMP, 1],
  [2, 1],
  [WALL, 2],
  [NEWCOMER, 1],
  [SENSOR, 3],
] as const;

function hall() {
  const place = new Hall();
  const lamp = place.joined(LAMP, ROLE.LUMINAIRE);
  const wall = place.joined(WALL, ROLE.SWITCH);
  const newcomer = place.joined(NEWCOMER, ROLE.LUMINAIRE);
  place.pass(70);
  return { place, lamp, wall, newcomer };
}

function opened() {
  const all = hall();
  all.place.press(all.wall, 5.2);
  all.place.announce();
  return all;
}

const last = (rig: Rig) => rig.patterns.at(-1);
const hasKey = (rig: Rig) =>
  rig.device.groups.directory.security(GROUP)?.associations.length ?? "no group";

test("a switch that is held opens its group; members and others show what they are", () => {
  const { lamp, wall, newcomer } = opened();
  equal([last(wall), last(lamp), last(newcomer)], ["open", "in", "out"]);
  equal(wall.log.filter((line) => /grouping/.test(line)).length, 1);
});

test("a tap puts a lamp in: it has the key, and obeys the switch; a tap on that ends it", () => {
  const { place, lamp, wall, newcomer } = opened();
  const light = newcomer.device.role.face.luminaire?.state().level;
  place.press(newcomer);
  equal([last(newcomer), place.isIn(NEWCOMER)], ["in", true]);
  equal(newcomer.device.role.face.luminaire?.state().level, light, "no press for light");
  equal(place.tell(), ["2.01"]);
  equal(hasKey(newcomer), 1);
  equal(place.tellings, []);
  place.announce();
  equal(last(newcomer), "in");
  place.press(wall);
  equal(last(wall), "off");
  equal(lamp.device.role.face.luminaire?.state().level, 254, "nor one for light");
  equal(
    place.ledger.run((rows) => announcedAt(rows, place.now)),
    undefined,
  );
  equal(place.pushAll().includes(WALL), true, "who speaks there shows it what he may");
  place.pass(20);
  const before = newcomer.count("accepted");
  place.press(wall);
  place.press(wall);
  equal(newcomer.count("accepted") > before, true);
  const levels = [lamp, newcomer].map(({ device }) => device.role.face.luminaire?.state().on);
  equal(levels[0], levels[1]);
});

test("a tap takes a lamp out, and another one puts it back, under a new key", () => {
  const { place, lamp, wall } = opened();
  place.press(lamp);
  equal([last(lamp), place.isIn(LAMP)], ["out", false]);
  equal(place.tell(), ["2.02"]);
  equal(lamp.device.groups.directory.appGroup(APPLICATION), undefined);
  place.announce();
  place.press(lamp);
  equal([last(lamp), place.isIn(LAMP)], ["in", true]);
  place.tell();
  place.pushAll();
  equal(hasKey(lamp), 2, "beside the one it had");
  place.pass(GROUPING_SECONDS + 1);
  const on = lamp.device.role.face.luminaire?.state().on;
  place.press(wall);
  place.press(wall);
  place.press(wall);
  equal(lamp.device.role.face.luminaire?.state().on === on, false);
});

test("power lost before the lamp was asked to start: both say the same behind it", () => {
  const { place, newcomer } = opened();
  place.press(newcomer);
  equal(place.tell({ isCut: true }), ["2.01"]);
  equal(hasKey(newcomer), 1, "it starts by what it was told");
  equal(place.tellings.length, 1, "and is told once more");
  equal(place.tell(), ["2.04"]);
  equal([place.tellings.length, hasKey(newcomer)], [0, 1]);
});

test("power lost before the lamp was told anything: it is told when it is back", () => {
  const { place, newcomer } = opened();
  place.press(newcomer);
  place.channels.close(toHex(place.idOf(NEWCOMER)));
  newcomer.restart();
  place.pass(5);
  equal([hasKey(newcomer), place.tellings.length], ["no group", 1]);
  equal(place.tell(), ["2.01"]);
  equal(hasKey(newcomer), 1);
});

test("a press is for light where nobody said otherwise, and when the authority is gone", () => {
  const { place, newcomer, lamp } = hall();
  place.isThere = false;
  place.press(newcomer);
  equal(newcomer.level, 0, "at once, with nobody there");
  place.isThere = true;
  const { wall } = { wall: place.rigs.get(WALL) as Rig };
  place.press(wall, 5.2);
  place.announce();
  place.isThere = false;
  place.pass(GROUPING_SECONDS + 1);
  equal([last(lamp), last(wall), last(newcomer)], ["off", "off", "off"]);
  const before = lamp.device.role.face.luminaire?.state().on;
  place.press(lamp);
  equal(lamp.device.role.face.luminaire?.state().on, !before);
});

test("a lamp that is pressed for its light says so to its authority, a switch to nobody", () => {
  const { place, lamp } = hall();
  const told = () => place.asked.filter((one) => one.startsWith("pressed@")).length;
  const before = lamp.device.role.face.luminaire?.state().on;
  place.press(lamp);
  equal([lamp.device.role.face.luminaire?.state().on, told()], [!before, 1]);
  place.press(place.rigs.get(WALL) as Rig);
  equal(told(), 1);
});

test("a switch that nobody answers says so, and switches on", () => {
  const { place, wall } = hall();
  place.isThere = false;
  place.press(wall, 5.2);
  equal(last(wall), "open", "five seconds are seen at once");
  place.pass(300);
  equal(last(wall), "off");
  equal(wall.log.at(-1)?.startsWith("grouping: "), true);
});

test("who goes on holding to ten seconds has asked for nothing", () => {
  const { place, wall } = hall();
  const before = place.asked.length;
  place.press(wall, 10.2);
  equal([last(wall), place.asked.length], ["armed", before]);
  place.pass(11);
  equal(last(wall), "off");
});

test("a reset that is armed while the group is open shows first, then the group", () => {
  const { place, lamp } = opened();
  place.press(lamp, 10.2);
  equal(last(lamp), "armed");
  place.announce();
  equal(last(lamp), "armed");
  place.pass(11);
  equal(last(lamp), "in");
});

test("only the KDC opens a group, and what it says of another one ends nothing", () => {
  const { lamp } = hall();
  const handle = (payload: Uint8Array, id: string, method = PUT) => {
    const from = { by: "dtls", id } as const;
    const request = { from, method, path: ["grouping"], query: [], format: CBOR, payload };
    return codeText(lamp.device.channels?.handle(request).code ?? 0);
  };
  const kdc = toHex(utf8("device 1"));
  const told = emitAnnouncement({ number: 5, isIn: true, seconds: 60 });
  equal([handle(told, "00"), lamp.patterns.length], ["4.03", 0]);
  equal([handle(utf8("x"), kdc), handle(told, kdc, POST)], ["4.00", "4.05"]);
  equal([handle(told, kdc), last(lamp)], ["2.04", "in"]);
  handle(emitAnnouncement({ number: 4, isIn: undefined, seconds: 0 }), kdc);
  equal(last(lamp), "in");
  handle(emitAnnouncement({ number: 5, isIn: undefined, seconds: 0 }), kdc);
  equal(last(lamp), "off");
});

test("a sensor comes in as one who commands the group, beside its own", () => {
  const place = new Hall();
  const lamp = place.joined(LAMP, ROLE.LUMINAIRE);
  const wall = place.joined(WALL, ROLE.SWITCH);
  const sensor = place.joined(SENSOR, ROLE.PRESENCE);
  place.pass(70);
  place.press(wall, 5.2);
  place.announce();
  equal([last(sensor), last(lamp)], ["out", "in"]);
  place.press(sensor);
  equal([last(sensor), place.isIn(SENSOR)], ["in", true]);
  equal(place.tell(), ["2.01"]);
  place.pass(GROUPING_SECONDS);
  const before = lamp.count("accepted");
  sensor.sensor.onMotion?.(true, place.room.clock.micros());
  place.pass(1);
  equal(lamp.count("accepted") > before, true);
});

const map = (...entries: [Cbor, Cbor][]) => encode(new Map(entries));

/** What a lamp says to `value` for group 70. */
function toldOf(rig: Rig, value: Uint8Array, id = 70): string | undefined {
  return rig.device.role.face.upkeep?.structure.put(`grp/${id}`, value);
}

function part(id: number, more: [Cbor, Cbor][] = [], profile = "lowlatency", keys: Cbor = []) {
  return map([0, id], [1, profile], [2, keys], [3, 60], ...more);
}

test("a security group is told as provisioning has it, without keys", () => {
  const { newcomer } = hall();
  const group = (told: Uint8Array, id = 7) =>
    toldOf(newcomer, map([0, id], [1, ATTIC_ADDRESS], [5, told]));
  const key = map([0, Uint8Array.of(1)], [1, new Uint8Array(16)]);
  const bad = [
    part(8),
    part(7, [], "lowlatency", [
      new Map<Cbor, Cbor>([
        [0, Uint8Array.of(1)],
        [1, new Uint8Array(16)],
      ]),
    ]),
    part(7, [], "nothing-such"),
    part(7, [], "group-oscore"),
    utf8("x"),
    key,
    new Uint8Array(201),
  ];
  for (const told of bad) equal(group(told), "malformed", toHex(told));
  equal(group(part(7)), "created");
  newcomer.restart();
  equal(newcomer.device.groups.directory.appGroup(70)?.security.id, 7);
});

test("a group of members is told with this device's place in it, and its key is its own", () => {
  const { newcomer } = hall();
  const own = map([0, Uint8Array.of(NEWCOMER)], [1, new Uint8Array(0)]);
  equal(own.length > 0, true);
  const place = new Map<Cbor, Cbor>([
    [0, Uint8Array.of(NEWCOMER)],
    [1, new Uint8Array(0)],
  ]);
  const told = part(
    12,
    [
      [4, place],
      [5, []],
    ],
    "dtls-record",
  );
  equal(toldOf(newcomer, map([0, 12], [1, ATTIC_ADDRESS], [5, told])), "created");
  newcomer.restart();
  equal(newcomer.device.groups.directory.appGroup(70)?.security.own?.id, Uint8Array.of(NEWCOMER));
  newcomer.restart();
  equal(newcomer.device.groups.directory.appGroup(70)?.security.profile.name, "dtls-record");
});

test("no more security groups than a device has room for", () => {
  const { newcomer } = hall();
  const told = (id: number) =>
    toldOf(newcomer, map([0, id], [1, ATTIC_ADDRESS], [5, part(id)]), 100 + id);
  for (let id = 20; id < 30; id++) equal(told(id), "created");
  equal(told(30), "refused");
  newcomer.restart();
  equal(newcomer.device.groups.directory.securities().length, 10);
});

test("a switch is not told what would leave it without a group", () => {
  const { wall } = hall();
  equal(toldOf(wall, map([0, 77], [1, ATTIC_ADDRESS]), APPLICATION), "refused");
  equal(toldOf(wall, map([0, GROUP], [1, ATTIC_ADDRESS]), APPLICATION), "changed");
  wall.restart();
});

test("a switch leaves a group when it commands another", () => {
  const { wall } = hall();
  const leaves = () => wall.device.role.face.upkeep?.structure.delete(`grp/${APPLICATION}`);
  equal(leaves(), false);
  equal(toldOf(wall, map([0, 7], [1, ATTIC_ADDRESS], [5, part(7)], [6, true])), "created");
  equal(leaves(), true);
  wall.restart();
  equal(wall.device.role.target, 70);
});

test("receivers alone are in the scope of a lamp that was tapped", () => {
  const { place, newcomer } = opened();
  place.press(newcomer);
  const { scope } = place.ledger.run((rows) => devices.need(rows, toHex(eui64(NEWCOMER))));
  equal(scope, [{ appGroup: APPLICATION, level: 2, roles: RECEIVER }]);
});
