/** Plants a violation of every rule in a small repository and looks for its report. */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { tidy } from "./tidy.js";

type Files = Readonly<Record<string, string>>;

const outcome = `
export const DROPS = [
  "malformed",
] as const;
`;

/** Nothing is wrong with these. */
const clean: Files = {
  "modules/bytes/outcome.ts": outcome,
  "modules/bytes/hex.ts": "export const hex = 1;\n",
  "modules/ports/clock.ts": "export interface Clock {\n  Date: number;\n}\n",
  "modules/store/store.ts": [
    'import type { Clock } from "../ports/clock.js";',
    'const names: ReadonlyMap<string, number> = new Map([["a", 1]]);',
    "/** RFC 8613 §5.2: the id’s length goes in too – or two short ids share a nonce. */",
    "export function read(clock: Clock, process: number) {",
    "  const scratch = new Uint8Array(process);",
    '  if (clock.Date > 1) return "malformed"; // check: date-bound',
    "  return scratch.length + names.size;",
    "}",
    "",
  ].join("\n"),
  "platforms/headless/clock.c": [
    "#define BRACES {",
    'static const char *text = "{ /* no comment";',
    "int now(void)",
    "{",
    "\treturn '{'; // a brace",
    "}",
    "",
  ].join("\n"),
  "test/unit/store.test.ts": [
    'import { test } from "../harness.js";',
    'import { read } from "../../modules/store/store.js";',
    'test("is read", () => { read({ Date: 1 }, 1); });',
    "",
  ].join("\n"),
  "test/harness.ts": "export function test(name: string, fn: () => void) { fn(); }\n",
  "test/mutants.txt": [
    "# check, suite, test",
    "date-bound\ttest/unit/store.test.ts\tis read",
    "drop:malformed\ttest/unit/store.test.ts\tis read",
    "",
  ].join("\n"),
};

/** `file:line: message` of every finding, with the rule before it. */
function findings(files: Files): string[] {
  const root = mkdtempSync(join(tmpdir(), "lumicast-tidy-"));
  try {
    for (const [file, text] of Object.entries(files)) {
      mkdirSync(dirname(join(root, file)), { recursive: true });
      writeFileSync(join(root, file), text);
    }
    return tidy(root).flatMap(({ rule, findings }) =>
      findings.map(({ file, line, message }) => `${rule} ${file}:${line}: ${message}`),
    );
  } finally {
    rmSync(root, { recursive: true });
  }
}

test("a clean tree has no findings", () => {
  assert.deepEqual(findings(clean), []);
});

/** What is planted on top of the clean tree, and the one report it brings. */
interface Planted {
  readonly what: string;
  readonly files: Files;
  readonly report: RegExp;
}

function module(what: string, text: string, report: RegExp): Planted {
  return { what, files: { "modules/store/bad.ts": `\n${text}\n` }, report };
}

