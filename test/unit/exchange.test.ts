import { fromHex } from "../../modules/bytes/hex.js";
import { type Exchange, Exchanges, TOKEN_BYTES } from "../../modules/coap/exchange.js";
import type { Random } from "../../modules/ports/random.js";
import { equal, test } from "../harness.js";
import { TestClock } from "../support/clock.js";
import { SeededRandom } from "../support/random.js";

const SECOND = 1_000_000;

/** Host n of fd00::/64. */
function host(n: number, port = 5683) {
  const address = fromHex("fd000000000000000000000000000000");
  address[14] = n >> 8;
  address[15] = n & 255;
  return { address, port };
}

function setUp(limits: { exchangesMax?: number; answersMax?: number } = {}, random?: Random) {
  const clock = new TestClock(3 * SECOND);
  const exchanges = new Exchanges<string, string>({
    clock,
    random: random ?? new SeededRandom(4),
    limits: { exchangesMax: 3, answersMax: 100, ...limits },
  });
  const log: string[] = [];
  const open = (binding: string, many: boolean, waitMicros = SECOND, peer?: number) => {
    const exchange = exchanges.open({
      binding,
      many,
      waitMicros,
      onAnswer: (answer, from) => log.push(`${binding}: ${answer} of ${from.address[15]}`),
      onDone: (answers) => log.push(`${binding} done with ${answers}`),
      ...(peer === undefined ? {} : { peer: host(peer) }),
    });
    return exchange as Exchange<string>;
  };
  const match = ({ token }: { token: Uint8Array }, from = host(2)) =>
    exchanges.match(token, 0, token.length, from);
  return { clock, exchanges, log, open, match };
}

const UNSOLICITED = { ok: false, drop: "unsolicited" };
const COUNTED = { ok: true, value: true };

test("an answer is matched by its token, wherever it stands", () => {
  const { exchanges, open } = setUp();
  const a = open("a", false);
  const b = open("b", false);
  equal([a.token.length, TOKEN_BYTES], [4, 4]);
  const datagram = new Uint8Array(20).fill(0x55);
  datagram.set(b.token, 7);
  const found = exchanges.match(datagram, 7, 4, host(2));
  equal(found.ok && found.value === b, true);
  equal(found.ok && found.value.binding, "b");
  equal(exchanges.match(datagram, 6, 4, host(2)), UNSOLICITED);
  equal(exchanges.match(datagram, 16, 4, host(2)), UNSOLICITED);
});

test("a token of another length is another token", () => {
  const { exchanges, open } = setUp();
  const datagram = new Uint8Array(16);
  datagram.set(open("a", false).token, 4);
  for (const length of [0, 1, 3, 5, 8]) {
    equal(exchanges.match(datagram, 4, length, host(2)), UNSOLICITED);
  }
  equal(exchanges.match(datagram, 4, 4, host(2)).ok, true);
});

test("where answers are repeated, a sender may answer again; it counts once", () => {
  const { clock, exchanges, log } = setUp();
  const exchange = exchanges.open({
    binding: "a",
    many: true,
    repeated: true,
    waitMicros: SECOND,
    onAnswer: (answer, from) => log.push(`${answer} of ${from.address[15]}`),
    onDone: (answers) => log.push(`done with ${answers}`),
  }) as Exchange<string>;
  for (const answer of ["one", "two"]) {
    equal(exchanges.answered(exchange, host(2), answer), COUNTED);
  }
  equal(exchanges.answered(exchange, host(3), "three"), COUNTED);
  clock.advance(SECOND);
  equal(log, ["one of 2", "two of 2", "three of 3", "done with 2"]);
});

test("a single exchange ends with its answer", () => {
  const { clock, exchanges, log, open, match } = setUp();
  const exchange = open("a", false);
  equal(exchanges.answered(exchange, host(2), "yes"), COUNTED);
  equal(log, ["a: yes of 2", "a done with 1"]);
  equal(match(exchange), UNSOLICITED);
  equal(exchanges.answered(exchange, host(3), "no"), UNSOLICITED);
  equal(clock.pending, 0);
  clock.advance(2 * SECOND);
  equal(log.length, 2);
});

test("whoever gets the answer may ask again at once", () => {
  const { exchanges, open } = setUp({ exchangesMax: 1 });
  let second: Exchange<string> | undefined;
  const first = exchanges.open({
    binding: "first",
    many: false,
    waitMicros: SECOND,
    onAnswer: () => {
      second = open("second", false);
    },
    onDone: () => {},
  }) as Exchange<string>;
  equal(exchanges.answered(first, host(2), "yes"), COUNTED);
  equal(second?.binding, "second");
});

