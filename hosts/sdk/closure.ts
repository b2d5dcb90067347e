/**
 * Which modules an image for the Moddable SDK holds: what its entry reaches by imports that are
 * still there once types are erased. mcconfig's globs do not recurse, take in what nobody reaches,
 * and its preload list takes TypeScript modules by their exact names only, without a word about
 * one that is missing; so the list is computed.
 */
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path/posix";
import ts from "typescript";
import { ROOT } from "../root.js";

/** What stands in an image for `file`: where ROM is short its twin X.small.ts, if it has one. */
export function sourceOf(file: string, isSmall: boolean, root = ROOT): string {
  const twin = file.replace(/\.ts$/, ".small.ts");
  return isSmall && file.startsWith("modules/") && existsSync(join(root, twin)) ? twin : file;
}

/**
 * Files of the repository, sorted; each can be reached from `entries`, which are in it too. With
 * `isSmall` what a file's twin reaches is reached in its place.
 */
export function closure(entries: readonly string[], root = ROOT, isSmall = false): string[] {
  const found = new Set<string>();
  const queue = [...entries];
  for (let file = queue.shift(); file !== undefined; file = queue.shift()) {
    // In an image the SDK board's file stands there (manifest.json), and what the headless host
    // reaches is not reached.
    if (found.has(file) || file === "platforms/board.ts") continue;
    found.add(file);
    queue.push(
      ...valueImports(file, readFileSync(join(root, sourceOf(file, isSmall, root)), "utf8")),
    );
  }
  return [...found].sort();
}

/** The repository's files that `text` imports when it runs; those of types alone are erased. */
export function valueImports(file: string, text: string): string[] {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.ES2022);
  const specifiers: string[] = [];
  for (const statement of source.statements) {
    const runs =
      (ts.isImportDeclaration(statement) &&
        statement.importClause?.phaseModifier !== ts.SyntaxKind.TypeKeyword) ||
      (ts.isExportDeclaration(statement) && !statement.isTypeOnly);
    if (!runs) continue;
    const { moduleSpecifier } = statement;
    if (moduleSpecifier === undefined || !ts.isStringLiteral(moduleSpecifier)) continue;
    if (moduleSpecifier.text.startsWith(".")) specifiers.push(moduleSpecifier.text);
  }
  return specifiers.map((specifier) => join(dirname(file), specifier.replace(/\.js$/, ".ts")));
}
