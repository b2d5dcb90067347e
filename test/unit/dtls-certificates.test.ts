import { fromHex, toHex } from "../../modules/bytes/hex.js";
import { utf8 } from "../../modules/bytes/utf8.js";
import { NobleP256 } from "../../modules/crypto/noble-p256.js";
import { parseCertificate, verifyChain } from "../../modules/dtls/certificate.js";
import type { Trust } from "../../modules/dtls/credentials.js";
import {
  derInside,
  derSignature,
  derValues,
  pointOf,
  publicKeyInfo,
  rawSignature,
} from "../../modules/dtls/der.js";
import type { HandshakeMessage } from "../../modules/dtls/messages.js";
import {
  ALERTS,
  CLIENT_KEY_EXCHANGE,
  SERVER_HELLO,
  SERVER_KEY_EXCHANGE,
  TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8,
} from "../../modules/dtls/numbers.js";
import { MemorySessions, type Session } from "../../modules/dtls/session.js";
import { equal, test } from "../harness.js";
import { AUTHORITY, certificateOf, der, extension, keyPair } from "../support/certificates.js";
import { DtlsNet, DtlsPeer } from "../support/dtls.js";
import { changing, flipped, refusals, said } from "../support/dtls-craft.js";

const h = fromHex;
const p256 = new NobleP256();
const NOW = 1_800_000_000;
const SECOND = 1_000_000;
const DIGITAL_SIGNATURE = extension("551d0f", "03020780", true);
const CERT_SIGN = extension("551d0f", "03020204", true);
const SERVER_AUTH = extension("551d25", "300a06082b06010505070301");

test("DER: definite, shortest, whole", () => {
  equal(derValues(h("020107020108"))?.length, 2);
  equal(derValues(h("0481800102")), undefined, "runs over");
  equal(derValues(h("04810102")), undefined, "a longer length than it needs");
  equal(derValues(h(`048200ff${"00".repeat(255)}`)), undefined);
  equal(derValues(h("048002020000")), undefined, "indefinite");
  equal(derValues(h("0483000001ff")), undefined);
  equal(derValues(h("02")), undefined);
  equal(derValues(h("020207")), undefined);
  equal(derInside(h("3003020107"), 0x30)?.length, 1);
  equal(derInside(h("3103020107"), 0x30), undefined);
  equal(derInside(h("30030201070500"), 0x30), undefined);
});

test("signatures in DER and raw", () => {
  const raw = h(`00${"81".repeat(31)}${"f1".repeat(32)}`);
  const text = derSignature(raw);
  equal(toHex(text), `3045022000${"81".repeat(31)}022100${"f1".repeat(32)}`);
  equal(rawSignature(text), raw);
  const of = (r: string) =>
    rawSignature(h(`30${(r.length / 2 + 3).toString(16).padStart(2, "0")}${r}020101`));
  equal(of("020101")?.length, 64);
  equal(of("020181"), undefined, "negative");
  equal(of("02020001"), undefined, "not shortest");
  equal(of("0200"), undefined);
  equal(of("040101"), undefined);
  equal(of(`0221${"01".repeat(33)}`), undefined, "33 digits");
  equal(rawSignature(h("3003020101")), undefined);
});

test("a P-256 key as SubjectPublicKeyInfo", () => {
  const { publicKey } = keyPair(1);
  equal(pointOf(publicKeyInfo(publicKey)), publicKey);
  equal(pointOf(flipped(publicKeyInfo(publicKey), 22)), undefined, "another curve");
  equal(pointOf(flipped(publicKeyInfo(publicKey), 26)), undefined, "another form");
  equal(pointOf(publicKeyInfo(publicKey).subarray(1)), undefined);
});

const [rootKey, middleKey, ownKey] = [11, 12, 13];

function root(more: readonly Uint8Array[] = [AUTHORITY]): Uint8Array {
  const key = keyPair(rootKey);
  return certificateOf({ subject: "root", issuer: "root", key, by: key, extensions: more });
}

function middle(more: readonly Uint8Array[] = [AUTHORITY, CERT_SIGN]): Uint8Array {
  const [key, by] = [keyPair(middleKey), keyPair(rootKey)];
  return certificateOf({ subject: "middle", issuer: "root", key, by, extensions: more });
}

