import { fromHex, toHex } from "../../modules/bytes/hex.js";
import { Endpoint, type EndpointLimits, type Failure } from "../../modules/coap/endpoint.js";
import { emitMessage, type Message, parseMessage } from "../../modules/coap/message.js";
import { CONTENT, GET } from "../../modules/coap/options.js";
import type { Endpoint as Address } from "../../modules/ports/datagram.js";
import { equal, test } from "../harness.js";
import { TestClock } from "../support/clock.js";
import { Net } from "../support/net.js";
import { SeededRandom } from "../support/random.js";

const US = fromHex("fd000000000000000000000000000001");
const PEER = { address: fromHex("fd000000000000000000000000000002"), port: 5683 };
const OTHER = { address: fromHex("fd000000000000000000000000000003"), port: 5683 };
const SECOND = 1_000_000;

const LIMITS: EndpointLimits = {
  peersMax: 2,
  outstandingMax: 3,
  remembersMax: 4,
  replyBytesMax: 256,
  repliesMax: 4,
};

function setUp(seed = 1) {
  const clock = new TestClock(7 * SECOND);
  const net = new Net(clock);
  const port = net.port(US);
  /** What became of the messages, in order. */
  const log: string[] = [];
  const endpoint = new Endpoint({
    clock,
    random: new SeededRandom(seed),
    net: port,
    port: 5683,
    limits: LIMITS,
    onFailed: (to, why) => log.push(`peer ${to.address[15]} ${why}`),
  });
  /** Sends a CON GET with a token of one byte that names it. */
  const send = (name: number, to: Address = PEER) =>
    endpoint.send({
      to,
      confirmable: true,
      make: ({ type, mid }) => {
        log.push(`made ${name}`);
        const token = Uint8Array.of(name);
        return emitMessage({ type, code: GET, mid, token, options: [], payload: undefined });
      },
      onAcked: () => log.push(`acked ${name}`),
      onFailed: (why) => log.push(`failed ${name} ${why}`),
    }) as number;
  const ack = (mid: number, from: Address = PEER) =>
    endpoint.check({ type: 2, code: 0, mid }, from);
  return { clock, net, port, endpoint, log, send, ack };
}

test("retransmissions keep to RFC 7252 §4.2: 2 to 3 s, then doubled, four of them", () => {
  const firsts: number[] = [];
  for (let seed = 1; seed <= 60; seed++) {
    const { clock, net, log, send } = setUp(seed);
    const start = clock.micros();
    send(0xa1);
    equal(clock.pending, 1);
    while (clock.nextMicros !== undefined) clock.advanceTo(clock.nextMicros);
    const at = net.sent.map(({ atMicros }) => atMicros - start);
    equal(at.length, 5);
    const timeout = at[1];
    firsts.push(timeout);
    equal(at, [0, timeout, timeout * 3, timeout * 7, timeout * 15]);
    equal(at[4] <= 45 * SECOND, true);
    equal(log, ["made 161", "failed 161 timeout", "peer 2 timeout"]);
    const waited = clock.micros() - start;
    equal(waited, timeout * 31);
    equal(waited >= 62 * SECOND && waited <= 93 * SECOND, true);
    equal(new Set(net.sent.map(({ bytes }) => toHex(bytes))).size, 1);
    equal(net.sent[4].to, PEER);
  }
  equal(Math.min(...firsts) >= 2 * SECOND && Math.max(...firsts) <= 3 * SECOND, true);
  // Spread over the whole second: 60 values, a tenth of it at either end.
  equal(Math.min(...firsts) < 2.1 * SECOND && Math.max(...firsts) > 2.9 * SECOND, true);
});

test("an ACK stops the retransmission", () => {
  const { clock, net, log, send, ack } = setUp();
  const mid = send(1);
  clock.advance(4 * SECOND);
  equal(net.sent.length, 2);
  equal(ack(mid), "done");
  equal(log, ["made 1", "acked 1"]);
  equal(clock.pending, 0);
  equal(ack(mid), "done");
  clock.advance(100 * SECOND);
  equal(net.sent.length, 2);
  equal(log.length, 2);
});

test("an ACK with a response stops the retransmission and goes up", () => {
  const { clock, endpoint, log, send } = setUp();
  const mid = send(1);
  equal(endpoint.check({ type: 2, code: CONTENT, mid }, PEER), "new");
  equal(log, ["made 1", "acked 1"]);
  equal(clock.pending, 0);
  // So does one that fits nothing: a forgery may have come first.
  equal(endpoint.check({ type: 2, code: CONTENT, mid }, PEER), "new");
});

