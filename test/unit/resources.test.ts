import type { Level } from "../../modules/access/level.js";
import { fromHex, toHex } from "../../modules/bytes/hex.js";
import { utf8 } from "../../modules/bytes/utf8.js";
import { pathOf } from "../../modules/resources/path.js";
import * as roles from "../../modules/resources/resource.js";
import { levelOf } from "../../modules/resources/resources.js";
import { equal, test } from "../harness.js";
import { Box, bytes, DELETE, GET, POST, PUT, pathOptions } from "../support/box.js";

/**
 * ARCHITECTURE.md, data model, row by row, as far as its resources exist: path, methods, level.
 * The paths behind an ellipsis are this firmware's.
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
  ["fw/manifest", "PUT", 5, "all"],
  ["fw/state", "GET POST", 5, "all"],
  ["fw/block", "POST", 2, "all"],
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

test("no path longer than ours is put together", () => {
  const long = [{ number: 11, value: new Uint8Array(60_000).fill(0x61) }];
  equal(pathOf(long), undefined);
  equal(pathOf(pathOptions("a/b/c/d/e/f/g/h/i/j/k/l/m")), undefined);
  equal(pathOf(pathOptions("grp/4294967295")), "grp/4294967295");
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
