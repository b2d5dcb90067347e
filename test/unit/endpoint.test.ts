import { fromHex, toHex } from "../../modules/bytes/hex.js";
import { Endpoint, type EndpointLimits, suppresses } from "../../modules/coap/endpoint.js";
import { CON, emitMessage, type Message, NON, parseMessage } from "../../modules/coap/message.js";
import { BAD_OPTION, CONTENT } from "../../modules/coap/options.js";
import * as times from "../../modules/coap/times.js";
import { equal, test } from "../harness.js";
import { TestClock } from "../support/clock.js";
import { Net } from "../support/net.js";
import { SeededRandom } from "../support/random.js";

const US = fromHex("fd000000000000000000000000000001");
const PEER = { address: fromHex("fd000000000000000000000000000002"), port: 5683 };
const OTHER = { address: fromHex("fd000000000000000000000000000003"), port: 5683 };
const GROUP = fromHex("ff1500000000000000000000000000fd");
const SECOND = 1_000_000;

const LIMITS: EndpointLimits = {
  peersMax: 4,
  outstandingMax: 4,
  remembersMax: 8,
  replyBytesMax: 1024,
  repliesMax: 4,
};

function setUp(limits: Partial<EndpointLimits> = {}, seed = 1, leisureMicros?: number) {
  const clock = new TestClock(7 * SECOND);
  const net = new Net(clock);
  const port = net.port(US);
  const endpoint = new Endpoint({
    clock,
    random: new SeededRandom(seed),
    net: port,
    port: 5683,
    limits: { ...LIMITS, ...limits },
    ...(leisureMicros === undefined ? {} : { leisureMicros }),
  });
  /** What was sent since the last call, in hex. */
  const sent = () => net.sent.splice(0).map(({ bytes }) => toHex(bytes));
  return { clock, net, port, endpoint, sent };
}

/** A message as it comes out of the parser. */
function arrives(hex: string): Message {
  const parsed = parseMessage(fromHex(hex));
  if (!parsed.ok) throw new Error(`${hex} is ${parsed.drop}`);
  return parsed.value;
}

/** GET with token 7e and a message id: 41 01 is CON, 51 01 is NON. */
const con = (mid: string) => arrives(`4101${mid}7e`);
const non = (mid: string) => arrives(`5101${mid}7e`);

/** 2.05 Content, as RFC 7252 §3 lays it out. */
function content({ type, mid, token }: { type: 1 | 2; mid: number; token: Uint8Array }) {
  const payload = fromHex("2a");
  return emitMessage({ type, code: CONTENT, mid, token, options: [], payload });
}

test("times are those of RFC 7252 §4.8, tables 2 and 3", () => {
  equal(times.ACK_TIMEOUT_MICROS, 2 * SECOND);
  equal(times.ACK_RANDOM_FACTOR, 1.5);
  equal(times.MAX_RETRANSMIT, 4);
  equal(times.DEFAULT_LEISURE_MICROS, 5 * SECOND);
  equal(times.MAX_TRANSMIT_SPAN_MICROS, 45 * SECOND);
  equal(times.MAX_TRANSMIT_WAIT_MICROS, 93 * SECOND);
  equal(times.MAX_LATENCY_MICROS, 100 * SECOND);
  equal(times.EXCHANGE_LIFETIME_MICROS, 247 * SECOND);
  equal(times.NON_LIFETIME_MICROS, 145 * SECOND);
});

test("a ping is answered by a Reset", () => {
  const { net, endpoint, sent } = setUp();
  equal(endpoint.check(arrives("4000abcd"), PEER), "done");
  equal(net.sent[0].to, PEER);
  equal(net.sent[0].from.port, 5683);
  equal(sent(), ["7000abcd"]);
});

test("a confirmable request is answered in its acknowledgement", () => {
  const { net, endpoint, sent } = setUp();
  const request = con("1234");
  equal(endpoint.check(request, PEER), "new");
  equal(endpoint.remember(request, PEER), true);
  equal(endpoint.reply({ request, from: PEER, make: content }), true);
  equal(net.sent[0].to, PEER);
  equal(sent(), ["614512347eff2a"]);
});

