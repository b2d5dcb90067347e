import { concat } from "../../modules/bytes/concat.js";
import { fromHex, toHex } from "../../modules/bytes/hex.js";
import { utf8 } from "../../modules/bytes/utf8.js";
import { Writer } from "../../modules/bytes/writer.js";
import {
  ACK,
  CON,
  emitInner,
  emitMessage,
  emitOptions,
  type Message,
  NON,
  OPTIONS_MAX,
  type Option,
  parseInner,
  parseMessage,
  RST,
  writeBody,
} from "../../modules/coap/message.js";
import { CONTENT, GET, URI_HOST, URI_PATH } from "../../modules/coap/options.js";
import { equal, test, throws } from "../harness.js";
import { SeededRandom } from "../support/random.js";

const MALFORMED = { ok: false, drop: "malformed" };
const NONE = new Uint8Array(0);

function both(hex: string, message: Message): void {
  equal(parseMessage(fromHex(hex)), { ok: true, value: message });
  equal(toHex(emitMessage(message)), hex);
}

function refused(hex: string): void {
  equal(parseMessage(fromHex(hex)), MALFORMED, hex);
}

test("RFC 7252 figure 16: a request and its piggybacked response", () => {
  both("40017d34bb74656d7065726174757265", {
    type: CON,
    code: GET,
    mid: 0x7d34,
    token: NONE,
    options: [{ number: URI_PATH, value: utf8("temperature") }],
    payload: undefined,
  });
  both("60457d34ff32322e332043", {
    type: ACK,
    code: CONTENT,
    mid: 0x7d34,
    token: NONE,
    options: [],
    payload: utf8("22.3 C"),
  });
});

test("RFC 7252 figure 17: the same with a token", () => {
  both("41017d3520bb74656d7065726174757265", {
    type: CON,
    code: GET,
    mid: 0x7d35,
    token: fromHex("20"),
    options: [{ number: URI_PATH, value: utf8("temperature") }],
    payload: undefined,
  });
});

test("RFC 8613 C.4 and C.7: the unprotected request and response", () => {
  both("44015d1f00003974396c6f63616c686f737483747631", {
    type: CON,
    code: GET,
    mid: 0x5d1f,
    token: fromHex("00003974"),
    options: [
      { number: URI_HOST, value: utf8("localhost") },
      { number: URI_PATH, value: utf8("tv1") },
    ],
    payload: undefined,
  });
  both("64455d1f00003974ff48656c6c6f20576f726c6421", {
    type: ACK,
    code: CONTENT,
    mid: 0x5d1f,
    token: fromHex("00003974"),
    options: [],
    payload: utf8("Hello World!"),
  });
});

test("empty messages: ping, acknowledgement, reset", () => {
  const empty = { code: 0, mid: 0x1234, token: NONE, options: [], payload: undefined };
  both("40001234", { ...empty, type: CON });
  both("60001234", { ...empty, type: ACK });
  both("70001234", { ...empty, type: RST });
});

test("delta and length in their extended forms, at the borders", () => {
  // RFC 7252 §3.1: 13 adds 13 to one byte, 14 adds 269 to two.
  const cases: [number, number, string][] = [
    [12, 12, "cc"],
    [13, 13, "dd0000"],
    [268, 12, "dcff"],
    [269, 12, "ec0000"],
    [12, 268, "cdff"],
    [12, 269, "ce0000"],
    [65535, 0, "e0fef2"],
    [12, 1000, "ce02db"],
  ];
  for (const [number, length, head] of cases) {
    const value = new Uint8Array(length).fill(0x61);
    const bytes = concat(fromHex("50010001"), fromHex(head), value);
    const parsed = parseMessage(bytes);
    equal(parsed.ok && parsed.value.options, [{ number, value }], head);
    equal(parsed.ok && emitMessage(parsed.value), bytes, head);
  }
});

test("equal numbers keep their order, deltas add up", () => {
  const parsed = parseMessage(fromHex("50010001b16101620163d10c00"));
  equal(parsed.ok && parsed.value.options.map(({ number, value }) => `${number}:${toHex(value)}`), [
    "11:61",
    "11:62",
    "11:63",
    "36:00",
  ]);
});

test("fewer than four bytes are no header", () => {
  for (const hex of ["", "50", "5001", "500100"]) refused(hex);
});

test("every version but 1 is refused", () => {
  for (const hex of ["10010001", "90010001", "d0010001"]) refused(hex);
});

test("token lengths 9 to 15 are refused, the bytes being there", () => {
  equal(parseMessage(fromHex("580100010102030405060708")).ok, true);
  for (let length = 9; length < 16; length++) {
    refused(`5${length.toString(16)}010001${"11".repeat(length)}`);
  }
});

test("a token that is not whole is refused", () => {
  refused("5401000101");
  refused("51010001");
});

test("an empty message with anything after the header is refused", () => {
  for (const tail of ["00", "ff", "ff00", "b161"]) refused(`40000001${tail}`);
  refused("4100000120");
});

test("types and codes that do not belong together are refused", () => {
  refused("50000001"); // RFC 7252 §4.3: a non-confirmable message is not empty
  refused("60010001"); // an acknowledgement does not carry a request
  refused("70010001"); // a reset is empty
  refused("70450001");
  for (const reserved of ["20", "3f", "c0", "e1", "ff"]) refused(`50${reserved}0001`);
});

