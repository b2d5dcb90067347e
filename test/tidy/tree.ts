import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import { ignored, ignoredEndings } from "./rules.js";

/** What is wrong where, and what to do instead. Lines count from 1; 0 stands for the whole file. */
export interface Finding {
  readonly file: string;
  readonly line: number;
  readonly message: string;
}

/** A repository to look at: the real one, or one a test has planted. */
export interface Tree {
  readonly root: string;
  /** Every file not ignored, with `/` and relative to the root, sorted. */
  readonly files: readonly string[];
  text(file: string): string;
  /** For .ts, .tsx and .mjs files; parsed once. */
  source(file: string): ts.SourceFile;
}

export function readTree(root: string): Tree {
  const texts = new Map<string, string>();
  const sources = new Map<string, ts.SourceFile>();
  const text = (file: string) => memo(texts, file, () => readFileSync(join(root, file), "utf8"));
  const parse = (file: string) =>
    ts.createSourceFile(file, text(file), ts.ScriptTarget.ES2022, true);
  const source = (file: string) => memo(sources, file, () => parse(file));
  return { root, files: list(root, "").sort(), text, source };
}

function memo<T>(store: Map<string, T>, key: string, make: () => T): T {
  const known = store.get(key);
  if (known !== undefined) return known;
  const made = make();
  store.set(key, made);
  return made;
}

function list(root: string, folder: string): string[] {
  const names = readdirSync(join(root, folder)).filter((name) => !ignored.includes(name));
  return names.flatMap((name) => {
    if (ignoredEndings.some((ending) => name.endsWith(ending))) return [];
    const path = folder === "" ? name : `${folder}/${name}`;
    return statSync(join(root, path)).isDirectory() ? list(root, path) : [path];
  });
}

export function isScript(file: string): boolean {
  return /\.(ts|tsx|mjs)$/.test(file);
}

export function isC(file: string): boolean {
  return file.endsWith(".c") || file.endsWith(".h");
}

export function isPortable(file: string): boolean {
  return file.startsWith("modules/") || file === "main.ts";
}

export function lineOf(source: ts.SourceFile, node: ts.Node): number {
  return source.getLineAndCharacterOfPosition(node.getStart(source)).line + 1;
}

/** Calls `visit` for the node and everything below it. */
export function walk(node: ts.Node, visit: (node: ts.Node) => void): void {
  visit(node);
  ts.forEachChild(node, (child) => walk(child, visit));
}

export interface Comment {
  readonly line: number;
  readonly text: string;
}

/** The comments of a TypeScript or JavaScript file; multi-line ones as one text. */
export function commentsOf(source: ts.SourceFile): Comment[] {
  const found = new Map<number, Comment>();
  const text = source.text;
  const add = (range: ts.CommentRange) => {
    const { line } = source.getLineAndCharacterOfPosition(range.pos);
    found.set(range.pos, { line: line + 1, text: text.slice(range.pos, range.end) });
  };
  const visitTokens = (node: ts.Node) => {
    if (node.getChildCount(source) > 0) {
      for (const child of node.getChildren(source)) visitTokens(child);
      return;
    }
    // JSDoc nodes and template parts hold no trivia of their own worth scanning.
    if (ts.isJSDoc(node) || ts.isTemplateMiddleOrTemplateTail(node)) return;
    for (const range of ts.getLeadingCommentRanges(text, node.getFullStart()) ?? []) add(range);
    for (const range of ts.getTrailingCommentRanges(text, node.getEnd()) ?? []) add(range);
  };
  visitTokens(source);
  return [...found.values()].sort((a, b) => a.line - b.line);
}