test("a non-confirmable request is answered by a NON with an id of ours", () => {
  const { endpoint, sent } = setUp();
  const request = non("1234");
  const expected = (endpoint.nextMid() + 1) % 65536;
  equal(endpoint.check(request, PEER), "new");
  equal(endpoint.reply({ request, from: PEER, make: content }), true);
  const mid = toHex(Uint8Array.of(expected >> 8, expected & 255));
  equal(sent(), [`5145${mid}7eff2a`]);
});

test("a copy of a CON gets the same bytes again for EXCHANGE_LIFETIME", () => {
  const { clock, endpoint, sent } = setUp();
  const request = con("1234");
  let made = 0;
  const make = (header: { type: 1 | 2; mid: number; token: Uint8Array }) => {
    made++;
    return content(header);
  };
  endpoint.remember(request, PEER);
  endpoint.reply({ request, from: PEER, make });
  equal(sent(), ["614512347eff2a"]);
  clock.advance(3 * SECOND);
  equal(endpoint.check(con("1234"), PEER), "duplicate");
  clock.advance(244 * SECOND - 1);
  equal(endpoint.check(con("1234"), PEER), "duplicate");
  equal(sent(), ["614512347eff2a", "614512347eff2a"]);
  equal(made, 1);
  clock.advance(1);
  equal(endpoint.check(con("1234"), PEER), "new");
  equal(sent(), []);
});

test("a copy of a CON that was not answered yet gets an empty ACK", () => {
  const { endpoint, sent } = setUp();
  const request = con("1234");
  endpoint.remember(request, PEER);
  equal(endpoint.check(request, PEER), "duplicate");
  equal(sent(), ["60001234"]);
  endpoint.acknowledge(request, PEER);
  equal(sent(), ["60001234"]);
  equal(endpoint.check(request, PEER), "duplicate");
  equal(sent(), ["60001234"]);
});

test("a copy of a NON is silent for NON_LIFETIME", () => {
  const { clock, endpoint, sent } = setUp();
  const request = non("1234");
  equal(endpoint.remember(request, PEER), true);
  endpoint.reply({ request, from: PEER, make: content });
  equal(sent().length, 1);
  clock.advance(145 * SECOND - 1);
  equal(endpoint.check(request, PEER), "duplicate");
  equal(sent(), []);
  clock.advance(1);
  equal(endpoint.check(request, PEER), "new");
});

test("a forgery does not keep out the message it precedes", () => {
  const { endpoint, sent } = setUp();
  // Same sender and id; it fails verification, so nobody calls remember.
  equal(endpoint.check(arrives("4101123466"), PEER), "new");
  equal(endpoint.check(con("1234"), PEER), "new");
  endpoint.remember(con("1234"), PEER);
  endpoint.reply({ request: con("1234"), from: PEER, make: content });
  equal(sent(), ["614512347eff2a"]);
  // Afterwards it is a copy, and its answer is the one the real sender got.
  equal(endpoint.check(arrives("4101123466"), PEER), "duplicate");
  equal(sent(), ["614512347eff2a"]);
});

test("message ids are a sender's own: another address is another sender", () => {
  const { endpoint } = setUp();
  endpoint.remember(con("1234"), PEER);
  equal(endpoint.check(con("1234"), OTHER), "new");
  equal(endpoint.check(con("1235"), PEER), "new");
  const ipv4 = { address: PEER.address.slice(0, 4), port: 5683 };
  equal(endpoint.check(con("1234"), ipv4), "new");
  endpoint.remember(con("1234"), ipv4);
  equal(endpoint.check(con("1234"), ipv4), "duplicate");
});

test("message ids are a sender's own: another port is another sender", () => {
  const { endpoint } = setUp();
  endpoint.remember(con("1234"), PEER);
  equal(endpoint.check(con("1234"), { address: PEER.address, port: 5684 }), "new");
  equal(endpoint.check(con("1234"), { address: PEER.address.slice(), port: 5683 }), "duplicate");
});

test("nothing to say: a CON gets an empty ACK, a NON silence", () => {
  const { endpoint, sent } = setUp();
  const make = () => undefined;
  endpoint.remember(con("0001"), PEER);
  equal(endpoint.reply({ request: con("0001"), from: PEER, make }), false);
  equal(sent(), ["60000001"]);
  equal(endpoint.reply({ request: non("0002"), from: PEER, make }), false);
  equal(sent(), []);
  equal(endpoint.check(con("0001"), PEER), "duplicate");
  equal(sent(), ["60000001"]);
});

