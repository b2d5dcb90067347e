import { fromHex, toHex } from "../../modules/bytes/hex.js";
import { fromUtf8 } from "../../modules/bytes/utf8.js";
import { encode } from "../../modules/cbor/encode.js";
import { decodeReport } from "../../modules/lighting/report.js";
import * as roles from "../../modules/resources/resource.js";
import { equal, test } from "../harness.js";
import { Box, bytes, DELETE, GET, POST, PUT } from "../support/box.js";

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
