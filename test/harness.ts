/**
 * What a unit suite may import: the same three words on Node (node:test, here) and on XS
 * (harness.xs.ts, put in this file's place by the bundler).
 */
import assert from "node:assert/strict";
import { test as nodeTest } from "node:test";

/** Runs `fn` at once or later; a throw is a failure. Synchronous. */
export function test(name: string, fn: () => void): void {
  nodeTest(name, () => {
    const result: unknown = fn();
    if (result !== undefined) throw new Error("a unit test returns nothing: it is synchronous");
  });
}

/** Deep, strict equality; byte arrays by content. */
export function equal(actual: unknown, expected: unknown, message?: string): void {
  assert.deepStrictEqual(actual, expected, message);
}

/** `fn` throws, and the message matches `pattern` when one is given. */
export function throws(fn: () => unknown, pattern?: RegExp): void {
  if (pattern === undefined) assert.throws(fn);
  else assert.throws(fn, pattern);
}
