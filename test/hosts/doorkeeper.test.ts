/** Who may open a channel to an authority, where several look at its database. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Authority } from "../../hosts/authority/authority.js";
import { Doorkeeper } from "../../hosts/authority/doorkeeper.js";

test("a look that began before a loss, and ends after it, lets nobody in again", async () => {
  const answers: ((seen: object) => void)[] = [];
  const read = () => new Promise((resolve) => answers.push(resolve));
  const authority = { identity: { trusts: [] }, own: undefined, read } as unknown as Authority;
  const doorkeeper = new Doorkeeper(authority);
  const known = new Map([["0a", { by: "psk", secret: new Uint8Array(16) }]]);
  const looks = [doorkeeper.look(), doorkeeper.look()];
  answers[1]({ known, lost: new Set(["0a"]), entries: 2 });
  await looks[1];
  answers[0]({ known, lost: new Set(), entries: 1 });
  await looks[0];
  const peer = { by: "psk", identity: Uint8Array.of(10) } as const;
  assert.equal(doorkeeper.credentials().accepts?.(peer), false);
});
