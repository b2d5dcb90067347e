/**
 * CoRE link format (RFC 6690): a list of links as text, and the filter of `/.well-known/core`.
 *
 * Links are written by hand into a table of the firmware, so their attributes stay in the form they
 * are emitted in and are taken apart only when somebody filters by one. A quoted value holds no
 * backslash.
 */

/** One link; the rows of resources/table.ts are of this shape. */
export interface Link {
  /** Without the leading slash. */
  readonly path: string;
  /** `rt="a b";ct=60`, as it is emitted; "" for none. Undefined: not listed. */
  readonly attributes?: string;
}

/** Values that are lists of words (RFC 6690 §2.2, §3.1, §3.2; ct by RFC 7252 §7.2.1). */
const LISTS: readonly string[] = Object.freeze(["rt", "if", "rel", "rev", "ct"]);

/**
 * application/link-format of the links that `query` (the text of one Uri-Query) selects; all of
 * them without one. "" when there is none.
 */
export function linkFormat(links: readonly Link[], query?: string): string {
  const filter = query === undefined ? undefined : new Filter(query);
  let text = "";
  for (const link of links) {
    const { path, attributes } = link;
    if (attributes === undefined) continue;
    if (filter !== undefined && !filter.selects(path, attributes)) continue;
    if (text !== "") text += ",";
    text += attributes === "" ? `</${path}>` : `</${path}>;${attributes}`;
  }
  return text;
}

/**
 * RFC 6690 §4.1: `name=value`, or `name=start*`. `href` stands for the path. A query without "="
 * has no meaning there, and selects nothing.
 */
class Filter {
  readonly #name: string;
  readonly #value: string;
  readonly #isPrefix: boolean;

  constructor(query: string) {
    const equals = query.indexOf("=");
    this.#name = equals < 0 ? "" : query.slice(0, equals);
    const value = query.slice(equals + 1);
    this.#isPrefix = value.endsWith("*");
    this.#value = this.#isPrefix ? value.slice(0, -1) : value;
  }

  selects(path: string, attributes: string): boolean {
    const name = this.#name;
    if (name === "href") return this.#fits(`/${path}`);
    const value = attributeOf(attributes, name);
    if (value === undefined) return false;
    if (!LISTS.includes(name)) return this.#fits(value);
    return value.split(" ").some((word) => this.#fits(word));
  }

  #fits(text: string): boolean {
    return this.#isPrefix ? text.startsWith(this.#value) : text === this.#value;
  }
}

/** An attribute's value without quotes, "" when it has none; undefined when it is not there. */
function attributeOf(attributes: string, name: string): string | undefined {
  let at = 0;
  while (at < attributes.length) {
    const end = endOf(attributes, at);
    const equals = attributes.indexOf("=", at);
    const nameEnd = equals < 0 || equals > end ? end : equals;
    if (attributes.slice(at, nameEnd) === name) {
      const value = attributes.slice(nameEnd + 1, end);
      return value.startsWith('"') ? value.slice(1, -1) : value;
    }
    at = end + 1;
  }
  return undefined;
}

/** Where the attribute that begins at `start` ends: at a semicolon outside quotes. */
function endOf(attributes: string, start: number): number {
  let quoted = false;
  for (let at = start; at < attributes.length; at++) {
    const character = attributes[at];
    if (character === '"') quoted = !quoted;
    else if (character === ";" && !quoted) return at;
  }
  return attributes.length;
}
