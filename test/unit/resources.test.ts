import type { Level } from "../../modules/access/level.js";
import { fromHex, toHex } from "../../modules/bytes/hex.js";
import { fromUtf8, utf8 } from "../../modules/bytes/utf8.js";
import { encode } from "../../modules/cbor/encode.js";
import type { Option } from "../../modules/coap/message.js";
import { ACCEPT, addOption, addUint, CONTENT_FORMAT } from "../../modules/coap/options.js";
import type { Command } from "../../modules/lighting/command.js";
import { DaylightSensor } from "../../modules/lighting/daylight.js";
import { PresenceSensor } from "../../modules/lighting/presence.js";
import { decodeReport } from "../../modules/lighting/report.js";
import { Switch } from "../../modules/lighting/switch.js";
import type { Face, Reply, Request } from "../../modules/resources/resource.js";
import * as roles from "../../modules/resources/resource.js";
import { levelOf, Resources } from "../../modules/resources/resources.js";
import { equal, test } from "../harness.js";
import { Lamp } from "../support/lamp.js";

const GET = 1;
const POST = 2;
const PUT = 3;
const DELETE = 4;

/** A device with all behaviours; `role` decides what of them is a resource. */
class Box {
  readonly lamp = new Lamp();
  readonly heard: { command: Command; prevails: boolean }[] = [];
  readonly done: string[] = [];
  readonly stored = new Map<string, Uint8Array>();
  readonly face: Face;
  readonly wallSwitch: Switch;
  readonly presence: PresenceSensor;
  readonly daylight: DaylightSensor;
  readonly resources: Resources;

  constructor(role: number = roles.LUMINAIRE) {
    const { clock, settings, luminaire } = this.lamp;
    const ports = { clock, settings, send: () => {} };
    this.wallSwitch = new Switch(ports);
    this.presence = new PresenceSensor(ports);
    this.daylight = new DaylightSensor(ports);
    const { wallSwitch, presence, daylight, stored, done, heard } = this;
    const common = {
      facts: { manufacturer: "Lumicast", model: "M1", serial: "0200000000000014", firmware: "0.1" },
      settings,
      system: {
        restart: () => void done.push("restart"),
        factoryReset: () => void done.push("reset"),
      },
      structure: {
        get: (path: string) => stored.get(path),
        put: (path: string, value: Uint8Array) => {
          if (value[0] === 0xff) return "malformed" as const;
          if (value[0] === 0xfe) return "refused" as const;
          const known = stored.has(path);
          stored.set(path, value);
          return known ? ("changed" as const) : ("created" as const);
        },
        delete: (path: string) => stored.delete(path),
      },
    };
    const follower = {
      heard: (command: Command, prevails: boolean) => void heard.push({ command, prevails }),
    };
    this.face =
      role === roles.LUMINAIRE
        ? { ...common, luminaire }
        : { ...common, wallSwitch, presence, daylight, follower };
    this.resources = new Resources(role, this.face);
  }

  /** What the device does with a request: the reply, or the code of the refusal. */
  ask(code: number, path: string, wish: Wish = {}): Reply {
    const options = pathOptions(path);
    if (wish.format !== undefined) addUint(options, CONTENT_FORMAT, wish.format);
    if (wish.accept !== undefined) addUint(options, ACCEPT, wish.accept);
    for (const { number, value } of wish.options ?? []) addOption(options, number, value);
    const resource = this.resources.find(options);
    if (resource === undefined) return { code: 132, quiet: true };
    const payload = typeof wish.payload === "string" ? utf8(wish.payload) : wish.payload;
    const request: Request = {
      code,
      options,
      payload,
      sender: 7,
      prevails: wish.prevails ?? false,
    };
    return this.resources.handle(resource, request);
  }

  /** Code and text of a GET. */
  read(path: string, wish: Wish = {}): string {
    const { code, payload } = this.ask(GET, path, wish);
    return `${code >> 5}.${code & 31} ${payload === undefined ? "" : fromUtf8(payload)}`;
  }

