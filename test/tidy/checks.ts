import ts from "typescript";
import { checkMark, checkName } from "./rules.js";
import { type Finding, isC, isScript, type Tree, walk } from "./tree.js";

/** A `// check: NAME` line, or a line of test/mutants.txt. */
export interface Check {
  readonly name: string;
  readonly file: string;
  readonly line: number;
}

export interface Mutant extends Check {
  /** The suite and the exact name of the test that fails without the check. */
  readonly suite: string;
  readonly test: string;
}

const listing = "test/mutants.txt";

/**
 * Every security check stands on one deletable line and has a test that notices when it is gone.
 */
export function checkChecks(tree: Tree): Finding[] {
  const checks = findChecks(tree);
  const { mutants, findings } = readMutants(tree);
  return [
    ...findings,
    ...duplicates([...checks], (first) => `used already at ${first.file}:${first.line}`),
    ...duplicates(mutants, (first) => `listed already in line ${first.line}`),
    ...checks.flatMap((check) => whyBadCheck(tree, check, mutants)),
    ...mutants.flatMap((mutant) => whyBadMutant(tree, mutant, checks)),
    ...missingDrops(tree, mutants),
  ];
}

/** The marked lines of modules/ and platforms/, C included. */
export function findChecks(tree: Tree): Check[] {
  const files = tree.files.filter(
    (file) => (isScript(file) || isC(file)) && /^(modules|platforms)\//.test(file),
  );
  return files.flatMap((file) =>
    tree
      .text(file)
      .split("\n")
      .flatMap((text, index) => {
        const name = checkMark.exec(text)?.[1];
        return name === undefined ? [] : [{ name, file, line: index + 1 }];
      }),
  );
}

/** NAME, or drop:REASON, then the suite and the test's exact name, with tabs between. */
export function readMutants(tree: Tree): { mutants: Mutant[]; findings: Finding[] } {
  const mutants: Mutant[] = [];
  const findings: Finding[] = [];
  if (!tree.files.includes(listing)) return { mutants, findings };
  tree
    .text(listing)
    .split("\n")
    .forEach((text, index) => {
      if (text.trim() === "" || text.startsWith("#")) return;
      const [name, suite, test, ...more] = text.split("\t");
      const at = { file: listing, line: index + 1 };
      if (test === undefined || more.length > 0) {
        const message = "a line is NAME, suite file and exact test name, with one tab between";
        findings.push({ ...at, message });
      } else mutants.push({ ...at, name, suite, test });
    });
  return { mutants, findings };
}

/** A drop reason may have several tests; a check has exactly one line. */
function duplicates(items: Check[], say: (first: Check) => string): Finding[] {
  const seen = new Map<string, Check>();
  return items.flatMap((item) => {
    const first = seen.get(item.name);
    if (item.name.startsWith("drop:")) return [];
    if (first === undefined) {
      seen.set(item.name, item);
      return [];
    }
    const message = `check ${item.name} is ${say(first)}; give it a name of its own`;
    return [{ file: item.file, line: item.line, message }];
  });
}

function whyBadCheck(tree: Tree, check: Check, mutants: readonly Mutant[]): Finding[] {
  const messages: string[] = [];
  if (!checkName.test(check.name)) {
    messages.push(`check ${check.name}: names are lower case with hyphens`);
  }
  if (!isDeletable(tree, check)) {
    const how = "shorten it to one line, or name its condition in a line before";
    messages.push(`without this line of check ${check.name} the file does not parse: ${how}`);
  }
  if (!mutants.some(({ name }) => name === check.name)) {
    messages.push(`check ${check.name} is not in ${listing}; add it with the test that needs it`);
  }
  return messages.map((message) => ({ file: check.file, line: check.line, message }));
}

/**
 * Whether the line holds code, and the file without it still parses: what the mutants runner does.
 */
function isDeletable(tree: Tree, { file, line }: Check): boolean {
  const lines = tree.text(file).split("\n");
  const [code] = lines.splice(line - 1, 1);
  if (/^\s*\/\//.test(code)) return false;
  if (isC(file)) return isStatement(code);
  const options = { reportDiagnostics: true, compilerOptions: { target: ts.ScriptTarget.ES2022 } };
  return ts.transpileModule(lines.join("\n"), options).diagnostics?.length === 0;
}

/** C has no parser here: a line is deletable that is one whole statement. */
function isStatement(code: string): boolean {
  const text = code.replace(checkMark, "").trim();
  const opened = text.split(/[({]/).length;
  return text.endsWith(";") && opened === text.split(/[)}]/).length && !text.startsWith("}");
}

function whyBadMutant(tree: Tree, mutant: Mutant, checks: readonly Check[]): Finding[] {
  const messages: string[] = [];
  if (!tree.files.includes(mutant.suite)) {
    messages.push(`${mutant.name}: there is no suite ${mutant.suite}`);
  }
  const drop = mutant.name.startsWith("drop:") ? mutant.name.slice(5) : undefined;
  if (drop !== undefined) {
    if (!dropReasons(tree).includes(drop)) messages.push(`${drop} is no Drop reason`);
  } else if (!checks.some(({ name }) => name === mutant.name)) {
    messages.push(`no line ends in // check: ${mutant.name}; delete this line or mark the check`);
  }
  return messages.map((message) => ({ file: mutant.file, line: mutant.line, message }));
}

const outcome = "modules/bytes/outcome.ts";

/** The closed list of reasons, read from its source. */
export function dropReasons(tree: Tree): string[] {
  if (!tree.files.includes(outcome)) return [];
  const found: string[] = [];
  walk(tree.source(outcome), (node) => {
    if (!ts.isVariableDeclaration(node) || node.name.getText() !== "DROPS") return;
    walk(node, (inner) => {
      if (ts.isStringLiteral(inner)) found.push(inner.text);
    });
  });
  return found;
}

function missingDrops(tree: Tree, mutants: readonly Mutant[]): Finding[] {
  const listed = new Set(mutants.map(({ name }) => name));
  const missing = dropReasons(tree).filter((reason) => !listed.has(`drop:${reason}`));
  return missing.map((reason) => ({
    file: listing,
    line: 0,
    message: `no line drop:${reason}; add one with a test that brings this reason about`,
  }));
}
