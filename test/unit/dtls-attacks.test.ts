import { concat } from "../../modules/bytes/concat.js";
import { fromHex } from "../../modules/bytes/hex.js";
import { utf8 } from "../../modules/bytes/utf8.js";
import { COOKIE_BYTES } from "../../modules/dtls/cookie.js";
import { DTLS_LIMITS, handshakeBytesMax } from "../../modules/dtls/endpoint.js";
import {
  type ClientHello,
  clientHello,
  messageHeader,
  parseClientHello,
  pskIdentity,
  serverHello,
  wholeMessage,
} from "../../modules/dtls/messages.js";
import {
  ALERT,
  ALERTS,
  CHANGE_CIPHER_SPEC,
  CLIENT_HELLO,
  CLIENT_KEY_EXCHANGE,
  FINISHED,
  HANDSHAKE,
  HELLO_REQUEST,
  SERVER_HELLO,
} from "../../modules/dtls/numbers.js";
import { APPLICATION_DATA } from "../../modules/dtls/record.js";
import { plainRecord } from "../../modules/dtls/records.js";
import { MemorySessions, type Session } from "../../modules/dtls/session.js";
import { equal, test } from "../harness.js";
import { addressOf, DtlsNet, DtlsPeer, type Flying } from "../support/dtls.js";
import {
  changing,
  datagramWith,
  flipped,
  inject,
  insider,
  messageIn,
  recordsOf,
  renumbered,
  said,
} from "../support/dtls-craft.js";
import { IDENTITY, lives, opened, pair, psk, pskOf } from "../support/dtls-pair.js";
import { SCALE } from "../support/scale.js";

const SECOND = 1_000_000;
const EMPTY = new Uint8Array(0);

test("hundred thousand addresses with no, wrong or stale cookies leave no state", () => {
  const { net, server, connect } = pair();
  connect();
  net.settle();
  const hellos = net.sent.filter(({ to }) => to.port === server.address.port).slice(0, 2);
  const [without, with_] = hellos.map(({ bytes }) => bytes.slice());
  const cookieIn = (bytes: Uint8Array) => bytes.slice(bytes.length - COOKIE_BYTES);
  const at = positionOf(with_, cookieIn(net.sent[1].bytes));
  const sizes: number[] = [];
  const replies: Uint8Array[] = [];
  const fresh = new DtlsPeer(
    net,
    3,
    { server: { psk: pskOf } },
    {
      send: (_, bytes) => replies.push(bytes),
    },
  );
  const address = new Uint8Array(16).fill(0xfd);
  // HMAC in TypeScript is what takes the time.
  const count = 100_000 * SCALE ** 2;
  const say = (i: number, hello: Uint8Array) => {
    address[13] = i >> 16;
    address[14] = i >> 8;
    address[15] = i;
    fresh.dtls.receive({ address, port: 1 + (i % 65535) }, hello);
    if (i % 1000 === 0) sizes.push(fresh.dtls.size);
  };
  // A third of them has none, a third another's, and a third its own, of three minutes ago.
  for (let i = 0; i < count; i++) say(i, i % 3 === 1 ? with_ : without);
  equal(replies.length, count);
  net.clock.advance(180 * SECOND);
  for (let i = 2; i < count; i += 3) {
    with_.set(cookieIn(replies[i]), at);
    say(i, with_);
  }
  equal(
    sizes.every((size) => size === 0),
    true,
  );
  equal([fresh.dtls.size, fresh.dtls.handshakes], [0, 0]);
  const longest = replies.reduce((most, { length }) => Math.max(most, length), 0);
  equal([replies.length > count, longest < without.length], [true, true], "nothing is amplified");
  equal(net.clock.pending, 0);
});

function positionOf(bytes: Uint8Array, part: Uint8Array): number {
  for (let at = 0; at + part.length <= bytes.length; at++) {
    if (part.every((byte, i) => bytes[at + i] === byte)) return at;
  }
  throw new Error("it is not in there");
}

test("a stale cookie is answered by another", () => {
  const { net, server, connect } = pair();
  connect();
  // The second ClientHello stays on the way for three minutes.
  let late: Flying | undefined;
  net.fate = (flying, index) => {
    if (index === 2) late = flying;
    return index >= 2 ? [] : [flying];
  };
  net.settle();
  net.fate = (flying) => [flying];
  net.clock.advance(180 * SECOND);
  const before = net.sent.length;
  net.deliver(late as Flying);
  equal([server.dtls.size, said(net, server, before)], [0, ["3"]]);
});