  /** Code of anything else, as "2.4". */
  write(code: number, path: string, wish: Wish = {}): string {
    const reply = this.ask(code, path, wish);
    return `${reply.code >> 5}.${reply.code & 31}`;
  }
}

interface Wish {
  readonly payload?: Uint8Array | string;
  readonly format?: number;
  readonly accept?: number;
  readonly options?: readonly Option[];
  readonly prevails?: boolean;
}

function pathOptions(path: string): Option[] {
  if (path === "") return [];
  return path.split("/").map((segment) => ({ number: 11, value: utf8(segment) }));
}

/**
 * ARCHITECTURE.md, data model, row by row, as far as its resources exist: path, methods, level. The paths
 * behind an ellipsis are this firmware's.
 */
const LUMINAIRE = "luminaire";
const TABLE: readonly (readonly [path: string, methods: string, level: Level, role: string])[] = [
  [".well-known/core", "GET", 0, "all"],
  ["3311/0", "GET", 1, LUMINAIRE],
  ["3311/0/5850", "GET", 1, LUMINAIRE],
  ["3311/0/5851", "GET", 1, LUMINAIRE],
  ["3311/0/5706", "GET", 1, LUMINAIRE],
  ["3311/0/5537", "GET", 1, LUMINAIRE],
  ["3311/0/5538", "GET", 1, LUMINAIRE],
  ["3302/0/5500", "GET", 1, "presence"],
  ["3301/0/5700", "GET", 1, "daylight"],
  ["3347/0/5500", "GET", 1, "switch"],
  ["3/0/0", "GET", 1, "all"],
  ["3/0/1", "GET", 1, "all"],
  ["3/0/2", "GET", 1, "all"],
  ["3/0/3", "GET", 1, "all"],
  ["3/0/11", "GET", 1, "all"],
  ["l", "POST", 2, "all"],
  ["3311/0/5850", "PUT", 2, LUMINAIRE],
  ["3311/0/5851", "PUT", 2, LUMINAIRE],
  ["3311/0/5537", "PUT", 2, LUMINAIRE],
  ["3311/0", "PUT", 2, LUMINAIRE],
  ["scn/0", "PUT DELETE GET", 2, LUMINAIRE],
  ["scn/254", "PUT DELETE GET", 2, LUMINAIRE],
  ["idn", "PUT", 2, LUMINAIRE],
  ["par/op/hold", "GET PUT", 2, "presence"],
  ["par/op/low", "GET PUT", 2, "daylight"],
  ["par/op/high", "GET PUT", 2, "daylight"],
  ["par/op/level", "GET PUT", 2, "presence daylight"],
  ["par/op/scene", "GET PUT", 2, "switch"],
  ["par/power", "GET PUT", 3, LUMINAIRE],
  ["par/fade", "GET PUT", 3, LUMINAIRE],
  ["par/min", "GET PUT", 3, LUMINAIRE],
  ["par/max", "GET PUT", 3, LUMINAIRE],
  ["par/leisure", "GET PUT", 3, "all"],
  ["loc", "GET PUT DELETE", 4, "all"],
  ["grp/1", "GET PUT DELETE", 4, "all"],
  ["grp/4294967295", "GET PUT DELETE", 4, "all"],
  ["3/0/4", "POST", 4, "all"],
  ["3/0/5", "POST", 4, "all"],
];

const ROLES: readonly (readonly [string, number])[] = [
  [LUMINAIRE, roles.LUMINAIRE],
  ["switch", roles.SWITCH],
  ["presence", roles.PRESENCE],
  ["daylight", roles.DAYLIGHT],
];
const METHODS = ["", "GET", "POST", "PUT", "DELETE"];

