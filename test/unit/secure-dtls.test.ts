import { equalBytes } from "../../modules/bytes/equal.js";
import { fromHex, toHex } from "../../modules/bytes/hex.js";
import { fromUtf8, utf8 } from "../../modules/bytes/utf8.js";
import { CON, emitMessage } from "../../modules/coap/message.js";
import { CHANGED, CONTENT, GET, POST } from "../../modules/coap/options.js";
import { MemorySessions, type Session } from "../../modules/dtls/session.js";
import { CONVERSATION_LIMITS } from "../../modules/secure/conversation.js";
import type { DtlsChannelOptions } from "../../modules/secure/dtls.js";
import type { SecureResponse } from "../../modules/secure/request.js";
import { equal, test } from "../harness.js";
import { SeededRandom } from "../support/random.js";
import { Promised, SecureEnd, Told, Wire } from "../support/secure.js";

const KEY = "000102030405060708090a0b0c0d0e0f";
const OTHER_KEY = "ffffffffffffffffffffffffffffffff";
const IDENTITY = utf8("lamp 7");
const ASK = { method: POST, path: ["keys"], payload: utf8("please") };

const SERVER: DtlsChannelOptions = {
  server: { psk: (identity) => (equalBytes(identity, IDENTITY) ? fromHex(KEY) : undefined) },
};

function clientOptions(more: Partial<DtlsChannelOptions> = {}): DtlsChannelOptions {
  const client = () => ({ psk: { identity: IDENTITY, key: fromHex(KEY) } });
  return { client, ...more };
}

function pair(server: Partial<DtlsChannelOptions> = {}, client: Partial<DtlsChannelOptions> = {}) {
  const wire = new Wire();
  const one = new SecureEnd(wire, 1, { ...SERVER, ...server });
  const two = new SecureEnd(wire, 2, clientOptions(client));
  return { wire, server: one, client: two, told: new Told() };
}

test("asked over DTLS: the handler learns who asks, the asker what it said", () => {
  const { wire, server, client, told } = pair();
  server.answer = ({ payload }) => ({ code: CHANGED, format: 60, payload: payload.slice(0, 3) });
  client.channels.ask(
    server.address,
    { ...ASK, path: ["keys", "push"], query: ["a=b"], format: 19, accept: 60 },
    told.done,
  );
  equal(told.answers, [], "never from within");
  wire.pass();
  const [{ from, ...request }] = server.requests;
  equal(request, {
    method: POST,
    path: ["keys", "push"],
    query: ["a=b"],
    format: 19,
    accept: 60,
    payload: utf8("please"),
  });
  equal([from.by, from.id, from.key], ["dtls", toHex(IDENTITY), undefined]);
  const response = { code: CHANGED, format: 60, payload: utf8("ple") };
  equal(told.answers, [{ ok: true, response }]);
  equal([server.drops, client.drops, wire.clock.pending], [[], [], 0]);
});

test("both ends have one key to seal tokens with, and no other connection has it", () => {
  const { wire, server, client, told } = pair();
  const sealed: Uint8Array[] = [];
  const box = { nonce: new Uint8Array(13), aad: new Uint8Array(0) };
  for (let round = 0; round < 2; round++) {
    client.channels.ask(server.address, ASK, told.done);
    wire.pass();
    const ours = client.opened[round].pairwise;
    const theirs = server.requests[round].from.pairwise;
    equal(ours?.kid, theirs?.kid);
    const secret = theirs?.key.seal({ ...box, plain: utf8("a group's key") });
    if (secret === undefined) throw new Error("no key");
    equal(ours?.key.open({ ...box, sealed: secret }), utf8("a group's key"));
    sealed.push(secret);
    client.channels.stop();
    wire.pass();
  }
  equal(equalBytes(sealed[0], sealed[1]), false);
});

test("whoever accepted the connection asks over it, too", () => {
  const { wire, server, client, told } = pair();
  equal(server.channels.askPeer(toHex(IDENTITY), ASK, told.done), false);
  client.channels.ask(server.address, ASK, told.done);
  wire.pass();
  equal(
    server.channels.askers().map(({ id }) => id),
    [toHex(IDENTITY)],
  );
  client.answer = () => ({ code: CHANGED });
  equal(server.channels.askPeer(toHex(IDENTITY), { method: GET, path: [] }, told.done), true);
  wire.pass();
  equal([told.words, client.requests.length], [[CHANGED, CHANGED], 1]);
});