test("half-open handshakes are bounded; the newcomer waits, nobody is pushed out", () => {
  const limits = { connections: 16, handshakes: 2, messageBytes: 2048, transcriptBytes: 6144 };
  const net = new DtlsNet();
  const server = new DtlsPeer(net, 1, { server: { psk: pskOf }, limits });
  const clients = [2, 3, 4].map((number) => new DtlsPeer(net, number, {}));
  // Nobody hears the server's long flight.
  net.fate = (flying) =>
    flying.bytes.length > 90 && flying.from === server.address ? [] : [flying];
  for (const client of clients) client.dtls.connect(server.address, { credentials: psk() });
  net.settle();
  equal([server.dtls.size, server.dtls.handshakes], [2, 2]);
  equal(server.drops, ["tableFull"]);
  net.fate = (flying) => [flying];
  net.pass(SECOND, 4);
  equal(server.opened.length, 3);
  equal(server.dtls.handshakes, 0);
});

test("connections are bounded, too", () => {
  const limits = { connections: 1, handshakes: 1, messageBytes: 2048, transcriptBytes: 6144 };
  const { net, server, connect } = pair({ limits });
  connect();
  net.settle();
  const other = new DtlsPeer(net, 3, {});
  other.dtls.connect(server.address, { credentials: psk() });
  net.settle();
  equal([server.opened.length, other.opened.length, server.drops], [1, 0, ["tableFull"]]);
});

test("what one handshake may hold is bounded", () => {
  const limits = { connections: 16, handshakes: 4, messageBytes: 60, transcriptBytes: 6144 };
  const { net, server, connect } = pair({ limits });
  connect();
  net.settle();
  equal([server.opened.length, server.drops], [0, ["fragment"]]);
  const tight = pair({ limits: { ...limits, messageBytes: 2048, transcriptBytes: 150 } });
  tight.connect();
  tight.net.settle();
  equal(tight.server.ends[0], { reason: "refused", alert: ALERTS.internalError });
});

test("peers that say as much as they can, and never end: what is held has its bound", () => {
  const limits = { ...DTLS_LIMITS, connections: 8 };
  const net = new DtlsNet();
  const server = new DtlsPeer(net, 1, { server: { psk: pskOf }, limits });
  const most = handshakeBytesMax(limits);
  equal([most, most * limits.handshakes], [14_336, 57_344]);
  // A hello as long as a message gets, and the next message but for a byte.
  const padding = (hello: ClientHello) => {
    const extensions = new Map(hello.extensions).set(77, new Uint8Array(1900));
    return clientHello({ ...hello, extensions });
  };
  const larger = changing(CLIENT_HELLO, ({ body }) =>
    padding(parseClientHello(body) as ClientHello),
  );
  const header = messageHeader({ type: 16, sequence: 2, length: 2048, offset: 0, part: 2047 });
  const unending = plainRecord(HANDSHAKE, 9, concat(header, new Uint8Array(2047)));
  net.fate = (flying) => {
    const isKeyExchange = recordsOf(flying.bytes).length === 3;
    return isKeyExchange ? [{ ...flying, bytes: unending }] : larger(flying);
  };
  for (let number = 2; number < 10; number++) {
    const client = new DtlsPeer(net, number, {});
    client.dtls.connect(server.address, { credentials: psk() });
    net.settle();
  }
  equal(server.dtls.handshakes, limits.handshakes);
  const held = server.dtls.heldBytes;
  equal(held > 4 * 4000 && held < 4 * most, true, `${held} bytes`);
  // Whose time is over leaves nothing.
  net.fate = () => [];
  net.pass(60 * SECOND, 10);
  equal([server.dtls.heldBytes, server.dtls.size], [0, 0]);
});

