/**
 * Expected values are those of test/vectors (an independent implementation) and of published
 * vectors, transcribed with their names.
 */
import { concat } from "../../modules/bytes/concat.js";
import { fromHex, toHex } from "../../modules/bytes/hex.js";
import { utf8 } from "../../modules/bytes/utf8.js";
import { type Cbor, encode } from "../../modules/cbor/encode.js";
import { NON } from "../../modules/coap/message.js";
import { URI_PATH } from "../../modules/coap/options.js";
import { TsCrypto } from "../../modules/crypto/crypto.js";
import { mikeyPrf, sessionKey } from "../../modules/dtls/mikey.js";
import { pSha256 } from "../../modules/dtls/prf.js";
import { isRecord, SEQUENCE_MAX } from "../../modules/dtls/record.js";
import { Workspace } from "../../modules/oscore/aad.js";
import { OscoreOption } from "../../modules/oscore/option.js";
import { Outer } from "../../modules/oscore/outer.js";
import { dtlsRecord } from "../../modules/profiles/dtls-record.js";
import type { Departure, KeyInput } from "../../modules/profiles/profile.js";
import { equal, test, throws } from "../harness.js";

const h = fromHex;
const MALFORMED = { ok: false, drop: "malformed" };
const FORGED = { ok: false, drop: "forged" };
const CCM_8 = 0xff01;
const NULL_SHA256 = 0xff02;

/** Contexts "ccm" and "null" of test/vectors/dtls-record.json. */
const MUL_ID = h("ff1500000000000000000000000000fd");
const TGK = "000102030405060708090a0b0c0d0e0f";
const RAND = "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff";
const CS_ID = h("01");
const MESSAGE = "52031001a1a2b56c69676874113cff01";
/** ccm-request-payload */
const CCM_RECORD =
  "17fefd0001000000000005002000010000000000057e3b3865df65932f870385ed7aac562f0a801c6a16bc1bb2";
/** null-request-payload */
const NULL_RECORD =
  "17fefd000100000000000500305203100fafb0b56c69676874113cff01" +
  "82d24f1df3cb8f9117d07d5068affa61057b9d41c983db887036a53e1621ef9d";

function inputOf(suite: number, more: Partial<KeyInput> = {}): KeyInput {
  const secret: [Cbor, Cbor][] = [
    [1, h(TGK)],
    [2, h(RAND)],
    [3, suite],
  ];
  return {
    keyId: h("0001"),
    raw: encode(new Map(secret)),
    own: { id: CS_ID, credential: new Uint8Array(0), signer: undefined },
    addresses: [MUL_ID],
    ...more,
  };
}

function keyOf(suite: number, more: Partial<KeyInput> = {}) {
  return dtlsRecord.importKey(new TsCrypto(), inputOf(suite, more));
}

function sessionOf(suite: number, credential = "") {
  const member = { id: CS_ID, credential: h(credential) };
  return dtlsRecord.peer?.(new TsCrypto(), keyOf(suite), member);
}

function arrivalOf(record: string) {
  const outer = new Outer();
  outer.bytes = h(record);
  return { outer, option: new OscoreOption(), to: { address: MUL_ID, port: 5684 } };
}

function unwrap(suite: number, record: string, keyId = "0001") {
  const key = keyOf(suite, { keyId: h(keyId) });
  const context = {
    appGroup: { id: 0 },
    request: undefined,
    work: new Workspace(),
    peer: sessionOf(suite),
  };
  return dtlsRecord.unwrap?.(key, arrivalOf(record), context);
}

/** A record of our session 01, epoch 1, number 5, around what need not be a message. */
function wrapped(suite: number, plain: string): string {
  const session = sessionOf(suite);
  if (session === undefined) throw new Error("no session");
  const sequence = h("000000000005");
  return toHex(session.seal({ epoch: h("0001"), sequence, plain: h(plain) }));
}

function departure(more: Partial<Departure> = {}): Departure {
  const path = { number: URI_PATH, value: utf8("light") };
  return {
    header: { type: NON, mid: 4097, token: h("a1a2") },
    inner: { code: 3, options: [path, { number: 12, value: h("3c") }], payload: h("01") },
    clear: [],
    appGroup: { id: 0 },
    sender: CS_ID,
    piv: h("05"),
    to: { address: MUL_ID, port: 5684 },
    request: undefined,
    ...more,
  };
}

function seal(suite: number, what: Departure): string {
  return toHex(dtlsRecord.seal(keyOf(suite), what as Departure<never>, new Workspace()));
}

// shared/vectors/third-party/p-sha256.json: TLS working group list, message 03416; Mbed TLS
// tests/suites/test_suite_ssl.data.
test("P_SHA256 of the TLS working group", () => {
  const crypto = new TsCrypto();
  equal(
    toHex(
      pSha256(crypto, {
        secret: h("9bbe436ba940f017b17652849a71db35"),
        seed: concat(utf8("test label"), h("a0ba9f936cda311827a6f796ffd5198c")),
        length: 100,
      }),
    ),
    "e3f229ba727be17b8d122620557cd453c2aab21d07c3d495329b52d4e61edb5a" +
      "6b301791e90d35c9c9a46b4e14baf9af0fa022f7077def17abfd3797c0564bab" +
      "4fbc91666e9def9b97fce34f796789baa48082d122ee42c5a72e5a5110fff701" +
      "87347b66",
  );
  const word = "1234567890abcdef";
  equal(
    toHex(
      pSha256(crypto, {
        secret: h(word.repeat(6)),
        seed: concat(utf8("test tls_prf label"), h(word.repeat(8))),
        length: 16,
      }),
    ),
    "7f9998393198a02c8d731ccc2ef90b2c",
  );
});

