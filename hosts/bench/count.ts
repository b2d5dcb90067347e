/** Runs the bench's byte code on a headless host, plain or under callgrind. */
import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../root.js";
import type { Only, Setup } from "./path.js";

export const HOST = join(ROOT, "build/headless/release/lumicast");
const WORK = join(ROOT, "build/bench");
/** Messages a callgrind run handles; small, for each is run under simulation. */
const COUNTED = 100;
/** The same of what takes far longer than a message. */
const COUNTED_OF: { readonly [what in Only]?: number } = { firstBoot: 4, boot: 4, gc: 20 };

export async function compileForXs(
  setup: Setup,
  samples: number,
  only?: Only,
  prepareOnly = false,
): Promise<string> {
  mkdirSync(WORK, { recursive: true });
  const { bundleText } = await import(join(ROOT, "hosts/bundle.mjs"));
  const name = join(WORK, `${only ?? "all"}${prepareOnly ? "-prepared" : ""}`);
  const wish = [setup, samples, only, prepareOnly]
    .map((one) => JSON.stringify(one) ?? "undefined")
    .join(", ");
  await bundleText(
    `${name}.js`,
    `import { run } from ${JSON.stringify(join(ROOT, "hosts/bench/xs.ts"))};
export default function () { return run(${wish}); }
`,
  );
  command(HOST, ["compile", `${name}.js`, `${name}.xsb`]);
  return `${name}.xsb`;
}

/** x86 instructions a message of each kind, on `host`; or a boot, or a collection. */
export async function instructionCounts(
  host: string,
  paths: readonly Only[],
  setup: Setup,
): Promise<Map<Only, number>> {
  const counts = new Map<Only, number>();
  for (const only of paths) {
    const count = COUNTED_OF[only] ?? COUNTED;
    const used = collected(host, await compileForXs(setup, count, only));
    const prepared = collected(host, await compileForXs(setup, count, only, true));
    counts.set(only, Math.round((used - prepared) / count));
  }
  return counts;
}

/** x86 instructions of a run in test mode; or only those inside the function `within`. */
export function collected(host: string, image: string, within?: string): number {
  const callgrind = ["--tool=callgrind", "--callgrind-out-file=/dev/null"];
  if (within !== undefined) callgrind.push(`--toggle-collect=${within}`);
  const { stderr } = command("valgrind", [...callgrind, host, "test", image]);
  const found = /Collected\s*:\s*(\d+)/.exec(stderr);
  if (found === null) throw new Error(`callgrind said nothing of ${image}:\n${stderr}`);
  return Number(found[1]);
}

export function command(file: string, args: string[]): { stdout: string; stderr: string } {
  const done = spawnSync(file, args, { encoding: "utf8", maxBuffer: 1 << 26 });
  if (done.error !== undefined || done.status !== 0) {
    throw new Error(`${file} ${args.join(" ")}: ${done.error?.message ?? `exit ${done.status}`}
${done.stderr}${done.stdout}`);
  }
  return done;
}
