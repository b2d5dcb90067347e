/**
 * The lists of portable modules for mcconfig, platforms/moddable/manifest_modules.json with every
 * scheme, and manifest_modules_small.json for boards where flash is short (nRF52840 beside
 * OpenThread): `lowlatency` alone, twins in place of what has any (hosts/bundle.mjs).
 *
 *   node build/node/hosts/sdk/modules.js --write      after a module came, went or was renamed
 *
 * test/hosts/manifest.test.ts fails while a list is not what this program would write.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { ROOT } from "../root.js";
import { closure, sourceOf } from "./closure.js";

export const LIST = "platforms/moddable/manifest_modules.json";
export const SMALL_LIST = "platforms/moddable/manifest_modules_small.json";

/** The text of a list: what main.ts reaches in modules/, folder by folder, all preloaded. */
export function moduleList(root = ROOT, isSmall = false): string {
  const files = closure(["main.ts"], root, isSmall).filter((file) => file.startsWith("modules/"));
  const names = files.map((file) => file.replace(/\.ts$/, ""));
  const folders = new Map<string, string[]>();
  const twins = new Map<string, string>();
  for (const file of files) {
    const name = file.replace(/\.ts$/, "");
    const source = `../../${sourceOf(file, isSmall, root).replace(/\.ts$/, "")}`;
    const folder = `${name.slice(0, name.lastIndexOf("/"))}/*`;
    if (source !== `../../${name}`) twins.set(name, source);
    else folders.set(folder, [...(folders.get(folder) ?? []), source]);
  }
  const modules = { ...Object.fromEntries(folders), ...Object.fromEntries(twins) };
  const list = { modules, preload: names };
  return `${formatted(list)}\n`;
}

/** JSON as the house's formatter has it: an array that fits stands on one line. */
function formatted(list: object): string {
  return JSON.stringify(list, undefined, 2).replace(
    /^( *"[^"]+": )\[([^\]]*)\]/gm,
    (all, key: string, members: string) => {
      const line = `${key}[${members.trim().replace(/,\s+/g, ", ")}]`;
      return line.length <= 100 - 1 ? line : all;
    },
  );
}

/** Brings both lists up to date; true when one was not. */
export function writeModuleList(root = ROOT): boolean {
  const isNew = (list: string, text: string) => {
    const path = join(root, list);
    if (existsSync(path) && readFileSync(path, "utf8") === text) return false;
    writeFileSync(path, text);
    return true;
  };
  const isLarge = isNew(LIST, moduleList(root));
  return isNew(SMALL_LIST, moduleList(root, true)) || isLarge;
}

if (basename(process.argv[1] ?? "") === basename(fileURLToPath(import.meta.url))) {
  if (process.argv[2] === "--write") writeModuleList();
  else process.stdout.write(moduleList());
}