test("a full table keeps every CON whose answer may be asked for again", () => {
  const { clock, endpoint, sent } = setUp({ remembersMax: 2 });
  for (const mid of ["0001", "0002"]) {
    endpoint.remember(con(mid), PEER);
    endpoint.reply({ request: con(mid), from: PEER, make: content });
  }
  sent();
  equal(endpoint.remember(con("0003"), PEER), false);
  equal(endpoint.remember(non("0004"), PEER), false);
  // The newcomer is answered all the same; only its copies are not known.
  equal(endpoint.reply({ request: con("0003"), from: PEER, make: content }), true);
  equal(endpoint.check(con("0003"), PEER), "new");
  equal(endpoint.check(con("0001"), PEER), "duplicate");
  equal(endpoint.check(con("0002"), PEER), "duplicate");
  equal(sent(), ["614500037eff2a", "614500017eff2a", "614500027eff2a"]);
  clock.advance(247 * SECOND);
  equal(endpoint.remember(con("0003"), PEER), true);
  equal(endpoint.check(con("0003"), PEER), "duplicate");
});

test("in a full table the oldest NON makes room", () => {
  const { clock, endpoint } = setUp({ remembersMax: 3 });
  for (const request of [con("0001"), non("0002"), non("0003")]) {
    equal(endpoint.remember(request, PEER), true);
    clock.advance(SECOND);
  }
  equal(endpoint.remember(con("0004"), PEER), true);
  equal(
    ["0001", "0002", "0003", "0004"].map((mid) => endpoint.check(con(mid), PEER)),
    ["duplicate", "new", "duplicate", "duplicate"],
  );
  equal(endpoint.remember(non("0005"), PEER), true);
  equal(
    ["0001", "0003", "0004", "0005"].map((mid) => endpoint.check(con(mid), PEER)),
    ["duplicate", "new", "duplicate", "duplicate"],
  );
});

test("rows whose time is over make room for others, each with its own answer", () => {
  const { clock, endpoint, sent } = setUp({ remembersMax: 4 });
  const answer = (mid: string, from = PEER) => {
    equal(endpoint.remember(con(mid), from), true);
    endpoint.reply({ request: con(mid), from, make: content });
  };
  answer("0001");
  answer("0002", OTHER);
  clock.advance(100 * SECOND);
  answer("0003");
  answer("0004", OTHER);
  clock.advance(147 * SECOND);
  answer("0005");
  answer("0006", OTHER);
  sent();
  equal(
    ["0001", "0003", "0005"].map((mid) => endpoint.check(con(mid), PEER)),
    ["new", "duplicate", "duplicate"],
  );
  equal(
    ["0002", "0004", "0006"].map((mid) => endpoint.check(con(mid), OTHER)),
    ["new", "duplicate", "duplicate"],
  );
  const hex = (mid: string) => `6145${mid}7eff2a`;
  equal(sent(), [hex("0003"), hex("0005"), hex("0004"), hex("0006")]);
});

test("an answer beyond the bytes that may be kept is not said again", () => {
  // Each answer has 7 bytes.
  const { clock, endpoint, sent } = setUp({ replyBytesMax: 20 });
  for (const mid of ["0001", "0002", "0003"]) {
    endpoint.remember(con(mid), PEER);
    endpoint.reply({ request: con(mid), from: PEER, make: content });
  }
  equal(sent().length, 3);
  equal(endpoint.check(con("0002"), PEER), "duplicate");
  equal(sent(), ["614500027eff2a"]);
  // Silence: an empty ACK would promise an answer that never comes.
  equal(endpoint.check(con("0003"), PEER), "duplicate");
  equal(sent(), []);
  clock.advance(247 * SECOND);
  endpoint.remember(con("0004"), PEER);
  endpoint.reply({ request: con("0004"), from: PEER, make: content });
  sent();
  equal(endpoint.check(con("0004"), PEER), "duplicate");
  equal(sent(), ["614500047eff2a"]);
});

test("an answer is said again a bounded number of times", () => {
  const { endpoint, sent } = setUp();
  endpoint.remember(con("0001"), PEER);
  endpoint.reply({ request: con("0001"), from: PEER, make: content });
  sent();
  for (let i = 0; i < 50; i++) equal(endpoint.check(con("0001"), PEER), "duplicate");
  // RFC 7252 §4.2: four retransmissions are what a sender by the book makes.
  equal(sent().length, 8);
});

