/**
 * The list of portable modules for mcconfig, platforms/moddable/manifest_modules.json.
 *
 *   node build/node/hosts/sdk/modules.js --write      after a module came, went or was renamed
 *
 * test/sdk/manifest.test.ts fails while the list is not what this program would write.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { ROOT } from "../root.js";
import { closure } from "./closure.js";

export const LIST = "platforms/moddable/manifest_modules.json";

/** The text of the list: what main.ts reaches in modules/, folder by folder, all preloaded. */
export function moduleList(root = ROOT): string {
  const names = closure(["main.ts"], root)
    .filter((file) => file.startsWith("modules/"))
    .map((file) => file.replace(/\.ts$/, ""));
  const folders = new Map<string, string[]>();
  for (const name of names) {
    const folder = `${name.slice(0, name.lastIndexOf("/"))}/*`;
    folders.set(folder, [...(folders.get(folder) ?? []), `../../${name}`]);
  }
  const list = { modules: Object.fromEntries(folders), preload: names };
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

/** Brings the list up to date; true when it was not. */
export function writeModuleList(root = ROOT): boolean {
  const text = moduleList(root);
  const path = join(root, LIST);
  if (readFileSync(path, "utf8") === text) return false;
  writeFileSync(path, text);
  return true;
}

if (basename(process.argv[1] ?? "") === basename(fileURLToPath(import.meta.url))) {
  if (process.argv[2] === "--write") writeModuleList();
  else process.stdout.write(moduleList());
}