test("endless fragments: bounded, forgotten in time, and the handshake goes on", () => {
  const { net, server, client, connect } = pair();
  // An intruder begins the client's next message with a byte and a length of his own.
  net.fate = (flying, index) => {
    if (index !== 4) return [flying];
    const header = messageHeader({ type: 16, sequence: 2, length: 2000, offset: 0, part: 1 });
    const first = plainRecord(HANDSHAKE, 77, concat(header, Uint8Array.of(1)));
    return [{ ...flying, bytes: first }, flying];
  };
  connect();
  net.settle();
  equal(server.opened.length, 0);
  equal(server.drops.filter((reason) => reason === "fragment").length, 1);
  net.pass(SECOND, 3);
  equal([server.opened.length, client.opened.length], [1, 1]);
});

test("an early Finished, an early ChangeCipherSpec: dropped, the handshake lives", () => {
  const { net, server, client, connect } = pair();
  net.fate = (flying, index) => {
    // Where Finished is what comes next: in the clear, and wrong, it is nobody's.
    const clear = datagramWith({ type: FINISHED, sequence: 3, body: new Uint8Array(12) });
    if (index === 5) return [{ ...flying, bytes: clear }, flying];
    // The server's flight: first of all its end, from somebody else.
    if (index !== 3) return [flying];
    const finished = { type: FINISHED, sequence: 1, body: new Uint8Array(12) };
    const change = plainRecord(CHANGE_CIPHER_SPEC, 50, Uint8Array.of(1));
    const early = [change, datagramWith(finished), renumbered(datagramWith(finished), 1, 0)];
    return [...early.map((bytes) => ({ ...flying, bytes })), flying];
  };
  connect();
  net.settle();
  equal(client.drops, ["unsolicited", "malformed", "oldEpoch", "malformed"]);
  equal([client.opened.length, server.opened.length], [1, 1]);
});

test("a protected Finished before ChangeCipherSpec is dropped", () => {
  const { net, server, connect } = pair();
  net.fate = (flying, index) => {
    if (index !== 4) return [flying];
    const [exchange, , finished] = recordsOf(flying.bytes).map(({ bytes }) => bytes);
    return [{ ...flying, bytes: concat(exchange, finished) }];
  };
  connect();
  net.settle();
  equal([server.opened.length, server.drops], [0, ["oldEpoch"]]);
  net.fate = (flying) => [flying];
  net.pass(SECOND, 2);
  equal(server.opened.length, 1);
});

test("handshake messages in the clear after ChangeCipherSpec are dropped", () => {
  const { net, server, connect } = pair();
  let isDropped = false;
  net.fate = (flying, index) => {
    if (index !== 4) return [flying];
    const [exchange, change, finished] = recordsOf(flying.bytes).map(({ bytes }) => bytes);
    const intruder = datagramWith({ type: 14, sequence: 3, body: EMPTY });
    isDropped = true;
    return [{ ...flying, bytes: concat(exchange, change, intruder, finished) }];
  };
  connect();
  net.settle();
  equal([isDropped, server.opened.length, server.drops], [true, 1, ["oldEpoch"]]);
});

test("in an open connection nothing in the clear has an effect", () => {
  const all = opened();
  const { net, server, client } = all;
  const records = [
    plainRecord(APPLICATION_DATA, 9, utf8("off")),
    plainRecord(ALERT, 9, Uint8Array.of(2, ALERTS.handshakeFailure)),
    plainRecord(ALERT, 9, Uint8Array.of(1, ALERTS.closeNotify)),
    plainRecord(CHANGE_CIPHER_SPEC, 9, Uint8Array.of(1)),
    datagramWith({ type: FINISHED, sequence: 3, body: new Uint8Array(12) }),
    datagramWith({ type: HELLO_REQUEST, sequence: 0, body: EMPTY }),
  ];
  for (const record of records) {
    inject(net, client, server, record);
    inject(net, server, client, record);
  }
  net.pass(SECOND, 3);
  equal([server.drops, client.drops], [Array(6).fill("oldEpoch"), Array(6).fill("oldEpoch")]);
  equal(net.sent.length, all.since, "and nothing is said to it");
  lives(all);
});

test("data in the clear during a handshake is dropped", () => {
  const { net, server, client, connect } = pair();
  net.fate = (flying, index) =>
    index === 4 ? [{ ...flying, bytes: plainRecord(APPLICATION_DATA, 9, utf8("on")) }] : [flying];
  connect();
  net.settle();
  equal([server.drops, server.data], [["malformed"], []]);
  net.pass(SECOND);
  equal(client.opened.length, 1);
});

