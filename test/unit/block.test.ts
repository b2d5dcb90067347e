import { fromHex, toHex } from "../../modules/bytes/hex.js";
import {
  type Block,
  Bodies,
  blockBytes,
  blockValue,
  findBlock,
  isLaterBlock,
  slice,
  type Taken,
} from "../../modules/coap/block.js";
import type { Inner, Option } from "../../modules/coap/message.js";
import * as o from "../../modules/coap/options.js";
import { Transfer } from "../../modules/coap/transfer.js";
import { equal, test, throws } from "../harness.js";
import { TestClock } from "../support/clock.js";

const MALFORMED = { ok: false, drop: "malformed" };
const SECOND = 1_000_000;

function option(number: number, hex: string): Option {
  return { number, value: fromHex(hex) };
}

function block(number: number, more: boolean, szx: number): Block {
  return { number, more, szx };
}

function counted(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => i % 251);
}

/** Message of the figures of RFC 7959 §3: `2:0/1/128` is Block2, number 0, more, 128 bytes. */
function figure(options: readonly Option[]): string {
  const parts: string[] = [];
  for (const [name, number] of [
    ["2", o.BLOCK2],
    ["1", o.BLOCK1],
  ] as const) {
    const found = findBlock(options, number);
    if (found?.ok !== true) continue;
    const { number: at, more, szx } = found.value;
    parts.push(`${name}:${at}/${more ? 1 : 0}/${blockBytes(szx)}`);
  }
  return parts.join(", ");
}

test("a later block: Block1 in a request, Block2 in a response, with a number above 0", () => {
  const later = [
    ["", false],
    ["0e", false],
    ["0f", false],
    ["16", true],
    ["f6", true],
    ["00000016", true],
    ["0000000e", false],
    ["0100000000000000", true],
  ] as const;
  for (const [hex, expected] of later) {
    equal(isLaterBlock([option(o.BLOCK1, hex)], true), expected, hex);
    equal(isLaterBlock([option(o.BLOCK2, hex)], false), expected, hex);
  }
  equal(isLaterBlock([option(o.BLOCK2, "16")], true), false);
  equal(isLaterBlock([option(o.BLOCK1, "16")], false), false);
});

test("RFC 7959 §2.2: number, more and size in 0 to 3 bytes", () => {
  const values: [string, Block][] = [
    ["", block(0, false, 0)],
    ["06", block(0, false, 6)],
    ["0e", block(0, true, 6)],
    ["1e", block(1, true, 6)],
    ["f6", block(15, false, 6)],
    ["0106", block(16, false, 6)],
    ["fffffe", block(0xf_ffff, true, 6)],
  ];
  for (const [hex, value] of values) {
    equal(findBlock([option(o.BLOCK2, hex)], o.BLOCK2), { ok: true, value });
    equal(toHex(blockValue(value)), hex);
  }
  equal(findBlock([option(o.BLOCK1, "06")], o.BLOCK2), undefined);
  // RFC 7252 §3.2: leading zeros are accepted.
  equal(findBlock([option(o.BLOCK2, "000006")], o.BLOCK2), { ok: true, value: block(0, false, 6) });
  throws(() => blockValue(block(0x10_0000, false, 0)), /block 1048576/);
});

test("size exponent 7 is refused", () => {
  for (const hex of ["07", "0f", "17"]) {
    equal(findBlock([option(o.BLOCK1, hex)], o.BLOCK1), MALFORMED);
  }
});

test("a block option of four bytes is refused", () => {
  equal(findBlock([option(o.BLOCK1, "00000006")], o.BLOCK1), MALFORMED);
});

/** The answer to a request with that Block2 option, as the figures write it. */
function sliced(hex: string | undefined, body: Uint8Array, szxMax: number): string {
  const part = slice(hex === undefined ? [] : [option(o.BLOCK2, hex)], body, szxMax);
  if (part === undefined) return "whole";
  if (!part.ok) return part.drop;
  return `${figure(part.value.options)} ${part.value.payload.length}`;
}

