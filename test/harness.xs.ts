/**
 * The unit suites' three words on XS: put in the place of harness.ts by hosts/bundle.mjs.
 *
 * Tests are collected while the suite's modules are evaluated and run by `finish()`, because the
 * headless host may preload a suite: what is evaluated then becomes read-only memory, as on a
 * device, and a test that ran there would not show what preloading does to the code it tests. The
 * bundle's entry exports `finish` by default; `lumicast test SUITE.xsb` calls it and fails if it
 * returns more than 0 or throws. Nothing here but ECMAScript and the host's `print(text)`.
 */
declare function print(text: string): void;

interface Case {
  readonly name: string;
  readonly fn: () => void;
}

/** Filled while modules are evaluated, only read afterwards. */
const cases: Case[] = [];

/** Runs `fn` when the suite is finished loading; a throw is a failure. Synchronous. */
export function test(name: string, fn: () => void): void {
  cases.push({ name, fn });
}

/**
 * Runs what was collected, or the tests named `only`, and prints a line for each; returns the
 * number of failures.
 */
export function finish(only?: string): number {
  const chosen = cases.filter(({ name }) => only === undefined || only === name);
  if (chosen.length === 0) throw new Error(`the suite holds no test ${only ?? ""}`);
  let failed = 0;
  for (const { name, fn } of chosen) {
    try {
      // Seen by a person who forgot that suites are synchronous; the type says void.
      const result: unknown = fn();
      if (result !== undefined) throw new Error("a unit test returns nothing: it is synchronous");
      print(`ok ${name}`);
    } catch (error) {
      failed++;
      print(`not ok ${name}: ${reasonOf(error)}`);
    }
  }
  print(`# pass ${chosen.length - failed} fail ${failed}`);
  return failed;
}

/** Deep, strict equality as assert.deepStrictEqual has it; byte arrays by content. */
export function equal(actual: unknown, expected: unknown, message?: string): void {
  const difference = compare(actual, expected, "");
  if (difference === undefined) return;
  throw new Error(message === undefined ? difference : `${message}: ${difference}`);
}

/** `fn` throws, and the message matches `pattern` when one is given. */
export function throws(fn: () => unknown, pattern?: RegExp): void {
  try {
    fn();
  } catch (error) {
    // node's assert matches the pattern against String(error).
    if (pattern !== undefined && !pattern.test(String(error))) {
      throw new Error(`threw ${String(error)}, which does not match ${String(pattern)}`);
    }
    return;
  }
  throw new Error("nothing was thrown");
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return show(error);
  const text = `${error.name}: ${error.message}`;
  return error.stack === undefined ? text : `${text}\n  ${error.stack}`;
}

/** Undefined when equal, else where and how the two differ. */
function compare(actual: unknown, expected: unknown, path: string): string | undefined {
  if (Object.is(actual, expected)) return undefined;
  if (!isObject(actual) || !isObject(expected)) return differ(actual, expected, path);
  if (Object.getPrototypeOf(actual) !== Object.getPrototypeOf(expected)) {
    return `${at(path)}different prototypes: ${differ(actual, expected, path)}`;
  }
  if (ArrayBuffer.isView(actual)) return compareViews(actual, expected as typeof actual, path);
  if (actual instanceof ArrayBuffer) {
    const other = new Uint8Array(expected as unknown as ArrayBuffer);
    return compareViews(new Uint8Array(actual), other, path);
  }
  if (actual instanceof Map) {
    return compareMaps(actual, expected as unknown as Map<unknown, unknown>, path);
  }
  if (actual instanceof Set) {
    return compareSets(actual, expected as unknown as Set<unknown>, path);
  }
  if (actual instanceof Error) {
    const names = compare(actual.name, (expected as unknown as Error).name, `${path}.name`);
    if (names !== undefined) return names;
    return compare(actual.message, (expected as unknown as Error).message, `${path}.message`);
  }
  return compareFields(actual, expected, path);
}