function own(more: readonly Uint8Array[] = [], issuer = "middle", by = middleKey): Uint8Array {
  const key = keyPair(ownKey);
  return certificateOf({ subject: "own", issuer, key, by: keyPair(by), extensions: more });
}

function verdict(
  chain: readonly Uint8Array[],
  anchors: readonly Uint8Array[] = [root()],
  nowSeconds: number | undefined = NOW,
  purpose: "server" | "client" = "server",
): number | string {
  const found = verifyChain({ chain, anchors, purpose, p256, nowSeconds });
  return typeof found === "number" ? found : found.names.join();
}

test("a certificate is read: names, times, what it may be", () => {
  const names = extension(
    "551d11",
    toHex(der(0x30, der(0x82, utf8("a.example")), der(0x81, utf8("b")))),
  );
  const read = parseCertificate(own([DIGITAL_SIGNATURE, SERVER_AUTH, names]));
  equal(read?.names, ["a.example"]);
  equal(read?.publicKey, keyPair(ownKey).publicKey);
  // 1 January 2026 and 2036.
  equal([read?.notBeforeSeconds, read?.notAfterSeconds], [1767225600, 2082758400]);
  equal([read?.isAuthority, read?.usage, read?.purposes], [false, 0x80, ["2b06010505070301"]]);
  equal(parseCertificate(own())?.names, ["own"]);
  const bytes = own();
  for (let length = 0; length < bytes.length; length += 7) {
    equal(parseCertificate(bytes.subarray(0, length)), undefined, `${length} bytes`);
  }
});

test("what is critical and unknown, or there twice, refuses a certificate", () => {
  const unknown = (isCritical: boolean) => extension("551d63", "0500", isCritical);
  equal(parseCertificate(own([unknown(false)]))?.names, ["own"]);
  equal(parseCertificate(own([unknown(true)])), undefined);
  equal(parseCertificate(own([DIGITAL_SIGNATURE, DIGITAL_SIGNATURE])), undefined);
});

test("DER says true in one way, and false by saying nothing", () => {
  const critical = (hex: string) => {
    const value = der(0x04, h("03020780"));
    return der(0x30, h("0603551d0f"), h(hex), value);
  };
  equal(parseCertificate(own([critical("0101ff")]))?.usage, 0x80);
  for (const other of ["010100", "010101", "0102ffff", "020101"]) {
    equal(parseCertificate(own([critical(other)])), undefined, other);
  }
  const basic = (hex: string) => parseCertificate(middle([extension("551d13", hex)]));
  equal([basic("30030101ff")?.isAuthority, basic("3000")?.isAuthority], [true, false]);
  equal([basic("3003010100"), basic("3003010101")], [undefined, undefined]);
});

test("a chain ends in a pinned certificate, its issuer or its own", () => {
  equal(verdict([own(), middle()]), "own");
  equal(verdict([own([], "root", rootKey)]), "own");
  equal(verdict([own(), middle(), root()]), "own");
  equal(verdict([own()], [own()]), "own");
  equal(verdict([own(), middle()], [middle()]), "own");
  equal(verdict([own()]), ALERTS.unknownCa);
  equal(verdict([own(), middle()], []), ALERTS.unknownCa);
  equal(verdict([]), ALERTS.badCertificate);
  equal(verdict([h("3000")]), ALERTS.badCertificate);
});

test("each certificate of a chain is issued by the next", () => {
  const stranger = certificateOf({
    ...{ subject: "middle", issuer: "root", extensions: [AUTHORITY] },
    ...{ key: keyPair(99), by: keyPair(rootKey) },
  });
  equal(verdict([own(), stranger]), ALERTS.badCertificate, "by another key");
  equal(verdict([own([], "someone", middleKey), middle()]), ALERTS.badCertificate, "by name");
  equal(verdict([own([], "root", middleKey)]), ALERTS.unknownCa, "in the anchor's name");
  equal(verdict([own([], "someone", rootKey)]), ALERTS.unknownCa, "with the anchor's key");
});

