import { fromHex } from "../../modules/bytes/hex.js";
import { Endpoint } from "../../modules/coap/endpoint.js";
import { emitMessage, type Inner, type Message, parseMessage } from "../../modules/coap/message.js";
import {
  MAX_AGE_SECONDS,
  notification,
  Observers,
  type Representation,
} from "../../modules/coap/observe.js";
import * as o from "../../modules/coap/options.js";
import { isNewer, Watch } from "../../modules/coap/watch.js";
import { equal, test } from "../harness.js";
import { TestClock } from "../support/clock.js";
import { Net } from "../support/net.js";
import { SeededRandom } from "../support/random.js";

const US = fromHex("fd000000000000000000000000000001");
const CLIENT = { address: fromHex("fd000000000000000000000000000002"), port: 40_000 };
const SECOND = 1_000_000;
const TOKEN = fromHex("4a");
const RST = 3;
const ACK = 2;

/** A server with one resource, whose state the test sets. */
function server(observersMax = 4) {
  const clock = new TestClock(SECOND);
  const net = new Net(clock);
  const limits = {
    peersMax: 4,
    outstandingMax: 4,
    remembersMax: 4,
    replyBytesMax: 99,
    repliesMax: 1,
  };
  const random = new SeededRandom(5);
  const port = net.port(US);
  const endpoint = new Endpoint({ clock, random, net: port, port: 5683, limits });
  let empty = 0;
  const observers = new Observers({
    clock,
    random,
    endpoint,
    limits: { observersMax },
    onEmpty: () => void empty++,
  });
  const world = {
    state: text("1") as Representation | undefined,
    makes: true,
    reads: 0,
    /** Set before `add`: the server is one of many that were asked. */
    leisureMicros: undefined as (() => number) | undefined,
  };
  const observed = {
    path: "x",
    get leisureMicros() {
      return world.leisureMicros;
    },
    read: () => {
      world.reads++;
      return world.state;
    },
    make: (header: { type: number; mid: number; token: Uint8Array }, inner: Inner) =>
      world.makes ? emitMessage({ ...header, type: header.type as 0 | 1, ...inner }) : undefined,
  };
  const add = (token = TOKEN, from = CLIENT) =>
    observers.add({ from, token, observed, first: world.state as Representation });
  /** What was sent since the last call. */
  const sent = (): Message[] =>
    net.sent.splice(0).map(({ bytes }) => {
      const parsed = parseMessage(bytes);
      if (!parsed.ok) throw new Error(parsed.drop);
      return parsed.value;
    });
  const says = (type: number, mid: number) => endpoint.check({ type, code: 0, mid }, CLIENT);
  return { clock, port, endpoint, observers, world, add, sent, says, emptied: () => empty };
}

function text(value: string, code = o.CONTENT): Representation {
  return { code, format: 0, payload: Uint8Array.from(value, (c) => c.charCodeAt(0)) };
}

function payloads(messages: readonly Message[]): string[] {
  return messages.map(({ payload }) => String.fromCharCode(...(payload ?? [])));
}

test("a changed state is told with the token, a higher number and the time it holds", () => {
  const { clock, world, add, sent } = server();
  const first = add() as number;
  equal(first, 1000);
  clock.advance(10 * SECOND);
  equal(sent(), []);
  world.state = text("2");
  clock.advance(SECOND / 4);
  const [message, ...others] = sent();
  equal(others, []);
  equal([message.type, message.code, message.token], [1, o.CONTENT, TOKEN]);
  equal(payloads([message]), ["2"]);
  equal(
    message.options.map(({ number }) => number),
    [o.OBSERVE, o.CONTENT_FORMAT, o.MAX_AGE],
  );
  equal(o.findUint(message.options, o.MAX_AGE), MAX_AGE_SECONDS);
  equal(o.findUint(message.options, o.OBSERVE), 11_250);
});

test("the answer to a registration says its number", () => {
  const inner = notification(text("7"), 0x12_3456);
  equal(o.find(inner.options, o.OBSERVE), fromHex("123456"));
  equal(inner.code, o.CONTENT);
});

