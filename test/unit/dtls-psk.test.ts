import { fromHex } from "../../modules/bytes/hex.js";
import { utf8 } from "../../modules/bytes/utf8.js";
import { FLIGHT_TIMES } from "../../modules/dtls/flight.js";
import { ALERTS, TLS_PSK_WITH_AES_128_CCM_8 } from "../../modules/dtls/numbers.js";
import {
  emitSession,
  MemorySessions,
  parseSession,
  type Session,
} from "../../modules/dtls/session.js";
import { equal, test } from "../harness.js";
import { DtlsNet, DtlsPeer } from "../support/dtls.js";
import { numberOf, said } from "../support/dtls-craft.js";

const KEY = "000102030405060708090a0b0c0d0e0f";
const IDENTITY = utf8("switch 7");
const SECOND = 1_000_000;

function keyOf(identity: Uint8Array): Uint8Array | undefined {
  return identity.length === IDENTITY.length ? fromHex(KEY) : undefined;
}

function credentials(key = KEY, identity = IDENTITY) {
  return { psk: { identity, key: fromHex(key) } };
}

function pair(server = {}, client = {}) {
  const net = new DtlsNet();
  const one = new DtlsPeer(net, 1, { server: { psk: keyOf }, ...server });
  const two = new DtlsPeer(net, 2, client);
  return { net, server: one, client: two };
}

test("a handshake with a pre-shared key: four flights of two each, then data both ways", () => {
  const { net, server, client } = pair();
  client.dtls.connect(server.address, { credentials: credentials() });
  net.settle();
  equal(said(net, client), ["1", "1", "16", "r20", "e1"]);
  equal(said(net, server), ["3", "2", "14", "r20", "e1"]);
  equal([client.drops, server.drops, client.ends, server.ends], [[], [], [], []]);
  equal(client.opened[0].finished, {
    peer: { by: "psk", identity: IDENTITY },
    session: undefined,
    isResumed: false,
  });
  equal(server.connection.identity, { by: "psk", identity: IDENTITY });
  equal(client.connection.send(utf8("on")), true);
  equal(server.connection.send(utf8("it is")), true);
  net.settle();
  equal([server.data, client.data], [[utf8("on")], [utf8("it is")]]);
  equal([client.dtls.handshakes, client.dtls.size, server.dtls.handshakes], [0, 1, 0]);
  equal(net.clock.pending, 0, "at rest there is no timer");
});

test("nothing of a handshake stays when it is over", () => {
  const { net, server, client } = pair();
  const connection = client.dtls.connect(server.address, { credentials: credentials() });
  net.settle();
  equal(connection?.heldBytes, 0);
  // The server may be asked for its last flight until data comes.
  equal(server.connection.heldBytes, 25);
  client.connection.send(utf8("on"));
  net.settle();
  equal(server.connection.heldBytes, 0);
});

test("close_notify ends both; the address may connect again", () => {
  const { net, server, client } = pair();
  for (let round = 1; round <= 2; round++) {
    client.dtls.connect(server.address, { credentials: credentials() });
    net.settle();
    equal(server.opened.length, round);
    client.connection.close();
    net.settle();
    equal(client.connection.state, "closed");
    equal(client.connection.send(utf8("on")), false);
    equal([client.dtls.size, server.dtls.size], [0, 0]);
  }
  equal(server.ends.concat(client.ends), Array(4).fill({ reason: "closed", alert: undefined }));
});

test("an identity nobody knows is told so; a wrong key gets silence until time is over", () => {
  const { net, server, client } = pair();
  client.dtls.connect(server.address, { credentials: credentials(KEY, utf8("a stranger")) });
  net.settle();
  // In the clear, so on either side it counts only when nothing better comes.
  equal([server.ends, client.ends], [[], []]);
  net.pass(SECOND);
  equal(server.ends, [{ reason: "refused", alert: ALERTS.unknownPskIdentity }]);
  equal(client.ends, []);
  net.pass(2 * SECOND);
  equal(client.ends, [{ reason: "alerted", alert: ALERTS.unknownPskIdentity }]);
  client.dtls.connect(server.address, { credentials: credentials(KEY.replace("0f", "0e")) });
  net.settle();
  equal(server.drops.includes("forged"), true);
  net.pass(SECOND, 200);
  equal(client.ends[1], { reason: "timeout", alert: undefined });
  equal(server.ends[1], { reason: "timeout", alert: undefined });
  equal([client.dtls.size, server.dtls.size, net.clock.pending], [0, 0, 0]);
});

