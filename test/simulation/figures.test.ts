/**
 * The figures of the issue, in virtual time: the same on every machine, so they are no timed tests.
 */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { type GenerateOptions, generate } from "../../hosts/installation/generate.js";
import { measure } from "../../hosts/room/measure.js";
import type { Summary } from "../../hosts/room/summary.js";
import { lacks } from "../support/skip.js";

async function figures(
  room: Partial<GenerateOptions> & { presses: number },
  pcap?: string,
): Promise<Summary> {
  const { presses, ...size } = room;
  const whole = { luminaires: 12, switches: 2, sensors: 1, hops: 1, loss: 0, seed: 7, ...size };
  const capture = pcap === undefined ? {} : { pcap };
  return measure({ installation: generate(whole), presses, ...capture });
}

async function inFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "lumicast-test-"));
  try {
    await use(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function assertWithin(summary: Summary, limits: { p50?: number; p99: number }): void {
  const { p50, p99 } = summary.latencyMs;
  const shown = JSON.stringify(summary);
  assert.equal(summary.missed, 0, shown);
  assert.ok(p99 !== null && p99 <= limits.p99, shown);
  assert.ok(p50 !== null && p50 <= (limits.p50 ?? limits.p99), shown);
}

test("one hop, no loss: every lamp, every press, p50 within 12 ms, p99 within 25 ms", async () => {
  assertWithin(await figures({ presses: 50 }), { p50: 12, p99: 25 });
});

test("three hops, no loss: every lamp, every press, p99 within 200 ms", async () => {
  assertWithin(await figures({ presses: 50, hops: 3 }), { p99: 200 });
});

test("the same seed: the same capture, byte for byte, and the same JSON", async () => {
  await inFolder(async (folder) => {
    const run = async (seed: number, name: string): Promise<[string, Buffer]> => {
      const path = join(folder, name);
      const summary = await figures({ presses: 5, hops: 2, loss: 0.1, seed }, path);
      return [JSON.stringify(summary), readFileSync(path)];
    };
    const [json, capture] = await run(11, "a.pcap");
    const [jsonAgain, captureAgain] = await run(11, "b.pcap");
    assert.equal(json, jsonAgain);
    assert.ok(capture.equals(captureAgain));
    assert.ok(capture.length > 5_000);
    const [, other] = await run(12, "c.pcap");
    assert.ok(!capture.equals(other));
  });
});

test("Wireshark finds nothing wrong in a capture", { skip: lacks("tshark") }, async () => {
  await inFolder(async (folder) => {
    const path = join(folder, "room.pcap");
    await figures({ presses: 4, hops: 2 }, path);
    const tshark = (...args: string[]) => {
      const all = ["-n", "-r", path, ...args];
      return execFileSync("tshark", all, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
    };
    const wrong = '_ws.malformed || _ws.expert.severity == "Error" || wpan.fcs_ok == 0';
    assert.equal(tshark("-Y", wrong), "");
    const frames = tshark("-Y", "oscore && coap.code == 2").trimEnd().split("\n");
    assert.ok(frames.length >= 4 * 2 * 2, `${frames.length} protected commands`);
  });
});