// test/vectors/mikey-prf.json, whose 16 cases `npm run vectors` checks: tgk-128-* and tgk-520-tek.
test("MIKEY's key generation, of one block and of three, the last one short", () => {
  const crypto = new TsCrypto();
  const counting = (bytes: number) => Uint8Array.from({ length: bytes }, (_, i) => i + 1);
  const rand = h("a0a1a2a3a4a5a6a7a8a9aaabacadaeaf");
  const one = { tgk: counting(16), mulId: MUL_ID, csId: h("01"), rand };
  equal(toHex(sessionKey(crypto, one, "tek", 16)), "b83d8e4491c3f28d47855b694072fb90");
  equal(toHex(sessionKey(crypto, one, "tak", 16)), "5b517f71feae15a50965b6f1fe00bd9d");
  equal(toHex(sessionKey(crypto, one, "salt", 4)), "c1d47ee3");
  const three = { ...one, tgk: counting(65), csId: h("04") };
  equal(toHex(sessionKey(crypto, three, "tek", 16)), "5f464eccc0f127e00c565839141a41db");
  equal(toHex(mikeyPrf(crypto, { key: h(""), label: rand, length: 4 })), "00000000");
});

test("both suites, both ways", () => {
  equal(seal(CCM_8, departure()), CCM_RECORD);
  equal(unwrap(CCM_8, CCM_RECORD), { ok: true, value: h(MESSAGE) });
  const header = { type: NON as number, mid: 4111, token: h("afb0") };
  equal(seal(NULL_SHA256, departure({ header })), NULL_RECORD);
  equal(unwrap(NULL_SHA256, NULL_RECORD), {
    ok: true,
    value: h("5203100fafb0b56c69676874113cff01"),
  });
});

test("epoch and number are read in place, numbers up to 2^48 - 1", () => {
  const arrival = arrivalOf(CCM_RECORD);
  equal(dtlsRecord.identify(arrival, "request"), true);
  const { option, outer } = arrival;
  const { contextStart, contextLength } = option;
  equal(outer.bytes.subarray(contextStart, contextStart + contextLength), h("0001"));
  equal(option.sequence, 5);
  equal(option.kidLength, 0);
  // ccm-seq-2^48-1
  const last = arrivalOf(
    "17fefd0001ffffffffffff00200001ffffffffffff28c6a64f1d8cacbf9bb0c151b445a1e3978a1231d9cc71eb",
  );
  equal(dtlsRecord.identify(last, "request"), true);
  equal(last.option.sequence, SEQUENCE_MAX);
});

test("application data only", () => {
  equal(isRecord(h(CCM_RECORD)), true);
  equal(isRecord(h(`16${CCM_RECORD.slice(2)}`)), false);
});

test("DTLS 1.2 only", () => {
  equal(isRecord(h(`17feff${CCM_RECORD.slice(6)}`)), false);
  equal(isRecord(h(`17fdfd${CCM_RECORD.slice(6)}`)), false);
});

test("one whole record, and nothing behind it", () => {
  for (let length = 0; length < CCM_RECORD.length; length += 2) {
    equal(isRecord(h(CCM_RECORD.slice(0, length))), false, `${length / 2} bytes`);
  }
  equal(isRecord(h(`${CCM_RECORD}00`)), false);
  equal(isRecord(h(CCM_RECORD + CCM_RECORD)), false);
});

test("CCM: less than nonce and tag is malformed", () => {
  // ccm-shorter-than-overhead
  equal(unwrap(CCM_8, "17fefd0001000000000005000f00010000000000057e3b3865df6593"), MALFORMED);
});

test("CCM: the explicit nonce is epoch and number", () => {
  // ccm-explicit-nonce-changed
  equal(unwrap(CCM_8, CCM_RECORD.replace("00057e", "00047e")), MALFORMED);
});

test("CCM: any bit of the tag, another number, another sender's keys: forged", () => {
  equal(unwrap(CCM_8, `${CCM_RECORD.slice(0, -1)}3`), FORGED);
  const number = "000000000007";
  equal(unwrap(CCM_8, CCM_RECORD.split("000000000005").join(number)), FORGED);
});

test("NULL: less than a MAC is malformed", () => {
  // null-shorter-than-overhead
  const short = NULL_RECORD.slice(26, 26 + 62);
  equal(unwrap(NULL_SHA256, `17fefd0001000000000005001f${short}`), MALFORMED);
});