test("whichever datagram is lost, the handshake comes to its end", () => {
  for (let lost = 0; lost < 6; lost++) {
    const { net, server, client } = pair();
    net.fate = (flying, index) => (index === lost ? [] : [flying]);
    client.dtls.connect(server.address, { credentials: credentials() });
    net.settle();
    net.pass(SECOND / 2, 6);
    // A client that lost the last flight cannot know; the server is asked for it again.
    equal([client.opened.length, server.opened.length], [1, 1], `without ${lost}`);
    client.connection.send(utf8("on"));
    net.settle();
    equal(server.data.length, 1, `without ${lost}`);
    equal(net.clock.pending, 0);
  }
});

test("half of all datagrams lost, each of the others twice and in any order", () => {
  for (let seed = 0; seed < 20; seed++) {
    const { net, server, client } = pair();
    net.fate = (flying, index) =>
      (Math.imul(index + 1, 0x9e3779b1 + seed * 2) >>> 5) % 2 === 0 ? [] : [flying, flying];
    client.dtls.connect(server.address, { credentials: credentials() });
    net.settle();
    net.pass(SECOND / 2, 400);
    equal(client.opened.length <= 1 && server.opened.length <= 1, true, `seed ${seed}`);
    equal(client.ends.length + client.opened.length >= 1, true, `seed ${seed} ends`);
  }
});

test("the timer doubles from one second to its longest and gives up after the last", () => {
  const { net, client, server } = pair();
  net.fate = () => [];
  client.dtls.connect(server.address, { credentials: credentials() });
  const times: number[] = [0];
  for (let second = 1; second <= 200 && client.ends.length === 0; second++) {
    const before = net.sent.length;
    net.pass(SECOND);
    if (net.sent.length > before) times.push(second);
  }
  equal(times, [0, 1, 3, 7, 15, 31, 63]);
  equal(net.clock.micros() / SECOND, 123);
  equal(FLIGHT_TIMES.retransmissions, 6);
  equal(client.ends, [{ reason: "timeout", alert: undefined }]);
  equal(
    net.sent.map(({ bytes }) => numberOf(bytes)),
    [0, 1, 2, 3, 4, 5, 6],
  );
});

test("messages too long for a datagram go in fragments, both ways", () => {
  for (const datagramBytes of [42, 60, 90]) {
    const { net, server, client } = pair({ datagramBytes }, { datagramBytes: datagramBytes + 40 });
    client.dtls.connect(server.address, { credentials: credentials() });
    net.settle();
    equal([client.opened.length, server.opened.length], [1, 1], `${datagramBytes}`);
    equal(
      net.sent.every(({ bytes }) => bytes.length <= datagramBytes + 40),
      true,
    );
    equal(said(net, server).includes("2+"), datagramBytes < 90);
  }
});

/** A server with sessions and a client that was there once. */
function met(server = {}) {
  const sessions = new MemorySessions(2);
  const two = pair({ sessions, ...server });
  two.client.dtls.connect(two.server.address, { credentials: credentials() });
  two.net.settle();
  const session = two.client.opened[0].finished.session as Session;
  two.client.connection.close();
  two.net.settle();
  return { ...two, sessions, session, since: two.net.sent.length };
}

test("a session is resumed in one flight less, without the key", () => {
  const { net, server, client, session, since } = met();
  equal(session.suite, TLS_PSK_WITH_AES_128_CCM_8);
  equal([session.id.length, session.master.length], [16, 48]);
  client.dtls.connect(server.address, { credentials: credentials(), resume: session });
  net.settle();
  equal(said(net, client, since), ["1", "1", "r20", "e1"]);
  equal(said(net, server, since), ["3", "2", "r20", "e1"]);
  equal(client.opened[1].finished.isResumed, true);
  equal(server.opened[1].finished.peer, { by: "psk", identity: IDENTITY });
  client.connection.send(utf8("on"));
  net.settle();
  equal(server.data, [utf8("on")]);
  equal(net.clock.pending, 0);
});