test("the level of every path and method is the one of ARCHITECTURE.md's table", () => {
  const paths = [...new Set(TABLE.map(([path]) => path))];
  for (const [role, bit] of ROLES) {
    const { resources } = new Box(bit);
    for (const path of paths) {
      const resource = resources.find(pathOptions(path));
      for (let code = 0; code < 32; code++) {
        const rows = TABLE.filter(
          ([at, methods, , who]) =>
            at === path &&
            methods.split(" ").includes(METHODS[code] ?? "none") &&
            (who === "all" || who.split(" ").includes(role)),
        );
        equal(rows.length <= 1, true, "the transcript has it once");
        const level = resource === undefined ? undefined : levelOf(resource, code);
        equal(level, rows[0]?.[2], `${role}: ${code} /${path}`);
      }
    }
  }
});

test("no resource is reached by another spelling of its path", () => {
  const { resources } = new Box();
  const spellings = [
    [],
    [""],
    ["L"],
    ["l", ""],
    ["", "l"],
    ["l", "l"],
    ["%6c"],
    ["l%00"],
    ["l/"],
    ["3311/0"],
    ["3311", "0/5850"],
    ["3311", "0", ""],
    ["3311", "00"],
    ["3311", "0", "5850", "5850"],
    [".well-known"],
    [".well-known", "Core"],
    [".Well-Known", "core"],
    ["..", "l"],
    [".", "l"],
    ["scn"],
    ["scn", "#"],
    ["scn", "05"],
    ["scn", "-1"],
    ["scn", "1e2"],
    ["scn", "1.0"],
    ["scn", "99999999999"],
    ["par"],
    ["par", "op"],
    ["par", "op", "power"],
    ["par", "OP", "hold"],
    ["par%2fpower"],
    ["par", "power "],
    ["3", "0", "4", "5"],
    ["3", "0", "05"],
    ["3", "0"],
    ["constructor"],
    ["__proto__"],
    ["a".repeat(300)],
  ];
  for (const segments of spellings) {
    const options = segments.map((segment) => ({ number: 11, value: utf8(segment) }));
    equal(resources.find(options), undefined, JSON.stringify(segments));
  }
  equal(resources.find([{ number: 11, value: Uint8Array.of(0x6c, 0) }]), undefined);
  equal(resources.find([{ number: 11, value: Uint8Array.of(0xff) }]), undefined);
  const host = { number: 3, value: utf8("l") };
  equal(resources.find([host]), undefined);
  equal(resources.find([host, ...pathOptions("l")])?.path, "l", "the host chooses nothing");
});

test("/l: on, and the reply to one and to many", () => {
  const box = new Box();
  const reply = box.ask(POST, "l", { payload: fromHex("a20118640200") });
  equal(reply, { code: 68, quiet: true });
  equal(box.lamp.level, 100);
  equal(box.write(POST, "l", { payload: fromHex("a100f4"), format: 60 }), "2.4");
  equal(box.lamp.level, 0);
});

test("/l: a wanted report is worth an answer", () => {
  const box = new Box();
  const reply = box.ask(POST, "l", { payload: fromHex("a30118640205" + "07f5") });
  equal([reply.code, reply.format, reply.quiet], [68, 60, false]);
  const report = decodeReport(reply.payload ?? new Uint8Array(0));
  equal(report, {
    ok: true,
    value: {
      result: "ok",
      status: { on: true, level: 100, fadeTenths: 5, mired: 370 },
      lampFailure: false,
    },
  });
  const failed = box.ask(POST, "l", { payload: fromHex("a2030507f5") });
  equal(toHex(failed.payload?.slice(0, 3) ?? new Uint8Array(0)), "a20001");
  box.lamp.light.failed = true;
  const broken = box.ask(POST, "l", { payload: fromHex("a107f5") });
  equal(toHex(broken.payload?.slice(0, 3) ?? new Uint8Array(0)), "a30002");
});

