/**
 * The repository's folder, found from wherever the compiled file lies (build/node/hosts, or hosts).
 */
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = findRoot(dirname(fileURLToPath(import.meta.url)));

function findRoot(folder: string): string {
  if (existsSync(join(folder, "package.json")) && existsSync(join(folder, "modules")))
    return folder;
  const parent = dirname(folder);
  if (parent === folder)
    throw new Error("this program must run from inside the Lumicast repository");
  return findRoot(parent);
}
