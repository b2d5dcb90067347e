import assert from "node:assert/strict";
import { test } from "node:test";
import { cutAdmitting } from "../support/cut-admitting.js";

test("power cuts of a switch at every flash operation while it takes a lamp in", () => {
  const cuts = cutAdmitting("switch", { every: 1 });
  assert.ok(cuts.in > 10 && cuts.out > 10, `${cuts.in} in, ${cuts.out} out`);
});

test("power cuts of a lamp while a switch takes it in", () => {
  const cuts = cutAdmitting("lamp", { every: 5 });
  assert.ok(cuts.in > 10 && cuts.out > 0, `${cuts.in} in, ${cuts.out} out`);
});
