/** `npm start` as a program: what it prints, what it refuses, what it leaves behind. */
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { PROFILES } from "../../hosts/installation/types.js";
import { EXAMPLE } from "../support/room.js";

const PROGRAM = fileURLToPath(new URL("../../hosts/room/main.js", import.meta.url));

function start(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, [PROGRAM, ...args], { encoding: "utf8", timeout: 120_000 });
}

for (const profile of PROFILES) {
  test(`${profile}: devices begin without a key, get all by DTLS, and miss nothing`, () => {
    const folder = mkdtempSync(join(tmpdir(), "lumicast-test-"));
    try {
      const runs = ["one", "two"].map((name) => {
        const pcap = join(folder, name);
        const room = ["--luminaires", "4", "--switches", "2", "--presses", "4", "--seed", "5"];
        const run = start(...room, "--profile", profile, "--json", "--pcap", pcap);
        return { ...run, air: readFileSync(pcap) };
      });
      const [{ status, stdout, stderr, air }, again] = runs;
      assert.equal(status, 0, stderr);
      assert.match(stderr, /^0 of 7 devices have their keys/);
      assert.match(stderr, /7 of 7 devices have their keys/);
      const { missed, engines } = JSON.parse(stdout);
      assert.equal(missed, 0);
      assert.equal(Object.values(engines as Record<string, number>).length, 2, "and the authority");
      assert.equal(again.stdout, stdout);
      assert.ok(again.air.equals(air), "the same seed, the same frames");
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
}

test("--commission: what is pressed, what is seen, and each step of each join", () => {
  const room = ["--luminaires", "1", "--switches", "1", "--sensors", "0", "--seed", "5"];
  const { status, stdout, stderr } = start(...room, "--presses", "1", "--commission");
  assert.equal(status, 0, stderr);
  assert.match(stderr, /^2 of 2 devices are joined, after [\d.]+ s of the medium's time$/m);
  const lines = stdout.split("\n");
  const said = (name: string) => {
    const from = lines.findIndex((line) => line.endsWith(`press ${name}`));
    assert.notEqual(from, -1, stdout);
    return lines.slice(from + 1).flatMap((line) => {
      const [, step] = /^ *\d+:\d\d\.\d {4}([a-z ]+): /.exec(line) ?? [];
      return step === undefined ? [] : [step];
    });
  };
  const steps = ["find", "prove", "enter", "hand over", "come back", "keys", "light"];
  assert.deepEqual(said("lamp-1 (luminaire)"), [...steps, ...steps]);
  assert.deepEqual(said("switch-1 (switch)"), steps);
  assert.match(stdout, /What each shows: it breathes/);
  for (const looks of ["blinks quickly", "quick short flashes"]) {
    assert.ok(stdout.includes(` lamp-1 ${looks}: `), looks);
  }
  assert.equal(JSON.parse(lines.at(-2) ?? "").missed, 0);
});

test("--standalone: no server, a switch that is held, lamps by a press each, and a light", () => {
  const room = ["--luminaires", "3", "--seed", "5", "--presses", "3", "--json"];
  const { status, stdout, stderr } = start(...room, "--standalone", "--commission");
  assert.equal(status, 0, stderr);
  const { missed, joined, engines } = JSON.parse(stdout);
  assert.deepEqual([missed, joined.devices], [0, 4]);
  assert.equal(Object.keys(engines).length, 1, "nobody but the devices");
  assert.match(stderr, /press switch-1 for ten seconds/);
  assert.match(stderr, /press switch-1 for lamp-3 blinks/);
  const sensors = start("--standalone", "--sensors", "1", "--json");
  assert.equal(sensors.status, 2);
  assert.match(sensors.stderr, /^--standalone and --sensors 1: one switch and its luminaires/);
});

test("whoever is out of the authority's reach knows it from the start", () => {
  const room = ["--luminaires", "4", "--hops", "4", "--switches", "1", "--sensors", "0", "--json"];
  const far = start(...room, "--seed", "5", "--keys", "join");
  assert.equal(far.status, 2);
  assert.match(far.stderr, /^\S+ is out of reach of the authority's radio.*--keys authority/);
  const near = start(...room, "--seed", "5", "--presses", "1");
  assert.equal(near.status, 0, near.stderr);
  assert.equal(JSON.parse(near.stdout).joined, undefined);
  const none = start("--commission", "--keys", "file");
  assert.match(none.stderr, /^--commission and --keys file: nobody is joined then/);
});

test("--keys file: no authority, and keys in the file that --save writes", () => {
  const folder = mkdtempSync(join(tmpdir(), "lumicast-test-"));
  try {
    const saved = (...more: string[]) => {
      const path = join(folder, "room.json");
      const room = ["--luminaires", "2", "--switches", "1", "--presses", "2", "--seed", "5"];
      const { status, stdout, stderr } = start(...room, "--json", "--save", path, ...more);
      assert.equal(status, 0, stderr);
      assert.equal(JSON.parse(stdout).missed, 0);
      return { path, text: readFileSync(path, "utf8") };
    };
    const bare = saved();
    assert.match(bare.text, /"factoryKey": "[0-9a-f]{32}"/);
    assert.doesNotMatch(bare.text, /"keys"/);
    const without = start("--file", bare.path, "--keys", "file", "--json");
    assert.equal(without.status, 2);
    assert.match(without.stderr, /security group 1 has no keys; leave --keys file out/);
    const keyed = saved("--keys", "file");
    assert.match(keyed.text, /"keyId": 1/);
    assert.doesNotMatch(keyed.text, /factoryKey/);
    const unused = start("--file", keyed.path, "--presses", "2", "--json");
    assert.equal(unused.status, 0, unused.stderr);
    assert.match(unused.stderr, /its keys are not used; --keys file uses them/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("not at a terminal: a progress bar, then one JSON object", () => {
  const { status, stdout, stderr } = start("--presses", "4", "--luminaires", "3", "--seed", "7");
  assert.equal(status, 0, stderr);
  assert.match(stderr, /\[#{30}\] 4\/4 presses/);
  assert.equal(stdout.split("\n").length, 2);
  const summary = JSON.parse(stdout);
  assert.deepEqual(Object.keys(summary), [
    "engine",
    "engines",
    "profile",
    "delivery",
    "luminaires",
    "presses",
    "missed",
    "latencyMs",
    "firstToLastMs",
    "drops",
    "joined",
    "heapBytes",
  ]);
  assert.match(summary.engine, /^xs 13/);
  assert.deepEqual([summary.luminaires, summary.presses, summary.missed], [3, 4, 0]);
  assert.deepEqual(Object.keys(summary.latencyMs), ["p50", "p95", "p99", "max"]);
  assert.ok(summary.heapBytes.luminaire.live > 0);
  assert.ok(summary.heapBytes.luminaire.peak >= summary.heapBytes.luminaire.live);
});

test("an installation file: its lamps and groups, and a copy for the owner only", () => {
  const folder = mkdtempSync(join(tmpdir(), "lumicast-test-"));
  try {
    const copy = join(folder, "copy.json");
    const { status, stdout, stderr } = start(
      "--file",
      EXAMPLE,
      "--presses",
      "4",
      "--json",
      "--save",
      copy,
    );
    assert.equal(status, 0, stderr);
    const summary = JSON.parse(stdout);
    assert.deepEqual([summary.luminaires, summary.presses, summary.missed], [4, 4, 0]);
    assert.equal(statSync(copy).mode & 0o777, 0o600);
    const again = start("--file", copy, "--presses", "4", "--json");
    assert.equal(again.stdout, stdout);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("a wrong command line or file: what to mend, no stack, exit code 2", () => {
  for (const args of [
    ["--presses", "many"],
    ["--file", "/nowhere.json"],
    ["--switches", "0"],
    ["--cortexm", "3", "--luminaires", "2"],
    ["--cortexm", "1", "--profile", "dtls-record", "--keys", "file"],
    ["--cortexm", "1"],
    ["--engine", "m32"],
    ["--luminaires", "20", "--profile", "oscore"],
  ]) {
    const { status, stdout, stderr } = start(...args, "--json");
    assert.equal(status, 2, stderr);
    assert.equal(stdout, "");
    assert.ok(!stderr.includes("    at "), stderr);
  }
  const help = start("--help");
  assert.deepEqual([help.status, help.stderr], [0, ""]);
  assert.match(help.stdout, /--luminaires N/);
});

/** Processes whose parent is `pid`. */
function childrenOf(pid: number): number[] {
  return readdirSync("/proc")
    .filter((name) => /^[0-9]+$/.test(name))
    .map(Number)
    .filter((child) => {
      return parentOf(child) === pid;
    });
}

function parentOf(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const [state, parent] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return state === "Z" ? undefined : Number(parent);
  } catch {
    return undefined;
  }
}

for (const [signal, code] of [
  ["SIGINT", 130],
  ["SIGTERM", 143],
] as const) {
  test(`${signal} in the middle of a run leaves no process, no socket, no folder`, async () => {
    const folder = mkdtempSync(join(tmpdir(), "lumicast-test-"));
    try {
      const env = { ...process.env, TMPDIR: folder };
      const args = [PROGRAM, "--presses", "100000", "--json"];
      const child = spawn(process.execPath, args, { env, stdio: ["ignore", "ignore", "pipe"] });
      const closed = once(child, "close");
      await once(child.stderr, "data");
      let devices: number[] = [];
      while (devices.length < 16) {
        devices = childrenOf(child.pid ?? 0);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      child.kill(signal);
      assert.deepEqual(await closed, [code, null]);
      const deadline = performance.now() + 10_000;
      while (devices.some((pid) => parentOf(pid) !== undefined)) {
        assert.ok(performance.now() < deadline, "a device process is still there");
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      assert.deepEqual(readdirSync(folder), []);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
}
