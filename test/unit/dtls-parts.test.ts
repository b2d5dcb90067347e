import { concat } from "../../modules/bytes/concat.js";
import { fromHex, toHex } from "../../modules/bytes/hex.js";
import { Reader } from "../../modules/bytes/reader.js";
import { utf8 } from "../../modules/bytes/utf8.js";
import { TsCrypto } from "../../modules/crypto/crypto.js";
import { COOKIE_SECRET_MICROS, Cookies } from "../../modules/dtls/cookie.js";
import { parseExtensions, traitsOf } from "../../modules/dtls/extensions.js";
import { premasterOf, prf } from "../../modules/dtls/keys.js";
import {
  certificate,
  clientHello,
  helloVerifyRequest,
  messageHeader,
  parseCertificate,
  parseClientHello,
  parseEcdheExchange,
  parseHelloFront,
  parseHelloVerifyRequest,
  parseServerHello,
  serverHello,
} from "../../modules/dtls/messages.js";
import { fragmentsOf, Reassembly } from "../../modules/dtls/reassembly.js";
import { APPLICATION_DATA, SEQUENCE_MAX } from "../../modules/dtls/record.js";
import {
  plainRecord,
  type RawRecord,
  ReadEpoch,
  readRecord,
  WriteEpoch,
} from "../../modules/dtls/records.js";
import { emitSession, parseSession, type Session } from "../../modules/dtls/session.js";
import { Transcript } from "../../modules/dtls/transcript.js";
import { RecordWindow } from "../../modules/dtls/window.js";
import { AES_128_CCM_8 } from "../../modules/ports/crypto.js";
import { equal, test } from "../harness.js";
import { TestClock } from "../support/clock.js";
import { addressOf } from "../support/dtls.js";
import { flipped, renumbered } from "../support/dtls-craft.js";
import { SeededRandom } from "../support/random.js";

const h = fromHex;
const FRAGMENT = { ok: false, drop: "fragment" };

// TLS working group list, message 03416: the label and the seed apart, as the PRF takes them.
test("the PRF of TLS 1.2 with SHA-256", () => {
  const output = prf(new TsCrypto(), {
    secret: h("9bbe436ba940f017b17652849a71db35"),
    label: "test label",
    seed: h("a0ba9f936cda311827a6f796ffd5198c"),
    length: 20,
  });
  equal(toHex(output), "e3f229ba727be17b8d122620557cd453c2aab21d");
});

// RFC 4279 §2: N zeros and N octets of key, each with its length.
test("the premaster secret of a pre-shared key", () => {
  equal(toHex(premasterOf(h("0a0b0c"))), "0003" + "000000" + "0003" + "0a0b0c");
});

test("the window takes each of the last 64 numbers once", () => {
  const window = new RecordWindow();
  const seen: number[] = [];
  const take = (sequence: number) => {
    const isFresh = window.isFresh(sequence);
    equal(isFresh, !seen.includes(sequence) && sequence > window.highest - 64, `${sequence}`);
    if (isFresh) window.mark(sequence);
    if (isFresh) seen.push(sequence);
  };
  for (const one of [0, 0, 3, 1, 2, 2, 35, 36, 4, 5, 67, 68, 3, 4, 5, 6, 100, 37, 36, 99])
    take(one);
  for (const one of [200, 137, 136, 168, 169, 264, 200, 201, SEQUENCE_MAX, SEQUENCE_MAX]) take(one);
  for (const one of [SEQUENCE_MAX - 63, SEQUENCE_MAX - 64, SEQUENCE_MAX - 32]) take(one);
});

/** Keys that a writer and a reader of one direction share. */
function keys() {
  const aead = new TsCrypto().aeadKey(AES_128_CCM_8, h("00112233445566778899aabbccddeeff"));
  return { aead, salt: h("01020304") };
}

function reading(bytes: Uint8Array, cidBytes = 0): RawRecord {
  return readRecord(bytes, 0, cidBytes) as RawRecord;
}

test("records in a datagram: whole, of a version we know, within its bounds", () => {
  const record = plainRecord(22, 7, h("0102"));
  equal(toHex(record), "16fefd00000000000000070002" + "0102");
  equal(reading(record).sequence, 7);
  for (let length = 0; length < record.length; length++) {
    equal(readRecord(record.subarray(0, length), 0, 0), undefined, `${length} bytes`);
  }
  // DTLS 1.0 stands in the records of the first hellos, and nowhere else.
  equal(reading(plainRecord(22, 7, h("0102"), 0xfeff)).sequence, 7);
  equal(readRecord(renumbered(plainRecord(22, 7, h("01"), 0xfeff), 1, 7), 0, 0), undefined);
  equal(readRecord(plainRecord(22, 7, h("01"), 0xfefc), 0, 0), undefined);
  const long = concat(record, new Uint8Array(20000));
  long[11] = 0x48;
  equal(readRecord(long, 0, 0), undefined, "a fragment of 2^14 + 2^11");
});