test("lost and reordered datagrams: each request is handled once, each answer told once", () => {
  let successes = 0;
  for (let seed = 1; seed <= 25; seed++) {
    const { wire, server, client, told } = pair();
    const random = new SeededRandom(seed);
    wire.fate = () => {
      const copies: number[] = [];
      while (copies.length < 2 && random.chance(copies.length === 0 ? 0.7 : 0.3)) {
        copies.push(random.below(3_000_000));
      }
      return copies;
    };
    let at = 0;
    server.answer = () => ({ code: CONTENT, payload: utf8(`${at++}`) });
    for (let ask = 0; ask < 4; ask++) client.channels.ask(server.address, ASK, told.done);
    wire.pass(1500);
    equal(told.answers.length, 4, `seed ${seed}`);
    const texts = told.answers.map((one) => {
      return one.ok ? fromUtf8(one.response.payload ?? new Uint8Array(0)) : one.why;
    });
    const heard = texts.filter((text) => Number.isFinite(Number(text)));
    successes += heard.length;
    equal(new Set(heard).size, heard.length, `seed ${seed}: ${texts}`);
    const isOnce = server.requests.length <= 4;
    equal(isOnce, true, `seed ${seed}: ${server.requests.length} requests`);
  }
  equal(successes > 80, true, `${successes} of 100`);
});

test("bodies of many blocks, both ways, and what is kept of them", () => {
  const limits = { ...CONVERSATION_LIMITS, szxMax: 2 };
  const { wire, server, client, told } = pair({ limits }, { limits });
  const long = new Uint8Array(1000).map((_, at) => at * 7);
  server.answer = ({ payload }) => ({ code: CONTENT, payload: payload.map((byte) => byte + 1) });
  client.channels.ask(server.address, { ...ASK, payload: long }, told.done);
  wire.pass();
  equal(
    server.requests.map(({ payload }) => payload),
    [long],
  );
  const [answered] = told.answers;
  equal(
    answered.ok && answered.response.payload,
    long.map((byte) => byte + 1),
  );
  equal(wire.clock.pending, 0, "nothing is kept once the last block went out");
});

test("levels above 2 need this channel: what a handler sees of it is proven", () => {
  const { wire, server, client, told } = pair();
  const stranger = new SecureEnd(wire, 3, {
    client: () => ({ psk: { identity: utf8("lamp 8"), key: fromHex(KEY) } }),
  });
  stranger.channels.ask(server.address, ASK, told.done);
  const thief = new SecureEnd(wire, 4, {
    client: () => ({ psk: { identity: IDENTITY, key: new Uint8Array(16) } }),
  });
  thief.channels.ask(server.address, ASK, told.done);
  wire.pass(200);
  // In the clear, nobody gets to the handler at all.
  const plain = emitMessage({
    ...{ type: CON, code: POST, mid: 1 },
    ...{ token: new Uint8Array(0), options: [], payload: undefined },
  });
  client.channels.receive(server.address, plain);
  server.channels.receive(client.address, plain);
  wire.pass();
  equal([told.words, server.requests], [["unreachable", "unreachable"], []]);
  equal([server.drops.includes("malformed"), wire.clock.pending], [true, 0]);
});

/** A client's sessions, as a device keeps them. */
class Kept {
  readonly sessions = new Map<string, Session>();
  with(server: Uint8Array): Session | undefined {
    const session = this.sessions.get(toHex(server));
    return session && { ...session, master: session.master.slice() };
  }
  keep(server: Uint8Array, session: Session): boolean {
    this.sessions.set(toHex(server), { ...session, master: session.master.slice() });
    return true;
  }
  forget(server: Uint8Array): boolean {
    return this.sessions.delete(toHex(server));
  }
}

test("a device that restarted goes on with its session; the old connection is replaced", () => {
  const kept = new Kept();
  const sessions = new MemorySessions(4);
  const { wire, server, client, told } = pair({ sessions }, { kept });
  client.channels.ask(server.address, ASK, told.done);
  wire.pass();
  const before = wire.sent.length;
  wire.takers.splice(wire.takers.indexOf(client), 1);
  const again = new SecureEnd(wire, 2, clientOptions({ kept }), 99);
  again.channels.ask(server.address, ASK, told.done);
  wire.pass();
  equal([told.words, server.opened.length, server.closed.length], [[CHANGED, CHANGED], 2, 1]);
  equal(server.channels.size, 1);
  // Of a full handshake: hello, verify request, hello, two flights, and the request and answer.
  equal(wire.sent.length - before < before, true, "a flight less");
  equal(toHex(again.opened[0].pairwise?.kid ?? IDENTITY) === toHex(IDENTITY), false);
});

