/** The control protocol: grants, virtual time, events, outputs, ends. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type Line, Medium, Programs } from "./lumicast.js";

const programs = new Programs("release");

after(() => Medium.killAll());

before(() => programs.build());

function start(program: string, ...options: string[]): Promise<Medium> {
  return Medium.start([...programs.choose(program), ...options]);
}

/** A granted device that has booted at time 0. */
async function booted(program: string, ...options: string[]): Promise<Medium> {
  const medium = await start(program, ...options);
  await medium.grant(0);
  return medium;
}

function logs(lines: readonly Line[]): string[] {
  return lines.filter((line) => line.log !== undefined).map((line) => line.log as string);
}

test("hello comes first, then the device waits for its first grant", async () => {
  const medium = await start("echo", "--eui64", "00124b0001020304");
  const hello = medium.lines[0].hello as Record<string, unknown>;
  assert.equal(hello.eui64, "00124b0001020304");
  assert.equal(hello.engine, "xs 13.3.0");
  assert.equal(typeof hello.pid, "number");
  assert.equal(medium.lines.length, 1);
  const lines = await medium.grant(0);
  const at = lines[0].at as number;
  assert.deepEqual(lines, [
    { at, log: `boot ${at} 00124b0001020304` },
    { at, address: { pan: 0x1234, short: 7 } },
    { done: 0, next: null },
  ]);
  assert.equal(await medium.stop(), 0);
});

test("the clock counts from boot, lines bear the medium's time", async () => {
  const medium = await start("echo");
  const [first] = await medium.grant(5_000_000);
  const at = first.at as number;
  assert.ok(at > 5_000_000 && at < 5_010_000, `${at}`);
  assert.deepEqual(logs([first]), [`boot ${at - 5_000_000} 0200000000000001`]);
  const lines = await medium.grant(7_000_000, [{ at: 6_000_000, button: true }]);
  assert.deepEqual(logs(lines), ["button true at 1000000"]);
  assert.equal(await medium.stop(), 0);
});

test("every kind of event arrives", async () => {
  const medium = await booted("echo");
  const lines = await medium.grant(1_000_000, [
    { at: 100_000, frame: "00ff" },
    { at: 200_000, sent: 3, acked: true, transmitted: true },
    { at: 200_000, sent: 4, acked: false, transmitted: false },
    { at: 300_000, button: true },
    { at: 300_100, button: false },
    { at: 400_000, motion: true },
    { at: 500_000, lux: 120.5 },
    { at: 500_001, lampFailed: true },
    { at: 600_000, frame: "07" },
    { at: 600_000, more: { nested: [1] }, button: false },
  ]);
  assert.deepEqual(
    logs(lines).map((text) => text.replace(/ now .*/, "")),
    [
      "frame 00ff at 100000",
      "sent 3 true true",
      "sent 4 false false",
      "button true at 300000",
      "button false at 300100",
      "motion true",
      "lux 120.5",
      "frame 07 at 600000",
      "lamp failed: true",
      "button false at 600000",
    ],
  );
  assert.deepEqual(lines.at(-1), { done: 1_000_000, next: null });
  assert.equal(await medium.stop(), 0);
});

test("frames, light and trace come out, stamped with the time their making took", async () => {
  const medium = await booted("echo");
  const lines = await medium.grant(3_000_000, [
    { at: 1_000_000, frame: "01aabb" },
    { at: 2_000_000, frame: "02" },
    { at: 2_500_000, frame: "03" },
  ]);
  const tx = lines.find((line) => line.tx !== undefined) as Line;
  assert.equal(tx.tx, "01aabb");
  assert.equal(tx.id, 1);
  assert.ok((tx.at as number) > 1_000_900 && (tx.at as number) < 1_002_000, `${tx.at}`);
  const light = lines.find((line) => line.light !== undefined) as Line;
  assert.deepEqual(light.light, { level: 254, mired: 153, x: 1, y: 2 });
  assert.ok((light.at as number) > 2_000_000);
  assert.equal(lines.find((line) => line.trace !== undefined)?.trace, "replayed");
  const usage = await medium.usage();
  assert.deepEqual(usage.counters, { replayed: 1 });
  assert.equal(await medium.stop(), 0);
});