test("nobody there: no timer, no reading", () => {
  const { clock, observers, world, add, emptied } = server();
  clock.advance(5 * SECOND);
  equal([world.reads, clock.pending], [0, 0]);
  add();
  clock.advance(SECOND);
  equal([world.reads, clock.pending], [4, 1]);
  observers.remove({ from: CLIENT, token: TOKEN });
  equal([observers.size, clock.pending, emptied()], [0, 0, 1]);
});

test("numbers grow, also when a client comes back after it was forgotten", () => {
  const { clock, observers, world, add, sent } = server();
  let last = add() as number;
  for (let i = 0; i < 3; i++) {
    world.state = text(`${i}`);
    clock.advance(SECOND);
    const next = o.findUint(sent()[0].options, o.OBSERVE) as number;
    equal(next > last && next - last < 1 << 23, true);
    last = next;
  }
  observers.stop();
  clock.advance(1000);
  const again = add() as number;
  equal(again > last && again - last < 1 << 23, true);
});

test("numbers come round at 24 bits", () => {
  const { clock, world, add, sent } = server();
  clock.advanceTo(0xff_ffff * 1000);
  equal(add(), 0xff_ffff);
  world.state = text("2");
  clock.advance(SECOND / 4);
  const [message] = sent();
  equal(o.findUint(message.options, o.OBSERVE), 249);
});

test("a full table answers without Observe", () => {
  const { observers, add } = server(2);
  equal(add(fromHex("01")) !== undefined, true);
  equal(add(fromHex("02")) !== undefined, true);
  equal(add(fromHex("03")), undefined);
  equal(observers.size, 2);
});

test("the same client and token: one observation", () => {
  const { observers, add } = server(2);
  add();
  add();
  equal(observers.size, 1);
  add(TOKEN, { ...CLIENT, port: 40_001 });
  equal(observers.size, 2);
});

test("a Reset to a notification ends the observation", () => {
  const { clock, observers, world, add, sent } = server();
  add();
  world.state = text("2");
  clock.advance(SECOND);
  const [{ mid }] = sent();
  observers.reset({ ...CLIENT, port: 1 }, mid);
  observers.reset(CLIENT, mid + 1);
  equal(observers.size, 1);
  observers.reset(CLIENT, mid);
  equal(observers.size, 0);
});

test("every eighth notification is a CON, and one that is acknowledged goes on", () => {
  const { clock, world, add, sent, says } = server();
  add();
  const types: number[] = [];
  for (let i = 0; i < 10; i++) {
    world.state = text(`${i}`);
    clock.advance(4 * SECOND);
    const [message] = sent();
    types.push(message.type);
    if (message.type === 0) equal(says(ACK, message.mid), "done");
  }
  equal(types, [1, 1, 1, 1, 1, 1, 1, 0, 1, 1]);
});

/** Changes the state until a CON is under way, and returns its message id. */
function untilConfirmable({ clock, world, sent }: ReturnType<typeof server>): number {
  for (let i = 0; i < 8; i++) {
    world.state = text(`${i}`);
    clock.advance(4 * SECOND);
    for (const message of sent()) if (message.type === 0) return message.mid;
  }
  throw new Error("no CON");
}

test("while a CON is under way nothing else is said, then the latest state", () => {
  const one = server();
  const { clock, world, add, sent, says } = one;
  add();
  const mid = untilConfirmable(one);
  world.state = text("a");
  clock.advance(SECOND / 4);
  world.state = text("b");
  clock.advance(SECOND / 4);
  equal(sent(), []);
  says(ACK, mid);
  clock.advance(SECOND / 4);
  equal(payloads(sent()), ["b"]);
});

test("who does not acknowledge a CON observes no more", () => {
  const one = server();
  const { clock, observers, add } = one;
  add();
  untilConfirmable(one);
  clock.advance(100 * SECOND);
  equal([observers.size, clock.pending], [0, 0]);
});

