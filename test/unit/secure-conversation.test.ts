import type { Outcome } from "../../modules/bytes/outcome.js";
import { utf8 } from "../../modules/bytes/utf8.js";
import {
  ACK,
  CON,
  emitMessage,
  type Message,
  NON,
  type Option,
  parseMessage,
  RST,
} from "../../modules/coap/message.js";
import {
  BLOCK1,
  BLOCK2,
  CHANGED,
  CONTENT,
  CONTENT_FORMAT,
  CREATED,
  ECHO,
  GET,
  LOCATION_PATH,
  NO_RESPONSE,
  POST,
  PROXY_URI,
  URI_PATH,
} from "../../modules/coap/options.js";
import { CONVERSATION_LIMITS, Conversation } from "../../modules/secure/conversation.js";
import type { SecureRequest, SecureResponse } from "../../modules/secure/request.js";
import { equal, test } from "../harness.js";
import { TestClock } from "../support/clock.js";
import { SeededRandom } from "../support/random.js";
import { Promised, Told } from "../support/secure.js";

const ASKER = { by: "dtls", id: "07" } as const;

/** A conversation whose messages nobody protects: what it says, as messages. */
function begin(answer?: (request: SecureRequest) => SecureResponse | Promise<SecureResponse>) {
  const clock = new TestClock();
  const said: Message[] = [];
  const requests: SecureRequest[] = [];
  const handler =
    answer &&
    ((request: SecureRequest) => {
      requests.push(request);
      return answer(request);
    });
  const conversation = new Conversation<true>(
    { clock, random: new SeededRandom(5), handler, limits: CONVERSATION_LIMITS },
    ASKER,
    {
      request: (header, inner) => ({ bytes: emitMessage({ ...header, ...inner }), bound: true }),
      response: (header, inner) => emitMessage({ ...header, ...inner }),
      send: (bytes) => {
        const parsed = parseMessage(bytes);
        if (parsed.ok) said.push(parsed.value);
        return true;
      },
    },
  );
  const hear = (message: Partial<Message>): Outcome<true> => {
    const whole = { ...EMPTY, ...message };
    const value = { inner: whole, bound: true } as const;
    return conversation.heard({ header: whole, open: () => ({ ok: true, value }) });
  };
  return { clock, said, requests, conversation, hear };
}

const EMPTY: Message = {
  type: CON,
  code: POST,
  mid: 1,
  token: Uint8Array.of(9),
  options: [],
  payload: undefined,
};

const option = (number: number, ...bytes: number[]): Option => ({
  number,
  value: Uint8Array.of(...bytes),
});

test("an answer at once goes with the acknowledgement, and again for a copy", () => {
  const { said, requests, hear } = begin(() => ({ code: CHANGED }));
  equal(hear({ mid: 7 }), { ok: true, value: true });
  equal(hear({ mid: 7 }), { ok: false, drop: "duplicate" });
  equal(
    said.map(({ type, code, mid }) => [type, code, mid]),
    Array(2).fill([ACK, CHANGED, 7]),
  );
  equal(requests.length, 1);
});

test("an answer says where what it made is, and a client reads it", () => {
  const location = ["ace-group", "9", "nodes", "01"];
  const { said, hear } = begin(() => ({ code: CREATED, location }));
  hear({});
  const path = said[0].options.filter(({ number }) => number === LOCATION_PATH);
  equal(
    path.map(({ value }) => value),
    location.map((segment) => utf8(segment)),
  );
  const client = begin();
  const told = new Told();
  client.conversation.ask({ method: POST, path: ["ace-group", "9"] }, told.done);
  client.clock.advance(0);
  const [{ mid, token }] = client.said;
  client.hear({ type: ACK, code: CREATED, mid, token, options: path });
  equal(told.answers[0], { ok: true, response: { code: CREATED, location } });
});