test("events that come in a busy time wait; time never goes back", async () => {
  const medium = await booted("echo");
  const frames = Array.from({ length: 10 }, (_, i) => ({ at: 1_000_000 + i, frame: "00" }));
  const lines = await medium.grant(1_100_000, frames);
  const nows = logs(lines).map((text) => Number(/now (\d+)/.exec(text)?.[1]));
  assert.equal(nows.length, 10);
  for (let i = 1; i < nows.length; i++) assert.ok(nows[i] >= nows[i - 1] + 790, `${nows}`);
  for (let i = 1; i < lines.length - 1; i++) {
    assert.ok((lines[i].at as number) >= (lines[i - 1].at as number));
  }
  assert.equal(await medium.stop(), 0);
});

test("work that does not fit a grant waits for the next, and next says when", async () => {
  const medium = await booted("echo");
  const frames = [1, 2, 3].map(() => ({ at: 1_000_000, frame: "00" }));
  const first = await medium.grant(1_000_000, frames);
  assert.equal(logs(first).length, 1);
  const { next } = first.at(-1) as { next: number };
  assert.ok(next > 1_000_700 && next < 1_000_900, `${next}`);
  const second = await medium.grant(next - 1);
  assert.deepEqual(second, [{ done: next - 1, next }]);
  const third = await medium.grant(next);
  assert.equal(logs(third).length, 1);
  const rest = await medium.grant(2_000_000);
  assert.equal(logs(rest).length, 1);
  assert.deepEqual(rest.at(-1), { done: 2_000_000, next: null });
  assert.equal(await medium.stop(), 0);
});

test("timers run at their time, within the grant only", async () => {
  const medium = await booted("echo");
  const [, armed] = await medium.grant(100_000, [{ at: 100_000, frame: "04" }]);
  const { next } = armed as { next: number };
  assert.ok(next > 101_700 && next < 102_000, `${next}`);
  assert.deepEqual(await medium.grant(next - 1), [{ done: next - 1, next }]);
  const lines = await medium.grant(next);
  assert.equal(logs(lines).length, 1);
  const fired = Number(/timer (\d+)/.exec(logs(lines)[0])?.[1]);
  assert.ok(fired >= next && fired < next + 200, `${fired}`);
  assert.equal(await medium.stop(), 0);
});

test("an accepted command costs about 3.3 ms, a duplicate about 0.8", async () => {
  const medium = await booted("receive");
  const lines = await medium.grant(2_000_000, [
    { at: 1_000_000, frame: "00" },
    { at: 1_500_000, frame: "09" },
  ]);
  const at = (key: string, value?: string) => {
    const found = lines.find(
      (line) => line[key] !== undefined && (value ?? line[key]) === line[key],
    );
    return found?.at as number;
  };
  const light = at("light") - 1_000_000;
  const duplicate = at("trace", "duplicate") - 1_500_000;
  assert.ok(light > 3_100 && light < 3_500, `${light} us to the light`);
  assert.ok(duplicate > 700 && duplicate < 900, `${duplicate} us for a duplicate`);
  assert.ok(at("trace", "accepted") >= at("light"));
  assert.equal(await medium.stop(), 0);
});

test("a press is a sealed frame about 3.3 ms later", async () => {
  const medium = await booted("send");
  const lines = await medium.grant(2_000_000, [{ at: 1_000_000, button: false }]);
  const spent = (lines[0].at as number) - 1_000_000;
  assert.equal((lines[0].tx as string).length, 2 * (16 + 16));
  assert.ok(spent > 3_100 && spent < 3_500, `${spent} us`);
  assert.equal(await medium.stop(), 0);
});

test("the same seed repeats the bytes; another seed, another device or none does not", async () => {
  const draw = async (...options: string[]) => {
    const medium = await booted("echo", ...options);
    const lines = await medium.grant(10, [{ at: 5, frame: "06" }]);
    await medium.grant(10_000);
    await medium.stop();
    void lines;
    return logs(medium.lines).at(-1) as string;
  };
  const one = await draw("--seed", "7");
  assert.match(one, /^[0-9a-f]{32}$/);
  assert.equal(await draw("--seed", "7"), one);
  assert.notEqual(await draw("--seed", "8"), one);
  assert.notEqual(await draw("--seed", "7", "--eui64", "00124b0001020304"), one);
  assert.notEqual(await draw(), await draw());
  assert.equal(await draw("--seed", "7", "--no-preload"), one);
});