test("RFC 7959 figure 2: a simple block-wise GET", () => {
  const body = counted(300);
  equal(sliced(undefined, body, 3), "2:0/1/128 128");
  equal(sliced("13", body, 3), "2:1/1/128 128");
  equal(sliced("23", body, 3), "2:2/0/128 44");
  const last = slice([option(o.BLOCK2, "23")], body, 3);
  equal(last?.ok === true && last.value.payload, body.slice(256));
});

test("RFC 7959 figures 3 and 4: early and late negotiation of a smaller size", () => {
  const body = counted(352);
  // Figure 3: 64 bytes from the beginning; figure 4: the second block at 128, in blocks of 64.
  equal(sliced("02", body, 3), "2:0/1/64 64");
  equal(sliced("22", body, 3), "2:2/1/64 64");
  equal(sliced("52", body, 3), "2:5/0/64 32");
});

test("a larger size than ours keeps the place and renumbers", () => {
  const body = counted(2000);
  equal(sliced("06", body, 4), "2:0/1/256 256");
  equal(sliced("16", body, 4), "2:4/1/256 256");
});

test("what fits is not cut unless blocks are spoken of", () => {
  equal(sliced(undefined, counted(256), 4), "whole");
  equal(sliced(undefined, counted(257), 4), "2:0/1/256 256");
  equal(sliced("04", counted(256), 4), "2:0/0/256 256");
  equal(sliced("04", counted(1), 4), "2:0/0/256 1");
});

test("a block behind the end is refused", () => {
  equal(sliced("14", counted(256), 4), "malformed");
  equal(sliced("fffff4", counted(256), 4), "malformed");
  equal(sliced("07", counted(256), 4), "malformed");
});

test("blocks of one representation share an ETag, and Size2 is told to who asks", () => {
  const tags = [counted(300), counted(301)].map((body) => {
    const parts = ["03", "13", "23"].map((hex) => slice([option(o.BLOCK2, hex)], body, 3));
    const values = parts.map((part) => part?.ok && o.find(part.value.options, o.ETAG));
    equal(values[1], values[0]);
    equal(values[2], values[0]);
    return toHex(values[0] as Uint8Array);
  });
  equal(tags[0].length, 8);
  equal(tags[0] === tags[1], false);
  const asked = slice([option(o.BLOCK2, "03"), option(o.SIZE2, "")], counted(300), 3);
  equal(asked?.ok && asked.value.options.map(({ number }) => number), [4, 23, 28]);
  equal(asked?.ok && o.findUint(asked.value.options, o.SIZE2), 300);
});

const PATH: Option = option(o.URI_PATH, "6c");
const FROM = { address: fromHex("fd000000000000000000000000000002"), port: 5683 };

function collector(limits: { bodiesMax?: number; bodyBytesMax?: number } = {}) {
  const clock = new TestClock(SECOND);
  const bodies = new Bodies({
    clock,
    limits: { bodiesMax: 2, bodyBytesMax: 512, szxMax: 3, ...limits },
  });
  const put = (
    value: Block,
    payload: Uint8Array,
    more: { sender?: number; port?: number; options?: Option[] } = {},
  ): Taken => {
    const options = [PATH, ...(more.options ?? []), { number: o.BLOCK1, value: blockValue(value) }];
    options.sort((a, b) => a.number - b.number);
    const from = { ...FROM, port: more.port ?? FROM.port };
    return bodies.take({ code: o.PUT, options, payload }, { from, sender: more.sender ?? 1 });
  };
  return { clock, bodies, put };
}

/** "2.31 1:0/1/128", or what was collected. */
function outcome(taken: Taken): string {
  if ("whole" in taken) {
    const own = taken.option === undefined ? "" : ` ${figure([taken.option])}`;
    return `whole ${taken.whole.payload?.length ?? 0}${own}`;
  }
  const blocks = figure(taken.options);
  const size = o.findUint(taken.options, o.SIZE1);
  const tail = `${blocks === "" ? "" : ` ${blocks}`}${size === undefined ? "" : ` size ${size}`}`;
  return `${o.codeText(taken.code)}${tail}`;
}

