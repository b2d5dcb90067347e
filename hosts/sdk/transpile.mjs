/**
 * Stands in for tsc when our programs build with the Moddable SDK (hosts/sdk/sdk.ts puts it in
 * front of $PATH). mcconfig runs `tsc -p X-tsconfig.json` once a module; loading tsc a hundred
 * times over takes a minute of two cores. This does all modules of a build at its first call, with
 * the same TypeScript and the same options, and has nothing to do at the others. Types are erased,
 * not checked: that is `npm run typecheck`, for all of them at once; mcconfig run by hand takes the
 * real tsc, and manifest.json tells that one to erase only, too.
 */
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";

/** Longer than a build of all modules takes on a machine with other work. */
const LOCK_SECONDS_MAX = 120;

const [flag, config] = process.argv.slice(2);
if (flag !== "-p" || config === undefined) fail("only -p X-tsconfig.json is understood here");

const wanted = job(config);
const modules = dirname(wanted.base);
const lock = join(modules, ".transpiling");
const began = Date.now();
while (!isFresh(wanted)) {
  if (take(lock)) {
    try {
      await transpileAll();
    } finally {
      rmdirSync(lock);
    }
  } else if (Date.now() - began > LOCK_SECONDS_MAX * 1000) {
    fail(`${lock} is in the way: remove it when no build runs`);
  } else {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** What mcconfig wants of one tsconfig: a source, and where its JavaScript goes. */
function job(path) {
  const { extends: base, compilerOptions, files } = JSON.parse(readFileSync(path, "utf8"));
  const [source] = files;
  return { base, source, out: compilerOptions.outDir + source.replace(/\.ts$/, ".js") };
}

function isFresh({ base, source, out }) {
  if (!existsSync(out)) return false;
  const made = statSync(out).mtimeMs;
  return [base, source].every((path) => statSync(path).mtimeMs <= made);
}

function take(path) {
  try {
    mkdirSync(path);
    return true;
  } catch (error) {
    if (error.code === "EEXIST") return false;
    throw error;
  }
}

async function transpileAll() {
  const names = readdirSync(modules, { recursive: true });
  const configs = names.filter((name) => name.endsWith("-tsconfig.json"));
  const stale = configs.map((name) => job(join(modules, name))).filter((item) => !isFresh(item));
  if (stale.length === 0) return;
  const { default: ts } = await import("typescript");
  const options = optionsOf(ts, stale[0].base);
  for (const item of stale) transpile(ts, options, item);
}

function optionsOf(ts, base) {
  const { compilerOptions } = JSON.parse(readFileSync(base, "utf8"));
  const { options, errors } = ts.convertCompilerOptionsFromJson(compilerOptions, dirname(base));
  if (errors.length > 0) fail(ts.flattenDiagnosticMessageText(errors[0].messageText, "\n"));
  return options;
}

function transpile(ts, compilerOptions, { source, out }) {
  const { outputText, sourceMapText, diagnostics } = ts.transpileModule(
    readFileSync(source, "utf8"),
    { compilerOptions, fileName: source, reportDiagnostics: true },
  );
  for (const { start, file, messageText } of diagnostics) {
    const line = file === undefined ? 0 : file.getLineAndCharacterOfPosition(start).line + 1;
    fail(`${source}:${line}: ${ts.flattenDiagnosticMessageText(messageText, "\n")}`);
  }
  mkdirSync(dirname(out), { recursive: true });
  if (sourceMapText !== undefined) writeFileSync(`${out}.map`, sourceMapText);
  writeFileSync(out, outputText);
}

function fail(message) {
  throw new Error(message);
}