const importing: Planted[] = [
  {
    what: "a folder that imports what its row does not name",
    files: { "modules/cbor/bad.ts": '\nexport { read } from "../store/store.js";' },
    report: /^imports modules\/cbor\/bad.ts:2: cbor may not import store .*may import bytes/,
  },
  module(
    "an import without .js",
    'export { hex } from "../bytes/hex";',
    /^imports modules\/store\/bad.ts:2: "..\/bytes\/hex" has to end in .js/,
  ),
  module(
    "an import of nothing",
    'export { hex } from "../bytes/gone.js";',
    /^imports .*bad.ts:2: .* names modules\/bytes\/gone.ts, which does not exist/,
  ),
  module(
    "a package in modules",
    'export { x } from "cbor-x";',
    /^imports .*bad.ts:2: modules\/ may not import "cbor-x": reach it through a port/,
  ),
  module(
    "a Node module in modules, by import()",
    'export const x = () => import("node:fs");',
    /^imports .*bad.ts:2: modules\/ may not import "node:fs"/,
  ),
  {
    what: "modules that import a host",
    files: {
      "hosts/room/view.ts": "export const x = 1;\n",
      "modules/store/bad.ts": '\nexport { x } from "../../hosts/room/view.js";\n',
    },
    report: /^imports modules\/store\/bad.ts:2: modules\/ may not import hosts\//,
  },
  {
    what: "modules that reach noble",
    files: {
      "modules/crypto/noble.ts": 'export { x } from "@noble/curves/ed25519.js";\n',
      "modules/crypto/bad.ts": '\nexport { x } from "./noble.js";\n',
    },
    report: /^imports modules\/crypto\/bad.ts:2: .*noble.ts is for hosts and tests only/,
  },
  {
    what: "a profile that imports another",
    files: {
      "modules/profiles/profile.ts": "export const p = 1;\n",
      "modules/profiles/one.ts": 'export { p } from "./profile.js";\n',
      "modules/profiles/two.ts": '\nexport { p } from "./one.js";\n',
    },
    report: /^imports modules\/profiles\/two.ts:2: profiles never import each other/,
  },
  {
    what: "a platform that imports another",
    files: {
      "platforms/esp32/wifi.ts": "export const x = 1;\n",
      "platforms/headless/bad.ts": '\nexport { x } from "../esp32/wifi.js";\n',
    },
    report: /^imports platforms\/headless\/bad.ts:2: platforms\/headless may not import another/,
  },
  {
    what: "a platform that imports bindings for an SDK it does not use",
    files: {
      "platforms/moddable/clock.ts": "export const x = 1;\n",
      "platforms/esp32/good.ts": 'export { x } from "../moddable/clock.js";\n',
      "platforms/headless/bad.ts": '\nexport { x } from "../moddable/clock.js";\n',
    },
    report: /^imports platforms\/headless\/bad.ts:2: platforms\/headless may not import another/,
  },
  {
    what: "shared bindings that import one of their boards",
    files: {
      "platforms/esp32/wifi.ts": "export const x = 1;\n",
      "platforms/moddable/bad.ts": '\nexport { x } from "../esp32/wifi.js";\n',
    },
    report: /^imports platforms\/moddable\/bad.ts:2: platforms\/moddable may not import another/,
  },
  {
    what: "a platform that imports the store",
    files: {
      "platforms/headless/bad.ts": '\nexport { read } from "../../modules/store/store.js";',
    },
    report: /^imports platforms\/headless\/bad.ts:2: a platform may import modules\/\{bytes,ports/,
  },
  {
    what: "a platform on XS that imports Node",
    files: { "platforms/headless/bad.ts": '\nimport "node:fs";' },
    report: /^imports platforms\/headless\/bad.ts:2: platforms\/headless runs on XS/,
  },
  {
    what: "a host that imports a test",
    files: { "hosts/room/bad.ts": '\nexport { test } from "../../test/harness.js";' },
    report: /^imports hosts\/room\/bad.ts:2: hosts may not import test/,
  },
  {
    what: "a composition root that reaches past board.js",
    files: {
      "platforms/headless/led.ts": "export const x = 1;\n",
      "main.ts": '\nexport { x } from "./platforms/headless/led.js";\n',
    },
    report: /^imports main.ts:2: main.ts may import modules\/ and platforms\/board.js only/,
  },
  {
    what: "a unit suite that imports Node",
    files: { "test/unit/bad.test.ts": '\nimport "node:assert";' },
    report: /^imports test\/unit\/bad.test.ts:2: a unit suite, which runs on XS too, may import/,
  },
  {
    what: "a circle of imports",
    files: {
      "modules/store/a.ts": 'import type { B } from "./b.js";\nexport type A = B;\n',
      "modules/store/b.ts": '\nimport type { A } from "./a.js";\nexport type B = A;\n',
    },
    report: /^imports modules\/store\/b.ts:2: closes a circle .*a.ts > modules\/store\/b.ts > /,
  },
];

const words: Planted[] = [
  ...["Date.now()", "setTimeout(f, 1)", "console.log(1)", "Buffer.from([])", "process.exit()"],
  ...["new TextEncoder()", "structuredClone(1)", "queueMicrotask(f)", "native('x')"],
  ...["Math.random()", "Object.groupBy([], f)", "[1].toSorted()", "globalThis.x"],
].map((code) => {
  const name = /Math.random|Object.groupBy|toSorted|globalThis|\w+(?=[.(])/.exec(code)?.[0];
  const text = `export const bad = (f: (x: unknown) => void) =>\n  ${code};`;
  const report = new RegExp(`^words modules/store/bad.ts:3: .?${name} is not for portable code: `);
  return module(code, text, report);
});

const language: Planted[] = [
  {
    what: "a unit suite that sleeps",
    files: { "test/unit/bad.test.ts": "\nsetTimeout(() => 1, 5);" },
    report:
      /^words test\/unit\/bad.test.ts:2: setTimeout is not for portable code: use Clock.after/,
  },
  module("a regular expression with v", "export const r = () => /a/v;", /^words .*:2: XS 13.3 has/),
  module("a static block", "class A { static { A.name; } }", /^words .*:2: XS 13.3 gets static/),
  module(
    "an astral character",
    'export const t = "\\u{1F4A1}";',
    /^words .*:2: XS without mxCESU8/,
  ),
];

const state: Planted[] = [
  module(
    "module-level let",
    "export let n = 0;",
    /^state .*bad.ts:2: module-level state .*#private/,
  ),
  module("module-level var", "export var n = 0;", /^state .*bad.ts:2: module-level state/),
  module("a module-level array", "const a = new Uint8Array(4);", /^state .*:2: .*level Uint8Array/),
  module("one in a table", "const a = { b: Uint8Array.of(1) };", /^state .*:2: .*level Uint8Array/),
  module("a module-level Map", "const m = new Map();", /^state .*:2: .* declared as a ReadonlyMap/),
  module("a mutable static", "class A { static n = 0; }", /^state .*:2: a static field is module/),
  module(
    "a module-level BigInt",
    "const b = 1n;",
    /^state .*:2: a module-level BigInt compares wrong/,
  ),
  module("BigInt()", "const b = BigInt(1);", /^state .*:2: a module-level BigInt compares wrong/),
  module("an effect", "Object.freeze(Array);", /^state .*:2: evaluating a module must have no/),
];

const cFunction = (lines: number) => `\nint f(void)\n{\n${"\ta();\n".repeat(lines - 3)}}\n`;

const shape: Planted[] = [
  module(
    "a long file",
    "// x\n".repeat(500),
    /^ceilings .*bad.ts:0: 502 lines; the ceiling is 500/,
  ),
  module(
    "a long function",
    `export function f(a: () => void) {\n${"  a();\n".repeat(59)}}`,
    /^ceilings .*bad.ts:2: f has 61 lines; the ceiling is 60/,
  ),
  module("a long line", `// ${"é".repeat(98)}`, /^ceilings .*:2: 101 columns; the ceiling is 100/),
  {
    what: "a long C function",
    files: { "platforms/headless/bad.c": cFunction(61) },
    report: /^ceilings platforms\/headless\/bad.c:2: f has 61 lines/,
  },
  {
    what: "a name at the top",
    files: { "scratch/notes.ts": "export {};\n" },
    report: /^places scratch\/notes.ts:0: scratch does not belong at the top/,
  },
  {
    what: "a folder of modules that has no row",
    files: { "modules/util/x.ts": "export {};\n" },
    report: /^places modules\/util\/x.ts:0: modules\/util is no known folder; see imports/,
  },
  {
    what: "a folder of hosts that is not listed",
    files: { "hosts/misc/x.ts": "export {};\n" },
    report: /^places hosts\/misc\/x.ts:0: hosts\/misc is no known folder; see folders/,
  },
  module(
    "a letter beyond ASCII",
    'export const t = "é";',
    /^characters .*:2: U\+00E9 is not plain/,
  ),
  module("a strange sign in a comment", "// a ☃ b", /^characters .*:2: U\+2603 is not plain ASCII/),
  module("work put off", "/**\n * TODO later\n */", /^unfinished .*:3: TODO without an issue/),
  {
    what: "work put off in C",
    files: { "platforms/headless/bad.c": "\n/* FIXME */\n" },
    report: /^unfinished platforms\/headless\/bad.c:2: FIXME without an issue/,
  },
];

const mutants = clean["test/mutants.txt"];
const check = "export function f(a: number) {\n  if (a) return 1; // check: NAME\n  return 2;\n}";

const checks: Planted[] = [
  module(
    "a check nobody lists",
    check.replace("NAME", "new-one"),
    /^checks .*:3: .*not in test\/mut/,
  ),
  module(
    "a check used twice",
    check.replace("NAME", "date-bound"),
    /^checks .*:6: .*used already at/,
  ),
  {
    what: "a check with an odd name",
    files: {
      "modules/store/bad.ts": check.replace("NAME", "Odd"),
      "test/mutants.txt": `${mutants}Odd\ttest/unit/store.test.ts\tis read\n`,
    },
    report: /^checks modules\/store\/bad.ts:2: check Odd: names are lower case/,
  },
  {
    what: "a check that cannot be deleted",
    files: {
      "modules/store/bad.ts": "export function f(a: number) {\n  if (a) { // check: part\n  }\n}\n",
      "test/mutants.txt": `${mutants}part\ttest/unit/store.test.ts\tis read\n`,
    },
    report: /^checks modules\/store\/bad.ts:2: without this line of check part the file does not/,
  },
  {
    what: "a check in C nobody lists",
    files: { "platforms/native/bad.c": "int f(int a)\n{\n  if (a) return 1; // check: in-c\n}\n" },
    report: /^checks platforms\/native\/bad.c:3: check in-c is not in test\/mutants.txt/,
  },
  {
    what: "a check in C that is no statement",
    files: {
      "platforms/native/bad.c": "int f(int a)\n{\n  if (a) { // check: in-c\n  }\n}\n",
      "test/mutants.txt": `${mutants}in-c\ttest/unit/store.test.ts\tis read\n`,
    },
    report: /^checks platforms\/native\/bad.c:3: without this line of check in-c the file does not/,
  },
  {
    what: "a listed check that is gone",
    files: { "test/mutants.txt": `${mutants}gone\ttest/unit/store.test.ts\tis read\n` },
    report: /^checks test\/mutants.txt:4: no line ends in \/\/ check: gone/,
  },
  {
    what: "a listed suite that is gone",
    files: { "test/mutants.txt": mutants.replace("store.test.ts", "gone.test.ts") },
    report: /^checks test\/mutants.txt:2: date-bound: there is no suite test\/unit\/gone.test.ts/,
  },
  {
    what: "a listing with blanks for tabs",
    files: { "test/mutants.txt": `${mutants}some check\n` },
    report: /^checks test\/mutants.txt:4: a line is NAME, suite file and exact test name/,
  },
  {
    what: "a Drop reason without a test",
    files: { "test/mutants.txt": mutants.replace(/drop:.*\n/, "") },
    report: /^checks test\/mutants.txt:0: no line drop:malformed; add one/,
  },
  {
    what: "a reason that does not exist",
    files: { "test/mutants.txt": `${mutants}drop:tired\ttest/unit/store.test.ts\tis read\n` },
    report: /^checks test\/mutants.txt:4: tired is no Drop reason/,
  },
];

for (const group of [importing, words, language, state, shape, checks]) {
  for (const { what, files, report } of group) {
    test(`finds ${what}`, () => {
      const found = findings({ ...clean, ...files });
      assert.equal(found.length, 1, `one finding, not:\n${found.join("\n")}`);
      assert.match(found[0], report);
    });
  }
}