test("RFC 7959 figure 6: a simple atomic block-wise PUT", () => {
  const { bodies, clock, put } = collector();
  const body = counted(300);
  equal(outcome(put(block(0, true, 3), body.slice(0, 128))), "2.31 1:0/1/128");
  equal(outcome(put(block(1, true, 3), body.slice(128, 256))), "2.31 1:1/1/128");
  const taken = put(block(2, false, 3), body.slice(256));
  equal(outcome(taken), "whole 300 1:2/0/128");
  equal("whole" in taken && taken.whole.payload, body);
  equal([bodies.size, clock.pending], [0, 0]);
});

test("RFC 7959 figure 8: the server wants smaller blocks", () => {
  const { put } = collector();
  const body = counted(352);
  // The first comes with 256 bytes; from there it goes on in blocks of 128.
  equal(outcome(put(block(0, true, 4), body.slice(0, 256))), "2.31 1:0/1/128");
  equal(outcome(put(block(2, false, 3), body.slice(256))), "whole 352 1:2/0/128");
});

test("a body that was not begun is incomplete", () => {
  equal(outcome(collector().put(block(1, true, 3), counted(128))), "4.08");
});

test("a body that does not go on where it stopped is incomplete, and forgotten", () => {
  const { bodies, put } = collector();
  put(block(0, true, 3), counted(128));
  equal(outcome(put(block(2, true, 3), counted(128))), "4.08");
  equal(bodies.size, 0);
  equal(outcome(put(block(1, true, 3), counted(128))), "4.08");
});

test("block 0 begins anew", () => {
  const { bodies, put } = collector();
  put(block(0, true, 3), new Uint8Array(128).fill(9));
  put(block(0, true, 3), counted(128));
  equal(bodies.size, 1);
  const taken = put(block(1, false, 3), counted(3));
  equal("whole" in taken && taken.whole.payload?.[1], 1);
});

test("a block of another size than it says is refused", () => {
  const { bodies, put } = collector();
  equal(outcome(put(block(0, true, 3), counted(127))), "4.00");
  equal(outcome(put(block(0, true, 3), counted(129))), "4.00");
  equal(outcome(put(block(0, false, 3), counted(129))), "4.00");
  equal(bodies.size, 0);
  equal(outcome(put(block(0, false, 3), counted(5))), "whole 5 1:0/0/128");
});

test("a body that grows too large is refused with the largest size", () => {
  const { bodies, put } = collector({ bodyBytesMax: 200 });
  put(block(0, true, 3), counted(128));
  equal(outcome(put(block(1, true, 3), counted(128))), "4.13 size 200");
  equal(bodies.size, 0);
});

test("a body that says it is too large is refused at once", () => {
  const { bodies, put } = collector();
  const size = { options: [option(o.SIZE1, "0201")] };
  equal(outcome(put(block(0, true, 3), counted(128), size)), "4.13 size 512");
  equal(bodies.size, 0);
});

test("blocks of another asker, context, request or tag are another body's", () => {
  const { put } = collector({ bodiesMax: 8 });
  put(block(0, true, 3), counted(128));
  const next = block(1, false, 3);
  equal(outcome(put(next, counted(1), { port: 5684 })), "4.08");
  equal(outcome(put(next, counted(1), { sender: 2 })), "4.08");
  equal(outcome(put(next, counted(1), { options: [option(o.URI_PATH, "6d")] })), "4.08");
  equal(outcome(put(next, counted(1), { options: [option(o.REQUEST_TAG, "01")] })), "4.08");
  equal(outcome(put(next, counted(1))), "whole 129 1:1/0/128");
});

test("a full table refuses the newcomer and keeps what it has", () => {
  const { bodies, put } = collector({ bodiesMax: 1 });
  put(block(0, true, 3), counted(128));
  equal(outcome(put(block(0, true, 3), counted(128), { port: 9 })), "5.03");
  equal(bodies.size, 1);
  equal(outcome(put(block(1, false, 3), counted(2))), "whole 130 1:1/0/128");
});