test("an ACK of another id, address or port stops nothing", () => {
  const { clock, net, log, send, ack } = setUp();
  const mid = send(1);
  ack((mid + 1) % 65536);
  ack(mid, OTHER);
  ack(mid, { address: PEER.address, port: 5684 });
  equal(log, ["made 1"]);
  clock.advance(3 * SECOND);
  equal(net.sent.length, 2);
});

test("a Reset fails the message", () => {
  const { clock, endpoint, log, send } = setUp();
  const mid = send(1);
  equal(endpoint.check({ type: 3, code: 0, mid }, OTHER), "done");
  equal(log, ["made 1"]);
  equal(endpoint.check({ type: 3, code: 0, mid }, PEER), "done");
  equal(log, ["made 1", "failed 1 reset", "peer 2 reset"]);
  equal(clock.pending, 0);
});

test("one message a peer is under way; the others are made when their turn comes", () => {
  const { clock, net, log, send, ack } = setUp();
  const mids = [1, 2, 3].map((name) => send(name));
  equal(log, ["made 1"]);
  send(4, OTHER);
  equal(log, ["made 1", "made 4"]);
  ack(mids[1]);
  equal(log.length, 2);
  ack(mids[0]);
  equal(log.slice(2), ["made 2", "acked 1"]);
  ack(mids[1]);
  equal(log.slice(4), ["made 3", "acked 2"]);
  ack(mids[2]);
  equal(log.slice(6), ["acked 3"]);
  equal(
    net.sent.map(({ bytes }) => bytes[4]),
    [1, 4, 2, 3],
  );
  equal(clock.pending, 1);
});

test("the next message starts with a fresh timeout when one has failed", () => {
  const { clock, net, log, send } = setUp();
  send(1);
  send(2);
  while (log.length < 4) clock.advanceTo(clock.nextMicros as number);
  equal(log, ["made 1", "made 2", "failed 1 timeout", "peer 2 timeout"]);
  const start = clock.micros();
  clock.advanceTo(clock.nextMicros as number);
  const timeout = clock.micros() - start;
  equal(timeout >= 2 * SECOND && timeout <= 3 * SECOND, true);
  equal(
    net.sent.map(({ bytes }) => bytes[4]),
    [1, 1, 1, 1, 1, 2, 2],
  );
});

test("the queue of a peer is bounded", () => {
  const { log, send, ack } = setUp();
  const mids = [1, 2, 3, 4].map((name) => send(name));
  equal(
    mids.map((mid) => mid === undefined),
    [false, false, false, true],
  );
  ack(mids[0]);
  equal(send(5) === undefined, false);
  equal(log, ["made 1", "made 2", "acked 1"]);
});

test("the table of peers is bounded", () => {
  const { send, ack } = setUp();
  const third = { address: OTHER.address, port: 5684 };
  const mid = send(1, PEER);
  equal(send(2, OTHER) === undefined, false);
  equal(send(3, third), undefined);
  equal(send(4, PEER) === undefined, false);
  ack(mid);
  equal(send(5, third), undefined);
  ack((mid + 3) % 65536);
  equal(send(6, third) === undefined, false);
});

test("a message that cannot be made is not taken, or fails in its turn", () => {
  const { clock, endpoint, net, log, send, ack } = setUp();
  const unmade = {
    to: PEER,
    make: () => undefined,
    onFailed: (why: Failure) => log.push(why),
  };
  equal(endpoint.send({ ...unmade, confirmable: true }), undefined);
  equal(endpoint.send({ ...unmade, confirmable: false }), undefined);
  equal([log.length, clock.pending], [0, 0]);
  const mid = send(1);
  endpoint.send({ ...unmade, confirmable: true });
  const last = send(2);
  ack(mid);
  equal(log, ["made 1", "made 2", "unmade", "peer 2 unmade", "acked 1"]);
  equal(net.sent.length, 2);
  // Nothing left behind when it was the last one.
  endpoint.send({ ...unmade, confirmable: true });
  ack(last);
  equal(log.slice(5), ["unmade", "peer 2 unmade", "acked 2"]);
  equal(clock.pending, 0);
});

test("a settled message is not sent again, and nobody is told", () => {
  const { clock, endpoint, net, log, send } = setUp();
  const mids = [1, 2, 3].map((name) => send(name));
  endpoint.settle(PEER, mids[1]);
  endpoint.settle(OTHER, mids[0]);
  equal(log, ["made 1"]);
  endpoint.settle(PEER, mids[0]);
  equal(log, ["made 1", "made 3"]);
  endpoint.settle(PEER, mids[2]);
  endpoint.settle(PEER, mids[2]);
  equal(clock.pending, 0);
  equal([log.length, net.sent.length], [2, 2]);
});

