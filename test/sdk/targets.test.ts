/** What boards' builds come to without their SDKs (boards.ts), and what builds refuse. */
import { match, ok } from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ROOT } from "../../hosts/root.js";
import { LIST, SMALL_LIST } from "../../hosts/sdk/modules.js";
import { findSdk } from "../../hosts/sdk/sdk.js";
import { blobFile, buildEsp32, buildZephyr, configure, folder, type Image } from "./boards.js";
import { needsSdk } from "./needs.js";

const skip = needsSdk();

function check({ code, resources }: Image, list = LIST): void {
  match(resources, /provisioning\.cbor/);
  for (const native of [
    "xs_lumicast_key_open",
    "xs_lumicast_net_send",
    "xs_lumicast_flash_program",
  ]) {
    ok(code.includes(native), `${native} is not in the image`);
  }
  // Of a module that was preloaded xsl leaves no byte code, only its name.
  const { preload } = JSON.parse(readFileSync(join(ROOT, list), "utf8")) as { preload: string[] };
  for (const name of ["main", "platforms/board", ...preload]) {
    ok(code.includes(`, NULL, 0, NULL, 0, NULL, 0, "${name}",`), `${name}: not preloaded`);
  }
}

const out = join(ROOT, "build/sdk/out");

for (const platform of [
  "esp32",
  "esp32/esp32s3",
  "esp32/esp32c3",
  "esp32/esp32c6",
  "esp32/esp32h2",
]) {
  test(`the image for ${platform} is made up to the C compiler`, { skip }, () => {
    check(buildEsp32(findSdk(), platform, out, blobFile()));
  });
}

const zephyr = "zephyr/nrf52840dk";
const noCmake = spawnSync("cmake", ["--version"]).status === 0 ? false : "needs cmake";
test(`the image for ${zephyr} is made up to the C compiler`, { skip: skip || noCmake }, () => {
  check(buildZephyr(findSdk(), zephyr, out, blobFile()), SMALL_LIST);
});

test("a platform Lumicast does not have is a build error that names those it has", { skip }, () => {
  const { status, output } = configure(findSdk(), "pico", out, {});
  ok(status !== 0);
  match(output, /Lumicast does not run on this platform\. It has: lin, mac, win/);
});

test("provisioning that is not there is named by the build", { skip }, () => {
  const missing = join(folder, "lamp-99.cbor");
  const { output } = configure(findSdk(), "esp32", out, { LUMICAST_PROVISIONING: missing });
  match(output, /no resources match: .*lamp-99\.cbor/);
});