test("protected records: checked, opened, marked", () => {
  const writer = new WriteEpoch(1, keys());
  const reader = new ReadEpoch(keys(), false);
  const first = writer.seal(APPLICATION_DATA, utf8("one")) as Uint8Array;
  const second = writer.seal(APPLICATION_DATA, utf8("two")) as Uint8Array;
  equal(first.length, 3 + writer.overhead);
  equal(reader.open(reading(flipped(second, 30))), { ok: false, drop: "forged" });
  equal(reader.open(reading(renumbered(second, 1, 9))), { ok: false, drop: "forged" });
  equal(reader.highest, -1);
  const opened = { ok: true, value: { type: APPLICATION_DATA, plain: utf8("two") } };
  equal(reader.open(reading(second)), opened);
  equal(reader.open(reading(second)), { ok: false, drop: "replayed" });
  equal(reader.open(reading(first)).ok, true);
  const short = renumbered(plainRecord(APPLICATION_DATA, 5, new Uint8Array(15)), 1, 5);
  equal(reader.open(reading(short)), { ok: false, drop: "malformed" });
});

test("the last number of an epoch is used once", () => {
  const writer = new WriteEpoch(1, keys(), h(""), SEQUENCE_MAX);
  equal(reading(writer.seal(23, h("00")) as Uint8Array).sequence, SEQUENCE_MAX);
  equal(writer.seal(23, h("00")), undefined);
});

test("records with a connection id hide their type, and are demanded once negotiated", () => {
  const writer = new WriteEpoch(1, keys(), h("c1d2"));
  const record = writer.seal(APPLICATION_DATA, utf8("one")) as Uint8Array;
  equal(toHex(record).slice(0, 30), "19fefd0001000000000000c1d20014");
  equal(record.length, 3 + writer.overhead);
  const reader = new ReadEpoch(keys(), true);
  equal(toHex(reading(record, 2).cid), "c1d2");
  equal(reader.open(reading(flipped(record, 12), 2)), { ok: false, drop: "forged" });
  const opened = { ok: true, value: { type: APPLICATION_DATA, plain: utf8("one") } };
  equal(reader.open(reading(record, 2)), opened);
  const without = new WriteEpoch(1, keys()).seal(APPLICATION_DATA, utf8("one")) as Uint8Array;
  const malformed = { ok: false, drop: "malformed" };
  equal(reader.open(reading(renumbered(without, 1, 4))), malformed);
  equal(new ReadEpoch(keys(), false).open(reading(record, 2)), malformed);
  const zeros = writer.seal(0, h("0000")) as Uint8Array;
  equal(reader.open(reading(zeros, 2)), malformed);
});

function fragment(offset: number, part: string, length = 6, sequence = 0, type = 1): Uint8Array {
  const bytes = h(part);
  return concat(messageHeader({ type, sequence, length, offset, part: bytes.length }), bytes);
}

function take(reassembly: Reassembly, bytes: Uint8Array) {
  const [first] = fragmentsOf(bytes) ?? [];
  return first && reassembly.take(first);
}

test("fragments that run over or hold nothing are none", () => {
  const whole = fragment(0, "010203", 3);
  for (let length = 1; length < whole.length; length++) {
    equal(fragmentsOf(whole.subarray(0, length)), undefined, `${length} bytes`);
  }
  equal(fragmentsOf(concat(whole, whole))?.length, 2);
  equal(fragmentsOf(fragment(4, "010203", 6)), undefined, "beyond its message");
  equal(fragmentsOf(fragment(0, "", 6)), undefined, "empty");
  equal(fragmentsOf(fragment(0, "", 0))?.length, 1, "of an empty message");
});

test("fragments in any order, repeated and overlapping where they agree", () => {
  const reassembly = new Reassembly(100);
  const pending = { ok: true, value: undefined };
  equal(take(reassembly, fragment(4, "0506")), pending);
  equal(take(reassembly, fragment(0, "0102")), pending);
  equal(take(reassembly, fragment(4, "0506")), pending);
  equal(reassembly.heldBytes, 6);
  const message = { type: 1, sequence: 0, body: h("010203040506") };
  equal(take(reassembly, fragment(1, "02030405")), { ok: true, value: message });
  equal(reassembly.heldBytes, 0);
});