test("/l: malformed, an unknown scene, another format", () => {
  const box = new Box();
  const shown = box.lamp.shown.length;
  equal(box.write(POST, "l", { payload: fromHex("a10800") }), "4.0");
  equal(box.write(POST, "l"), "4.0");
  equal(box.write(POST, "l", { payload: fromHex("a100f4"), format: 50 }), "4.15");
  equal(box.write(POST, "l", { payload: fromHex("a10309") }), "4.4");
  equal(box.lamp.shown.length, shown);
});

test("/l: another format is not looked at", () => {
  const box = new Box();
  equal(box.write(POST, "l", { payload: fromHex("a100f4"), format: 0 }), "4.15");
  equal(box.lamp.level, 254);
});

test("/l: switches and sensors hear it, and have nothing to report", () => {
  const box = new Box(roles.SWITCH);
  const wish = { payload: fromHex("a200f507f5"), prevails: true };
  equal(box.ask(POST, "l", wish), { code: 68, quiet: true });
  equal(box.heard, [{ command: { on: true, report: true }, prevails: true }]);
  equal(box.write(POST, "l", { payload: fromHex("a1") }), "4.0");
  equal(box.heard.length, 1);
});

test("light: on, percent and fade as text", () => {
  const box = new Box();
  equal(box.read("3311/0/5850"), "2.5 1");
  equal(box.read("3311/0/5851"), "2.5 100");
  equal(box.write(PUT, "3311/0/5851", { payload: "50" }), "2.4");
  equal([box.lamp.level, box.read("3311/0/5851")], [127, "2.5 50"]);
  equal(box.write(PUT, "3311/0/5850", { payload: "0", format: 0 }), "2.4");
  equal([box.lamp.level, box.read("3311/0/5850"), box.read("3311/0/5851")], [0, "2.5 0", "2.5 0"]);
  equal(box.write(PUT, "3311/0/5850", { payload: "1" }), "2.4");
  equal(box.lamp.level, 127);
  equal(box.write(PUT, "3311/0/5537", { payload: "2.5" }), "2.4");
  equal(box.read("3311/0/5537"), "2.5 2.5");
  equal(box.write(PUT, "3311/0/5851", { payload: "0" }), "2.4");
  equal(box.read("3311/0/5538"), "2.5 2.5");
  equal(box.lamp.luminaire.fadeTenths, 25);
  equal(box.read("3311/0/5706"), "2.5 2703 K");
  box.lamp.luminaire.apply({ x: 20493, y: 21561 }, 1);
  equal(box.read("3311/0/5706"), "2.5 xy 0.3127 0.3290");
});

test("light: every percent comes back as it was put", () => {
  const box = new Box();
  for (let percent = 0; percent <= 100; percent++) {
    box.ask(PUT, "3311/0/5851", { payload: `${percent}` });
    equal(box.read("3311/0/5851"), `2.5 ${percent}`);
  }
  box.lamp.luminaire.apply({ level: 1 }, 1);
  equal(box.read("3311/0/5851"), "2.5 1", "what is on is not 0 %");
});

test("text: anything but a number in its range is refused, and changes nothing", () => {
  const box = new Box();
  for (const payload of ["", "2", "on", "true", "01", "1 ", "-1", "1.0", "+1", "1e0"]) {
    equal(box.write(PUT, "3311/0/5850", { payload }), "4.0", payload);
  }
  for (const payload of ["101", "50.5", "0x10", "1000000000"]) {
    equal(box.write(PUT, "3311/0/5851", { payload }), "4.0", payload);
  }
  for (const payload of ["", ".5", "1.", "1.2345", "6553.6", "1,5", "-0", "00", "1.x"]) {
    equal(box.write(PUT, "3311/0/5537", { payload }), "4.0", payload);
  }
  equal(box.write(PUT, "3311/0/5537"), "4.0");
  equal(box.write(PUT, "3311/0/5537", { payload: "6553.5" }), "2.4");
  equal([box.lamp.shown.length, box.lamp.luminaire.fadeTenths], [1, 65535]);
});

