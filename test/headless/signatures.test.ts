/** Who signs on a headless host: libsodium, or what the firmware brings for a host without it. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { before, test } from "node:test";
import { signatureCost } from "../../hosts/bench/signatures.js";
import { generate } from "../../hosts/installation/generate.js";
import { type CommandOf, NOBLE } from "../../hosts/medium/launch.js";
import { measure } from "../../hosts/room/measure.js";
import { ROOT } from "../../hosts/root.js";
import { lacks } from "../support/skip.js";
import { binary, make, scratch } from "./lumicast.js";

const PLAIN = join(ROOT, "build/headless/plain/lumicast");
const folder = scratch();

before(() => {
  make("release");
  make("plain");
});

/** What test/headless/signatures-look.ts says on `host`, bundled with TypeScript's or without. */
async function said(host: string, signing: boolean): Promise<string> {
  const { bundleInsecure } = await import(join(ROOT, "hosts/bundle.mjs"));
  const file = join(folder, `${signing}.js`);
  await bundleInsecure(file, "test/headless/signatures-look.ts", { signing });
  for (const args of [
    ["compile", file, `${file}.xsb`],
    ["test", `${file}.xsb`],
  ]) {
    const { status, stdout, stderr } = spawnSync(host, args, { encoding: "utf8" });
    assert.equal(stderr, "");
    assert.equal(status, 0, stdout);
    if (args[0] === "test") return stdout.trim();
  }
  return "";
}

test("libsodium signs where the host was built with it, whatever the firmware brings", {
  skip: lacks("libsodium-dev"),
}, async () => {
  assert.equal(await said(binary("release"), false), "libsodium");
  assert.equal(await said(binary("release"), true), "libsodium");
});

test("a host without libsodium signs with TypeScript if the firmware has it", async () => {
  assert.equal(await said(PLAIN, false), "nobody");
  assert.equal(await said(PLAIN, true), "noble");
});

test("whoever signs, it takes the same virtual time", {
  skip: lacks("libsodium-dev"),
}, async () => {
  const { bundleSigning } = await import(join(ROOT, "hosts/bundle.mjs"));
  const file = join(folder, "firmware.js");
  await bundleSigning(file);
  const { status, stderr } = spawnSync(PLAIN, ["compile", file, `${file}.xsb`]);
  assert.equal(status, 0, `${stderr}`);
  const size = { luminaires: 2, switches: 2, sensors: 0, hops: 1, loss: 0, seed: 3 } as const;
  const installation = generate({ ...size, profile: "group-oscore" });
  const command: CommandOf = (args) => {
    return { file: PLAIN, args: ["run", `${file}.xsb`, ...args, ...NOBLE] };
  };
  const by = async (own: object) => {
    const { latencyMs, missed } = await measure({ installation, presses: 3, ...own });
    return { latencyMs, missed };
  };
  const noble = await by({ command });
  assert.equal(noble.missed, 0);
  assert.deepEqual(noble, await by({}));
});

test("a verify from TypeScript takes at most 1.2 times libsodium's instructions", {
  skip: lacks("libsodium-dev") || lacks("valgrind"),
}, async () => {
  const cost = await signatureCost();
  assert.ok(cost !== undefined && cost.verify <= 1.2 * cost.library, JSON.stringify(cost));
});
