import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { generate } from "../../hosts/installation/generate.js";
import { Hub } from "../../hosts/medium/hub.js";
import type { CommandOf } from "../../hosts/medium/launch.js";
import { Medium } from "../../hosts/medium/medium.js";
import type { MediumOptions } from "../../hosts/medium/types.js";
import { readPcap } from "../../hosts/pcap/pcap.js";

const FAKE = fileURLToPath(new URL("../support/fake-device.js", import.meta.url));
const installation = generate({
  luminaires: 3,
  switches: 1,
  sensors: 0,
  hops: 1,
  loss: 0,
  seed: 7,
});
const SECOND = 1_000_000;

/** Fake devices; those named in `modes` misbehave. */
function fakes(modes: Readonly<Record<string, string>> = {}): CommandOf {
  return (args, device) => {
    return { file: process.execPath, args: [FAKE, modes[device.name] ?? "normal", ...args] };
  };
}

async function withMedium(
  options: Partial<MediumOptions>,
  use: (medium: Medium, folder: string) => Promise<void>,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "lumicast-test-"));
  let medium: Medium | undefined;
  try {
    medium = await Medium.start({ installation, command: fakes(), ...options });
    await use(medium, folder);
  } finally {
    await medium?.stop();
    rmSync(folder, { recursive: true });
  }
}

/** Everything that happens in `seconds` with a press at 1.0 s, as text. */
async function record(seed: number, pcap: string): Promise<string[]> {
  const lines: string[] = [];
  await withMedium({ seed, pcap }, async (medium) => {
    medium.on("light", (event) => lines.push(JSON.stringify(event)));
    medium.on("trace", (event) => lines.push(JSON.stringify(event)));
    medium.button("switch-1", true, SECOND);
    medium.button("switch-1", false, SECOND + 100_000);
    await medium.run(3 * SECOND);
  });
  return lines;
}

test("a released button reaches every lamp after the time on the air", async () => {
  await withMedium({}, async (medium) => {
    const lit = new Map<string, number>();
    medium.on("light", ({ device, at, light }) => {
      assert.equal(light.level, 254);
      lit.set(device, at);
    });
    medium.button("switch-1", true, SECOND);
    medium.button("switch-1", false, SECOND + 100_000);
    await medium.run(2 * SECOND);
    assert.equal(medium.now, 2 * SECOND);
    assert.deepEqual([...lit.keys()].sort(), ["lamp-1", "lamp-2", "lamp-3"]);
    // 2 ms of work, back-off of 0 to 7 periods, CCA 128 + turnaround 192, 16 bytes + 10 of link
    // security + FCS 2 + PHY 6 at 32 us, 2 ms of work at the lamp.
    const latency = (lit.get("lamp-1") ?? 0) - (SECOND + 100_000);
    const least = 2_000 + 128 + 192 + 34 * 32 + 2_000;
    assert.ok(latency >= least && latency <= least + 7 * 320, `${latency}`);
    assert.equal((latency - least) % 320, 0);
    assert.equal(new Set(lit.values()).size, 1);
    assert.equal(medium.engine, "fake 1");
  });
});