test("text: a payload of another format is not looked at", () => {
  const box = new Box();
  for (const path of ["3311/0/5850", "3311/0/5851", "3311/0/5537", "idn", "par/power"]) {
    equal(box.write(PUT, path, { payload: "1", format: 60 }), "4.15", path);
  }
  equal(
    box.write(PUT, "3311/0/5850", { payload: "0", options: [bytes(12, 0, 0, 0, 0, 60)] }),
    "4.15",
  );
  equal(box.lamp.level, 254);
});

function bytes(number: number, ...value: number[]): Option {
  return { number, value: Uint8Array.from(value) };
}

test("Accept: what cannot be made is not made", () => {
  const box = new Box();
  equal(box.read("3/0/0", { accept: 0 }), "2.5 Lumicast");
  equal(box.read("3/0/0", { accept: 60 }), "4.6 ");
  equal(box.read("3311/0", { accept: 60 }), "4.6 ");
  equal(box.read(".well-known/core", { accept: 0 }), "4.6 ");
});

test("light object: SenML, both formats", () => {
  const box = new Box();
  box.lamp.luminaire.apply({ level: 127 }, 1);
  box.lamp.luminaire.fadeTenths = 15;
  const json = box.ask(GET, "3311/0", { accept: 110 });
  equal(json.format, 110);
  equal(JSON.parse(fromUtf8(json.payload ?? new Uint8Array(0)) ?? ""), [
    { bn: "/3311/0/", n: "5850", vb: true },
    { n: "5851", v: 50 },
    { n: "5537", v: 1.5 },
    { n: "5538", v: 0 },
  ]);
  const cbor = box.ask(GET, "3311/0");
  equal(cbor.format, 112);
  // RFC 8428 table 4: bn -2, n 0, v 2, vb 4; keys in the order of RFC 8949 §4.2.1.
  const text = (value: string) => toHex(encode(value));
  equal(
    toHex(cbor.payload ?? new Uint8Array(0)),
    `84a300${text("5850")}04f521${text("/3311/0/")}` +
      `a200${text("5851")}021832` +
      `a200${text("5537")}02f93e00` +
      `a200${text("5538")}0200`,
  );
});

test("light object: written as a whole", () => {
  const box = new Box();
  const pack = '[{"bn":"/3311/0/","n":"5850","vb":true},{"n":"5851","v":20},{"n":"5537","v":1}]';
  equal(box.write(PUT, "3311/0", { payload: pack, format: 110 }), "2.4");
  equal([box.lamp.luminaire.state().level, box.lamp.luminaire.state().leftMs], [51, 1000]);
  equal(box.lamp.luminaire.fadeTenths, 10);
  const off = fromHex("81a2006435383530" + "04f4");
  equal(box.write(PUT, "3311/0", { payload: off, format: 112 }), "2.4");
  equal(box.lamp.luminaire.state().on, false);
});