test("a Reset to a CON ends the observation", () => {
  const one = server();
  add(one);
  equal(one.says(RST, untilConfirmable(one)), "done");
  equal([one.observers.size, one.clock.pending], [0, 0]);
});

function add(one: ReturnType<typeof server>): void {
  one.add();
}

test("a state that stays is told again, confirmably, before its Max-Age is over", () => {
  const { clock, add, sent, says } = server();
  add();
  clock.advance((MAX_AGE_SECONDS - 62) * SECOND);
  equal(sent(), []);
  clock.advance(4 * SECOND);
  const [message] = sent();
  equal([message.type, payloads([message])[0]], [0, "1"]);
  says(ACK, message.mid);
});

test("changes that follow each other fast are told a few at once, then every 3 s", () => {
  const { clock, world, add, sent, says } = server();
  add();
  let told = 0;
  for (let i = 0; i < 4 * 33; i++) {
    world.state = text(`${i}`);
    clock.advance(SECOND / 4);
    for (const message of sent()) {
      told++;
      if (message.type === 0) says(ACK, message.mid);
    }
  }
  // 33 s: four at once and eleven more.
  equal(told >= 14 && told <= 15, true, `${told} notifications`);
});

test("an error is the last that is told", () => {
  const { clock, observers, world, add, sent } = server();
  add();
  world.state = { code: o.NOT_FOUND };
  clock.advance(SECOND);
  const [message] = sent();
  equal([message.code, message.options], [o.NOT_FOUND, []]);
  equal([observers.size, clock.pending], [0, 0]);
});

test("what may not be told, or cannot be protected any more, ends silently", () => {
  for (const way of ["read", "make"]) {
    const { clock, observers, world, add, sent } = server();
    add();
    if (way === "read") world.state = undefined;
    else {
      world.state = text("2");
      world.makes = false;
    }
    clock.advance(SECOND);
    equal([sent(), observers.size, clock.pending], [[], 0, 0]);
  }
});

/** One of a group: its leisure is 4 s, and the first answer was given. */
function member() {
  const one = server();
  one.world.leisureMicros = () => 4 * SECOND;
  one.add();
  one.clock.advance(4 * SECOND);
  const [first, ...others] = one.sent();
  equal([payloads([first]), others], [["1"], []]);
  return one;
}

test("of a group: the first answer waits, and says what is so when it goes", () => {
  const { clock, world, add, sent, observers } = server();
  world.leisureMicros = () => 4 * SECOND;
  add();
  equal([sent(), clock.pending], [[], 2]);
  world.state = text("2");
  clock.advance(4 * SECOND + SECOND / 4);
  equal(payloads(sent()), ["2"]);
  observers.stop();
  equal(clock.pending, 0);
});

test("of a group: a change is told within the leisure, not at once", () => {
  const { clock, world, sent } = member();
  let early = 0;
  for (let i = 0; i < 6; i++) {
    world.state = text(`a${i}`);
    clock.advance(SECOND / 4);
    const atOnce = sent().length;
    clock.advance(4 * SECOND);
    equal(atOnce + sent().length, 1);
    early += atOnce;
  }
  equal(early <= 2, true, `${early} of 6 at once`);
});

test("of a group: while one waits the newer state takes its place", () => {
  const { clock, world, sent } = member();
  for (let round = 0; round < 3; round++) {
    const told: string[] = [];
    for (let i = 0; i < 4; i++) {
      world.state = text(`${round}${i}`);
      clock.advance(1000);
    }
    for (let i = 0; i < 17; i++) {
      clock.advance(SECOND / 4);
      told.push(...payloads(sent()));
    }
    equal(told, [`${round}3`]);
  }
});

test("of a group: a state that stays is told again, in time even if it waits longest", () => {
  const { clock, sent } = member();
  let atSeconds = 4;
  while (sent().length === 0) {
    clock.advance(SECOND);
    atSeconds++;
  }
  equal(atSeconds >= 535 && atSeconds <= 541, true, `${atSeconds} s`);
});

