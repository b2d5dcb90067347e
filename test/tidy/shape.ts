import ts from "typescript";
import { functionsOf, scanC } from "./c.js";
import { ceilings, commentCharacters, folders, imports, topLevel, unfinished } from "./rules.js";
import {
  type Comment,
  commentsOf,
  type Finding,
  isC,
  isScript,
  lineOf,
  type Tree,
  walk,
} from "./tree.js";

/** How long files, functions and lines may be. */
export function checkCeilings(tree: Tree): Finding[] {
  return tree.files
    .filter((file) => isScript(file) || isC(file))
    .flatMap((file) => {
      const lines = tree.text(file).split("\n");
      const found: Finding[] = [];
      const count = lines.at(-1) === "" ? lines.length - 1 : lines.length;
      if (count > ceilings.fileLines) {
        const message = `${count} lines; the ceiling is ${ceilings.fileLines}: split the file`;
        found.push({ file, line: 0, message });
      }
      lines.forEach((text, index) => {
        // Columns are characters, not UTF-16 units or bytes.
        const columns = [...text].length;
        if (columns <= ceilings.columns) return;
        const message = `${columns} columns; the ceiling is ${ceilings.columns}: break the line`;
        found.push({ file, line: index + 1, message });
      });
      const tooLong = functionLengths(tree, file).filter(
        (one) => one.lines > ceilings.functionLines,
      );
      for (const { name, line, lines: length } of tooLong) {
        const ceiling = `the ceiling is ${ceilings.functionLines}: split it`;
        const message = `${name} has ${length} lines; ${ceiling}`;
        found.push({ file, line, message });
      }
      return found;
    });
}

function functionLengths(tree: Tree, file: string) {
  if (isC(file)) return functionsOf(scanC(tree.text(file)).code);
  const source = tree.source(file);
  const found: { name: string; line: number; lines: number }[] = [];
  walk(source, (node) => {
    if (!ts.isFunctionLike(node) || !("body" in node) || node.body === undefined) return;
    const line = lineOf(source, node);
    const last = source.getLineAndCharacterOfPosition(node.getEnd()).line + 1;
    const name = node.name?.getText(source) ?? "the function";
    found.push({ name, line, lines: last - line + 1 });
  });
  return found;
}

/** Only known names at the top of the repository and of its parts: everything has its place. */
export function checkPlaces(tree: Tree): Finding[] {
  const known: Readonly<Record<string, readonly string[]>> = {
    ...folders,
    modules: Object.keys(imports),
  };
  const found = new Map<string, Finding>();
  for (const file of tree.files) {
    const [top, folder, ...rest] = file.split("/");
    if (!topLevel.includes(top)) {
      const message = `${top} does not belong at the top; see topLevel in test/tidy/rules.ts`;
      found.set(top, { file, line: 0, message });
    } else if (rest.length > 0 && known[top] !== undefined && !known[top].includes(folder)) {
      const table = top === "modules" ? "imports" : "folders";
      const message = `${top}/${folder} is no known folder; see ${table} in test/tidy/rules.ts`;
      found.set(`${top}/${folder}`, { file, line: 0, message });
    } else if (top === "modules" && rest.length === 0) {
      found.set(file, { file, line: 0, message: "files of modules/ lie in one of its folders" });
    }
  }
  return [...found.values()];
}

/** Plain characters; in comments also those the standards' notation needs. */
export function checkCharacters(tree: Tree): Finding[] {
  const files = tree.files.filter((file) => {
    const inside = /^(modules|platforms)\//.test(file) || file === "main.ts";
    return inside && (isScript(file) || isC(file));
  });
  const allowed = new Set(commentCharacters);
  return files.flatMap((file) => {
    const found: Finding[] = [];
    const comments = commentsIn(tree, file);
    tree
      .text(file)
      .split("\n")
      .forEach((text, index) => {
        for (const character of text) {
          if (character >= " " && character <= "~") continue;
          const commented = allowed.has(character) && isCommented(comments, index + 1, character);
          if (commented || (character === "\t" && isC(file))) continue;
          const code = (character.codePointAt(0) as number).toString(16).padStart(4, "0");
          const message = `U+${code.toUpperCase()} is not plain ASCII; in code write an escape`;
          found.push({ file, line: index + 1, message });
          break;
        }
      });
    return found;
  });
}

function isCommented(comments: readonly Comment[], line: number, character: string): boolean {
  return comments.some(({ line: first, text }) => {
    const own = text.split("\n")[line - first];
    return own?.includes(character) ?? false;
  });
}

/** A note that something is unfinished names the issue where it is not forgotten. */
export function checkUnfinished(tree: Tree): Finding[] {
  return tree.files
    .filter((file) => isScript(file) || isC(file))
    .flatMap((file) =>
      commentsIn(tree, file).flatMap(({ line, text }) =>
        text.split("\n").flatMap((part, index) => {
          const word = unfinished.exec(part)?.[1];
          if (word === undefined) return [];
          const message = `${word} without an issue: write ${word} #NUMBER, or do it now`;
          return [{ file, line: line + index, message }];
        }),
      ),
    );
}

function commentsIn(tree: Tree, file: string): readonly Comment[] {
  return isC(file) ? scanC(tree.text(file)).comments : commentsOf(tree.source(file));
}
