/**
 * npm run vectors -- DIR [--profile NAME] [--json]
 *
 * Checks every vectors file in DIR on Node and on headless XS. Exit 1 on any mismatch; 3 when a
 * file's profile has no implementation here, which is never counted as passed; 2 on wrong usage.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { ROOT } from "../../hosts/root.js";
import { checkFile, type Report } from "./check.js";
import type { VectorFile } from "./format.js";

interface Row {
  readonly file: string;
  readonly engine: "node" | "xs";
  readonly report: Report;
}

const HOST = join(ROOT, "build/headless/release/lumicast");
const USAGE = `usage: npm run vectors -- [DIR] [--profile NAME] [--json]
  DIR             folder with vectors files (test/vectors)
  --profile NAME  only the files of this profile
  --json          one JSON object instead of the table
exit: 0 all passed, 1 a mismatch, 2 usage, 3 a profile is not implemented`;

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      profile: { type: "string" },
      json: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) {
    console.log(USAGE);
    return 0;
  }
  const directory = resolve(positionals[0] ?? join(ROOT, "test/vectors"));
  if (positionals.length > 1 || !existsSync(directory) || !statSync(directory).isDirectory()) {
    throw new UsageError(`${directory} is not a folder`);
  }
  const files = vectorFiles(directory, values.profile);
  if (files.length === 0) throw new UsageError(`no vectors file in ${directory}`);
  const rows: Row[] = [];
  for (const { path, file } of files) {
    rows.push({ file: path, engine: "node", report: checkFile(file) });
    rows.push({ file: path, engine: "xs", report: await checkOnXs(path, file) });
  }
  if (values.json) console.log(JSON.stringify(summary(rows), null, 2));
  else print(rows);
  if (rows.some(({ report }) => report.mismatches.length > 0)) return 1;
  return rows.some(({ report }) => report.missing) ? 3 : 0;
}

class UsageError extends Error {}

function vectorFiles(directory: string, profile: string | undefined) {
  return readdirSync(directory)
    .filter((name) => name.endsWith(".json"))
    .map((name) => {
      const path = join(directory, name);
      try {
        return { path, file: JSON.parse(readFileSync(path, "utf8")) as VectorFile };
      } catch (error) {
        throw new UsageError(`${path}: ${(error as Error).message}`);
      }
    })
    .filter(({ file }) => Array.isArray(file.cases) && typeof file.profile === "string")
    .filter(({ file }) => profile === undefined || file.profile === profile);
}

/** Bundles the checker with the file's text, compiles it to byte code and runs it on the C host. */
async function checkOnXs(path: string, file: VectorFile): Promise<Report> {
  const { bundleText } = await import(join(ROOT, "hosts/bundle.mjs"));
  const work = join(ROOT, "build/vectors");
  mkdirSync(work, { recursive: true });
  const name = join(work, file.profile);
  const check = JSON.stringify(join(ROOT, "test/vectors/check.ts"));
  const contents = `import { checkFile } from ${check};
const text = ${JSON.stringify(pieces(JSON.stringify(file)))}.join("");
export default function () {
  print(JSON.stringify(checkFile(JSON.parse(text))));
  return 0;
}
`;
  await bundleText(`${name}.js`, contents);
  run(["compile", `${name}.js`, `${name}.xsb`], path);
  const output = run(["test", `${name}.xsb`], path);
  writeFileSync(`${name}.out`, output);
  return JSON.parse(output.trim().split("\n").at(-1) as string) as Report;
}

/** XS' compiler takes literals up to a size. */
function pieces(text: string): string[] {
  return text.match(/[\s\S]{1,8192}/g) ?? [];
}

function run(args: string[], path: string): string {
  const { status, stdout, stderr, error } = spawnSync(HOST, args, {
    encoding: "utf8",
    maxBuffer: 1 << 26,
  });
  if (error !== undefined || status !== 0) {
    throw new Error(`${path} on XS: ${error?.message ?? `exit ${status}`}\n${stderr}${stdout}`);
  }
  return stdout;
}

function summary(rows: readonly Row[]) {
  return {
    results: rows.map(({ file, engine, report }) => ({ file, engine, ...report })),
    passed: rows.every(({ report }) => !report.missing && report.mismatches.length === 0),
  };
}

function print(rows: readonly Row[]): void {
  console.log("profile               engine  positive  negative  mismatches");
  for (const { engine, report } of rows) {
    const name = report.profile.padEnd(20);
    if (report.missing) {
      console.log(`${name}  ${engine.padEnd(6)}  not implemented here: nothing was checked`);
      continue;
    }
    const counts = [report.positive, report.negative, report.mismatches.length];
    const columns = counts.map((count) => String(count).padStart(8)).join("  ");
    console.log(`${name}  ${engine.padEnd(6)}${columns}`);
    for (const mismatch of report.mismatches) console.log(`  ${mismatch}`);
  }
}

main().then(
  (code) => {
    process.exitCode = code;
  },
  (error) => {
    console.error(error instanceof UsageError ? `${error.message}\n${USAGE}` : error);
    process.exitCode = error instanceof UsageError ? 2 : 1;
  },
);
