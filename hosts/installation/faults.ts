import type { Problem } from "./field.js";

/** Cross-checks speak of two places at once; the path names the second, the message the first. */
export class Faults {
  readonly #problems: Problem[];

  constructor(problems: Problem[]) {
    this.#problems = problems;
  }

  add(path: string, message: string): void {
    this.#problems.push({ line: 1, path, message });
  }

  unique<T>(items: readonly T[], path: string, field: string, keyOf: (item: T) => string): void {
    const seen = new Map<string, number>();
    items.forEach((item, index) => {
      const first = seen.get(keyOf(item));
      const where = `${path}[${index}].${field}`;
      if (first === undefined) seen.set(keyOf(item), index);
      else this.add(where, `is the same as in ${path}[${first}]; give each its own`);
    });
  }
}
