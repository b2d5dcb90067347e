/**
 * What the image for devices with little ROM holds, by name. What only other schemes, dialogues or
 * enrolment need is reached through the build's services and the X.small.ts twins; one static
 * import of it from the path of `lowlatency` costs 20 KB, and shows here before npm run size.
 */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative, resolve } from "node:path";
import { after, test } from "node:test";
import { ROOT } from "../../hosts/root.js";

/** Of folders whose modules several schemes share; of other folders it may hold anything. */
const MAY_HOLD: Readonly<Record<string, string>> = {
  coap:
    "addresses agenda chance dedup endpoint exchange linkformat message options retransmit times " +
    "uri",
  cose: "",
  crypto: "crypto selftest",
  device:
    "answer boot device dialogue.small dispatch enrolment.small fields idle limits " +
    "membership.small plain provision rate receive relations.small respond role send " +
    "services.small status taken version",
  dtls: "",
  groups:
    "bounds counted.small directory groups intake keyring lifetime locate open order policy seal",
  oscore: "aad option outer recipients sequence window",
  profiles: "lowlatency profile",
};

const folder = mkdtempSync(join(tmpdir(), "lumicast-images-"));
after(() => rmSync(folder, { recursive: true }));

test("a small image holds nothing that only other schemes need", async () => {
  const held = await modulesOf("small");
  assert.ok(held.includes("profiles/lowlatency"), held.join(" "));
  assert.deepEqual(held.filter(isForeign), []);
});

test("that would be seen: the whole firmware holds every scheme", async () => {
  const foreign = (await modulesOf("firmware")).filter(isForeign);
  for (const name of ["profiles/group-oscore", "groups/verify", "device/dialogues", "coap/block"]) {
    assert.ok(foreign.includes(name), name);
  }
});

/** Modules of modules/, as folder/name, in a bundle of that kind. */
async function modulesOf(kind: "small" | "firmware"): Promise<string[]> {
  const { bundleFirmware, bundleSmall } = await import(join(ROOT, "hosts/bundle.mjs"));
  const file = join(folder, `${kind}.js`);
  await (kind === "small" ? bundleSmall : bundleFirmware)(file);
  const { sources } = JSON.parse(readFileSync(`${file}.map`, "utf8")) as { sources: string[] };
  return sources
    .map((source) => relative(join(ROOT, "modules"), resolve(folder, source)))
    .filter((path) => !path.startsWith(".."))
    .map((path) => path.replace(/\.ts$/, ""))
    .sort();
}

function isForeign(path: string): boolean {
  const [part, name] = path.split("/");
  return MAY_HOLD[part]?.split(" ").includes(name) === false;
}