test("a message is remembered once, and an ACK or Reset never", () => {
  const { clock, endpoint } = setUp({ remembersMax: 2 });
  equal(endpoint.remember(con("0001"), PEER), true);
  clock.advance(SECOND);
  equal(endpoint.remember(con("0001"), PEER), true);
  equal(endpoint.remember(arrives("614500027eff2a"), PEER), true);
  equal(endpoint.remember(arrives("70000003"), PEER), true);
  equal(endpoint.remember(con("0004"), PEER), true);
  equal(endpoint.remember(con("0005"), PEER), false);
});

test("an answer the network refuses is said when it is asked for again", () => {
  const { port, endpoint, sent } = setUp();
  port.refuses = true;
  endpoint.remember(con("0001"), PEER);
  equal(endpoint.reply({ request: con("0001"), from: PEER, make: content }), false);
  port.refuses = false;
  endpoint.check(con("0001"), PEER);
  equal(sent(), ["614500017eff2a"]);
});

test("a separate response is acknowledged, and so is its copy", () => {
  const { endpoint, sent } = setUp();
  const response = arrives("414500017eff2a");
  equal(endpoint.check(response, PEER), "new");
  endpoint.remember(response, PEER);
  endpoint.acknowledge(response, PEER);
  equal(sent(), ["60000001"]);
  equal(endpoint.check(response, PEER), "duplicate");
  equal(sent(), ["60000001"]);
  endpoint.acknowledge(arrives("514500027eff2a"), PEER);
  equal(sent(), []);
});

test("what cannot be processed: a CON is refused", () => {
  const { net, endpoint, sent } = setUp();
  const way = { from: PEER, to: { address: US, port: 5683 } };
  endpoint.reject(con("0001"), way);
  equal(net.sent[0].to, PEER);
  equal(sent(), ["70000001"]);
  // RFC 7252 §5.4.1: 4.02 with the request's id and token, and no more.
  endpoint.reject(con("0001"), way, BAD_OPTION);
  equal(sent(), ["618200017e"]);
  // A response is no request: nobody would match the 4.02.
  endpoint.reject(arrives("414500017eff2a"), way, BAD_OPTION);
  equal(sent(), ["70000001"]);
});

test("what cannot be processed: a NON, an ACK and a Reset get silence", () => {
  const { endpoint, sent } = setUp();
  const way = { from: PEER, to: { address: US, port: 5683 } };
  endpoint.reject(non("0001"), way);
  endpoint.reject(non("0001"), way, BAD_OPTION);
  endpoint.reject(arrives("614500017eff2a"), way);
  endpoint.reject(arrives("70000001"), way);
  equal(sent(), []);
});

test("what cannot be processed: multicast gets silence", () => {
  const { endpoint, sent } = setUp();
  const ipv4 = Uint8Array.of(224, 0, 1, 187);
  for (const address of [GROUP, ipv4]) {
    const way = { from: PEER, to: { address, port: 5683 } };
    endpoint.reject(con("0001"), way);
    endpoint.reject(con("0001"), way, BAD_OPTION);
  }
  equal(sent(), []);
});

test("answers to multicast are spread over the leisure", () => {
  const { clock, net, endpoint } = setUp({ repliesMax: 200 }, 3, SECOND);
  const start = clock.micros();
  const token = fromHex("7e");
  const make = content;
  for (let i = 0; i < 200; i++) equal(endpoint.replyLater({ to: PEER, token, make }), true);
  equal(net.sent.length, 0);
  clock.advance(SECOND);
  equal(net.sent.length, 200);
  const delays = net.sent.map(({ atMicros }) => atMicros - start);
  const quarters = [0, 0, 0, 0];
  for (const delay of delays) quarters[Math.min(3, Math.floor((delay * 4) / SECOND))]++;
  // 50 expected in each; 4.9 standard deviations either way.
  equal(
    quarters.map((count) => count > 20 && count < 80),
    [true, true, true, true],
  );
  const messages = net.sent.map(({ bytes }) => arrives(toHex(bytes)));
  equal(messages.filter(({ type, token: one }) => type !== NON || one[0] !== 0x7e).length, 0);
  equal(new Set(messages.map(({ mid }) => mid)).size, 200);
  equal(clock.pending, 0);
});

