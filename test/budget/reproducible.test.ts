/** Whoever builds this commit gets the bytes that everybody else gets. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { buildTwice } from "../../hosts/reproduce/twice.js";

test("two builds of this commit are identical, byte for byte", () => {
  const artefacts = buildTwice("HEAD", () => {});
  assert.ok(artefacts.some(({ file }) => file.endsWith("lumicast.xsb")));
  for (const { file, hashes, same } of artefacts) {
    assert.match(hashes[0], /^[0-9a-f]{64}$/);
    assert.ok(same, `${file}: ${hashes.join(" and ")}`);
  }
});
