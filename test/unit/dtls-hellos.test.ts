import { concat } from "../../modules/bytes/concat.js";
import { fromHex } from "../../modules/bytes/hex.js";
import {
  type ClientHello,
  clientHello,
  type HandshakeMessage,
  helloVerifyRequest,
  parseClientHello,
  parseServerHello,
  type ServerHello,
  serverHello,
} from "../../modules/dtls/messages.js";
import {
  ALERTS,
  CLIENT_HELLO,
  HELLO_VERIFY_REQUEST,
  SERVER_HELLO,
  TLS_PSK_WITH_AES_128_CCM_8,
} from "../../modules/dtls/numbers.js";
import { MemorySessions, type Session } from "../../modules/dtls/session.js";
import { equal, test } from "../harness.js";
import { changing, datagramWith, flipped, inject, refusals, said } from "../support/dtls-craft.js";
import { pair } from "../support/dtls-pair.js";

const EMPTY = new Uint8Array(0);
const SECOND = 1_000_000;

/** Runs a handshake through somebody in the middle; how the client and the server ended. */
function between(
  type: number,
  change: (message: HandshakeMessage) => Uint8Array | readonly HandshakeMessage[],
  server = {},
  more = {},
) {
  const all = pair(server);
  all.net.fate = changing(type, change);
  all.connect(more);
  all.net.settle();
  // Anybody may have written it, until the flight's time is over.
  all.net.pass(SECOND);
  return { ...all, ends: refusals(all.client, all.server) };
}

function changedServerHello(change: (hello: ServerHello) => Partial<ServerHello>) {
  return ({ body }: HandshakeMessage): Uint8Array => {
    const hello = parseServerHello(body) as ServerHello;
    return serverHello({ ...hello, ...change(hello) });
  };
}

function changedClientHello(change: (hello: ClientHello) => Partial<ClientHello>) {
  return ({ body }: HandshakeMessage): Uint8Array => {
    const hello = parseClientHello(body) as ClientHello;
    return clientHello({ ...hello, ...change(hello) });
  };
}

function withExtension(
  hello: { extensions: ReadonlyMap<number, Uint8Array> },
  type: number,
  hex?: string,
) {
  const extensions = new Map(hello.extensions);
  if (hex === undefined) extensions.delete(type);
  else extensions.set(type, fromHex(hex));
  return { extensions };
}
test("a server that says another version, suite or extension than was offered", () => {
  const version = between(SERVER_HELLO, ({ body }) => flipped(body, 1, 2));
  equal(version.ends, [ALERTS.protocolVersion, undefined]);
  const suite = changedServerHello(() => ({ suite: 0xc0a9 }));
  equal(between(SERVER_HELLO, suite).ends, [ALERTS.illegalParameter, undefined]);
  const extension = changedServerHello((hello) => withExtension(hello, 54, "0101"));
  equal(between(SERVER_HELLO, extension).ends, [ALERTS.unsupportedExtension, undefined]);
});

test("a server without an extended master secret, or without renegotiation_info", () => {
  const noSecret = changedServerHello((hello) => withExtension(hello, 23));
  equal(between(SERVER_HELLO, noSecret).ends, [ALERTS.handshakeFailure, undefined]);
  for (const hex of [undefined, "0101"]) {
    const info = changedServerHello((hello) => withExtension(hello, 0xff01, hex));
    equal(between(SERVER_HELLO, info).ends, [ALERTS.handshakeFailure, undefined]);
  }
});

test("a client of an older version, without a master secret of today, or that renegotiates", () => {
  const version = between(CLIENT_HELLO, ({ body }) => flipped(body, 1, 2));
  equal(version.ends, [undefined, ALERTS.protocolVersion]);
  const noSecret = changedClientHello((hello) => withExtension(hello, 23));
  equal(between(CLIENT_HELLO, noSecret).ends, [undefined, ALERTS.handshakeFailure]);
  const info = changedClientHello((hello) => withExtension(hello, 0xff01, "0101"));
  equal(between(CLIENT_HELLO, info).ends, [undefined, ALERTS.handshakeFailure]);
  const suites = changedClientHello(() => ({ suites: [0xc0ae, 0x00ae] }));
  equal(between(CLIENT_HELLO, suites).ends, [undefined, ALERTS.handshakeFailure]);
});

test("whatever is changed in the hellos, the keys are others", () => {
  const named = changedServerHello(({ sessionId }) => ({
    sessionId: concat(sessionId, fromHex("01")),
  }));
  const { client, server } = between(SERVER_HELLO, named);
  equal([client.opened.length, server.opened.length], [0, 0]);
});

test("a wrong Finished, genuinely protected, is a fatal alert", () => {
  // Both agree on the keys, and the client heard another server name the session.
  const sessions = new MemorySessions(2);
  const all = pair({ sessions });
  all.connect();
  all.net.settle();
  const session = all.client.opened[0].finished.session as Session;
  all.client.connection.close();
  all.net.settle();
  // Resumed, the keys hang on the randoms alone: an extension added shows only in Finished.
  all.net.fate = changing(
    CLIENT_HELLO,
    changedClientHello((hello) => withExtension(hello, 77, "00")),
  );
  all.connect({ resume: session });
  all.net.settle();
  equal(all.client.ends[1], { reason: "refused", alert: ALERTS.decryptError });
  equal(all.client.opened.length, 1);
  // RFC 5246 §7.2.2: but nobody made the server open.
  equal(all.server.opened.length, 1);
});

test("a session is resumed with its own suite only", () => {
  const sessions = new MemorySessions(2);
  const all = pair({ sessions });
  all.connect();
  all.net.settle();
  const session = all.client.opened[0].finished.session as Session;
  sessions.put({ ...session, suite: 0xc0a9 });
  all.client.connection.close();
  all.net.settle();
  all.connect({ resume: session });
  all.net.settle();
  equal(all.client.opened[1].finished.isResumed, false);
  const other = { ...(all.client.opened[1].finished.session as Session), suite: 0xc0a9 };
  all.client.connection.close();
  all.net.settle();
  all.connect({ resume: other });
  all.net.settle();
  all.net.pass(SECOND);
  equal(all.client.ends[2], { reason: "refused", alert: ALERTS.illegalParameter });
  equal(TLS_PSK_WITH_AES_128_CCM_8, 0xc0a8);
});

test("cookies without end: a client takes three", () => {
  const { net, server, client, connect } = pair();
  net.fate = changing(SERVER_HELLO, ({ sequence }) => [
    { type: HELLO_VERIFY_REQUEST, sequence, body: helloVerifyRequest(fromHex("0102")) },
  ]);
  connect();
  net.settle();
  equal(said(net, client).filter((type) => type === "1").length <= 4, true);
  equal(server.opened.length, 0);
  for (let round = 0; round < 10; round++) {
    const verify = { type: HELLO_VERIFY_REQUEST, sequence: round, body: helloVerifyRequest(EMPTY) };
    inject(net, server, client, datagramWith(verify));
  }
  equal(said(net, client).filter((type) => type === "1").length <= 4, true);
});
