/** The same sources make the same images, wherever they lie. */
import { equal } from "node:assert/strict";
import { createHash } from "node:crypto";
import { cpSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ROOT } from "../../hosts/root.js";
import { appOf, build, findSdk } from "../../hosts/sdk/sdk.js";
import { blobFile, buildEsp32, folder } from "./boards.js";
import { needsSdk } from "./needs.js";

test("two builds with the SDK are identical", {
  skip: needsSdk(),
  timeout: 900_000,
}, async () => {
  const sdk = findSdk();
  const blob = blobFile();
  // From copies, at two places: nothing but the sources may matter.
  const first = copyOfSources(join(folder, "first"));
  const second = copyOfSources(join(folder, "second/deeper"), first);
  const builds = [first, second].map((source) => ({ source, out: join(source, "build") }));
  const images = builds.map((made) =>
    buildEsp32(sdk, "esp32/esp32c6", made.out, blob, made.source),
  );
  equal(hash(images[1].code), hash(images[0].code));
  equal(images[1].resources, images[0].resources);
  for (const made of builds) await build(sdk, { ...made, platform: "lin" });
  const apps = builds.map((made) => hash(readFileSync(appOf(made))));
  equal(apps[1], apps[0]);
});

/** What a build reads; `from` an earlier copy, so that both are of the same moment. */
function copyOfSources(place: string, from = ROOT): string {
  rmSync(place, { recursive: true, force: true });
  mkdirSync(place, { recursive: true });
  for (const name of ["manifest.json", "main.ts", "modules", "platforms"]) {
    cpSync(join(from, name), join(place, name), { recursive: true });
  }
  return place;
}

function hash(text: string | Buffer): string {
  return createHash("sha256").update(text).digest("hex");
}