test("protected data before the peer's Finished is dropped", () => {
  const { net, server, client, connect } = pair();
  let held: Flying | undefined;
  net.fate = (flying, index) => {
    if (index !== 5) return [flying];
    // ChangeCipherSpec comes, Finished does not yet.
    held = flying;
    return [{ ...flying, bytes: recordsOf(flying.bytes)[0].bytes }];
  };
  connect();
  net.settle();
  server.connection.send(utf8("early"));
  net.settle();
  equal([client.drops, client.data, client.opened.length], [["unsolicited"], [], 0]);
  net.deliver(held as Flying);
  equal(client.opened.length, 1);
});

test("other epochs, replays and forgeries leave an open connection as it is", () => {
  const all = opened();
  const { net, server, client } = all;
  client.connection.send(utf8("again"));
  net.settle();
  const { bytes } = net.sent[net.sent.length - 1];
  inject(net, client, server, bytes);
  inject(net, client, server, renumbered(bytes, 2, 9));
  inject(net, client, server, renumbered(bytes, 65535, 9));
  inject(net, client, server, renumbered(bytes, 1, 2 ** 48 - 1));
  inject(net, client, server, flipped(bytes, bytes.length - 1));
  equal(server.drops, ["replayed", "oldEpoch", "oldEpoch", "forged", "replayed"]);
  equal(server.data.length, 2);
  lives(all);
});

test("renegotiation is refused, and the connection goes on", () => {
  const all = opened({ sessions: new MemorySessions(1) });
  const { net, server, client } = all;
  const session = client.opened[0].finished.session as Session;
  const asks = wholeMessage({ type: HELLO_REQUEST, sequence: 0, body: EMPTY });
  const hello = wholeMessage({ type: CLIENT_HELLO, sequence: 0, body: new Uint8Array(60) });
  const theirs = insider(net, session, "server");
  const ours = insider(net, session, "client");
  inject(net, server, client, theirs.seal(HANDSHAKE, asks) as Uint8Array);
  inject(net, client, server, ours.seal(HANDSHAKE, hello) as Uint8Array);
  // A warning each: 13 + 8 + 2 + 8.
  equal(
    net.sent.slice(all.since).map(({ bytes }) => bytes.length),
    [31, 31],
  );
  equal([client.drops, server.drops], [["unsolicited"], ["unsolicited"]]);
  lives(all);
});

test("a genuine fatal alert ends a connection, and its session for good", () => {
  const sessions = new MemorySessions(1);
  const { net, server, client } = opened({ sessions });
  equal(sessions.size, 1);
  const session = client.opened[0].finished.session as Session;
  const alert = Uint8Array.of(2, ALERTS.internalError);
  inject(net, client, server, insider(net, session, "client").seal(ALERT, alert) as Uint8Array);
  equal(server.ends, [{ reason: "alerted", alert: ALERTS.internalError }]);
  equal([server.dtls.size, sessions.size], [0, 0]);
});

test("an alert in the clear ends a handshake only when nothing better comes", () => {
  const { net, server, client, connect } = pair();
  net.fate = (flying, index) => {
    const alert = plainRecord(ALERT, 60, Uint8Array.of(2, ALERTS.handshakeFailure));
    return index === 3 ? [{ ...flying, bytes: alert }, flying] : [flying];
  };
  connect();
  net.settle();
  equal([client.opened.length, server.opened.length, client.ends], [1, 1, []]);
});
test("forged in the clear, what would end a handshake is dropped, and the real one follows", () => {
  const known = (identity: Uint8Array) => (identity.length === 8 ? pskOf() : undefined);
  const { net, server, client, connect } = pair({ server: { psk: known } });
  const version = serverHello({
    ...{ random: new Uint8Array(32), sessionId: new Uint8Array(0), suite: 0xc0a8 },
    extensions: new Map(),
  });
  const forged = [
    datagramWith({ type: SERVER_HELLO, sequence: 1, body: flipped(version, 1) }),
    datagramWith({ type: CLIENT_KEY_EXCHANGE, sequence: 2, body: pskIdentity(utf8("nobody")) }),
  ];
  net.fate = (flying) => {
    const types = recordsOf(flying.bytes).map((record) => messageIn(record)?.type);
    const at = [SERVER_HELLO, CLIENT_KEY_EXCHANGE].findIndex((type) => types.includes(type));
    return at < 0 ? [flying] : [{ ...flying, bytes: forged[at] }, flying];
  };
  connect();
  net.settle();
  equal([client.opened.length, server.opened.length], [1, 1]);
  equal([client.drops, server.drops], [["forbidden"], ["forbidden"]]);
});