test("the same seed: the same capture and the same events; another seed: others", async () => {
  const folder = mkdtempSync(join(tmpdir(), "lumicast-test-"));
  try {
    const paths = ["a", "b", "c"].map((name) => join(folder, `${name}.pcap`));
    const [a, b, c] = [
      await record(7, paths[0]),
      await record(7, paths[1]),
      await record(8, paths[2]),
    ];
    const [fileA, fileB, fileC] = paths.map((path) => readFileSync(path));
    assert.ok(a.length > 80);
    assert.deepEqual(a, b);
    assert.deepEqual(fileA, fileB);
    assert.notDeepEqual(a, c);
    const times = a.map((line) => JSON.parse(line).at);
    assert.deepEqual(
      times,
      [...times].sort((x, y) => x - y),
    );
    const frames = readPcap(fileA);
    assert.equal(frames.length, 1);
    assert.equal(Buffer.from(frames[0].frame.slice(9)).toString(), "frame 0");
    assert.equal(readPcap(fileC).length, 1);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("a power cut: nothing more from the device, its flash stays, it boots anew", async () => {
  await withMedium({}, async (medium) => {
    const seen: { device: string; at: number }[] = [];
    const logs: string[] = [];
    medium.on("trace", (event) => seen.push(event));
    medium.on("light", (event) => seen.push(event));
    medium.on("log", ({ device, at, text }) => logs.push(`${device} ${at} ${text}`));
    medium.button("switch-1", false, 2 * SECOND);
    // The frame is in the air for about 1 ms from 2.0023 s on; the lamp would work on it until
    // 2.005 s.
    medium.kill("lamp-2", 2 * SECOND + 4_500);
    medium.restart("lamp-2", 5 * SECOND);
    await medium.run(3 * SECOND);
    const late = seen.filter(({ device, at }) => device === "lamp-2" && at >= 2 * SECOND + 4_500);
    assert.deepEqual(late, []);
    assert.ok(seen.some(({ device, at }) => device === "lamp-3" && at > 2 * SECOND + 4_500));
    await assert.rejects(medium.usage("lamp-2"), /lamp-2 has no power/);
    await medium.run(6 * SECOND);
    assert.deepEqual(
      logs.filter((line) => line.startsWith("lamp-2")),
      ["lamp-2 0 boot 1", `lamp-2 ${5 * SECOND} boot 2`],
    );
    assert.ok(seen.some(({ device, at }) => device === "lamp-2" && at > 5 * SECOND));
  });
});

test("a flash fault takes the power: the run goes on, the device can come back", async () => {
  await withMedium({ command: fakes({ "lamp-2": "cut" }) }, async (medium) => {
    const power: [string, boolean][] = [];
    const logs: string[] = [];
    medium.on("log", ({ device, text }) => logs.push(`${device} ${text}`));
    medium.on("power", ({ device, at, on }) => {
      power.push([device, on]);
      if (!on) medium.restart(device, at + SECOND);
    });
    await medium.run(5 * SECOND);
    assert.deepEqual(power, [
      ["lamp-2", false],
      ["lamp-2", true],
    ]);
    assert.ok(logs.includes("lamp-2 boot 1") && logs.includes("lamp-2 boot 2"));
  });
});

test("a device that dies is reported with its exit code and last words", async () => {
  await withMedium({ command: fakes({ "lamp-2": "die" }) }, async (medium) => {
    await assert.rejects(medium.run(10 * SECOND), (error: Error) => {
      assert.match(error.message, /^lamp-2: the device process ended with exit code 71/);
      assert.match(error.message, /\(heap ceiling reached: heap full at 48 KB\)/);
      assert.match(error.message, /last words of the device/);
      return true;
    });
  });
});

test("a device that hangs is killed by the watchdog", async () => {
  const command = fakes({ "lamp-2": "hang" });
  await withMedium({ command, watchdogMs: 4_000 }, async (medium) => {
    const expected = /^Error: lamp-2: took more than 4 s to answer the grant up to \d+ µs/;
    await assert.rejects(medium.run(10 * SECOND), expected);
  });
});

test("a device that talks nonsense, or of the past, is a named error", async () => {
  await withMedium({ command: fakes({ "lamp-1": "garbage" }) }, async (medium) => {
    const expected = /lamp-1: not a line of the control protocol: \{not json/;
    await assert.rejects(medium.run(10 * SECOND), expected);
  });
  await withMedium({ command: fakes({ "lamp-1": "past" }) }, async (medium) => {
    await assert.rejects(medium.run(10 * SECOND), /lamp-1: did something at 0 µs, before \d+ µs/);
  });
});

test("a device that cannot be started, or never says hello, is a named error", async () => {
  const missing: CommandOf = () => ({ file: "/nowhere/lumicast", args: [] });
  await assert.rejects(
    Medium.start({ installation, command: missing }),
    /lamp-1: cannot be started: spawn \/nowhere\/lumicast ENOENT/,
  );
  await assert.rejects(
    Medium.start({ installation, command: fakes({ "lamp-3": "silent" }), watchdogMs: 6_000 }),
    /lamp-3: took more than 6 s to say hello/,
  );
});

test("a stranger's frame reaches everybody in the PAN", async () => {
  await withMedium({ rogues: 1 }, async (medium) => {
    const lit: string[] = [];
    const air: (string | undefined)[] = [];
    medium.on("light", ({ device }) => lit.push(device));
    medium.on("air", ({ device }) => air.push(device));
    const frame = Buffer.from("41880055 4cffffff 7f 6869".replaceAll(" ", ""), "hex");
    medium.inject(frame, SECOND);
    await medium.run(2 * SECOND);
    assert.deepEqual(lit, ["lamp-1", "lamp-2", "lamp-3", "switch-1"]);
    assert.deepEqual(air, [undefined]);
    assert.equal(medium.statistics("lamp-1").received, 1);
  });
});

test("real pacing: never ahead of the wall clock, and inputs come in between", async () => {
  await withMedium({ pacing: "real" }, async (medium) => {
    let ahead = 0;
    const lit: number[] = [];
    const startMs = performance.now();
    medium.on("trace", ({ at }) => {
      ahead = Math.max(ahead, at - (performance.now() - startMs) * 1000);
    });
    medium.on("light", ({ at }) => lit.push(at));
    const running = medium.run(Number.POSITIVE_INFINITY);
    while (medium.now < 200_000) await new Promise((resolve) => setTimeout(resolve, 10));
    const pressed = medium.now;
    medium.button("switch-1", false);
    const usage = await medium.usage("lamp-1");
    while (lit.length < 3) await new Promise((resolve) => setTimeout(resolve, 10));
    await medium.stop();
    await running;
    assert.ok(ahead <= 0, `${ahead} µs ahead`);
    assert.ok(lit[0] >= pressed + 4_000);
    assert.equal(usage.peakBytes, 2000);
  });
});

test("the past, unknown names and long socket paths are refused", async () => {
  await withMedium({}, async (medium) => {
    await medium.run(SECOND);
    assert.throws(() => medium.button("switch-1", true, SECOND - 1), /999999 µs is in the past/);
    assert.throws(() => medium.button("switch-9", true), /there is no device switch-9/);
  });
  const deep = `/tmp/${"x".repeat(100)}/medium.sock`;
  await assert.rejects(Hub.listen(deep), /too long for a unix socket; set TMPDIR to a shorter/);
});

/**
 * Runs a program that starts a medium and then ends as `ending` says. What it left behind: nothing.
 */
async function leavesNothing(ending: string, signal?: NodeJS.Signals): Promise<number | null> {
  const folder = mkdtempSync(join(tmpdir(), "lumicast-test-"));
  try {
    const program = join(folder, "program.mjs");
    const url = (path: string) => JSON.stringify(new URL(path, import.meta.url).href);
    writeFileSync(
      program,
      `import { generate } from ${url("../../hosts/installation/generate.js")};
import { Medium } from ${url("../../hosts/medium/medium.js")};
const room = { luminaires: 2, switches: 1, sensors: 0, hops: 1, loss: 0, seed: 7 };
const installation = generate(room);
const fake = [${JSON.stringify(FAKE)}, "normal"];
const command = (args) => ({ file: process.execPath, args: [...fake, ...args] });
const medium = await Medium.start({ installation, command, pacing: "real" });
medium.run(Infinity);
setTimeout(() => { console.log(JSON.stringify(medium.pids)); ${ending} }, 100);
`,
    );
    const env = { ...process.env, TMPDIR: folder };
    const child = spawn(process.execPath, [program], { env, stdio: ["ignore", "pipe", "ignore"] });
    const closed = once(child, "close");
    let out = "";
    for await (const text of child.stdout.setEncoding("utf8")) {
      out += text;
      if (signal !== undefined && out.includes("\n")) child.kill(signal);
    }
    const [code] = await closed;
    const pids = JSON.parse(out) as number[];
    assert.equal(pids.length, 3);
    await Promise.all(pids.map(gone));
    if (signal !== "SIGKILL") assert.deepEqual(readdirSync(folder), ["program.mjs"]);
    return code;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Resolves when the process is gone; a zombie of somebody else's is. */
async function gone(pid: number): Promise<void> {
  const deadline = performance.now() + 10_000;
  for (;;) {
    const stat = existsSync(`/proc/${pid}/stat`) ? readFileSync(`/proc/${pid}/stat`, "utf8") : "Z";
    if (/\) Z |^Z$/.test(stat)) return;
    assert.ok(performance.now() < deadline, `process ${pid} is still there`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

test("whatever ends the program, no process, socket or folder is left", async () => {
  const codes = await Promise.all([
    leavesNothing("", "SIGINT"),
    leavesNothing("", "SIGTERM"),
    leavesNothing("throw new Error('uncaught');"),
    leavesNothing("process.exit(5);"),
  ]);
  assert.deepEqual(codes, [130, 143, 1, 5]);
});

test("even SIGKILL leaves no process", async () => {
  assert.equal(await leavesNothing("", "SIGKILL"), null);
});
