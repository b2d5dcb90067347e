/** What a DTLS handshake may cost on XS: counted, not timed. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { HOST } from "../../hosts/bench/count.js";
import {
  HANDSHAKE_HEAP_MAX,
  handshakeHeap,
  handshakeInstructions,
  M32,
} from "../../hosts/bench/dtls.js";
import { lacks } from "../support/skip.js";

/** 20 ms of a processor that does one instruction a nanosecond; both ends together. */
const INSTRUCTIONS_MAX = 20_000_000;

for (const [name, host, skip] of [
  ["headless XS", HOST, false],
  ["XS of 32 bits", M32, lacks("gcc-multilib")],
] as const) {
  test(`${name}: each end of a handshake does with 48 KB of heap`, { skip }, async (context) => {
    const { client, server } = await handshakeHeap(host);
    context.diagnostic(`client ${client} bytes, server ${server}`);
    for (const bytes of [client, server]) assert.ok(bytes > 0 && bytes < HANDSHAKE_HEAP_MAX);
  });
}

test("a handshake takes less than 20 ms of processor time", {
  skip: lacks("valgrind"),
}, async (context) => {
  const count = await handshakeInstructions();
  context.diagnostic(`${count} instructions`);
  assert.ok(count > 0 && count < INSTRUCTIONS_MAX, `${count}`);
});
