/** Fragments of somebody else in the midst of a handshake: dropped, and it goes on. */
import { concat } from "../../modules/bytes/concat.js";
import { messageHeader } from "../../modules/dtls/messages.js";
import { HANDSHAKE } from "../../modules/dtls/numbers.js";
import { plainRecord } from "../../modules/dtls/records.js";
import { MemorySessions } from "../../modules/dtls/session.js";
import { equal, test } from "../harness.js";
import { messageIn, recordsOf } from "../support/dtls-craft.js";
import { lives, pair } from "../support/dtls-pair.js";

test("overlapping and inconsistent fragments: dropped, the handshake and its session live", () => {
  for (const [what, header, body, drops] of INTRUDERS) {
    const { net, server, client, connect } = pair({ sessions: new MemorySessions(1) });
    net.fate = (flying, index) => {
      if (index !== 4) return [flying];
      const intruder = plainRecord(HANDSHAKE, 77, concat(messageHeader(header), body));
      const [exchange, ...rest] = recordsOf(flying.bytes).map(({ bytes }) => bytes);
      const [first, ...others] = pieces(exchange, 7);
      // Where the client's message has begun, and before its end.
      const all = [first, intruder, ...others, concat(...rest)];
      return all.map((bytes) => ({ ...flying, bytes }));
    };
    connect();
    net.settle();
    equal([server.drops, server.opened.length], [drops, 1], what);
    lives({ net, server, client, connect });
  }
});

/** Of somebody else, in the midst of a ClientKeyExchange of 10 bytes. */
const INTRUDERS: readonly (readonly [
  what: string,
  header: Parameters<typeof messageHeader>[0],
  body: Uint8Array,
  drops: readonly string[],
])[] = [
  [
    "the same once more",
    { type: 16, sequence: 2, length: 10, offset: 0, part: 2 },
    Uint8Array.of(0, 8),
    [],
  ],
  [
    "other bytes where some are already",
    { type: 16, sequence: 2, length: 10, offset: 3, part: 6 },
    new Uint8Array(6).fill(0xee),
    ["fragment"],
  ],
  [
    "of another length",
    { type: 16, sequence: 2, length: 11, offset: 9, part: 2 },
    new Uint8Array(2),
    ["fragment"],
  ],
  [
    "of another type",
    { type: 11, sequence: 2, length: 10, offset: 8, part: 2 },
    new Uint8Array(2),
    ["fragment"],
  ],
  [
    "beyond its message's end",
    { type: 16, sequence: 2, length: 10, offset: 9, part: 2 },
    new Uint8Array(2),
    ["malformed"],
  ],
  [
    "of nothing",
    { type: 16, sequence: 2, length: 10, offset: 5, part: 0 },
    new Uint8Array(0),
    ["malformed"],
  ],
  [
    "of a message to come",
    { type: 16, sequence: 3, length: 10, offset: 0, part: 10 },
    new Uint8Array(10),
    ["notForUs"],
  ],
  [
    "of a message that was",
    { type: 16, sequence: 1, length: 10, offset: 0, part: 10 },
    new Uint8Array(10),
    ["duplicate"],
  ],
];

/** The message of a record in the clear, in records of so many bytes of it. */
function pieces(record: Uint8Array, size: number): Uint8Array[] {
  const message = messageIn(recordsOf(record)[0]);
  if (message === undefined) throw new Error("no message");
  const { type, sequence, body } = message;
  const all: Uint8Array[] = [];
  for (let offset = 0; offset < body.length; offset += size) {
    const part = body.subarray(offset, offset + size);
    const header = { type, sequence, length: body.length, offset, part: part.length };
    all.push(plainRecord(HANDSHAKE, 50 + offset, concat(messageHeader(header), part)));
  }
  return all;
}
