/** What one suite (a test file, a program, a tool) came to. */
export interface Result {
  readonly passed: number;
  readonly failures: readonly Finding[];
  readonly skips: readonly Finding[];
}

/** A test by its name, and why it failed or was left out. */
export interface Finding {
  readonly name: string;
  readonly reason: string;
}

/** Something that can be run by itself; `name` is unique within its stage. */
export interface Job {
  readonly name: string;
  run(): Promise<Result>;
}

/** Jobs of one kind, run a few at a time. */
export interface Stage {
  readonly name: string;
  /** At most this many jobs at once; programs that measure time want 1. */
  readonly parallel?: number;
  /** Listed when the stage begins: an earlier stage may have built what this one runs. */
  jobs(): Job[];
}

export function failure(name: string, reason: string): Result {
  return { passed: 0, failures: [{ name, reason }], skips: [] };
}

/** The names of test/skips.txt: one a line, `#` begins a comment. */
export function parseAllowedSkips(text: string): Set<string> {
  const lines = text.split("\n").map((line) => line.trim());
  return new Set(lines.filter((line) => line !== "" && !line.startsWith("#")));
}

/** In CI a skip is a failure unless it is allowed by name. */
export function strict(result: Result, allowed: ReadonlySet<string>): Result {
  const denied = result.skips.filter(({ name }) => !allowed.has(name));
  const failures = denied.map(({ name, reason }) => ({
    name,
    reason: `skipped, which CI does not allow (${reason}); test/skips.txt names what may be`,
  }));
  return {
    passed: result.passed,
    failures: [...result.failures, ...failures],
    skips: result.skips.filter(({ name }) => allowed.has(name)),
  };
}