test("light object: half a pack is never taken", () => {
  const box = new Box();
  const record = (text: string) => `[{"n":"5850","vb":false},${text}]`;
  for (const payload of [
    "",
    "[]",
    "{}",
    "7",
    "nonsense",
    '[{"n":"5850"}]',
    '[{"vb":false}]',
    '[{"n":"5850","v":0}]',
    '[{"n":"5850","v":0,"vb":false}]',
    record('{"n":"5851","v":101}'),
    record('{"n":"5851","v":1.5}'),
    record('{"n":"5851","vb":true}'),
    record('{"n":"5537","v":-1}'),
    record('{"n":"5537","v":6553.6}'),
    record('{"n":"5706","v":1}'),
    record('{"n":"5850","vb":false}'),
    record('{"n":"5851","v":1,"u":"/"}'),
    record('{"n":"5851","v":1,"t":5}'),
    record("null"),
    record("7"),
    record('{"__proto__":{"n":"5851","v":1}}'),
    record('[{"n":"5851","v":1}]'),
    `[${'{"n":"5850","vb":false},'.repeat(8)}{"n":"5851","v":1}]`,
    "[".repeat(200),
    '[{"n":'.repeat(40),
  ]) {
    equal(box.write(PUT, "3311/0", { payload, format: 110 }), "4.0", payload);
  }
  for (const hex of [
    "",
    "80",
    "a0",
    "8100",
    "81a2006435383530" + "0200",
    "81a3006435383530" + "020004f4",
    "81a2006435383530" + "04f400",
    "81a20063353835" + "04f4",
    "81a204f4006435383530",
    "8181818181818181818181",
    "9bffffffffffffffff",
  ]) {
    equal(box.write(PUT, "3311/0", { payload: fromHex(hex), format: 112 }), "4.0", hex);
  }
  equal(box.lamp.shown.length, 1);
});

test("light object: names of another object are refused", () => {
  const box = new Box();
  const pack = '[{"bn":"/3311/1/","n":"5850","vb":false}]';
  equal(box.write(PUT, "3311/0", { payload: pack, format: 110 }), "4.0");
  equal(box.lamp.level, 254);
});

test("light object: a pack says in which format it is", () => {
  const box = new Box();
  const payload = '[{"n":"5850","vb":false}]';
  equal(box.write(PUT, "3311/0", { payload, format: 50 }), "4.15");
  equal(box.write(PUT, "3311/0", { payload, format: 60 }), "4.15");
  equal(box.lamp.level, 254);
});

test("scenes: store, recall, read, delete", () => {
  const box = new Box();
  box.lamp.luminaire.apply({ level: 60, mired: 222 }, 1);
  equal(box.write(PUT, "scn/5"), "2.1");
  equal(box.write(PUT, "scn/5", { payload: fromHex("a2010702" + "0a"), format: 60 }), "2.4");
  const read = box.ask(GET, "scn/5");
  equal([read.code, read.format, toHex(read.payload ?? new Uint8Array(0))], [69, 60, "a20107020a"]);
  equal(box.write(POST, "l", { payload: fromHex("a20200" + "0305") }), "2.4");
  equal(box.lamp.level, 7);
  equal(box.write(DELETE, "scn/5"), "2.2");
  equal(box.write(GET, "scn/5"), "4.4");
  equal(box.write(DELETE, "scn/5"), "2.2");
  equal(box.write(POST, "scn/5"), "4.5");
  equal(box.write(PUT, "scn/5", { payload: fromHex("a10107"), format: 0 }), "4.15");
  equal(box.write(GET, "scn/5", { accept: 0 }), "4.4");
  box.lamp.records.refuses = true;
  equal(box.write(PUT, "scn/6"), "5.3");
});

test("scenes: what is no light is not stored", () => {
  const box = new Box();
  for (const hex of ["a0", "a10305", "a200f506181" + "9", "ff"]) {
    equal(box.write(PUT, "scn/5", { payload: fromHex(hex), format: 60 }), "4.0", hex);
  }
  equal(box.write(GET, "scn/5"), "4.4");
});

test("scenes: 255 is no number of a scene", () => {
  const box = new Box();
  for (const code of [GET, PUT, DELETE]) equal(box.write(code, "scn/255"), "4.4");
  equal(box.write(PUT, "scn/254"), "2.1");
});

test("identify blinks for the seconds it is told", () => {
  const box = new Box();
  equal(box.write(PUT, "idn", { payload: "2" }), "2.4");
  equal(box.lamp.level, 0);
  box.lamp.clock.advance(2_000_000);
  equal(box.lamp.level, 254);
  equal(box.write(PUT, "idn", { payload: "65536" }), "4.0");
});