function compareFields(
  actual: Record<string, unknown>,
  expected: Record<string, unknown>,
  path: string,
): string | undefined {
  if (Array.isArray(actual) && actual.length !== (expected as unknown as unknown[]).length) {
    return `${at(path)}lengths differ: ${differ(actual, expected, path)}`;
  }
  if (typeof actual === "function") return differ(actual, expected, path);
  const keys = Object.keys(actual);
  for (const key of Object.keys(expected)) {
    if (!Object.hasOwn(actual, key)) return `${at(path)}field ${key} is missing`;
  }
  for (const key of keys) {
    if (!Object.hasOwn(expected, key)) return `${at(path)}field ${key} is not expected`;
    const step = Array.isArray(actual) ? `[${key}]` : `.${key}`;
    const difference = compare(actual[key], expected[key], path + step);
    if (difference !== undefined) return difference;
  }
  return undefined;
}

function compareViews(
  actual: ArrayBufferView,
  expected: ArrayBufferView,
  path: string,
): string | undefined {
  if (actual instanceof DataView) {
    const bytes = (view: ArrayBufferView) =>
      new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
    return compareViews(bytes(actual), bytes(expected), path);
  }
  const a = actual as unknown as ArrayLike<number | bigint>;
  const b = expected as unknown as ArrayLike<number | bigint>;
  if (a.length !== b.length) return `${at(path)}lengths differ: ${differ(actual, expected, path)}`;
  for (let i = 0; i < a.length; i++) {
    if (!Object.is(a[i], b[i])) return `${differ(actual, expected, path)} (from index ${i})`;
  }
  return undefined;
}

function compareMaps(
  actual: Map<unknown, unknown>,
  expected: Map<unknown, unknown>,
  path: string,
): string | undefined {
  if (actual.size !== expected.size) {
    return `${at(path)}${actual.size} entries, expected ${expected.size}`;
  }
  const loose: [unknown, unknown][] = [];
  for (const [key, value] of expected) {
    if (!actual.has(key)) loose.push([key, value]);
    else {
      const difference = compare(actual.get(key), value, `${path}.get(${show(key)})`);
      if (difference !== undefined) return difference;
    }
  }
  // Keys that are objects (byte strings, arrays) are matched by content, whatever their order.
  const others = [...actual].filter(([key]) => !expected.has(key));
  return matchLoose(others, loose, path);
}

function compareSets(
  actual: Set<unknown>,
  expected: Set<unknown>,
  path: string,
): string | undefined {
  if (actual.size !== expected.size) {
    return `${at(path)}${actual.size} members, expected ${expected.size}`;
  }
  const others = [...actual].filter((member) => !expected.has(member));
  const loose = [...expected].filter((member) => !actual.has(member));
  return matchLoose(others, loose, path);
}

/** Pairs off equal members of two lists of the same length. */
function matchLoose(actual: unknown[], expected: unknown[], path: string): string | undefined {
  const left = [...actual];
  for (const member of expected) {
    const index = left.findIndex((other) => compare(other, member, "") === undefined);
    if (index < 0) return `${at(path)}${show(member)} is missing`;
    left.splice(index, 1);
  }
  return undefined;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return (typeof value === "object" && value !== null) || typeof value === "function";
}

function at(path: string): string {
  return path === "" ? "" : `at ${path}: `;
}

function differ(actual: unknown, expected: unknown, path: string): string {
  return `${at(path)}got ${show(actual)}, expected ${show(expected)}`;
}

/** A value in one line: byte arrays in hex, long things cut. */
function show(value: unknown): string {
  const text = render(value, 3);
  return text.length > 200 ? `${text.slice(0, 197)}...` : text;
}

function render(value: unknown, depth: number): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value === "function") return "a function";
  if (Object.is(value, -0)) return "-0";
  if (typeof value !== "object" || value === null) return String(value);
  if (value instanceof Uint8Array) {
    let hex = "";
    for (const byte of value) hex += (byte < 16 ? "0" : "") + byte.toString(16);
    return `h'${hex}'`;
  }
  if (value instanceof Error) return `${value.name}: ${value.message}`;
  if (depth === 0) return "...";
  if (Array.isArray(value)) return `[${value.map((item) => render(item, depth - 1)).join(", ")}]`;
  const entries = value instanceof Map ? [...value] : Object.entries(value);
  const fields = entries.map(
    ([key, item]) => `${render(key, depth - 1)}: ${render(item, depth - 1)}`,
  );
  return `${value instanceof Map ? "Map " : ""}{${fields.join(", ")}}`;
}
