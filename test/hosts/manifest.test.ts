import { equal, ok } from "node:assert/strict";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path/posix";
import { test } from "node:test";
import { ROOT } from "../../hosts/root.js";
import { closure, sourceOf, valueImports } from "../../hosts/sdk/closure.js";
import { LIST, moduleList, SMALL_LIST } from "../../hosts/sdk/modules.js";

interface Manifest {
  readonly include?: string | readonly string[];
  readonly modules?: Readonly<Record<string, string | readonly string[]>>;
  readonly preload?: readonly string[];
  readonly platforms?: Readonly<Record<string, Manifest & { readonly error?: string }>>;
}

function read(path: string): Manifest {
  return JSON.parse(readFileSync(join(ROOT, path), "utf8")) as Manifest;
}

function listOf<T>(value: T | readonly T[] | undefined): readonly T[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? value : [value as T];
}

/** Of a manifest and what it includes of ours: TypeScript modules by name, and the preload list. */
function gather(path: string): { modules: Map<string, string>; preload: Set<string> } {
  const manifest = read(path);
  const modules = new Map<string, string>();
  const preload = new Set(manifest.preload ?? []);
  for (const included of listOf(manifest.include)) {
    if (included.startsWith("$") || included.includes("$(")) continue;
    const inner = gather(join(dirname(path), included));
    for (const [name, source] of inner.modules) modules.set(name, source);
    for (const name of inner.preload) preload.add(name);
  }
  for (const [target, sources] of Object.entries(manifest.modules ?? {})) {
    if (target === "~") continue;
    for (const source of listOf(sources)) {
      const file = `${join(dirname(path), source)}.ts`;
      const name = target.replace("*", source.slice(source.lastIndexOf("/") + 1));
      // C files stand under "*" without a module's name; main alone is both.
      if (target !== "*" || name === "main") modules.set(name, file);
    }
  }
  return { modules, preload };
}

const boards = { simulator: "lin", esp32: "esp32", nrf52840: "zephyr/nrf52840dk" };

test("the lists of portable modules are what main.ts reaches", () => {
  const mend = "run: npm run build node && node build/node/hosts/sdk/modules.js --write";
  equal(readFileSync(join(ROOT, LIST), "utf8"), moduleList(), mend);
  equal(readFileSync(join(ROOT, SMALL_LIST), "utf8"), moduleList(ROOT, true), mend);
});

for (const [board, platform] of Object.entries(boards)) {
  test(`an image for ${platform} holds what it reaches, and preloads all of it`, () => {
    const top = gather("manifest.json");
    const include = read("manifest.json").platforms?.[platform]?.include;
    equal(include, `./platforms/${board}/manifest.json`);
    const own = gather(`platforms/${board}/manifest.json`);
    const modules = new Map([...top.modules, ...own.modules]);
    const preload = new Set([...top.preload, ...own.preload]);
    const isSmall = board === "nrf52840";
    const reached = closure(["main.ts", `platforms/board.${board}.ts`], ROOT, isSmall);
    const files = reached.map((file) => sourceOf(file, isSmall)).sort();
    const listed = [...modules.values()];
    equal([...new Set(listed)].sort().join("\n"), files.join("\n"));
    equal([...preload].sort().join("\n"), [...modules.keys()].sort().join("\n"));
  });
}

test("a platform that is not named is a build error that names those there are", () => {
  const { platforms } = read("manifest.json");
  const error = platforms?.["..."]?.error ?? "";
  for (const name of Object.keys(platforms ?? {})) if (name !== "...") ok(error.includes(name));
});

test("imports of types alone are no reason to be in an image", () => {
  const text = [
    'import type { A } from "./a.js";',
    'import { type B } from "./b.js";',
    'export type { C } from "../c/c.js";',
    'export { d } from "../d/d.js";',
    'import "timer";',
  ];
  equal(valueImports("modules/x/x.ts", text.join("\n")).join(), "modules/x/b.ts,modules/d/d.ts");
});