test("a NON is sent once", () => {
  const { clock, endpoint, net, port } = setUp();
  const bytes = fromHex("5001000100");
  const before = endpoint.nextMid();
  const message = { to: PEER, confirmable: false, make: () => bytes };
  equal(endpoint.send(message), (before + 1) % 65536);
  clock.advance(100 * SECOND);
  equal(net.sent.length, 1);
  equal(clock.pending, 0);
  port.refuses = true;
  equal(endpoint.send(message), undefined);
});

test("a CON the network refuses is sent again like a lost one", () => {
  const { clock, net, port, log, send, ack } = setUp();
  port.refuses = true;
  const mid = send(1);
  port.refuses = false;
  clock.advance(3 * SECOND);
  equal(net.sent.length, 1);
  ack(mid);
  equal(log, ["made 1", "acked 1"]);
});

test("stop ends everything without a word", () => {
  const { clock, endpoint, net, log, send, ack } = setUp();
  const mid = send(1);
  send(2);
  send(3, OTHER);
  endpoint.stop();
  equal(clock.pending, 0);
  equal(ack(mid), "done");
  equal(send(4), undefined);
  clock.advance(100 * SECOND);
  equal(log, ["made 1", "made 3"]);
  equal(net.sent.length, 2);
});

test("whoever hears that a message failed may send another at once", () => {
  const { clock, endpoint, net } = setUp();
  let left = 3;
  const again = () => {
    if (left-- === 0) return;
    const make = () => fromHex("40010001");
    endpoint.send({ to: PEER, confirmable: true, make, onFailed: again });
  };
  again();
  while (clock.nextMicros !== undefined) clock.advanceTo(clock.nextMicros);
  equal(net.sent.length, 15);
});

test("a peer's address may be used again by whoever gave it", () => {
  const { clock, net, send } = setUp();
  const to = { address: PEER.address.slice(), port: 5683 };
  send(1, to);
  to.address.fill(0xee);
  clock.advance(3 * SECOND);
  equal(net.sent[1].to, PEER);
});

/** A client and a server on one net; the server answers by a separate CON after a second. */
function conversation(lost: readonly number[]) {
  const clock = new TestClock(0);
  const net = new Net(clock);
  net.fate = (_sent, _receiver, index) => (lost.includes(index) ? [] : [1000]);
  const host = (address: Uint8Array, seed: number) => {
    const port = net.port(address);
    const random = new SeededRandom(seed);
    return {
      port,
      endpoint: new Endpoint({ clock, random, net: port, port: 5683, limits: LIMITS }),
    };
  };
  const client = host(US, 1);
  const server = host(PEER.address, 2);
  const log: string[] = [];
  const message = (head: { type: 0 | 1; mid: number }, code: number) =>
    emitMessage({ ...head, code, token: Uint8Array.of(9), options: [], payload: undefined });
  /** Calls `handle` for what is new, after remembering it. */
  const listen = ({ port, endpoint }: typeof client, handle: (message: Message) => void) => {
    port.onDatagram = ({ bytes, from }) => {
      const parsed = parseMessage(bytes);
      if (!parsed.ok) throw new Error(parsed.drop);
      if (endpoint.check(parsed.value, from) !== "new") return;
      endpoint.remember(parsed.value, from);
      endpoint.acknowledge(parsed.value, from);
      handle(parsed.value);
    };
  };
  const us = { address: US, port: 5683 };
  listen(server, ({ code }) => {
    log.push(`request ${code}`);
    const make = (head: { type: 0 | 1; mid: number }) => message(head, CONTENT);
    clock.after(SECOND, () => {
      server.endpoint.send({
        to: us,
        confirmable: true,
        make,
        onAcked: () => log.push("response acked"),
      });
    });
  });
  listen(client, ({ code }) => log.push(`response ${code}`));
  client.endpoint.send({
    to: PEER,
    confirmable: true,
    make: (head) => message(head, GET),
    onAcked: () => log.push("request acked"),
    onFailed: (why) => log.push(why),
  });
  while (clock.nextMicros !== undefined) clock.advanceTo(clock.nextMicros);
  return { log, datagrams: net.sent.length };
}

test("request, empty ACK, separate response, ACK (RFC 7252 §5.2.2)", () => {
  equal(conversation([]), {
    log: ["request 1", "request acked", "response 69", "response acked"],
    datagrams: 4,
  });
});

test("a conversation survives the loss of any datagram, each message handled once", () => {
  const sorted = ["request 1", "request acked", "response 69", "response acked"];
  for (let lost = 0; lost < 4; lost++) {
    const { log } = conversation([lost]);
    equal(log.sort(), sorted, `datagram ${lost} lost`);
  }
  equal(conversation([0, 1, 3, 4]).log.sort(), sorted);
});