test("NULL: any bit of plaintext or MAC, another number: forged", () => {
  equal(unwrap(NULL_SHA256, `${NULL_RECORD.slice(0, -1)}c`), FORGED);
  equal(unwrap(NULL_SHA256, NULL_RECORD.replace("5203100f", "5303100f")), FORGED);
  equal(unwrap(NULL_SHA256, NULL_RECORD.replace("000500", "000400")), FORGED);
});

test("another epoch than the session's, older or newer, is told before anything is opened", () => {
  const oldEpoch = { ok: false, drop: "oldEpoch" };
  equal(unwrap(CCM_8, CCM_RECORD, "0002"), oldEpoch);
  equal(unwrap(NULL_SHA256, NULL_RECORD, "0002"), oldEpoch);
  // ccm-future-epoch
  equal(
    unwrap(
      CCM_8,
      "17fefd000200000000000000200002000000000000" +
        "cba448ccbad4931415d6d0e14cfb82cc8914957b2d3e0bf3",
    ),
    oldEpoch,
  );
});

test("a protected message within a record is malformed", () => {
  for (const suite of [CCM_8, NULL_SHA256]) {
    equal(unwrap(suite, wrapped(suite, "5002000190ff01")), MALFORMED);
    equal(unwrap(suite, wrapped(suite, "50020001")), { ok: true, value: h("50020001") });
  }
});

test("a record is opened as a message, too, and has to be one", () => {
  const context = {
    appGroup: { id: 0 },
    request: undefined,
    work: new Workspace(),
    peer: sessionOf(CCM_8),
  };
  const open = (record: string) => dtlsRecord.open(keyOf(CCM_8), arrivalOf(record), context);
  const { inner } = departure();
  equal(open(CCM_RECORD), { ok: true, value: inner });
  for (const plain of ["", "400100", "80010001"]) {
    equal(open(wrapped(CCM_8, plain)), MALFORMED, plain);
  }
  equal(open(`${CCM_RECORD.slice(0, -1)}3`), FORGED);
});

test("a member is a CS_ID of one byte, bound to an address or to none", () => {
  const admits = (id: string, credential: string) => {
    return dtlsRecord.admits?.(new TsCrypto(), { id: h(id), credential: h(credential) });
  };
  equal(admits("0b", ""), true);
  equal(admits("0b", "fd00000000000000020000fffe00000b"), true);
  equal(admits("0b", "0a000001"), true);
  equal(admits("0b", "fd00"), false);
  equal(admits("0102", ""), false);
});

test("what no key may be", () => {
  const secret = (tgk: string, rand: string, suite: Cbor) => {
    const entries: [Cbor, Cbor][] = [
      [1, h(tgk)],
      [2, h(rand)],
      [3, suite],
    ];
    return { raw: encode(new Map(entries)) };
  };
  throws(() => keyOf(0xff03), /suite/);
  throws(() => keyOf(CCM_8, secret(TGK.slice(2), RAND, CCM_8)), /16 bytes/);
  throws(() => keyOf(CCM_8, secret(TGK, RAND.slice(2), CCM_8)), /16 bytes/);
  throws(() => keyOf(CCM_8, { raw: h("a0") }), /a map/);
  throws(() => keyOf(CCM_8, { keyId: h("0000") }), /an epoch/);
  throws(() => keyOf(CCM_8, { keyId: h("01") }), /an epoch/);
  throws(() => keyOf(CCM_8, { addresses: [MUL_ID, MUL_ID] }), /one IPv6/);
  throws(() => keyOf(CCM_8, { addresses: [h("e00001bb")] }), /one IPv6/);
  const long = { id: h("0102"), credential: h(""), signer: undefined };
  throws(() => keyOf(CCM_8, { own: long }), /CS_ID/);
  const renewed = (csId: Cbor) => {
    const entries: [Cbor, Cbor][] = [
      [1, h(TGK)],
      [2, h(RAND)],
      [3, CCM_8],
      [4, csId],
    ];
    return { raw: encode(new Map(entries)) };
  };
  for (const none of [h(""), 1, true]) throws(() => keyOf(CCM_8, renewed(none)), /1 bytes/);
  throws(() => keyOf(CCM_8, renewed(h("0102"))), /CS_ID/);
  equal(keyOf(CCM_8, renewed(h("07"))).own !== undefined, true);
  const input = inputOf(CCM_8);
  dtlsRecord.importKey(new TsCrypto(), input);
  equal(toHex(input.raw), "00".repeat(input.raw.length), "wiped");
});

test("what no departure may be", () => {
  throws(() => seal(CCM_8, departure({ piv: undefined })), /48 bits/);
  throws(() => seal(CCM_8, departure({ piv: h("01000000000000") })), /48 bits/);
  throws(() => seal(CCM_8, departure({ clear: departure().inner.options })), /readable/);
  const listener = { id: h(""), credential: h(""), signer: undefined };
  const key = keyOf(CCM_8, { own: listener });
  throws(
    () => dtlsRecord.seal(key, departure() as Departure<never>, new Workspace()),
    /session of our own/,
  );
  const inner = { code: 2, options: [], payload: new Uint8Array(20000) };
  throws(() => seal(NULL_SHA256, departure({ inner })), /a fragment/);
});
