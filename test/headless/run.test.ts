/** Command line, ends of a process, ceilings, preloading. */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { lumicast, Programs } from "./lumicast.js";

const release = new Programs("release");
const debug = new Programs("debug");

before(async () => {
  await release.build();
  await debug.build();
});

test("an uncaught error names its functions in a release build, and exits 70", () => {
  const { status, stderr } = release.run("throw");
  assert.equal(stderr, "lumicast: uncaught: TypeError: too much\n at inner\n at throw\n");
  assert.equal(status, 70);
});

test("an uncaught error names the .ts file and line in a debug build", () => {
  const { status, stderr } = debug.run("throw");
  assert.match(
    stderr,
    /uncaught: TypeError: .*too much\n at inner \(test\/headless\/programs\.ts:15\)/,
  );
  assert.equal(status, 70);
});

test("an error in a module's file is placed there, not in the entry's", () => {
  const { stderr } = debug.run("readBeyond");
  assert.match(stderr, /RangeError: .*read beyond the partition's end/);
  assert.match(stderr, /\n at read \(platforms\/headless\/flash\.ts:\d+\)/);
});

test("too many timers are refused", () => {
  const { status, stderr } = release.run("manyTimers");
  assert.match(stderr, /RangeError: more than 256 timers are pending/);
  assert.equal(status, 70);
});

test("an unhandled rejection exits 70", () => {
  const { status, stderr } = debug.run("reject");
  assert.match(
    stderr,
    /unhandled rejection: RangeError: .*nobody looks\n at later \(test.headless.programs\.ts:22\)/,
  );
  assert.equal(status, 70);
});

test("a thrown value that is no error is shown", () => {
  const { status, stderr } = release.run("value");
  assert.equal(stderr, "lumicast: uncaught: a string\n");
  assert.equal(status, 70);
});

test("board.fatal exits 70 with its line", () => {
  const { status, stderr } = release.run("fatal", "--interface", "lo");
  assert.equal(stderr, "lumicast: no installation\n");
  assert.equal(status, 70);
});

test("a medium, a file or an interface that is not there is told, and exits 64 or 65", () => {
  const cases: [string[], RegExp, number][] = [
    [["--control", "/nowhere"], /cannot connect to the medium at \/nowhere: No such file/, 64],
    [["--control", `/${"x".repeat(200)}`], /the socket's path is longer than/, 64],
    [["--interface", "nil0"], /nil0 is no interface that has an IPv6 address/, 64],
    [["--flash", "/nowhere/flash"], /cannot open the flash file \/nowhere\/flash/, 65],
  ];
  for (const [options, message, code] of cases) {
    const { status, stderr } = release.run("fatal", ...options);
    assert.match(stderr, message);
    assert.equal(status, code);
  }
  const { status, stderr } = lumicast("release", [
    "run",
    release.choose("none")[1],
    "--provision",
    "/nil",
  ]);
  assert.match(stderr, /cannot read the provisioning file \/nil: No such file/);
  assert.equal(status, 65);
});

for (const program of ["slots", "chunks", "keys"]) {
  test(`the heap ceiling stops ${program} with one line and exit 71`, () => {
    const { status, stderr } = release.run(program, "--heap", "100000");
    const [line, rest] = stderr.split("\n");
    assert.equal(rest, "");
    const [head, held, calls] = line.split("; ");
    assert.match(
      head,
      /^lumicast: out of memory: \d+ more bytes of [a-z ]+ do not fit in --heap 100000$/,
    );
    assert.match(held, /^held: slots \d+ \(in use \d+\), chunks \d+ \(in use \d+\), stack 32768, /);
    const figures = [...held.matchAll(/(slots|chunks|stack|key tables) (\d+)/g)];
    assert.equal(figures.length, 4);
    const total = figures.reduce((sum, [, , figure]) => sum + Number(figure), 0);
    // What is refused may be a large array's room, more than a tenth of all.
    assert.ok(total <= 100_000 && total > 80_000, `held ${total}`);
    assert.match(calls, /^innermost calls: (push < )?\w+$/);
    assert.equal(status, 71);
  });
}

test("a stack overflow is one line and exit 72", () => {
  const { status, stderr } = release.run("recurse");
  assert.match(stderr, /^lumicast: stack overflow: 32768 bytes \(1024 slots\) are full; /);
  assert.match(stderr, /; innermost calls: deeper < deeper < [^\n]+\n$/);
  assert.equal(status, 72);
});

test("a bigger stack is an option", () => {
  const { status, stderr } = release.run("recurse", "--stack", "1500");
  assert.match(stderr, /\(1500 slots\)/);
  assert.equal(status, 72);
});

test("what was preloaded survives collections in the clone", () => {
  const expected = "one,two,three two 499 010203\n";
  for (const options of [[], ["--no-preload"], ["--heap", "300000"]]) {
    const { status, stdout, stderr } = release.run("preloaded", ...options);
    assert.equal(stderr, "");
    assert.equal(stdout, expected);
    assert.equal(status, 0);
  }
});

test("what was preloaded is read-only, as in flash; without preloading it is not", () => {
  const names = ["variable", "array", "push", "prototype", "property"];
  const refused = names.map((name) => `${name} TypeError\n`).join("");
  assert.equal(release.run("writes").stdout, `${refused}one,two,three 0\n`);
  const done = names.map((name) => `${name} done\n`).join("");
  assert.equal(release.run("writes", "--no-preload").stdout, `${done}zero,two,three,four 1\n`);
});

test("a suite may keep state at module level, though it is preloaded", () => {
  const [variable, array, push] = release.test("writes").stdout.split("\n");
  assert.deepEqual([variable, array, push], ["variable done", "array done", "push done"]);
});

test("preloading leaves the intrinsics out of the heap that counts", () => {
  const preloaded = JSON.parse(release.run("usage").stdout);
  const whole = JSON.parse(release.run("usage", "--no-preload").stdout);
  assert.ok(preloaded.liveBytes < 12_000, `${preloaded.liveBytes} bytes live`);
  assert.ok(whole.liveBytes > 100_000, `${whole.liveBytes} bytes live`);
  assert.ok(preloaded.rootBytes > 100_000);
  assert.ok(preloaded.stackPeak > 500 && preloaded.stackPeak < 8192, `${preloaded.stackPeak}`);
  assert.ok(preloaded.reservedBytes >= preloaded.peakBytes + preloaded.keys);
});

test("test mode exits by the number of failures", () => {
  assert.equal(release.test("none").status, 0);
  assert.equal(release.test("failures").status, 1);
  const { status, stderr } = release.test("text");
  assert.match(stderr, /has to return the number of failures/);
  assert.equal(status, 70);
  assert.equal(release.test("throw").status, 70);
});

test("timers fire in order of time, then of age; a cancelled one never", () => {
  const { stdout, status } = release.run("timers");
  assert.equal(stdout, "a reused b c late\n");
  assert.equal(status, 0);
});

test("bad options exit 64 and tell the usage", () => {
  const cases: [string[], RegExp][] = [
    [[], /say what to do/],
    [["fly"], /unknown command: fly/],
    [["run"], /no image given/],
    [["run", "x", "y"], /one image only: y/],
    [["run", "x", "--wat", "1"], /unknown option: --wat/],
    [["run", "x", "--heap"], /value is missing: --heap/],
    [["run", "x", "--heap", "1k"], /--heap: 1k/],
    [["run", "x", "--program", "8"], /--program is 4 or 16: 8/],
    [["run", "x", "--flash-size", "5000"], /multiple of 4096/],
    [["run", "x", "--fault", "3:maybe:1"], /OP:MODE:SEED.*3:maybe:1/],
    [["run", "x", "--eui64", "12"], /16 hexadecimal digits: 12/],
    [["compile", "x"], /compile takes two files/],
  ];
  for (const [args, message] of cases) {
    const { status, stderr } = lumicast("release", args);
    assert.match(stderr, message);
    assert.match(stderr, /usage: lumicast compile/);
    assert.equal(status, 64);
  }
});

test("bad images exit 65 and say what to do", () => {
  const good = readFileSync(join(release.folder, "release.xsb"));
  const file = join(release.folder, "bad.xsb");
  const damaged = Buffer.from(good);
  damaged[200] ^= 1;
  const other = Buffer.from(good);
  other[6] ^= 1;
  const cases: [Buffer, RegExp][] = [
    [good.subarray(0, good.length - 1), /is truncated or damaged; compile it again/],
    [damaged, /is truncated or damaged/],
    [other, /another version of XS; compile it again/],
    [Buffer.from("export default 1"), /is no byte code image; make one by: lumicast compile/],
    [Buffer.alloc(0), /is no byte code image/],
  ];
  for (const [bytes, message] of cases) {
    writeFileSync(file, bytes);
    const { status, stderr } = lumicast("release", ["run", file]);
    assert.match(stderr, message);
    assert.equal(status, 65);
  }
  const { status, stderr } = lumicast("release", ["run", join(release.folder, "none.xsb")]);
  assert.match(stderr, /cannot read .*none\.xsb: No such file/);
  assert.equal(status, 65);
});

test("a syntax error is told with file and line", () => {
  const file = join(release.folder, "syntax.js");
  writeFileSync(file, "let a = 1;\nlet b = ;\n");
  const { status, stderr } = lumicast("release", ["compile", file, `${file}.xsb`]);
  assert.match(stderr, /syntax\.js:2: /);
  assert.equal(status, 65);
});

test("a module that throws while it is evaluated exits 70", () => {
  const file = join(release.folder, "top.js");
  writeFileSync(file, "function bad() { null.x; }\nbad();\nexport default 1;\n");
  assert.equal(lumicast("debug", ["compile", file, `${file}.xsb`]).status, 0);
  const { status, stderr } = lumicast("debug", ["run", `${file}.xsb`]);
  assert.match(stderr, /uncaught: TypeError: .*\n at bad \(.*top\.js:1\)/);
  assert.equal(status, 70);
});

test("stand-alone, a run ends when nothing is left that could happen", () => {
  const { status, stdout } = lumicast("release", release.choose("hello"));
  assert.equal(stdout, "hello\n");
  assert.equal(status, 0);
});
