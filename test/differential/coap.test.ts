/** Our CoAP messages against the npm package coap-packet: both read and write the same. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { generate, type ParsedPacket, parse } from "coap-packet";
import fc from "fast-check";
import {
  emitMessage,
  type Message,
  type Option,
  parseMessage,
} from "../../modules/coap/message.js";
import { codeText } from "../../modules/coap/options.js";

const SEED = { seed: 7252, numRuns: 5000 };

const bytes = (maxLength: number) => fc.uint8Array({ maxLength });

const option = fc
  .tuple(fc.oneof(fc.nat({ max: 300 }), fc.nat({ max: 65535 })), fc.oneof(bytes(20), bytes(300)))
  .map(([number, value]): Option => ({ number, value }));

const fields = fc.record({
  type: fc.constantFrom(0 as const, 1 as const),
  code: fc.oneof(fc.integer({ min: 1, max: 31 }), fc.integer({ min: 64, max: 95 })),
  mid: fc.nat({ max: 65535 }),
  token: bytes(8),
  options: fc
    .array(option, { maxLength: 12 })
    .map((options) => options.sort((a, b) => a.number - b.number)),
  payload: fc.option(fc.uint8Array({ minLength: 1, maxLength: 100 }), { nil: undefined }),
});
const message = fields.map((parts): Message => ({ ...parts }));

test("coap-packet reads what we write", () => {
  fc.assert(
    fc.property(message, (sent) => {
      const read = parse(Buffer.from(emitMessage(sent)));
      agree(read, sent);
    }),
    SEED,
  );
});

test("we read what coap-packet writes", () => {
  fc.assert(
    fc.property(message, (sent) => {
      const packet = generate({
        code: codeText(sent.code),
        confirmable: sent.type === 0,
        messageId: sent.mid,
        token: Buffer.from(sent.token),
        options: sent.options.map(({ number, value }) => ({
          name: String(number) as "If-Match",
          value: Buffer.from(value),
        })),
        payload: Buffer.from(sent.payload ?? []),
      });
      const read = parseMessage(new Uint8Array(packet));
      assert.deepEqual(read, { ok: true, value: sent });
    }),
    SEED,
  );
});

test("whatever we accept, coap-packet accepts as the same message", () => {
  const edited = fc.tuple(message, fc.nat(), fc.nat({ max: 255 })).map(([sent, at, value]) => {
    const datagram = emitMessage(sent);
    datagram[at % datagram.length] = value;
    return datagram;
  });
  let accepted = 0;
  fc.assert(
    fc.property(edited, (datagram) => {
      const ours = parseMessage(datagram);
      if (!ours.ok) return;
      accepted++;
      agree(parse(Buffer.from(datagram)), ours.value);
    }),
    SEED,
  );
  assert.ok(accepted > 2000, `${accepted}`);
});

function agree(read: ParsedPacket, ours: Message): void {
  assert.equal(read.code, codeText(ours.code));
  assert.equal(read.messageId, ours.mid);
  assert.deepEqual([...read.token], [...ours.token]);
  assert.deepEqual([...read.payload], [...(ours.payload ?? [])]);
  assert.deepEqual([read.confirmable, read.ack, read.reset], flags(ours.type));
  const values = read.options.map(({ value }) => [...value]);
  assert.deepEqual(
    values,
    ours.options.map(({ value }) => [...value]),
  );
}

function flags(type: number): boolean[] {
  return [type === 0, type === 2, type === 3];
}
