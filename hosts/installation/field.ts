/**
 * A cursor over a located JSON value that knows its path and collects what is wrong. Every check
 * answers undefined after noting a problem, so one reading of a file reports everything there is to
 * mend.
 */
import { fromHex } from "../../modules/bytes/hex.js";
import type { Located } from "./json.js";

/** One thing to mend. */
export interface Problem {
  readonly line: number;
  readonly path: string;
  readonly message: string;
}

export class Field {
  readonly path: string;
  readonly #at: Located | undefined;
  /** Where the nearest value stands: for a missing field, its parent. */
  readonly #line: number;
  readonly #problems: Problem[];

  constructor(input: { path: string; at: Located | undefined; line: number; problems: Problem[] }) {
    this.path = input.path;
    this.#at = input.at;
    this.#line = input.at?.line ?? input.line;
    this.#problems = input.problems;
  }

  get present(): boolean {
    return this.#at !== undefined;
  }

  /** Notes a problem here. `wrong` is what stands there, `right` what should. */
  fault(wrong: string, right: string): undefined {
    const message = `${wrong}; ${right}`;
    this.#problems.push({ line: this.#line, path: this.path, message });
    return undefined;
  }

  /** True for an object with no member outside `names`; the members are then read with `member`. */
  object(names: readonly string[]): boolean {
    const value = this.#at?.value;
    if (!(value instanceof Map)) {
      this.#mismatch(`an object { … } with ${names.map((name) => `"${name}"`).join(", ")}`);
      return false;
    }
    for (const name of value.keys()) {
      if (names.includes(name)) continue;
      const near = names.find((known) => known.toLowerCase() === name.toLowerCase());
      const right =
        near === undefined ? `known here: ${names.join(", ")}` : `did you mean "${near}"?`;
      this.member(name).fault("unknown field", right);
    }
    return true;
  }

  member(name: string): Field {
    const value = this.#at?.value;
    const at = value instanceof Map ? (value as ReadonlyMap<string, Located>).get(name) : undefined;
    const path = this.path === "" ? name : `${this.path}.${name}`;
    return new Field({ path, at, line: this.#line, problems: this.#problems });
  }

  /** The items, or none after noting why. */
  items(what: string, min = 0): Field[] {
    const value = this.#at?.value;
    if (!Array.isArray(value) || value.length < min) {
      this.#mismatch(
        min > 0 ? `a list with at least ${min} of ${what}` : `a list [ … ] of ${what}`,
      );
      return [];
    }
    return (value as Located[]).map((at, index) => {
      const path = `${this.path}[${index}]`;
      return new Field({ path, at, line: at.line, problems: this.#problems });
    });
  }

  text(example: string): string | undefined {
    const value = this.#at?.value;
    if (typeof value === "string" && value.length > 0 && value.length <= 64) return value;
    return this.#mismatch(`text of 1 to 64 characters, for example "${example}"`);
  }

  integer(min: number, max: number): number | undefined {
    const value = this.#at?.value;
    const fits = typeof value === "number" && Number.isSafeInteger(value);
    if (fits && value >= min && value <= max) return value;
    return this.#mismatch(`a whole number from ${min} to ${max}`);
  }

  number(min: number, max: number): number | undefined {
    const value = this.#at?.value;
    if (typeof value === "number" && value >= min && value <= max) return value;
    return this.#mismatch(`a number from ${min} to ${max}`);
  }

  boolean(): boolean | undefined {
    const value = this.#at?.value;
    return typeof value === "boolean" ? value : this.#mismatch("true or false");
  }

  choice<T extends string | number>(words: readonly T[]): T | undefined {
    const found = words.find((word) => word === this.#at?.value);
    return (
      found ?? this.#mismatch(`one of ${words.map((word) => JSON.stringify(word)).join(", ")}`)
    );
  }

  /** Bytes from hex digits; "-", ":" and spaces between pairs are allowed, as labels print them. */
  hex(input: {
    min: number;
    max: number;
    secret?: boolean;
    example: string;
  }): Uint8Array | undefined {
    const { min, max, secret, example } = input;
    const length = min === max ? `${2 * min}` : `${2 * min} to ${2 * max}`;
    const right = `give ${length} hex digits, for example "${example}"`;
    const value = this.#at?.value;
    if (typeof value !== "string") {
      return this.fault(value === undefined ? "is missing" : "is not text", right);
    }
    // A rejected key is still somebody's secret: never repeat it on a screen or in a log.
    const shown = secret === true ? "the text" : `"${value}"`;
    if (!/^[0-9a-f]{2}(?:[-: ]?[0-9a-f]{2})*$/i.test(value)) {
      return this.fault(`${shown} is not a whole number of hex bytes`, right);
    }
    const digits = value.replace(/[-: ]/g, "");
    if (digits.length < 2 * min || digits.length > 2 * max) {
      return this.fault(`${shown} has ${digits.length} hex digits`, right);
    }
    return fromHex(digits.toLowerCase());
  }

  #mismatch(right: string): undefined {
    const at = this.#at;
    if (at === undefined) return this.fault("is missing", `give ${right}`);
    return this.fault(`is ${describe(at.value)}`, `give ${right}`);
  }
}

function describe(value: Located["value"]): string {
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (value instanceof Map) return "an object";
  const shown = JSON.stringify(value);
  return shown.length > 60 ? `${shown.slice(0, 60)}…` : shown;
}
