/**
 * JSON (RFC 8259) with the line and column of every value.
 *
 * JSON.parse silently keeps the last of two equal names and cannot say on which line a field
 * stands. In a file of keys and rights both matter: a second "key" must not win unseen.
 */

/** A value and where it stands. Objects are Maps, so that `__proto__` is a name like any other. */
export interface Located {
  readonly value:
    | null
    | boolean
    | number
    | string
    | readonly Located[]
    | ReadonlyMap<string, Located>;
  /** Counted from 1. */
  readonly line: number;
  readonly column: number;
}

/** Text that is no JSON. `line` and `column` from 1. */
export class JsonError extends Error {
  readonly line: number;
  readonly column: number;

  constructor(message: string, line: number, column: number) {
    super(message);
    this.line = line;
    this.column = column;
  }
}

const DEPTH_MAX = 32;
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
// biome-ignore lint/suspicious/noControlCharactersInRegex: RFC 8259 §7 names these
const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const SPACE = /[ \t\r\n]*/y;

/** Parses a whole text. Throws JsonError. */
export function parseJson(text: string): Located {
  const reader = new JsonReader(text);
  const value = reader.value(0);
  reader.end();
  return value;
}

class JsonReader {
  readonly #text: string;
  #pos = 0;

  constructor(text: string) {
    this.#text = text;
  }

  value(depth: number): Located {
    this.#take(SPACE);
    if (depth > DEPTH_MAX) this.#fail(`nested deeper than ${DEPTH_MAX} levels`);
    const place = this.#place();
    const next = this.#text[this.#pos];
    if (next === "{") return { value: this.#object(depth), ...place };
    if (next === "[") return { value: this.#array(depth), ...place };
    if (next === '"') return { value: this.#string(), ...place };
    const number = this.#take(NUMBER);
    if (number !== undefined) return { value: Number(number), ...place };
    for (const [word, value] of [
      ["true", true],
      ["false", false],
      ["null", null],
    ] as const) {
      if (this.#text.startsWith(word, this.#pos)) {
        this.#pos += word.length;
        return { value, ...place };
      }
    }
    return this.#fail("expected a value: an object, array, text, number, true, false or null");
  }

  end(): void {
    this.#take(SPACE);
    if (this.#pos < this.#text.length) this.#fail("something follows the end of the JSON value");
  }

  #object(depth: number): Map<string, Located> {
    const members = new Map<string, Located>();
    this.#pos += 1;
    if (this.#accept("}")) return members;
    do {
      this.#take(SPACE);
      if (this.#text[this.#pos] !== '"') this.#fail('expected a name in double quotes, or "}"');
      const start = this.#pos;
      const name = this.#string();
      if (members.has(name)) {
        this.#pos = start;
        this.#fail(`"${name}" is there twice in one object; keep one`);
      }
      if (!this.#accept(":")) this.#fail(`expected ":" after "${name}"`);
      members.set(name, this.value(depth + 1));
    } while (this.#accept(","));
    if (!this.#accept("}")) this.#fail('expected "," or "}"');
    return members;
  }

  #array(depth: number): Located[] {
    const items: Located[] = [];
    this.#pos += 1;
    if (this.#accept("]")) return items;
    do items.push(this.value(depth + 1));
    while (this.#accept(","));
    if (!this.#accept("]")) this.#fail('expected "," or "]"');
    return items;
  }

  #string(): string {
    const quoted = this.#take(STRING);
    if (quoted === undefined)
      this.#fail("text without its closing quote, or with a bad escape in it");
    return JSON.parse(quoted) as string;
  }

  #accept(mark: string): boolean {
    this.#take(SPACE);
    if (this.#text[this.#pos] !== mark) return false;
    this.#pos += 1;
    return true;
  }

  #take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#pos;
    const found = pattern.exec(this.#text)?.[0];
    this.#pos += found?.length ?? 0;
    return found;
  }

  #place(): { line: number; column: number } {
    const before = this.#text.slice(0, this.#pos);
    const lineStart = before.lastIndexOf("\n") + 1;
    return { line: before.split("\n").length, column: this.#pos - lineStart + 1 };
  }

  #fail(message: string): never {
    const { line, column } = this.#place();
    throw new JsonError(message, line, column);
  }
}