test("what is not continued is forgotten after EXCHANGE_LIFETIME", () => {
  const { bodies, clock, put } = collector();
  put(block(0, true, 3), counted(128));
  clock.advance(246 * SECOND);
  equal(bodies.size, 1);
  put(block(1, true, 3), counted(128));
  clock.advance(246 * SECOND);
  equal(bodies.size, 1);
  clock.advance(2 * SECOND);
  equal([bodies.size, clock.pending], [0, 0]);
  equal(outcome(put(block(2, false, 3), counted(1))), "4.08");
});

test("a request without blocks goes through, one with a bad option does not", () => {
  const { bodies } = collector();
  const request: Inner = { code: o.PUT, options: [PATH], payload: counted(9) };
  equal(bodies.take(request, { from: FROM, sender: 1 }), { whole: request, option: undefined });
  const bad = { ...request, options: [PATH, option(o.BLOCK1, "07")] };
  equal(outcome(bodies.take(bad, { from: FROM, sender: 1 })), "4.00");
});

test("stopping forgets bodies and timer", () => {
  const { bodies, clock, put } = collector();
  put(block(0, true, 3), counted(128));
  bodies.stop();
  equal([bodies.size, clock.pending], [0, 0]);
});

/** A transfer against our own server; returns what went over the air, and the answer. */
function run(transfer: Transfer, serve: (request: Inner) => Inner) {
  const air: string[] = [];
  for (let step = 0; step < 40; step++) {
    const request = transfer.next();
    const answer = serve(request);
    air.push(`${figure(request.options)} -> ${o.codeText(answer.code)} ${figure(answer.options)}`);
    const done = transfer.answered(answer);
    if (done !== undefined) return { air, done };
  }
  throw new Error("a transfer without end");
}

function serving(body: () => Uint8Array, szx: number) {
  return (request: Inner): Inner => {
    const part = slice(request.options, body(), szx);
    if (part === undefined) return { code: o.CONTENT, options: [], payload: body() };
    if (!part.ok) return { code: o.BAD_REQUEST, options: [], payload: undefined };
    return { code: o.CONTENT, ...part.value };
  };
}

const GET: Inner = { code: o.GET, options: [PATH], payload: undefined };
const LIMITS = { bodyBytesMax: 1024, szx: 6 };

test("a client puts the blocks of an answer together", () => {
  const body = counted(300);
  const { air, done } = run(
    new Transfer(GET, LIMITS),
    serving(() => body, 3),
  );
  equal(done.ok && done.value.payload, body);
  equal(done.ok && figure(done.value.options), "");
  equal(air, [" -> 2.05 2:0/1/128", "2:1/0/128 -> 2.05 2:1/1/128", "2:2/0/128 -> 2.05 2:2/0/128"]);
});

test("an answer that fits comes at once", () => {
  const { air, done } = run(
    new Transfer(GET, LIMITS),
    serving(() => counted(30), 3),
  );
  equal(done.ok && done.value.payload?.length, 30);
  equal(air.length, 1);
});

test("a client sends its payload in blocks, and in smaller ones where the server says so", () => {
  const { bodies } = collector();
  const payload = counted(500);
  const request: Inner = { code: o.PUT, options: [PATH], payload };
  let heard: Uint8Array | undefined;
  const serve = (part: Inner): Inner => {
    const taken = bodies.take(part, { from: FROM, sender: 1 });
    if (!("whole" in taken)) return { ...taken, payload: undefined };
    heard = taken.whole.payload;
    const options = taken.option === undefined ? [] : [taken.option];
    return { code: o.CHANGED, options, payload: undefined };
  };
  const { air, done } = run(new Transfer(request, { ...LIMITS, szx: 4 }), serve);
  equal(heard, payload);
  equal(done.ok && done.value.code, o.CHANGED);
  equal(air, [
    "1:0/1/256 -> 2.31 1:0/1/128",
    "1:2/1/128 -> 2.31 1:2/1/128",
    "1:3/0/128 -> 2.04 1:3/0/128",
  ]);
});

