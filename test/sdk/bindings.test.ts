/**
 * The bindings for the Moddable SDK, in a program of its own on XS 17 (mcconfig -p x-cli-lin): the
 * suites that judge every crypto provider, and one over the other ports (bindings/suite.ts).
 */
import { equal } from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ROOT } from "../../hosts/root.js";
import { findSdk } from "../../hosts/sdk/sdk.js";
import { lacks } from "../support/skip.js";
import { needsSdk } from "./needs.js";

const folder = join(ROOT, "build/test/bindings");
/** Without libsodium the same program, with none behind its natives. */
const signs = lacks("libsodium-dev") === false;
const SUITES = [
  "unit/crypto.test.ts",
  "unit/signatures.test.ts",
  "unit/cose.test.ts",
  "unit/intake.test.ts",
  "sdk/bindings/suite.ts",
  "sdk/bindings/help.ts",
];
const NATIVE = ["aes", "aesccm", "intake", "intake_member", "journal", "nor", "rows", "sha256"];
if (signs) NATIVE.push("signatures");
const BINDINGS = [
  "natives",
  "natives_board",
  "natives_crypto",
  "natives_intake",
  "natives_journal",
  "natives_members",
  "natives_net",
  "natives_signatures",
  "natives_slots",
];

function manifest(): object {
  const of = (place: string, names: readonly string[]) =>
    names.map((name) => join(ROOT, place, name));
  return {
    build: { NAME: "lumicast-bindings", MODULES: "$(MODDABLE)/modules" },
    defines: { lumicast: { ed25519: signs ? 1 : 0, members: 1 } },
    creation: { main: "main", stack: 16384 },
    modules: {
      "*": [
        "./main",
        join(ROOT, "test/sdk/bindings/host"),
        ...of("platforms/native", NATIVE),
        ...of("platforms/moddable", BINDINGS),
      ],
      "mc/config": "./config",
    },
    strip: [],
  };
}

/** The program: one module with the suites, and the C that its natives are. */
async function writeApp(): Promise<void> {
  const { bundleText } = await import(join(ROOT, "hosts/bundle.mjs"));
  const imports = SUITES.map((suite) => `import ${JSON.stringify(join(ROOT, "test", suite))};`);
  const entry = [
    ...imports,
    `import { finish } from ${JSON.stringify(join(ROOT, "test/harness.xs.ts"))};`,
    `import { print } from ${JSON.stringify(join(ROOT, "test/sdk/bindings/program.ts"))};`,
    "export default () => { globalThis.print = print; return finish(); };",
  ];
  mkdirSync(folder, { recursive: true });
  await bundleText(join(folder, "main.js"), entry.join("\n"), "sdk");
  writeFileSync(join(folder, "config.js"), "export default Object.freeze({});\n");
  writeFileSync(join(folder, "manifest.json"), JSON.stringify(manifest(), undefined, 2));
}

test("the bindings for the SDK keep the ports' contracts on XS 17", {
  skip: needsSdk(),
  timeout: 600_000,
}, async () => {
  const sdk = findSdk();
  await writeApp();
  const out = join(folder, "out");
  mkdirSync(out, { recursive: true });
  // What a platform's manifest does for its own linker.
  const linker = { MAKEFLAGS: " -- LINK_FLAGS=-Wl,--no-as-needed,-lsodium" };
  const env = { ...sdk.env, ...(signs ? linker : {}) };
  const options = { cwd: folder, env, encoding: "utf8", maxBuffer: 1 << 26 } as const;
  const args = ["-m", "-p", "x-cli-lin", "-o", out, "manifest.json"];
  const made = spawnSync("mcconfig", args, options);
  equal(made.status, 0, `${made.stdout}\n${made.stderr}`.slice(-3000));
  const program = join(out, "bin/lin/release/lumicast-bindings");
  const { status, stdout, stderr } = spawnSync(program, { encoding: "utf8", timeout: 120_000 });
  equal(status, 0, `${stdout}\n${stderr}`.slice(-3000));
  equal(/^# pass [1-9]\d* fail 0$/m.test(stdout), true, stdout.slice(-3000));
  equal(stdout.includes("light 254 370 -1 -1\nlight 1 0 20000 65535\n"), true, stdout);
});