test("who has to wait is acknowledged after a second, and answered on its own", () => {
  const waiting = new Promised<SecureResponse>();
  const { clock, said, hear } = begin(() => waiting.promise);
  hear({ mid: 7 });
  clock.advance(999_999);
  equal(said, []);
  clock.advance(1);
  equal([said[0].type, said[0].code, said[0].mid], [ACK, 0, 7]);
  hear({ mid: 7 });
  equal([said[1].type, said[1].code], [ACK, 0], "a copy is acknowledged once more");
  waiting.give({ code: CONTENT, payload: utf8("late") });
  const [, , answer] = said;
  equal([answer.type, answer.code, answer.token], [CON, CONTENT, Uint8Array.of(9)]);
  clock.advance(3_000_000);
  equal(said.length, 4, "until it is acknowledged");
  hear({ type: ACK, code: 0, mid: answer.mid });
  clock.advance(300_000_000);
  equal([said.length, clock.pending], [4, 0]);
});

test("an answer within the second still goes with the acknowledgement", () => {
  const waiting = new Promised<SecureResponse>();
  const { clock, said, hear } = begin(() => waiting.promise);
  hear({ mid: 7 });
  clock.advance(500_000);
  waiting.give({ code: CHANGED });
  equal(
    said.map(({ type, code }) => [type, code]),
    [[ACK, CHANGED]],
  );
  equal(clock.pending, 0);
});

test("a handler that fails says 5.00, one that is not there 4.04", () => {
  const failing = new Promised<SecureResponse>();
  const { said, hear } = begin(() => failing.promise);
  hear({});
  failing.fail();
  equal(said[0].code, 160);
  const none = begin();
  none.hear({});
  equal(none.said[0].code, 132);
});

test("requests that are not answered yet are bounded: 5.03", () => {
  const never = new Promised<SecureResponse>();
  const { said, requests, hear, conversation } = begin(() => never.promise);
  for (let mid = 1; mid <= 3; mid++) hear({ mid });
  equal([requests.length, said.map(({ code }) => code)], [2, [163]]);
  equal(conversation.isBusy, true);
  conversation.stop();
  never.give({ code: CHANGED });
  equal(said.length, 1);
});

test("a critical option that is not understood: 4.02, and no handler", () => {
  const { said, requests, hear } = begin(() => ({ code: CHANGED }));
  hear({ options: [{ number: PROXY_URI, value: utf8("coap://x") }] });
  hear({ mid: 2, options: [option(65003)] });
  equal([said.map(({ code }) => code), requests.length], [[130, 130], 0]);
});

test("a path that is no text: 4.00", () => {
  const { said, hear } = begin(() => ({ code: CHANGED }));
  hear({ options: [option(URI_PATH, 0xff)] });
  equal(
    said.map(({ code }) => code),
    [128],
  );
});

test("No-Response: what nobody wants to hear is not said, only acknowledged", () => {
  const { said, hear } = begin(() => ({ code: CHANGED }));
  hear({ mid: 3, options: [option(NO_RESPONSE, 2)] });
  hear({ mid: 4, type: NON, options: [option(NO_RESPONSE, 2)] });
  equal(
    said.map(({ type, code, mid }) => [type, code, mid]),
    [[ACK, 0, 3]],
  );
});

test("a later block of another answer, or of none, is refused", () => {
  const { clock, said, requests, hear } = begin(() => ({
    code: CONTENT,
    format: 60,
    payload: new Uint8Array(1200),
  }));
  let mid = 0;
  const ask = (path: string, number: number) => {
    const options = [{ number: URI_PATH, value: utf8(path) }, option(BLOCK2, number * 16 + 5)];
    hear({ mid: mid++, code: GET, options });
    return said[said.length - 1].code;
  };
  const asked: [string, number][] = [
    ["a", 1],
    ["a", 0],
    ["b", 1],
    ["a", 1],
    ["a", 2],
    ["a", 1],
  ];
  const codes = asked.map(([path, number]) => ask(path, number));
  equal(codes, [136, CONTENT, 136, CONTENT, CONTENT, 136]);
  equal([requests.length, said[3].options[0].number], [1, 4]);
  equal(
    said[3].options.some(({ number }) => number === CONTENT_FORMAT),
    true,
  );
  ask("a", 0);
  clock.advance(300_000_000);
  equal([ask("a", 1), clock.pending], [136, 0], "nor is it kept for ever");
});