test("a marker without a payload is refused", () => {
  refused("50010001ff");
  refused("50010001b161ff");
});

test("delta 15 is refused", () => {
  refused("50010001f0");
  refused("50010001f1000061");
});

test("length 15 is refused", () => {
  refused("500100010f");
  refused(`500100011f0000${"61".repeat(269)}`);
});

test("an option number beyond 65535 is refused", () => {
  refused("50010001e0fef3");
  refused("50010001e0fef210");
  equal(parseMessage(fromHex("50010001e0fef200")).ok, true);
});

test("an option cut anywhere is refused", () => {
  for (const hex of ["b2", "b261", "d0", "e0", "e000", "0d", "0e", "0e00", "0d00", "ed000000"]) {
    refused(`50010001${hex}`);
  }
});

test("a thousand empty options are refused, and soon", () => {
  refused(`50010001${"00".repeat(1000)}`);
  const most = parseMessage(fromHex(`50010001${"00".repeat(OPTIONS_MAX)}`));
  equal(most.ok && most.value.options.length, OPTIONS_MAX);
  refused(`50010001${"00".repeat(OPTIONS_MAX + 1)}`);
});

test("what was parsed owns its bytes", () => {
  const bytes = fromHex("51017d3520bb74656d7065726174757265ff01");
  const parsed = parseMessage(bytes);
  bytes.fill(0);
  equal(parsed.ok && toHex(emitMessage(parsed.value)), "51017d3520bb74656d7065726174757265ff01");
});

test("the inside of a protected message is parsed strictly", () => {
  equal(parseInner(fromHex("02b16cff0a")), {
    ok: true,
    value: { code: 2, options: [{ number: URI_PATH, value: utf8("l") }], payload: fromHex("0a") },
  });
  const empty = { code: 2, options: [], payload: undefined };
  equal(parseInner(fromHex("02")), { ok: true, value: empty });
  equal(parseInner(fromHex("02ff")), MALFORMED);
  equal(parseInner(fromHex("02b2")), MALFORMED);
});

test("the inside of a protected message as bytes; a payload of no bytes is none", () => {
  const options = [{ number: URI_PATH, value: utf8("l") }];
  equal(toHex(emitInner({ code: 2, options, payload: fromHex("0a") })), "02b16cff0a");
  equal(toHex(emitInner({ code: CONTENT, options: [], payload: undefined })), "45");
  equal(toHex(emitInner({ code: CONTENT, options: [], payload: NONE })), "45");
  throws(
    () => emitInner({ code: 2, options: [...options, { number: 1, value: NONE }], payload: NONE }),
    /after/,
  );
});

test("a body and bare options are written with deltas from zero", () => {
  const options = [
    { number: 11, value: utf8("l") },
    { number: 12, value: fromHex("3c") },
  ];
  const writer = new Writer(1);
  writer.u8(2);
  writeBody(writer, options, fromHex("0a"));
  equal(toHex(writer.finish()), "02b16c113cff0a");
  equal(toHex(emitOptions(options)), "b16c113c");
  equal(toHex(emitOptions([])), "");
});

test("our own mistakes throw", () => {
  const fine: Message = {
    type: NON,
    code: GET,
    mid: 1,
    token: NONE,
    options: [],
    payload: undefined,
  };
  const unsorted: Option[] = [
    { number: 12, value: NONE },
    { number: 11, value: NONE },
  ];
  throws(() => emitMessage({ ...fine, options: unsorted }), /option 11 after 12/);
  throws(() => emitMessage({ ...fine, options: [{ number: 65536, value: NONE }] }), /65536/);
  throws(() => emitMessage({ ...fine, token: new Uint8Array(9) }), /token/);
  throws(() => emitMessage({ ...fine, mid: 65536 }), /message id/);
  throws(() => emitMessage({ ...fine, payload: NONE }), /payload/);
  throws(() => emitMessage({ ...fine, type: RST }), /type 3/);
  throws(() => emitMessage({ ...fine, type: CON, code: 0, token: fromHex("01") }), /empty/);
  const many = new Array<Option>(OPTIONS_MAX + 1).fill({ number: 1, value: NONE });
  throws(() => emitMessage({ ...fine, options: many }), /33 options/);
});

test("random messages survive emit and parse", () => {
  const random = new SeededRandom(7252);
  for (let run = 0; run < 100; run++) {
    const message = randomMessage(random);
    const bytes = emitMessage(message);
    equal(parseMessage(bytes), { ok: true, value: message });
  }
});

function randomMessage(random: SeededRandom): Message {
  const draw = (length: number) => {
    const bytes = new Uint8Array(length);
    random.fill(bytes);
    return bytes;
  };
  const options: Option[] = [];
  let number = 0;
  for (let i = random.below(6); i > 0; i--) {
    number += random.below(random.chance(0.2) ? 2000 : 20);
    options.push({ number, value: draw(random.below(random.chance(0.1) ? 300 : 20)) });
  }
  const response = random.chance(0.5);
  return {
    type: random.chance(0.5) ? CON : NON,
    code: response ? 64 + random.below(32) : 1 + random.below(31),
    mid: random.below(65536),
    token: draw(random.below(9)),
    options,
    payload: random.chance(0.5) ? draw(1 + random.below(40)) : undefined,
  };
}