test("a fragment that contradicts what is there is dropped alone", () => {
  const reassembly = new Reassembly(100);
  take(reassembly, fragment(0, "010203"));
  equal(take(reassembly, fragment(2, "0404")), FRAGMENT, "another byte");
  equal(take(reassembly, fragment(3, "0405", 7)), FRAGMENT, "another length");
  equal(take(reassembly, fragment(3, "040506", 6, 0, 2)), FRAGMENT, "another type");
  equal(take(reassembly, fragment(3, "040506"))?.ok, true);
});

test("a message is bounded, and so are its gaps; others wait for their turn", () => {
  const reassembly = new Reassembly(100);
  equal(take(reassembly, fragment(0, "01", 101)), FRAGMENT);
  equal(take(reassembly, fragment(0, "01", 6, 1)), { ok: false, drop: "notForUs" });
  equal(reassembly.heldBytes, 0);
  for (let gap = 0; gap < 8; gap++) equal(take(reassembly, fragment(gap * 2, "01", 100))?.ok, true);
  equal(take(reassembly, fragment(16, "01", 100)), FRAGMENT);
  equal(take(reassembly, fragment(1, "02", 100))?.ok, true);
  reassembly.next = 1;
  equal(take(reassembly, fragment(0, "01")), { ok: false, drop: "duplicate" });
  reassembly.reset();
  equal(reassembly.heldBytes, 0);
});

test("a transcript has a bound", () => {
  const transcript = new Transcript(new TsCrypto(), 300);
  equal(transcript.add(new Uint8Array(299)), true);
  equal(transcript.add(new Uint8Array(2)), false);
  equal(transcript.length, 299);
  equal(transcript.add(new Uint8Array(1)), true);
});

test("a cookie is for one address, one port, one hello and one to two periods", () => {
  const clock = new TestClock();
  const cookies = new Cookies({ clock, random: new SeededRandom(5), crypto: new TsCrypto() });
  const front = { version: 0xfefd, random: new Uint8Array(32), sessionId: h(""), cookie: h("") };
  const from = addressOf(1);
  const cookie = cookies.make(from, front);
  const good = { ...front, cookie };
  equal(cookies.isGood(from, good), true);
  equal(cookies.isGood(from, front), false);
  equal(cookies.isGood(from, { ...good, cookie: flipped(cookie, 15) }), false);
  equal(cookies.isGood(addressOf(2), good), false);
  equal(cookies.isGood({ ...from, port: 1 }, good), false);
  equal(cookies.isGood(from, { ...good, random: flipped(good.random, 0) }), false);
  equal(cookies.isGood(from, { ...good, sessionId: h("01") }), false);
  clock.advance(COOKIE_SECRET_MICROS);
  equal(cookies.isGood(from, good), true);
  clock.advance(COOKIE_SECRET_MICROS);
  equal(cookies.isGood(from, good), false);
});

test("sessions are read as they were written, and nothing else is", () => {
  const peers: Session["peer"][] = [
    { by: "psk", identity: utf8("switch 7") },
    { by: "rawPublicKey", publicKey: new Uint8Array(65).fill(4) },
    {
      ...{ by: "certificate", publicKey: new Uint8Array(65).fill(4) },
      ...{ names: ["a.example", "b"], untilSeconds: 2 ** 32 - 1 },
    },
    { by: "nothing" },
  ];
  const master = new Uint8Array(48).fill(7);
  const bound = new Uint8Array(8).fill(9);
  for (const peer of peers) {
    const session = { id: h("0102"), suite: 0xc0a8, master, bound, peer };
    const bytes = emitSession(session);
    equal(parseSession(bytes), session);
    for (let length = 0; length < bytes.length; length++) {
      const cut = parseSession(bytes.subarray(0, length));
      equal(cut === undefined || cut.peer.by === "certificate", true, `${length} bytes`);
    }
    if (peer.by !== "certificate") equal(parseSession(concat(bytes, h("00"))), undefined);
    equal(parseSession(flipped(bytes, 0)), undefined, "another format");
  }
  const nameless = { id: h(""), suite: 1, master, bound, peer: peers[3] };
  equal(parseSession(emitSession(nameless)), undefined);
});

function extensionsIn(hex: string) {
  return parseExtensions(new Reader(h(hex)));
}