test("a body in blocks, its answer in the last one's, and none of it without the first", () => {
  const { said, requests, hear } = begin(() => ({ code: CHANGED }));
  const block = (mid: number, number: number, more: number, size: number) =>
    hear({
      mid,
      options: [option(BLOCK1, number * 16 + more * 8)],
      payload: new Uint8Array(size).fill(number),
    });
  block(1, 1, 0, 3);
  block(2, 0, 1, 16);
  block(3, 1, 0, 3);
  equal(
    said.map(({ code }) => code),
    [136, 95, CHANGED],
  );
  equal(
    requests.map(({ payload }) => payload.length),
    [19],
  );
});

test("one question at a time; what waits goes on when the one before is answered or failed", () => {
  const { clock, said, conversation, hear } = begin();
  const told = new Told();
  const ask = { method: GET, path: ["time"] };
  for (let count = 0; count < 4; count++) equal(conversation.ask(ask, told.done), true);
  equal(conversation.ask(ask, told.done), false, "bounded");
  equal([said, told.answers], [[], []]);
  clock.advance(1);
  equal(said.length, 1);
  const answer = { type: ACK, code: CONTENT, payload: utf8("now") } as const;
  equal(hear({ ...answer, mid: said[0].mid, token: Uint8Array.of(1, 2, 3, 4) }).ok, false);
  hear({ ...answer, mid: said[0].mid, token: said[0].token });
  clock.advance(1);
  hear({ type: RST, code: 0, mid: said[1].mid });
  clock.advance(1);
  equal(told.words, [CONTENT, "reset"]);
  clock.advance(100_000_000);
  equal(told.words, [CONTENT, "reset", "timeout"]);
  conversation.stop();
  equal(told.words, [CONTENT, "reset", "timeout", "closed"]);
  equal(clock.pending, 0);
});

test("an answer on its own is acknowledged, once and again; one nobody asked for is reset", () => {
  const { clock, said, conversation, hear } = begin();
  const told = new Told();
  conversation.ask({ method: GET, path: [] }, told.done);
  clock.advance(1);
  const { mid, token } = said[0];
  hear({ type: ACK, code: 0, mid });
  const late = { type: CON, code: CONTENT, mid: 77, token, payload: utf8("late") } as const;
  hear(late);
  equal(hear(late), { ok: false, drop: "duplicate" });
  equal(
    said.slice(1).map(({ type, code, mid: of }) => [type, code, of]),
    Array(2).fill([ACK, 0, 77]),
  );
  equal(told.words, [CONTENT]);
  equal(hear({ ...late, mid: 78 }), { ok: false, drop: "unsolicited" });
  equal([said[3].type, said[3].mid, clock.pending], [RST, 78, 0]);
});

test("acknowledged, and then never answered", () => {
  const { clock, said, conversation, hear } = begin();
  const told = new Told();
  conversation.ask({ method: GET, path: [] }, told.done);
  clock.advance(1);
  hear({ type: ACK, code: 0, mid: said[0].mid });
  clock.advance(92_000_000);
  equal([told.words, said.length], [[], 1]);
  clock.advance(2_000_000);
  equal([told.words, clock.pending], [["timeout"], 0]);
});

test("a challenge to show that we are there is met once", () => {
  const { clock, said, conversation, hear } = begin();
  const told = new Told();
  conversation.ask({ method: POST, path: [], payload: utf8("x") }, told.done);
  for (let round = 0; round < 2; round++) {
    clock.advance(1);
    const { mid, token } = said[said.length - 1];
    hear({ type: ACK, code: 129, mid, token, options: [option(ECHO, 4, 5)] });
  }
  equal(said[1].options, [option(ECHO, 4, 5)]);
  equal([told.words, said.length], [[129], 2]);
});