test("who issues is an authority, may sign, and has no more below than it may", () => {
  equal(verdict([own(), middle([CERT_SIGN])]), ALERTS.badCertificate);
  equal(verdict([own(), middle([extension("551d13", "3000")])]), ALERTS.badCertificate);
  equal(verdict([own(), middle([AUTHORITY, DIGITAL_SIGNATURE])]), ALERTS.badCertificate);
  const path = (length: string) => extension("551d13", `30060101ff0201${length}`, true);
  equal(verdict([own(), middle([path("00")])]), "own");
  equal(verdict([own(), middle()], [root([path("00")])]), ALERTS.unknownCa);
  equal(verdict([own(), middle()], [root([path("01")])]), "own");
});

test("a certificate has its time, where time is known", () => {
  const early = 1767225599;
  const late = 2082758401;
  for (const time of [early, late]) {
    equal(verdict([own(), middle()], [root()], time), ALERTS.certificateExpired);
  }
  equal(verdict([own(), middle()], [root()], early + 1), "own");
  equal(verdictWithoutTime(), "own");
});

function verdictWithoutTime(): number | string {
  const [key, by] = [keyPair(ownKey), keyPair(rootKey)];
  const times = { from: "200101000000Z", to: "210101000000Z" };
  const old = certificateOf({ subject: "own", issuer: "root", key, by, ...times });
  const all = { chain: [old], anchors: [root()], purpose: "server" as const, p256 };
  const found = verifyChain({ ...all, nowSeconds: undefined });
  return typeof found === "number" ? found : found.names.join();
}

test("a certificate is for what it says", () => {
  const good = own([DIGITAL_SIGNATURE, SERVER_AUTH]);
  equal(verdict([good, middle()]), "own");
  equal(verdict([good, middle()], [root()], NOW, "client"), ALERTS.unsupportedCertificate);
  equal(verdict([own([CERT_SIGN]), middle()]), ALERTS.unsupportedCertificate);
  // Whoever may certify servers alone certifies no client.
  const issuer = middle([AUTHORITY, CERT_SIGN, SERVER_AUTH]);
  equal(verdict([own(), issuer]), "own");
  equal(verdict([own(), issuer], [root()], NOW, "client"), ALERTS.badCertificate);
});

/** Raw public keys on both sides. */
function raw(number: number, trusts: number, chain: readonly Uint8Array[] = []) {
  const trusted = toHex(keyPair(trusts).publicKey);
  const trust: Trust = { rawKey: (publicKey) => toHex(publicKey) === trusted };
  return { own: { key: keyPair(number), chain }, trust };
}

function pair(server: object, options = {}) {
  const net = new DtlsNet();
  const one = new DtlsPeer(net, 1, { server, ...options });
  const two = new DtlsPeer(net, 2, {});
  return { net, server: one, client: two };
}

test("a handshake with raw public keys, and its session", () => {
  const { net, server, client } = pair(raw(1, 2), { sessions: new MemorySessions(1) });
  const credentials = raw(2, 1);
  client.dtls.connect(server.address, { credentials });
  net.settle();
  equal(said(net, client), ["1", "1", "11", "16", "15", "r20", "e1"]);
  equal(said(net, server), ["3", "2", "11", "12", "13", "14", "r20", "e1"]);
  const { peer, session } = client.opened[0].finished;
  equal(peer, { by: "rawPublicKey", publicKey: keyPair(1).publicKey });
  equal(server.connection.identity, { by: "rawPublicKey", publicKey: keyPair(2).publicKey });
  equal(session?.suite, TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8);
  client.connection.close();
  net.settle();
  client.dtls.connect(server.address, { credentials, resume: session as Session });
  net.settle();
  equal(client.opened[1].finished.isResumed, true);
  equal(server.connection.identity, { by: "rawPublicKey", publicKey: keyPair(2).publicKey });
});

