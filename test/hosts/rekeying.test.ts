/** `npm run bench -- --rekeying`: pairwise keys cost a message a member, a tree its height. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { misses, rekeyingTable, SIZES } from "../../hosts/bench/rekeying.js";

test("one eviction and one join, for 2 to 1,000 members", () => {
  const table = rekeyingTable();
  assert.deepEqual(
    table.map(({ members }) => members),
    SIZES,
  );
  assert.deepEqual(misses(table), []);
  for (const { members, evictPairwise, evictTree, joinTree } of table) {
    assert.equal(evictPairwise.messages, members - 1);
    assert.ok(joinTree.messages <= Math.ceil(Math.log2(members)) + 1, `${members} join`);
    // A level more is a message more, and its bytes.
    assert.ok(evictTree.bytes <= 260 * (Math.ceil(Math.log2(members)) + 1), `${members} bytes`);
  }
  const last = table[table.length - 1];
  assert.ok(last.evictTree.bytes * 50 < last.evictPairwise.bytes, "1,000 members");
});

test("a tree that costs more than its height is named", () => {
  const [row] = rekeyingTable([10]);
  const costly = { ...row, evictTree: { messages: 6, bytes: 0 } };
  assert.deepEqual(misses([row, costly]), [10]);
});