test("of a group: who goes while it waits is told nothing", () => {
  const { clock, observers, world, sent } = member();
  world.state = text("2");
  clock.advance(SECOND / 4);
  equal(clock.pending, 2);
  observers.remove({ from: CLIENT, token: TOKEN });
  equal([observers.size, clock.pending], [0, 0]);
  clock.advance(5 * SECOND);
  equal(sent(), []);
});

test("of a group: a right that is gone when its time comes ends it silently", () => {
  const { clock, observers, world, sent } = member();
  world.state = text("2");
  clock.advance(SECOND / 4);
  world.state = undefined;
  clock.advance(5 * SECOND);
  equal([sent(), observers.size, clock.pending], [[], 0, 0]);
});

test("what the network does not take is told the next time", () => {
  const { clock, port, world, add, sent } = server();
  add();
  world.state = text("2");
  port.refuses = true;
  clock.advance(SECOND / 4);
  port.refuses = false;
  clock.advance(SECOND / 4);
  equal(payloads(sent()), ["2"]);
});

test("RFC 7641 §3.4: the order of two notifications", () => {
  const at = (number: number, seconds = 0) => ({ number, atMicros: seconds * SECOND });
  equal(isNewer(at(1), at(2)), true);
  equal(isNewer(at(2), at(1)), false);
  equal(isNewer(at(1), at(1)), false);
  equal(isNewer(at(0), at((1 << 23) - 1)), true);
  equal(isNewer(at(0), at(1 << 23)), false);
  equal(isNewer(at(0xff_ffff), at(0)), true);
  equal(isNewer(at(1 << 23), at(0)), false);
  equal(isNewer(at((1 << 23) + 1), at(0)), true);
  equal(isNewer(at(2), at(1, 128)), false);
  equal(isNewer(at(2), at(1, 129)), true);
});

/** A client that observes, and how often it asked again. */
function client() {
  const clock = new TestClock();
  let asked = 0;
  const watch = new Watch({ clock, random: new SeededRandom(3), ask: () => void asked++ });
  const hears = (
    observe: number | undefined,
    maxAge?: number,
    sequence?: number,
    code = o.CONTENT,
  ) => {
    const options = [];
    if (observe !== undefined) options.push({ number: o.OBSERVE, value: Uint8Array.of(observe) });
    if (maxAge !== undefined) options.push({ number: o.MAX_AGE, value: Uint8Array.of(maxAge) });
    return watch.heard({ code, options, payload: undefined }, sequence);
  };
  return { clock, watch, hears, asked: () => asked };
}

test("an overtaken notification is stale", () => {
  const { hears } = client();
  equal(
    [hears(5), hears(7), hears(6), hears(7), hears(8)],
    ["fresh", "fresh", "stale", "stale", "fresh"],
  );
});

test("under protection the sender's numbers tell the order", () => {
  const { hears } = client();
  equal(
    [hears(9, 60, 3), hears(1, 60, 4), hears(10, 60, 4), hears(11, 60, 2)],
    ["fresh", "fresh", "stale", "stale"],
  );
});

test("an answer without Observe, or an error, ends the observation", () => {
  for (const [observe, code] of [
    [undefined, o.CONTENT],
    [5, o.NOT_FOUND],
  ] as const) {
    const { clock, hears } = client();
    equal(hears(4), "fresh");
    equal(hears(observe, 60, undefined, code), "ended");
    equal(hears(6), "ended");
    equal(clock.pending, 0);
  }
});

test("RFC 7641 §3.3.1: asks again 5 to 15 s after Max-Age, and not before", () => {
  const { clock, watch, hears, asked } = client();
  hears(1, 100);
  clock.advance(104 * SECOND);
  hears(2, 100);
  clock.advance(104 * SECOND);
  equal(asked(), 0);
  clock.advance(12 * SECOND);
  equal(asked(), 1);
  clock.advance(50 * SECOND);
  equal(asked(), 1);
  clock.advance(26 * SECOND);
  equal(asked(), 2);
  watch.stop();
  equal(clock.pending, 0);
});