test("parameters: read, set, kept", () => {
  const box = new Box();
  equal(box.read("par/power"), "2.5 2");
  equal(box.write(PUT, "par/power", { payload: "1" }), "2.4");
  equal(box.write(PUT, "par/max", { payload: "200" }), "2.4");
  equal([box.read("par/power"), box.read("par/max")], ["2.5 1", "2.5 200"]);
  equal(box.lamp.restarted().level, 200, "full, as far as the limit allows");
  box.lamp.records.refuses = true;
  equal(box.write(PUT, "par/fade", { payload: "7" }), "5.3");
  equal(box.read("par/fade"), "2.5 0");
});

test("parameters: out of bounds is refused", () => {
  const box = new Box();
  for (const [name, payload] of [
    ["power", "3"],
    ["power", ""],
    ["fade", "65536"],
    ["min", "0"],
    ["max", "255"],
    ["leisure", "60001"],
  ]) {
    equal(box.write(PUT, `par/${name}`, { payload }), "4.0", `${name} ${payload}`);
  }
  equal(box.read("par/min"), "2.5 1");
});

test("sensors and buttons show what they see", () => {
  const daylight = new Box(roles.DAYLIGHT);
  equal(daylight.read("3301/0/5700"), "4.4 ");
  daylight.daylight.onLux(431.5);
  equal(daylight.read("3301/0/5700"), "2.5 431.5");
  const presence = new Box(roles.PRESENCE);
  equal(presence.read("3302/0/5500"), "2.5 0");
  presence.presence.onMotion(true);
  equal(presence.read("3302/0/5500"), "2.5 1");
  const wall = new Box(roles.SWITCH);
  equal(wall.read("3347/0/5500"), "2.5 0");
  wall.wallSwitch.edge(true, 0);
  equal(wall.read("3347/0/5500"), "2.5 1");
});

test("device: facts, error code, restart, factory reset", () => {
  const box = new Box();
  equal(
    [0, 1, 2, 3].map((i) => box.read(`3/0/${i}`)),
    ["2.5 Lumicast", "2.5 M1", "2.5 0200000000000014", "2.5 0.1"],
  );
  equal(box.read("3/0/11"), "2.5 0");
  box.lamp.light.failed = true;
  equal(box.read("3/0/11"), "2.5 8");
  equal(new Box(roles.SWITCH).read("3/0/11"), "2.5 0");
  equal([box.write(POST, "3/0/4"), box.write(POST, "3/0/5")], ["2.4", "2.4"]);
  equal(box.done, ["restart", "reset"]);
});

test("structure: position and membership are handed to whoever keeps them", () => {
  const box = new Box();
  equal(box.write(GET, "loc"), "4.4");
  equal(box.write(PUT, "loc", { payload: fromHex("a0"), format: 60 }), "2.1");
  equal(box.write(PUT, "loc", { payload: fromHex("a10001") }), "2.4");
  equal(toHex(box.ask(GET, "loc").payload ?? new Uint8Array(0)), "a10001");
  equal(box.write(GET, "loc", { accept: 0 }), "4.6");
  equal(box.write(PUT, "grp/7", { payload: fromHex("a0") }), "2.1");
  equal([...box.stored.keys()], ["loc", "grp/7"]);
  equal([box.write(DELETE, "grp/7"), box.write(DELETE, "grp/7")], ["2.2", "5.3"]);
  equal(box.write(PUT, "loc", { payload: fromHex("ff") }), "4.0");
  equal(box.write(PUT, "loc", { payload: fromHex("fe") }), "5.3");
  equal(box.write(PUT, "loc"), "4.0");
  equal(box.write(PUT, "loc", { payload: new Uint8Array(257) }), "4.0");
  equal(box.write(PUT, "loc", { payload: "x", format: 0 }), "4.15");
});