test("a session outlives a restart of either side", () => {
  const { net, server, session } = met();
  const kept = parseSession(emitSession(session)) as Session;
  equal(kept, session);
  const sessions = new MemorySessions(1);
  sessions.put(parseSession(emitSession(server.opened[0].finished.session as Session)) as Session);
  const restarted = new DtlsPeer(net, 3, { server: { psk: keyOf }, sessions });
  const client = new DtlsPeer(net, 4, {});
  client.dtls.connect(restarted.address, { credentials: credentials(), resume: kept });
  net.settle();
  equal(client.opened[0].finished.isResumed, true);
});

test("whichever datagram of a resumption is lost, it comes to its end", () => {
  for (let lost = 0; lost < 5; lost++) {
    const { net, server, client, session, since } = met();
    net.fate = (flying, index) => (index === since + lost ? [] : [flying]);
    client.dtls.connect(server.address, { credentials: credentials(), resume: session });
    net.settle();
    net.pass(SECOND / 2, 6);
    equal([client.opened.length, server.opened.length], [2, 2], `without ${lost}`);
  }
});

test("a session that the server forgot, a whole handshake", () => {
  const { net, server, client, session, sessions } = met();
  sessions.remove(session.id);
  client.dtls.connect(server.address, { credentials: credentials(), resume: session });
  net.settle();
  equal(client.opened[1].finished.isResumed, false);
  const other = client.opened[1].finished.session as Session;
  equal(other.id === session.id || other.master === session.master, false);
});

test("a key or a right taken away takes its sessions along", () => {
  let isKnown = true;
  let isWelcome = true;
  const psk = (identity: Uint8Array) => (isKnown ? keyOf(identity) : undefined);
  const { net, server, client, session } = met({ server: { psk, accepts: () => isWelcome } });
  isKnown = false;
  client.dtls.connect(server.address, { credentials: credentials(), resume: session });
  net.settle();
  net.pass(SECOND);
  equal(server.ends[1], { reason: "refused", alert: ALERTS.unknownPskIdentity });
  net.pass(2 * SECOND);
  isKnown = true;
  isWelcome = false;
  client.dtls.connect(server.address, { credentials: credentials(), resume: session });
  net.settle();
  equal(server.ends[2], { reason: "refused", alert: ALERTS.accessDenied });
  equal(server.opened.length, 1);
});

test("a client has the last word on a server, too", () => {
  let isWelcome = true;
  const { net, server, client, session } = met();
  const mine = { ...credentials(), accepts: () => isWelcome };
  isWelcome = false;
  client.dtls.connect(server.address, { credentials: mine });
  net.settle();
  net.pass(SECOND);
  equal(client.ends[1], { reason: "refused", alert: ALERTS.accessDenied });
  net.pass(SECOND);
  client.dtls.connect(server.address, { credentials: mine, resume: session });
  net.settle();
  equal(client.ends[2], { reason: "refused", alert: ALERTS.accessDenied });
  equal(client.opened.length, 1);
});

test("sessions in memory are bounded; who is used least makes room, wiped", () => {
  const sessions = new MemorySessions(2);
  const made = (id: number): Session => ({
    id: Uint8Array.of(id),
    suite: TLS_PSK_WITH_AES_128_CCM_8,
    master: new Uint8Array(48).fill(id),
    peer: { by: "nothing" },
    bound: new Uint8Array(8),
  });
  sessions.put(made(1));
  sessions.put(made(2));
  equal(sessions.find(Uint8Array.of(1))?.master[0], 1);
  sessions.put(made(3));
  equal(sessions.size, 2);
  equal(sessions.find(Uint8Array.of(2)), undefined);
  sessions.remove(Uint8Array.of(1));
  equal(sessions.find(Uint8Array.of(1)), undefined);
});

test("a HelloRequest makes a client begin, where it wants to", () => {
  const net = new DtlsNet();
  const server = new DtlsPeer(net, 1, { server: { psk: keyOf } });
  const asked: number[] = [];
  const client = new DtlsPeer(
    net,
    2,
    {},
    {
      helloRequested: ({ port }) => {
        asked.push(port);
        return { credentials: credentials() };
      },
    },
  );
  server.dtls.requestHello(client.address);
  net.settle();
  equal(asked, [server.address.port]);
  equal(client.opened.length, 1);
  // Under way or open, nobody is asked again.
  server.dtls.requestHello(client.address);
  net.settle();
  equal(asked.length, 1);
  const unwilling = new DtlsPeer(net, 3, {});
  server.dtls.requestHello(unwilling.address);
  net.settle();
  equal([unwilling.dtls.size, unwilling.drops], [0, ["unsolicited"]]);
});
