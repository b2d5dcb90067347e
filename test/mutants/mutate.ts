/**
 * Makes a suite with one line of the sources missing, without touching the tree: esbuild bundles
 * the suite and reads the file through `without`.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { build, type Plugin } from "esbuild";

/** The line to leave out; lines count from 1. */
export interface Cut {
  readonly file: string;
  readonly line: number;
}

export interface Bundling {
  /** The repository. */
  readonly root: string;
  readonly suite: string;
  readonly outfile: string;
  readonly cut: Cut | undefined;
}

/** Bundles a unit suite for Node, with the harness that XS has: it can run one test by name. */
export async function bundle({ root, suite, outfile, cut }: Bundling): Promise<void> {
  const harness = join(root, "test/harness.xs.ts");
  const contents = [
    `import ${JSON.stringify(join(root, suite))};`,
    `import { finish } from ${JSON.stringify(harness)};`,
    "globalThis.print = (text) => process.stdout.write(text + '\\n');",
    "process.exitCode = finish(process.argv[2]) > 0 ? 1 : 0;",
  ].join("\n");
  await build({
    stdin: { contents, resolveDir: root, sourcefile: "mutant.js", loader: "js" },
    outfile,
    absWorkingDir: root,
    bundle: true,
    format: "esm",
    platform: "node",
    packages: "external",
    target: "es2022",
    logLevel: "silent",
    plugins: [swapHarness(harness), ...(cut === undefined ? [] : [leaveOut(root, cut)])],
  });
}

/**
 * A text without its line number `line`; the line itself stays, empty, so that others keep theirs.
 */
export function without(text: string, line: number): string {
  const lines = text.split("\n");
  lines[line - 1] = "";
  return lines.join("\n");
}

function swapHarness(path: string): Plugin {
  return {
    name: "swap-harness",
    setup: (build) => build.onResolve({ filter: /\/harness\.js$/ }, () => ({ path })),
  };
}

function leaveOut(root: string, { file, line }: Cut): Plugin {
  const path = join(root, file);
  const filter = new RegExp(`^${path.replace(/[^\w/-]/g, "\\$&")}$`);
  const load = () => ({
    contents: without(readFileSync(path, "utf8"), line),
    loader: "ts" as const,
  });
  return { name: "leave-out", setup: (build) => build.onLoad({ filter }, load) };
}