test("a method that a resource does not have", () => {
  const box = new Box();
  for (const [code, path] of [
    [GET, "l"],
    [PUT, "l"],
    [DELETE, "3311/0"],
    [POST, "3311/0/5850"],
    [PUT, "3311/0/5706"],
    [PUT, "3/0/0"],
    [GET, "3/0/4"],
    [PUT, "3/0/5"],
    [POST, ".well-known/core"],
    [GET, "idn"],
    [5, "3311/0"],
    [7, "3311/0"],
    [0, "3/0/0"],
  ] as const) {
    equal(box.write(code, path, { payload: "1" }), "4.5", `${code} ${path}`);
  }
  equal([box.lamp.shown.length, box.done.length], [1, 0]);
});

test("another role's resources are not there", () => {
  const box = new Box(roles.SWITCH);
  for (const path of ["3311/0", "3311/0/5850", "scn/1", "idn", "par/power", "par/op/hold"]) {
    equal(box.write(GET, path), "4.4", path);
  }
});

test("a critical option that is not understood stops the request", () => {
  const box = new Box();
  const command = { payload: fromHex("a100f4") };
  for (const option of [
    bytes(1, 9),
    bytes(5),
    bytes(15, 0x61),
    bytes(27, 0),
    bytes(35, 1),
    bytes(9),
  ]) {
    equal(
      box.write(POST, "l", { ...command, options: [option] }),
      "4.2",
      `option ${option.number}`,
    );
  }
  equal(box.lamp.level, 254);
  // Observe, No-Response: elective.
  const elective = [bytes(6), bytes(258, 26)];
  equal(box.write(POST, "l", { ...command, options: elective }), "2.4");
  equal(box.read("3/0/0", { options: [bytes(7, 0x16, 0x33)] }), "2.5 Lumicast");
});

test("discovery: what the role has, and filters", () => {
  const all = new Box().read(".well-known/core");
  equal(
    all,
    '2.5 </l>;rt="lumicast.light";ct=60,' +
      '</3311/0>;rt="urn:oma:lwm2m:ext:3311";ct="110 112",' +
      '</idn>;rt="lumicast.identify";ct=0',
  );
  const query = (text: string) => ({ options: [{ number: 15, value: utf8(text) }] });
  const lamp = new Box();
  equal(
    lamp.read(".well-known/core", query("rt=urn:oma:lwm2m:ext:33*")),
    '2.5 </3311/0>;rt="urn:oma:lwm2m:ext:3311";ct="110 112"',
  );
  equal(
    lamp.read(".well-known/core", query("href=/idn")),
    '2.5 </idn>;rt="lumicast.identify";ct=0',
  );
  equal(
    new Box(roles.PRESENCE).read(".well-known/core", query("rt=urn*")),
    '2.5 </3302/0/5500>;rt="urn:oma:lwm2m:ext:3302";ct=0',
  );
});

test("discovery: a group is answered only where something matches", () => {
  const box = new Box();
  const ask = (text: string) =>
    box.ask(GET, ".well-known/core", { options: [{ number: 15, value: utf8(text) }] });
  equal([ask("rt=lumicast.light").quiet, ask("rt=lumicast.light").format], [false, 40]);
  equal(ask("rt=something"), { code: 69, quiet: true });
});

test("discovery: one filter, and it is text", () => {
  const box = new Box();
  const twice = [bytes(15, 0x61), bytes(15, 0x62)];
  equal(box.write(GET, ".well-known/core", { options: twice }), "4.2");
  equal(box.write(GET, ".well-known/core", { options: [bytes(15, 0xff)] }), "4.2");
});

test("errors are quiet, readings are not", () => {
  const box = new Box();
  equal(box.ask(GET, "3/0/0").quiet, false);
  equal(box.ask(GET, "scn/9").quiet, true);
  equal(box.ask(PUT, "3311/0/5850", { payload: "x" }).quiet, true);
  equal(box.ask(PUT, "3311/0/5850", { payload: "1" }).quiet, true);
});