test("a census tells what the heap is full of, and changes nothing", async () => {
  const medium = await booted("receive");
  const before = await medium.usage();
  const [line] = await medium.say({ census: true }, ({ census }) => census !== undefined);
  const census = line.census as Record<string, { objects: number; bytes: number }>;
  assert.equal(census.HostRadio.objects, 1);
  assert.ok(census.Uint8Array.objects >= 4, JSON.stringify(census));
  const bytes = Object.values(census).reduce((sum, one) => sum + one.bytes, 0);
  assert.equal(bytes, before.slots);
  const after = await medium.usage();
  assert.deepEqual({ ...after, gcMicros: 0 }, { ...before, gcMicros: 0 });
  assert.equal(await medium.stop(), 0);
});

test("the end of the socket ends the process with 0, at whatever moment", async () => {
  const fresh = await start("echo");
  fresh.hangUp();
  assert.equal(await fresh.ended(), 0);
  const running = await booted("echo");
  running.write('{"grant":5,"ev');
  running.hangUp();
  assert.equal(await running.ended(), 0);
});

test("an uncaught error is told to the medium, too", async () => {
  const medium = await booted("echo");
  await medium.grant(10_000, [{ at: 9_000, frame: "05" }]);
  assert.equal(await medium.ended(), 70);
  assert.match(medium.lines.at(-1)?.fatal as string, /^uncaught: Error: frame 5\n at /);
  assert.match(medium.stderr, /^lumicast: uncaught: Error: frame 5\n/);
});

test("out of memory is told to the medium, too", async () => {
  const medium = await booted("echo", "--heap", "42000");
  const frames = Array.from({ length: 200 }, (_, i) => ({ at: 10_000 + i, frame: "04" }));
  await medium.grant(200_000, frames);
  assert.equal(await medium.ended(), 71);
  assert.match(medium.lines.at(-1)?.fatal as string, /^out of memory: .* in --heap 42000/);
});

test("a power cut on the medium exits 73", async () => {
  const medium = await booted("echo", "--fault", "1:torn:1");
  await medium.grant(10_000, [{ at: 9_000, frame: "08" }]);
  assert.equal(await medium.ended(), 73);
  assert.equal(medium.lines.at(-1)?.fatal, "power cut at flash operation 1");
});

test("garbage on the socket is the medium's fault: exit 65, the line is quoted", async () => {
  const lines = [
    "garbage",
    "{}",
    '{"grant":1,"events":[{"at":2,"button":true}]}',
    "\u0000\u0001",
    "[1,2",
  ];
  for (const line of lines) {
    const medium = await start("echo");
    medium.write(`${line}\n`);
    assert.equal(await medium.ended(), 65, line);
    assert.match(medium.stderr, /^lumicast: control: bad line: /);
    assert.match(medium.lines.at(-1)?.fatal as string, /^control: bad line: /);
  }
});

test("lines cut anywhere, and several in one write, are read the same", async () => {
  const medium = await booted("echo");
  for (const part of [
    '{"gra',
    'nt":1000',
    '0,"events":[{"at":9000,"but',
    'ton":true}]}\n{"usage":',
    "true}",
  ]) {
    medium.write(part);
    await new Promise((resolve) => setImmediate(resolve));
  }
  await medium.say("\n", (line) => line.usage !== undefined);
  assert.deepEqual(logs(medium.lines).slice(1), ["button true at 9000"]);
  assert.equal(await medium.stop(), 0);
});

test("frames make no garbage beyond themselves", async () => {
  const medium = await booted("receive", "--heap", "100000");
  await medium.usage();
  const frames = (from: number) =>
    Array.from({ length: 1000 }, (_, i) => ({
      at: from + i * 2000,
      frame: `09${"00".repeat(90)}`,
    }));
  const before = await medium.usage();
  await medium.grant(10_000_000, frames(1_000_000));
  const after = await medium.usage();
  assert.equal(after.liveBytes, before.liveBytes);
  // A Uint8Array is seven slots and a chunk: 1,000 frames of 91 bytes, in a heap of 781 slots
  // and 25,000 bytes of chunks.
  assert.ok(after.gcCount - before.gcCount <= 20, `${after.gcCount - before.gcCount} collections`);
  assert.equal(await medium.stop(), 0);
});