test("leisure is five seconds unless said otherwise, and may be none", () => {
  const { clock, net, endpoint } = setUp({ repliesMax: 100 });
  const token = fromHex("7e");
  for (let i = 0; i < 100; i++) endpoint.replyLater({ to: PEER, token, make: content });
  clock.advance(4 * SECOND);
  const early = net.sent.length;
  clock.advance(SECOND);
  equal([early > 60 && early < 95, net.sent.length], [true, 100]);
  endpoint.replyLater({ to: PEER, token, make: content, leisureMicros: 0 });
  clock.advance(0);
  equal(net.sent.length, 101);
});

test("answers that wait are bounded", () => {
  const { clock, net, endpoint } = setUp({ repliesMax: 2 });
  const reply = { to: PEER, token: fromHex("7e"), make: content };
  equal(endpoint.replyLater(reply), true);
  equal(endpoint.replyLater(reply), true);
  equal(endpoint.replyLater(reply), false);
  equal(clock.pending, 1);
  clock.advance(5 * SECOND);
  equal(net.sent.length, 2);
  equal(endpoint.replyLater(reply), true);
});

test("a waiting answer owns its address and token, and may have nothing to say", () => {
  const { clock, net, endpoint } = setUp();
  const to = { address: PEER.address.slice(), port: 5683 };
  const token = fromHex("7e");
  endpoint.replyLater({ to, token, make: content });
  endpoint.replyLater({ to: OTHER, token, make: () => undefined });
  to.address.fill(0xee);
  token.fill(0xee);
  clock.advance(5 * SECOND);
  equal(net.sent.length, 1);
  equal(net.sent[0].to, PEER);
  equal(net.sent[0].bytes[4], 0x7e);
});

test("stop cancels what waits", () => {
  const { clock, net, endpoint } = setUp();
  const reply = { to: PEER, token: fromHex("7e"), make: content };
  endpoint.replyLater(reply);
  endpoint.stop();
  equal(clock.pending, 0);
  equal(endpoint.replyLater(reply), false);
  clock.advance(10 * SECOND);
  equal(net.sent.length, 0);
});

test("at rest there is no timer, however much is remembered", () => {
  const { clock, endpoint } = setUp();
  for (const mid of ["0001", "0002", "0003"]) {
    endpoint.remember(con(mid), PEER);
    endpoint.reply({ request: con(mid), from: PEER, make: content });
    endpoint.check(con(mid), PEER);
  }
  equal(clock.pending, 0);
});

test("No-Response suppresses the classes it names (RFC 7967 table 2)", () => {
  const codes = { success: [65, 68, 69, 95], client: [128, 132, 143], server: [160, 163] };
  // Value -> suppressed classes.
  const table: [number | undefined, string][] = [
    [undefined, ""],
    [0, ""],
    [2, "success"],
    [8, "client"],
    [16, "server"],
    [10, "success client"],
    [18, "success server"],
    [24, "client server"],
    [26, "success client server"],
    [256 + 26, ""],
  ];
  for (const [value, classes] of table) {
    for (const [name, list] of Object.entries(codes)) {
      for (const code of list) {
        equal(suppresses(value, code), classes.split(" ").includes(name), `${value} ${code}`);
      }
    }
  }
});

test("message ids begin anywhere and come round", () => {
  const { endpoint } = setUp({}, 9);
  const first = endpoint.nextMid();
  let mid = first;
  let zeros = 0;
  for (let i = 0; i < 65536; i++) {
    const next = endpoint.nextMid();
    if (next !== mid + 1) {
      equal([mid, next], [65535, 0]);
      zeros++;
    }
    mid = next;
  }
  equal([mid, zeros], [first, 1]);
  const starts = [1, 2, 3, 4].map((seed) => setUp({}, seed).endpoint.nextMid());
  equal(new Set(starts).size, 4);
});

test("what check reads may be a scan instead of a message", () => {
  const { endpoint, sent } = setUp();
  const outer = { type: CON, code: 1, mid: 0x1234 };
  equal(endpoint.check(outer, PEER), "new");
  endpoint.remember(outer, PEER);
  equal(endpoint.check(outer, PEER), "duplicate");
  equal(sent(), ["60001234"]);
});
