/** `npm run firmware`: keys, packages, and what it says when it is used wrongly. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { pack } from "../../hosts/firmware/pack.js";
import { ROOT } from "../../hosts/root.js";
import { fromHex } from "../../modules/bytes/hex.js";
import { decode } from "../../modules/cbor/decode.js";
import { TsCrypto } from "../../modules/crypto/crypto.js";
import { NobleSignatures } from "../../modules/crypto/noble.js";
import { blocksOf, openManifest } from "../../modules/device/manifest.js";
import { isInTree, leafOf } from "../../modules/device/merkle.js";

const folder = mkdtempSync(join(tmpdir(), "lumicast-firmware-"));
after(() => rmSync(folder, { recursive: true, force: true }));

function run(...words: string[]) {
  const program = join(ROOT, "build/node/hosts/firmware/main.js");
  return spawnSync(process.execPath, [program, ...words], { cwd: folder, encoding: "utf8" });
}

test("a key, a package signed with it, and every block in its place", () => {
  const made = run("key", "release.key");
  const publicKey = /^"firmwareKey": "([0-9a-f]{64})"\n$/.exec(made.stdout)?.[1] ?? "";
  assert.notEqual(publicKey, "", made.stderr);
  assert.equal(statSync(join(folder, "release.key")).mode & 0o777, 0o600);
  assert.equal(run("key", "release.key").status, 1, "a key is not written over");
  const image = Uint8Array.from({ length: 3000 }, (_, at) => (at * 7) & 0xff);
  writeFileSync(join(folder, "image.xsb"), image);
  const words = ["--key", "release.key", "--sequence", "7", "--version", "0.2.0"];
  const packed = run("pack", "image.xsb", ...words, "--block", "256", "--out", "out");
  assert.equal(packed.status, 0, packed.stderr);
  const crypto = new TsCrypto(new NobleSignatures());
  const signed = new Uint8Array(readFileSync(join(folder, "out/manifest.cbor")));
  const opened = openManifest(crypto, signed, fromHex(publicKey));
  assert.ok(opened.ok);
  const manifest = opened.value;
  assert.deepEqual([manifest.sequence, manifest.size, manifest.kind], [7, 3000, "headless-xs13"]);
  const names = readdirSync(join(folder, "out/blocks")).sort();
  assert.equal(names.length, blocksOf(manifest));
  for (const [at, name] of names.entries()) {
    const block = decode(new Uint8Array(readFileSync(join(folder, "out/blocks", name))));
    const parts = block.ok && Array.isArray(block.value) ? block.value : [];
    const [sequence, index, data, path] = parts as [number, number, Uint8Array, Uint8Array];
    assert.deepEqual([sequence, index], [7, at]);
    assert.deepEqual(data, image.slice(at * 256, (at + 1) * 256));
    const proof = { index, count: names.length, path };
    assert.ok(isInTree(crypto, leafOf(crypto, data), proof, manifest.root));
  }
});

test("wrong use is told, with exit code 2; what cannot be packed with 1", () => {
  assert.equal(run().status, 2);
  assert.equal(run("pack", "image.xsb").status, 2);
  assert.match(run("pack").stderr, /usage: npm run firmware/);
  const words = ["--key", "release.key", "--version", "1", "--out", "other"];
  assert.equal(run("pack", "image.xsb", ...words, "--sequence", "seven").status, 2);
  assert.equal(run("pack", "nothing.xsb", ...words, "--sequence", "7").status, 1);
  assert.equal(run("pack", "image.xsb", ...words, "--sequence", "7", "--block", "100").status, 1);
  const empty = { image: new Uint8Array(0), seed: new Uint8Array(32), sequence: 1 };
  const rest = { version: "1", blockBytes: 64, kind: "test" };
  assert.throws(() => pack({ ...empty, ...rest }), /without bytes/);
});
