/**
 * What `node --test-reporter` is given: one JSON line for each test that counts, which nodeSuite
 * reads. Suites (describe) count only when they fail by themselves, not for a test inside them.
 */
import type { TestEvent } from "node:test/reporters";

export interface Line {
  readonly name: string;
  readonly outcome: "passed" | "failed" | "skipped";
  readonly reason: string;
}

export default async function* reporter(source: AsyncIterable<TestEvent>) {
  for await (const event of source) {
    const line = lineOf(event);
    if (line !== undefined) yield `${JSON.stringify(line)}\n`;
  }
}

function lineOf(event: TestEvent): Line | undefined {
  if (event.type === "test:pass") {
    const { name, skip, todo, details } = event.data;
    if (details.type === "suite" && skip === undefined) return undefined;
    const left = skip ?? todo;
    if (left === undefined || left === false) return { name, outcome: "passed", reason: "" };
    return {
      name,
      outcome: "skipped",
      reason: typeof left === "string" ? left : "no reason given",
    };
  }
  if (event.type === "test:fail") {
    const { name, details } = event.data;
    const error = details.error as Error & { failureType?: string };
    if (error.failureType === "subtestsFailed") return undefined;
    return { name, outcome: "failed", reason: describe(error) };
  }
  return undefined;
}

/** The message with the stack lines that are ours. */
function describe(error: Error): string {
  const cause = error.cause ?? error;
  const text = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
  return text
    .split("\n")
    .filter((line) => !/^\s+at .*(node:internal|node:async_hooks)/.test(line))
    .join("\n");
}