test("a server that restarted without the connection: given up, then opened anew", () => {
  const kept = new Kept();
  const { wire, server, client, told } = pair({ sessions: new MemorySessions(4) }, { kept });
  client.channels.ask(server.address, ASK, told.done);
  wire.pass();
  wire.takers.splice(wire.takers.indexOf(server), 1);
  const again = new SecureEnd(wire, 1, SERVER, 98);
  client.channels.ask(server.address, ASK, told.done);
  wire.pass(100);
  equal(told.words, [CHANGED, "timeout"]);
  equal([client.channels.size, again.drops.includes("unknownKey")], [0, true]);
  client.channels.ask(server.address, ASK, told.done);
  wire.pass();
  equal([told.words, again.requests.length], [[CHANGED, "timeout", CHANGED], 1]);
});

test("nobody there, nothing to show him, too many questions: each is told why", () => {
  const { wire, server, client, told } = pair();
  wire.takers.splice(wire.takers.indexOf(server), 1);
  for (let ask = 0; ask < 5; ask++) client.channels.ask(server.address, ASK, told.done);
  server.channels.ask(client.address, ASK, told.done);
  equal(told.answers, []);
  wire.pass();
  equal(told.words, ["busy", "unreachable"]);
  wire.pass(200);
  equal(told.words.slice(2), Array(4).fill("unreachable"));
  equal(wire.clock.pending, 0);
});

test("a connection that ends takes its questions with it", () => {
  const { wire, server, client, told } = pair();
  const waiting = new Promised<SecureResponse>();
  server.answer = () => waiting.promise;
  client.channels.ask(server.address, ASK, told.done);
  client.channels.ask(server.address, ASK, told.done);
  wire.pass(3);
  server.channels.close(toHex(IDENTITY));
  wire.pass();
  equal(told.words, ["closed", "closed"]);
  waiting.give({ code: CHANGED });
  wire.pass();
  equal([server.channels.size, client.channels.size, wire.clock.pending], [0, 0, 0]);
});

test("who is silent for long is closed; who is spoken to stays", () => {
  const { wire, server, client, told } = pair({ idleMicros: 60_000_000 });
  for (let minute = 0; minute < 3; minute++) {
    client.channels.ask(server.address, ASK, told.done);
    wire.pass(40);
  }
  equal([told.words, server.opened.length], [[CHANGED, CHANGED, CHANGED], 1]);
  wire.pass(60);
  equal([server.channels.size, client.channels.size, wire.clock.pending], [0, 0, 0]);
});

/** Two that are server and client both, and ask each other in the same moment. */
function bothAsk(number: number) {
  const wire = new Wire();
  const both = { ...SERVER, ...clientOptions() };
  const one = new SecureEnd(wire, number, both);
  const two = new SecureEnd(wire, 10 + number, both);
  const told = new Told();
  one.channels.ask(two.address, ASK, told.done);
  two.channels.ask(one.address, ASK, told.done);
  return { wire, one, two, told };
}

test("both ask at once: one connection, and both are answered", () => {
  for (let number = 1; number <= 4; number++) {
    const { wire, one, two, told } = bothAsk(number);
    wire.pass(2);
    equal([told.words, one.channels.size, two.channels.size], [[CHANGED, CHANGED], 1, 1]);
  }
});

test("both ask at once and one falls silent: it is told so, and the next one is asked", () => {
  for (let number = 1; number <= 4; number++) {
    const { wire, one, two, told } = bothAsk(number);
    // Of each the hellos are heard, and no more.
    wire.fate = ({ bytes }) => ([1, 3].includes(bytes[13]) ? [0] : []);
    wire.pass(300);
    equal([told.words, wire.clock.pending], [["unreachable", "unreachable"], 0]);
    wire.fate = () => [0];
    one.channels.ask(two.address, ASK, told.done);
    wire.pass(2);
    equal(told.words.at(-1), CHANGED);
  }
});

const PLACES = { connections: 4, handshakes: 2, messageBytes: 1024, transcriptBytes: 2048 };

test("who comes back from another port leaves nothing behind", () => {
  const wire = new Wire();
  const device = new SecureEnd(wire, 1, { ...SERVER, dtls: PLACES });
  for (let number = 2; number < 9; number++) {
    const told = new Told();
    new SecureEnd(wire, number, clientOptions()).channels.ask(device.address, ASK, told.done);
    wire.pass(2);
    equal([told.words, device.channels.size], [[CHANGED], 1], `${number}`);
  }
});

