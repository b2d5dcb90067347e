/**
 * Just enough of C to measure it: comments and literals told from code, functions found by braces.
 * A preprocessor branch may open a brace twice; the sources keep such branches balanced.
 */
import type { Comment } from "./tree.js";

export interface CSource {
  /** Line for line as long as the file: comments, literals and directives are blanks. */
  readonly code: string;
  readonly comments: readonly Comment[];
}

const lineComment = /\/\/[^\n]*/;
const blockComment = /\/\*[\s\S]*?\*\//;
const string = /"(?:\\[\s\S]|[^"\\\n])*"/;
const character = /'(?:\\[\s\S]|[^'\\\n])*'/;
const directive = /^[ \t]*#(?:\\\n|\/(?!\*)|[^\n/])*/;
const tokens = [lineComment, blockComment, string, character, directive];
const token = new RegExp(tokens.map(({ source }) => source).join("|"), "gm");

export function scanC(text: string): CSource {
  const comments: Comment[] = [];
  const code = text.replace(token, (match, offset: number) => {
    if (match.startsWith("/")) comments.push({ line: lineAt(text, offset), text: match });
    return match.replace(/[^\n]/g, " ");
  });
  return { code, comments };
}

export interface CFunction {
  readonly name: string;
  readonly line: number;
  readonly lines: number;
}

/** Function bodies: a brace at depth 0 behind a closing bracket. */
export function functionsOf(code: string): CFunction[] {
  const found: CFunction[] = [];
  let depth = 0;
  let start = 0;
  let name: string | undefined;
  // Where the declaration at depth 0 begins: behind the last `;` or `}`.
  let declaration = 0;
  for (let i = 0; i < code.length; i++) {
    const char = code[i];
    if (char === ";" && depth === 0) declaration = i + 1;
    if (char === "{" && depth++ === 0) {
      const head = code.slice(declaration, i);
      const match = /(\w+)\s*\([^;]*\)\s*$/.exec(head);
      name = match?.[1];
      start = declaration + head.search(/\S/);
    }
    if (char === "}" && --depth === 0) {
      if (name !== undefined) {
        const line = lineAt(code, start);
        found.push({ name, line, lines: lineAt(code, i) - line + 1 });
      }
      declaration = i + 1;
    }
  }
  return found;
}

function lineAt(text: string, offset: number): number {
  let line = 1;
  for (let i = 0; i < offset; i++) if (text.charCodeAt(i) === 10) line++;
  return line;
}