test("a handshake with certificates; the shorter raw key where both can", () => {
  const anchors = [root()];
  const chain = [own([], "middle"), middle()];
  const trust = { anchors, nowSeconds: () => NOW };
  const credentials = { own: { key: keyPair(ownKey), chain }, trust };
  const { net, server, client } = pair(credentials);
  client.dtls.connect(server.address, { credentials });
  net.settle();
  equal(server.connection.identity, {
    by: "certificate",
    publicKey: keyPair(ownKey).publicKey,
    names: ["own"],
    untilSeconds: 2_082_758_400,
  });
  equal(client.connection.identity?.by, "certificate");
  const both = pair({ ...raw(1, 2, chain), trust: { ...raw(1, 2).trust, anchors } });
  both.client.dtls.connect(both.server.address, { credentials: raw(2, 1) });
  both.net.settle();
  equal(both.client.connection.identity?.by, "rawPublicKey");
});

test("a client that is not asked for a key stays unknown", () => {
  const { own: mine } = raw(1, 2);
  const { net, server, client } = pair({ own: mine });
  const { trust } = raw(2, 1);
  client.dtls.connect(server.address, { credentials: { trust } });
  net.settle();
  equal(server.connection.identity, { by: "nothing" });
});

test("keys nobody trusts, and none where one is wanted", () => {
  const ends = (server: object, credentials: object) => {
    const all = pair(server);
    all.client.dtls.connect(all.server.address, { credentials });
    all.net.settle();
    all.net.pass(SECOND);
    return refusals(all.client, all.server);
  };
  equal(ends(raw(1, 2), raw(2, 3)), [ALERTS.certificateUnknown, undefined]);
  equal(ends(raw(1, 3), raw(2, 1)), [undefined, ALERTS.certificateUnknown]);
  // Without a key, a client offers no type for one: X.509, which this server does not believe.
  equal(ends(raw(1, 2), { trust: raw(2, 1).trust }), [undefined, ALERTS.handshakeFailure]);
  const lax = { ...raw(1, 2), trust: { ...raw(1, 2).trust, anchors: [root()] } };
  equal(ends(lax, { trust: raw(2, 1).trust }), [undefined, ALERTS.handshakeFailure]);
  equal(ends(raw(1, 2), { trust: { anchors: [root()] } }), [undefined, ALERTS.handshakeFailure]);
});

/** Somebody in the middle changes one message; how the two ended. */
function between(type: number, change: (message: HandshakeMessage) => Uint8Array): unknown[] {
  const { net, server, client } = pair(raw(1, 2));
  net.fate = changing(type, change);
  client.dtls.connect(server.address, { credentials: raw(2, 1) });
  net.settle();
  net.pass(SECOND);
  return refusals(client, server);
}

test("a server proves its key, and its ephemeral one is a point", () => {
  const signed = between(SERVER_KEY_EXCHANGE, ({ body }) => flipped(body, body.length - 1));
  equal(signed, [ALERTS.decryptError, undefined]);
  const point = between(SERVER_KEY_EXCHANGE, ({ body }) => flipped(body, 20));
  equal(point, [ALERTS.decryptError, undefined]);
});

function forge(data: Uint8Array): Uint8Array {
  return keyPair(3).sign(data);
}

test("a client proves its key, and its ephemeral one is a point", () => {
  const { net, server, client } = pair(raw(1, 2));
  const { trust } = raw(2, 1);
  // It shows the key that is trusted, and signs with its own.
  const { publicKey } = keyPair(2);
  const key = { publicKey, sign: forge, agree: () => undefined };
  client.dtls.connect(server.address, { credentials: { own: { key, chain: [] }, trust } });
  net.settle();
  net.pass(SECOND);
  equal([server.ends, server.opened], [[{ reason: "refused", alert: ALERTS.decryptError }], []]);
  const point = between(CLIENT_KEY_EXCHANGE, ({ body }) => flipped(body, 20));
  equal(point, [undefined, ALERTS.illegalParameter]);
});

test("a server keeps to the types of certificate that were offered", () => {
  // server_certificate_type (20) raw public key made X.509: 0014 0001 02.
  const typed = between(SERVER_HELLO, ({ body }) => {
    const at = toHex(body).indexOf("0014000102") / 2;
    return flipped(body, at + 4, 2);
  });
  equal(typed, [ALERTS.unsupportedCertificate, undefined]);
});