test("a group exchange takes one answer a sender until its time is up", () => {
  const { clock, exchanges, log, open, match } = setUp();
  const exchange = open("a", true);
  for (const n of [2, 3, 2, 4, 3]) {
    equal(match(exchange, host(n)).ok, true);
    const expected = exchange.answers < n - 1 ? COUNTED : UNSOLICITED;
    equal(exchanges.answered(exchange, host(n), "yes"), expected);
  }
  equal(exchanges.answered(exchange, host(4, 9), "other port"), UNSOLICITED);
  equal(exchange.answers, 3);
  clock.advance(SECOND - 1);
  equal(log.length, 3);
  clock.advance(1);
  equal(log, ["a: yes of 2", "a: yes of 3", "a: yes of 4", "a done with 3"]);
  equal(match(exchange), UNSOLICITED);
  equal(exchanges.answered(exchange, host(5), "late"), UNSOLICITED);
});

test("a forged answer changes nothing: matching counts nothing", () => {
  const { exchanges, log, open, match } = setUp();
  const exchange = open("a", false);
  for (let i = 0; i < 5; i++) equal(match(exchange).ok, true);
  equal([exchange.answers, log.length], [0, 0]);
  equal(exchanges.answered(exchange, host(2), "real"), COUNTED);
  equal(log[0], "a: real of 2");
});

test("only the peer that was asked may answer", () => {
  const { open, match } = setUp();
  const exchange = open("a", false, SECOND, 2);
  equal(match(exchange, host(3)), UNSOLICITED);
  equal(match(exchange, host(2, 5684)), UNSOLICITED);
  equal(match(exchange, host(2)).ok, true);
});

test("a hundred luminaires answer, and no more than that", () => {
  const { exchanges, open } = setUp({ answersMax: 100 });
  const exchange = open("a", true);
  for (let n = 0; n < 100; n++) {
    equal(exchanges.answered(exchange, host(n * 3), "yes"), COUNTED);
  }
  equal(exchanges.answered(exchange, host(3), "again"), UNSOLICITED);
  equal(exchanges.answered(exchange, host(1), "yes"), { ok: false, drop: "tableFull" });
  equal(exchange.answers, 100);
});

test("exchanges are bounded", () => {
  const { exchanges, open } = setUp({ exchangesMax: 2 });
  const first = open("a", false);
  open("b", true);
  equal(open("c", false), undefined);
  exchanges.close(first);
  equal(open("c", false) === undefined, false);
});

test("deadlines come in order, on one timer", () => {
  const { clock, log, open } = setUp();
  open("late", true, 5 * SECOND);
  open("early", false, 2 * SECOND);
  open("middle", true, 3 * SECOND);
  equal(clock.pending, 1);
  clock.advance(2 * SECOND);
  equal([log.length, clock.pending], [1, 1]);
  clock.advance(3 * SECOND);
  equal(log, ["early done with 0", "middle done with 0", "late done with 0"]);
  equal(clock.pending, 0);
});

test("a closed exchange is silent, and stop closes all", () => {
  const { clock, exchanges, log, open, match } = setUp();
  const a = open("a", true);
  const b = open("b", true);
  exchanges.close(a);
  exchanges.close(a);
  equal(match(a), UNSOLICITED);
  equal(match(b).ok, true);
  exchanges.stop();
  equal(match(b), UNSOLICITED);
  equal(clock.pending, 0);
  equal(open("c", true), undefined);
  clock.advance(10 * SECOND);
  equal(log, []);
});

test("tokens are random and no two open ones are alike", () => {
  const drawn = ["01020304", "01020304", "01020304", "05060708"].map(fromHex);
  const random = { fill: (bytes: Uint8Array) => bytes.set(drawn.shift() as Uint8Array) };
  const { open } = setUp({}, random);
  equal(open("a", false).token, fromHex("01020304"));
  equal(open("b", false).token, fromHex("05060708"));
  equal(drawn.length, 0);
});

test("who asked may use the peer's address again", () => {
  const { exchanges } = setUp();
  const peer = host(2);
  const opened = exchanges.open({
    binding: "a",
    peer,
    many: false,
    waitMicros: SECOND,
    onAnswer: () => {},
    onDone: () => {},
  }) as Exchange<string>;
  peer.address.fill(0xee);
  equal(exchanges.match(opened.token, 0, 4, host(2)).ok, true);
});