test("who repeats a flight gets ours again, four times a second at most", () => {
  const { net, server, client, connect } = pair();
  net.fate = (flying, index) => (index >= 3 ? [] : [flying]);
  connect();
  net.settle();
  const hello = net.sent[2];
  equal(said(net, server), ["3", "2", "14"]);
  for (let i = 0; i < 50; i++) net.deliver(hello);
  equal(said(net, server).length, 3);
  net.clock.advance(SECOND / 4);
  for (let i = 0; i < 50; i++) net.deliver(hello);
  equal(said(net, server).length, 5);
  equal(client.opened.length, 0);
});

test("a device that restarted opens another connection; the old one stays until it has", () => {
  const all = opened();
  const { net, server, client } = all;
  const restarted = new DtlsPeer(
    net,
    9,
    {},
    {
      send: (to, bytes) => net.send({ from: client.address, to, bytes }),
    },
  );
  const old = net.peers.indexOf(client);
  // Somebody with its address who does not have the key leaves the old one alone.
  restarted.dtls.connect(server.address, {
    credentials: { psk: { identity: IDENTITY, key: fromHex("00") } },
  });
  net.peers[old] = Object.assign(Object.create(client), { dtls: restarted.dtls });
  net.settle();
  net.pass(SECOND, 200);
  equal([server.opened.length, server.dtls.size], [1, 1]);
  restarted.dtls.connect(server.address, { credentials: psk() });
  net.settle();
  equal([server.opened.length, server.dtls.size], [2, 1]);
  equal(server.ends[server.ends.length - 1].reason, "replaced");
});

test("any bit of any datagram of a handshake flipped: it comes to its end all the same", () => {
  const { net: model, connect } = pair();
  connect();
  model.settle();
  const sizes = model.sent.map(({ bytes }) => bytes.length);
  for (const [index, size] of sizes.entries()) {
    for (let bit = 0; bit < size * 8; bit += Math.ceil(5 / SCALE)) {
      const all = pair();
      all.net.fate = (flying, count) =>
        count === index
          ? [{ ...flying, bytes: flipped(flying.bytes, bit >> 3, 1 << (bit & 7)) }]
          : [flying];
      all.connect();
      all.net.settle();
      all.net.pass(SECOND, 3);
      const { client, server } = all;
      const isOpen = client.opened.length === 1 && server.opened.length === 1;
      const isOver =
        client.ends.length === 1 || server.ends.length === 1 || client.dtls.handshakes === 1;
      equal(isOpen || isOver, true, `datagram ${index}, bit ${bit}`);
      if (isOpen) lives(all);
      equal(server.dtls.size <= 1 && client.dtls.size <= 1, true);
    }
  }
});

test("damaged datagrams never throw and never leave more than the bounds", () => {
  const { net: model, connect } = pair({ sessions: new MemorySessions(2) });
  connect();
  model.settle();
  const corpus = model.sent.map(({ bytes }) => bytes);
  const { net, server, client } = pair({ sessions: new MemorySessions(2) });
  let state = 12345;
  const chance = (limit: number) => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    return (state >>> 8) % limit;
  };
  for (let round = 0; round < 3000 * SCALE; round++) {
    if (round % 100 === 0) client.dtls.connect(server.address, { credentials: psk() });
    const bytes = corpus[chance(corpus.length)].slice();
    for (let count = chance(6); count >= 0; count--) bytes[chance(bytes.length)] = chance(256);
    const cut = chance(4) === 0 ? bytes.subarray(0, chance(bytes.length + 1)) : bytes;
    const from = chance(3) === 0 ? addressOf(20 + chance(30)) : client.address;
    server.dtls.receive(from, cut);
    client.dtls.receive(server.address, cut);
    if (round % 10 === 0) net.settle();
    if (round % 50 === 0) net.pass(SECOND);
    equal(server.dtls.handshakes <= 4 && server.dtls.size <= 16, true);
    equal(client.dtls.handshakes <= 4, true);
  }
});