test("RFC 7959 §2.9.3: 4.13 with a smaller size begins again with that", () => {
  const serve = (request: Inner): Inner => {
    const found = findBlock(request.options, o.BLOCK1);
    const options = [{ number: o.BLOCK1, value: blockValue(block(0, false, 2)) }];
    const payload = undefined;
    if (found === undefined) return { code: o.REQUEST_ENTITY_TOO_LARGE, options, payload };
    return { code: o.CHANGED, options: [], payload };
  };
  const put: Inner = { code: o.PUT, options: [PATH], payload: counted(100) };
  const { air, done } = run(new Transfer(put, LIMITS), serve);
  equal(air, [" -> 4.13 1:0/0/64", "1:0/1/64 -> 2.04 "]);
  equal(done.ok && done.value.code, o.CHANGED);
});

test("a representation that changes while it is fetched is fetched anew", () => {
  let asked = 0;
  const body = () => (++asked < 3 ? counted(300) : counted(301));
  const { done } = run(new Transfer(GET, LIMITS), serving(body, 3));
  equal(done.ok && done.value.payload, counted(301));
  let version = 0;
  const never = run(
    new Transfer(GET, LIMITS),
    serving(() => counted(300 + (version++ % 7)), 3),
  );
  equal(never.done, MALFORMED);
});

test("an answer of more bytes than the client takes ends the transfer", () => {
  const { done, air } = run(
    new Transfer(GET, { ...LIMITS, bodyBytesMax: 200 }),
    serving(() => counted(1000), 3),
  );
  equal(done, { ok: false, drop: "overflow" });
  equal(air.length, 2);
});

test("blocks out of order, or of another size than they say, end the transfer", () => {
  const one = (number: number, size: number, more = true): Inner => ({
    code: o.CONTENT,
    options: [{ number: o.BLOCK2, value: blockValue(block(number, more, 3)) }],
    payload: counted(size),
  });
  const after = (...answers: Inner[]) => {
    const transfer = new Transfer(GET, LIMITS);
    return answers.map((answer) => transfer.answered(answer)).at(-1);
  };
  equal(after(one(1, 128)), MALFORMED);
  equal(after(one(0, 127)), MALFORMED);
  equal(after(one(0, 128), one(0, 128)), MALFORMED);
  equal(after(one(0, 128), one(2, 128)), MALFORMED);
  const done = after(one(0, 128), one(1, 1, false));
  equal(done?.ok === true && done.value.payload?.length, 129);
});

test("an error in the middle is the answer", () => {
  const transfer = new Transfer(GET, LIMITS);
  const first = { number: o.BLOCK2, value: blockValue(block(0, true, 3)) };
  equal(transfer.answered({ code: o.CONTENT, options: [first], payload: counted(128) }), undefined);
  const answer = { code: o.NOT_FOUND, options: [], payload: undefined };
  equal(transfer.answered(answer), { ok: true, value: answer });
});

test("a client that asks for small blocks at first goes on with them", () => {
  const early = { ...GET, options: [PATH, option(o.BLOCK2, "01")] };
  const { air, done } = run(
    new Transfer(early, LIMITS),
    serving(() => counted(70), 3),
  );
  equal(done.ok && done.value.payload, counted(70));
  equal(air, [
    "2:0/0/32 -> 2.05 2:0/1/32",
    "2:1/0/32 -> 2.05 2:1/1/32",
    "2:2/0/32 -> 2.05 2:2/0/32",
  ]);
});

test("the rest of a notification is fetched without observing again", () => {
  const observing = { ...GET, options: [option(o.OBSERVE, ""), PATH] };
  const transfer = new Transfer(observing, LIMITS);
  transfer.answered(serving(() => counted(300), 3)(transfer.next()));
  equal(
    transfer.next().options.map(({ number }) => number),
    [o.URI_PATH, o.BLOCK2],
  );
});
