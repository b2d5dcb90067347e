/**
 * Native help on the receive path: what it refuses before and behind AES, one check of intake.c and
 * journal.c each. The reference says so, too (intake-both.ts); without the check one of them would
 * not (test/mutants.txt).
 */
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { fromHex } from "../../modules/bytes/hex.js";
import {
  BLOB,
  bothCounted,
  FIRST,
  heard,
  LAST,
  placeOf,
  prepare,
  SENDERS,
  send,
  ZERO,
} from "./intake-both.js";
import {
  ADDRESS,
  arrive,
  craft,
  type Group,
  ownOptions,
  type Step,
  start,
  type Wish,
} from "./intake-steps.js";

before(prepare);

/** What stands outside out of form, one check of intake.c each, and what the reference says. */
const FORMS: Record<string, { expect: string; steps: readonly Step[] }> = {
  "an option's length of 15": {
    expect: "malformed",
    steps: [lengthFifteen()],
  },
};

/** An option of 15 bytes whose length is written as the reserved 15. */
function lengthFifteen(): Step {
  const wish = { group: FIRST, sender: SENDERS.at(-1) as number[], sequence: 2 ** 24 + 1 };
  const bytes = [...craft(wish)];
  assert.deepEqual(bytes.slice(4, 6), [0x9d, 15 - 13]);
  bytes.splice(4, 2, 0x9f);
  return arrive(Uint8Array.from(bytes), placeOf(FIRST));
}

const nobody: Group = { ...FIRST, id: 99 };
const base: Wish = { group: FIRST, sender: SENDERS[0], sequence: 9 };
const form = (name: string, expect: string, ...wishes: Wish[]): void => {
  FORMS[name] = { expect, steps: wishes.map(send) };
};

form("reserved flags", "malformed", { ...base, flags: 0x38 }, { ...base, flags: 0x98 });
form(
  "no partial IV, or one of 6 bytes",
  "malformed",
  { ...base, piv: [] },
  {
    ...base,
    piv: [1, 2, 3, 4, 5, 6],
  },
);
form("a number with a leading zero", "malformed", { ...base, piv: [0, 9] });
form("another outer code", "malformed", { ...base, outerCode: 3 }, { ...base, outerCode: 31 });
form(
  "a key id with a leading zero",
  "malformed",
  { ...base, keyId: [0, 7] },
  {
    ...base,
    keyId: [],
  },
);
form("a group id with a leading zero", "malformed", { ...base, groupOption: [0, 1] });
form("another version", "malformed", { ...base, first: 0x10 }, { ...base, first: 0x90 });
form("a token of 9 bytes", "malformed", { ...base, token: [1, 2, 3, 4, 5, 6, 7, 8, 9] });
form(
  "a code of no request",
  "malformed",
  { ...base, group: nobody, outerCode: 0 },
  {
    ...base,
    group: nobody,
    outerCode: 40,
  },
);
form(
  "a group option twice, or none for group 0",
  "malformed",
  {
    ...base,
    isWhole: true,
    outside: [...ownOptions(FIRST, [0x19, 9, 1, 7, 0x11]), ...ownOptions(FIRST, []).slice(1)],
  },
  {
    ...base,
    group: ZERO,
    isWhole: true,
    outside: ownOptions(ZERO, [0x19, 9, 1, 0, 0x11]).slice(0, 1),
  },
);
form("another port", "notForUs", { ...base, to: { address: ADDRESS, port: 5684 } });
form("a wrong tag", "forged", { ...base, fill: 0x12 });
for (const [name, count] of [
  ["33 options", 33],
  ["a thousand options", 1000],
] as const) {
  // All of them OSCORE options without a value; then the group's.
  const many = [0x50, 2, 0, 9, 0x90, ...new Array<number>(count - 2).fill(0)];
  const bytes = Uint8Array.from([...many, 0xe1, 0xfc, 0xd3, 1, 0xff, ...many.slice(0, 20)]);
  FORMS[name] = { expect: "malformed", steps: [arrive(bytes, placeOf(FIRST))] };
}
// Of another association's row: index 1 and one byte have the tag of index 0 and 17.
form("a client id of 17 bytes", "malformed", {
  ...base,
  sender: [...new Array<number>(16).fill(0), 0x11],
  sequence: 0,
});
form(
  "numbers that were used, or are too old to tell",
  "replayed",
  { ...base, sequence: 0 },
  {
    ...base,
    group: LAST,
    sequence: 900,
  },
);
FORMS["too large, on another port"] = {
  expect: "malformed",
  steps: [arrive(new Uint8Array(1281).fill(0x50), { address: ADDRESS, port: 5684 })],
};
FORMS["no payload"] = {
  expect: "malformed",
  steps: [arrive(fromHex("52021001a1a2951909010711e1fcd301"), placeOf(FIRST))],
};

for (const [name, { expect, steps }] of Object.entries(FORMS)) {
  test(`refused outside: ${name}`, () => {
    const senders = [SENDERS[0], SENDERS.at(-1) as number[]];
    const far = send({ group: LAST, sender: SENDERS[0], sequence: 1000 });
    const all = [start(BLOB), ...heard(0, senders), far, ...steps];
    const { outcomes, native } = bothCounted([...all, send(base)]);
    for (const outcome of outcomes.slice(10, -1)) assert.equal(outcome, expect);
    assert.equal(outcomes.at(-1), "accepted", "none of it moved the window");
    assert.ok(native.counts.dropped + native.counts.declined >= steps.length);
  });
}