test("extensions: lengths that agree, each once, not too many", () => {
  equal(extensionsIn("")?.size, 0);
  equal(extensionsIn("0004" + "00170000")?.size, 1);
  equal(extensionsIn("0003" + "00170000"), undefined, "a longer list");
  equal(extensionsIn("0005" + "0017000200"), undefined, "a shorter one");
  equal(extensionsIn("0008" + "00170000" + "00170000"), undefined, "twice");
  const many = (count: number) => {
    const list = Array.from(
      { length: count },
      (_, i) => `01${i < 16 ? "0" : ""}${i.toString(16)}0000`,
    );
    return extensionsIn((count * 4).toString(16).padStart(4, "0") + list.join(""));
  };
  equal(many(32)?.size, 32);
  equal(many(33), undefined);
});

test("extensions we know have their form", () => {
  const traits = (type: number, hex: string, isServer = false) =>
    traitsOf(new Map([[type, h(hex)]]), isServer);
  equal(traits(23, "")?.hasExtendedMasterSecret, true);
  equal(traits(23, "00"), undefined);
  equal(traits(10, "00020017")?.takesSecp256r1, true);
  equal(traits(10, "00020018")?.takesSecp256r1, false);
  for (const bad of ["", "0017", "00030017", "000300170000", "0000", "000200"]) {
    equal(traits(10, bad), undefined, bad);
  }
  equal(traits(54, "021234")?.cid, h("1234"));
  equal(traits(54, "031234"), undefined);
  equal(traits(54, ""), undefined);
  equal(traits(19, "0102")?.clientCertificateTypes, [2]);
  equal(traits(20, "02", true)?.serverCertificateTypes, [2]);
  equal(traits(20, "0102", true), undefined);
});

test("hellos are read as they were written; cut anywhere they are not", () => {
  const random = new Uint8Array(32).fill(9);
  const extensions = new Map([[23, h("")]]);
  const client = { random, sessionId: h("01"), cookie: h("0203"), suites: [0xc0a8], extensions };
  const hello = clientHello(client);
  equal(parseClientHello(hello), { version: 0xfefd, ...client });
  const server = serverHello({ random, sessionId: h("01"), suite: 0xc0a8, extensions });
  equal(parseServerHello(server)?.suite, 0xc0a8);
  const verify = helloVerifyRequest(h("0203"));
  equal(parseHelloVerifyRequest(verify), h("0203"));
  // A hello without extensions may end where they would begin.
  const bare = (length: number) => hello.length - length === 6;
  for (let length = 0; length < hello.length; length++) {
    equal(parseClientHello(hello.subarray(0, length)) !== undefined, bare(length), `${length}`);
  }
  for (let length = 0; length < server.length - 6; length++) {
    equal(parseServerHello(server.subarray(0, length)), undefined, `${length}`);
  }
  for (let length = 0; length < verify.length; length++) {
    equal(parseHelloVerifyRequest(verify.subarray(0, length)), undefined);
  }
  equal(parseHelloFront(new Reader(hello.subarray(0, 39)))?.cookie, h("0203"));
  equal(parseHelloFront(new Reader(hello.subarray(0, 38))), undefined);
});

test("a hello without suites, with half a suite, or that wants compression", () => {
  const random = new Uint8Array(32);
  const hello = (lists: string) => parseClientHello(concat(h("fefd"), random, h(`0000${lists}`)));
  equal(hello("0002c0a80100")?.suites, [0xc0a8]);
  equal(hello("00000100"), undefined);
  equal(hello("0003c0a8c00100"), undefined);
  equal(hello("0002c0a80101"), undefined);
});

test("an exchange on another curve or by another algorithm than offered", () => {
  const point = `41${"04".repeat(65)}`;
  equal(parseEcdheExchange(h(`030017${point}0403000101`))?.point.length, 65);
  equal(parseEcdheExchange(h(`030018${point}0403000101`)), undefined);
  equal(parseEcdheExchange(h(`010017${point}0403000101`)), undefined);
  equal(parseEcdheExchange(h(`030017${point}0401000101`)), undefined);
});

test("a list of certificates has a bound", () => {
  const chain = (count: number) => certificate(Array<Uint8Array>(count).fill(h("30")), 0);
  equal(parseCertificate(chain(4), 0)?.length, 4);
  equal(parseCertificate(chain(5), 0), undefined);
  equal(parseCertificate(certificate([h("3001")], 2), 2), [h("3001")]);
  equal(parseCertificate(h("000001"), 0), undefined);
});