test("where all places are taken, who was silent longest gives way to who proved itself", () => {
  const wire = new Wire();
  const psk = () => fromHex(KEY);
  const device = new SecureEnd(wire, 1, { server: { psk }, dtls: PLACES });
  const told = new Told();
  const ends = [2, 3, 4, 5, 6].map((number) => {
    const identity = utf8(`member ${number}`);
    return new SecureEnd(wire, number, { client: () => ({ psk: { identity, key: psk() } }) });
  });
  const ask = (end: SecureEnd) => {
    end.channels.ask(device.address, ASK, told.done);
    wire.pass(2);
  };
  for (const end of ends.slice(0, 3)) ask(end);
  ask(ends[0]);
  for (const end of ends.slice(3)) ask(end);
  equal([told.words, device.channels.size], [Array(6).fill(CHANGED), 3]);
  equal(
    device.closed.map(({ id }) => id),
    [toHex(utf8("member 3")), toHex(utf8("member 4"))],
  );
});

test("who is left is heard no more, and is answered yet", () => {
  const { wire, server, client, told } = pair();
  client.channels.ask(server.address, ASK, told.done);
  wire.pass();
  server.answer = () => {
    server.channels.leave(({ id }) => id === toHex(IDENTITY));
    return { code: CHANGED };
  };
  client.channels.ask(server.address, ASK, told.done);
  wire.pass();
  equal([told.words, server.requests.length], [[68, CHANGED], 2]);
  equal([server.channels.size, client.channels.size], [0, 0]);
  server.answer = () => ({ code: CHANGED });
  client.channels.ask(server.address, ASK, told.done);
  wire.pass();
  client.channels.ask(server.address, ASK, told.done);
  wire.pass(0);
  server.channels.leave(({ id }) => id === toHex(IDENTITY));
  wire.deliver(wire.sent[wire.sent.length - 1]);
  equal(server.requests.length, 3, "what comes at the same moment");
  wire.pass();
  equal([told.words.slice(2), server.requests.length], [[CHANGED, "closed"], 3]);
});

/** Somebody with a secret of his own, where another one is thought to be. */
function intruded(seed: number) {
  const wire = new Wire();
  const [kdc, intruder] = [utf8("kdc"), utf8("device Y")];
  const secretOf = (identity: Uint8Array) => fromHex(equalBytes(identity, kdc) ? KEY : OTHER_KEY);
  const client = () => ({ psk: { identity: kdc, key: fromHex(KEY) } });
  const asker = new SecureEnd(wire, 1, { server: { psk: secretOf }, client }, seed);
  const other = new SecureEnd(
    wire,
    2,
    {
      server: { psk: () => fromHex(OTHER_KEY) },
      client: () => ({ psk: { identity: intruder, key: fromHex(OTHER_KEY) } }),
    },
    seed + 100,
  );
  return { wire, asker, other, told: new Told() };
}

test("a question is for whom we would connect to, not for who connected to us from there", () => {
  const { wire, asker, other, told } = intruded(1);
  other.channels.ask(asker.address, { method: GET, path: [] }, told.done);
  wire.pass();
  equal([told.words, asker.requests[0].from.id], [[68], toHex(utf8("device Y"))]);
  asker.channels.ask(other.address, ASK, told.done);
  wire.pass(200);
  equal([other.requests, told.words], [[], [68, "unreachable"]]);
  // Over a connection that he opened, and proved to be himself by, the right one is asked.
  const right = new SecureEnd(wire, 3, {
    client: () => ({ psk: { identity: utf8("kdc"), key: fromHex(KEY) } }),
  });
  right.channels.ask(asker.address, { method: GET, path: [] }, told.done);
  wire.pass();
  asker.channels.ask(right.address, ASK, told.done);
  wire.pass();
  equal([right.requests.length, told.words.slice(2)], [1, [68, 68]]);
});

test("whoever begins at the same moment does not get the questions that wait", () => {
  let crossed = 0;
  for (let seed = 1; seed <= 8; seed++) {
    const { wire, asker, other, told } = intruded(seed);
    asker.channels.ask(other.address, ASK, told.done);
    other.channels.ask(asker.address, { method: GET, path: [] }, () => undefined);
    wire.pass(400);
    equal([other.requests, told.words], [[], ["unreachable"]], `seed ${seed}`);
    if (asker.requests.length > 0) crossed++;
  }
  equal(crossed > 1, true, `${crossed} of 8 gave way to the other`);
});
