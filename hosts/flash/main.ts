/**
 * `npm run flash`: one device's firmware onto its board.
 *
 * The problem: mcconfig takes platform, role, pins and credentials as free text, builds for
 * minutes, and the board tells what was wrong when it hangs under the ceiling. Rejected: flashing
 * ourselves (esptool, west), which is the SDK's work, and a wizard. Chosen: check everything that
 * can be checked here, with the words the board would use; then show the mcconfig line and run it,
 * so that whoever wants can run it himself.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { InstallationError } from "../installation/parse.js";
import { ROOT } from "../root.js";
import { findSdk, SdkProblem } from "../sdk/sdk.js";
import { tools } from "../tools.js";
import { type FlashOptions, HELP, parseOptions, UsageError } from "./options.js";
import { FlashProblem, type Plan, planOf, quoted } from "./plan.js";

function main(): number {
  const options = parseOptions(process.argv.slice(2));
  if (options === undefined) {
    process.stdout.write(HELP);
    return 0;
  }
  const plan = planOf(options);
  for (const note of plan.notes) console.error(note);
  if (options.dryRun) {
    const first = plan.blob === undefined ? "" : `${plan.blobFile} would be written first, and `;
    console.error(`--dry-run: ${first}this run:`);
    console.log(lineOf(plan, []));
    return 0;
  }
  const env = environment(options, plan);
  if (plan.blob !== undefined) {
    mkdirSync(dirname(plan.blobFile), { recursive: true });
    writeFileSync(plan.blobFile, plan.blob, { mode: 0o600 });
  }
  console.log(lineOf(plan, plan.secrets));
  const run = spawnSync("mcconfig", plan.args, {
    cwd: ROOT,
    env,
    stdio: "inherit",
  });
  if (run.error !== undefined) throw new FlashProblem(`mcconfig: ${run.error.message}`);
  return run.status === 0 ? 0 : 1;
}

/** What mcconfig runs with; everything it needs is there. */
function environment(options: FlashOptions, plan: Plan): NodeJS.ProcessEnv {
  const sdk = findSdk();
  for (const name of options.target.needs) {
    const { find, mend } = tools[name];
    if (find() === undefined) throw new SdkProblem(`${name}: not there. To get it:\n  ${mend}`);
  }
  if (options.port !== undefined && !existsSync(options.port)) {
    throw new FlashProblem(`--port: there is no ${options.port}; npm run doctor lists the ports`);
  }
  return { ...sdk.env, ...Object.fromEntries(plan.env) };
}

/** To be pasted into a shell, in the repository's folder; `hidden` arguments lose their values. */
function lineOf({ env, args }: Plan, hidden: readonly string[]): string {
  const shown = args.map((arg) => (hidden.includes(arg) ? arg.replace(/=.*/s, "=...") : arg));
  const before = [...env].map(([name, value]) => `${name}=${quoted(value)}`);
  const path = `PATH=${quoted(join(ROOT, "node_modules/.bin"))}:"$PATH"`;
  return [path, ...before, "mcconfig", ...shown.map(quoted)].join(" ");
}

try {
  process.exitCode = main();
} catch (error) {
  const known =
    error instanceof UsageError ||
    error instanceof FlashProblem ||
    error instanceof SdkProblem ||
    error instanceof InstallationError;
  console.error(known ? error.message : error);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}
