/**
 * RFC 8613 by itself; every case of test/vectors/oscore.json runs through the firmware's own path
 * in `npm run vectors`. Numbers are of RFC 8613 Appendix C, or of that file, with their names.
 */
import { fromHex, toHex } from "../../modules/bytes/hex.js";
import { type Cbor, encode } from "../../modules/cbor/encode.js";
import { TsCrypto } from "../../modules/crypto/crypto.js";
import type { PairContext } from "../../modules/oscore/pair-context.js";
import { oscore } from "../../modules/profiles/oscore.js";
import { equal, test, throws } from "../harness.js";
import { protect, unprotect } from "../support/protect.js";

const h = fromHex;
const crypto = new TsCrypto();
const SECRET = "0102030405060708090a0b0c0d0e0f10";

interface Ends {
  readonly own: string;
  readonly peer: string;
  readonly salt?: string;
  readonly idContext?: string;
}

function keyOf({ own, peer, salt = "9e7ca92223786340", idContext }: Ends): PairContext {
  const raw = new Map<Cbor, Cbor>([
    [1, h(SECRET)],
    [2, h(salt)],
    [4, h(peer)],
  ]);
  if (idContext !== undefined) raw.set(3, h(idContext));
  return oscore.importKey(crypto, {
    keyId: h(idContext ?? ""),
    raw: encode(raw),
    own: { id: h(own), credential: h(""), signer: undefined },
    addresses: [],
  });
}

const C1 = { own: "", peer: "01" };
const C2 = { own: "00", peer: "01", salt: "" };
const C3 = { own: "", peer: "01", idContext: "37cbf3210017a2d3" };
const swapped = (ends: Ends): Ends => ({ ...ends, own: ends.peer, peer: ends.own });

/** Unprotected, protected; the number is 20. */
const REQUESTS: readonly (readonly [string, Ends, string, string])[] = [
  [
    "C.4",
    C1,
    "44015d1f00003974396c6f63616c686f737483747631",
    "44025d1f00003974396c6f63616c686f7374620914ff612f1092f1776f1c1668b3825e",
  ],
  [
    "C.5",
    C2,
    "440171c30000b932396c6f63616c686f737483747631",
    "440271c30000b932396c6f63616c686f737463091400ff4ed339a5a379b0b8bc731fffb0",
  ],
  [
    "C.6",
    C3,
    "44012f8eef9bbf7a396c6f63616c686f737483747631",
    "44022f8eef9bbf7a396c6f63616c686f73746b19140837cbf3210017a2d3ff72cd7273fd331ac45cffbe55c3",
  ],
];
const PIV = h("14");

for (const [name, ends, message, datagram] of REQUESTS) {
  test(`RFC 8613 ${name}: request of a client, opened by its server`, () => {
    equal(protect(oscore, keyOf(ends), message, { sender: h(ends.own), piv: PIV }), datagram);
    equal(unprotect(oscore, keyOf(swapped(ends)), datagram), message);
  });
}

const RESPONSE = "64455d1f00003974ff48656c6c6f20576f726c6421";
const C7 = "64445d1f0000397490ffdbaad1e9a7e7b2a813d3c31524378303cdafae119106";
const C8 = "64445d1f00003974920100ff4d4c13669384b67354b2b6175ff4b8658c666a6cf88e";
/** The request of C.4. */
const ASKED = { kid: h(""), piv: PIV, keyId: h(""), peer: h("01") };

test("RFC 8613 C.7: response with its request's nonce", () => {
  const server = keyOf(swapped(C1));
  equal(protect(oscore, server, RESPONSE, { sender: h("01"), request: ASKED }), C7);
  equal(unprotect(oscore, keyOf(C1), C7, { request: ASKED }), RESPONSE);
});

test("RFC 8613 C.8: response with a number of its own", () => {
  const server = keyOf(swapped(C1));
  const answer = { sender: h("01"), request: ASKED, piv: h("00") };
  equal(protect(oscore, server, RESPONSE, answer), C8);
  equal(unprotect(oscore, keyOf(C1), C8, { request: ASKED }), RESPONSE);
});

test("a response names kid and kid context when it is told to, and is bound to its request", () => {
  const server = keyOf(swapped(C3));
  const request = { kid: h(""), piv: PIV };
  const named = { sender: h("01"), request, namesKey: true, namesSender: true };
  const datagram = protect(oscore, server, RESPONSE, named);
  equal(datagram.slice(16, 40), "9b180837cbf3210017a2d301");
  equal(unprotect(oscore, keyOf(C3), datagram, { request }), RESPONSE);
  equal(
    unprotect(oscore, keyOf(C3), datagram, { request: { ...request, piv: h("15") } }),
    "forged",
  );
});

test("vector notification: Observe outside keeps its value, inside it has none", () => {
  const ends = { own: "0b0b", peer: "0a" };
  const request = { kid: h("0a"), piv: h("0a") };
  const message = "52451016b6b76107811eff6f6e";
  const datagram = "52451016b6b76107320102ffed1f9647494746357bff3481cda4ac";
  const answer = { sender: h("0b0b"), request, piv: h("02") };
  equal(protect(oscore, keyOf(ends), message, answer), datagram);
  const received = "52451016b6b760811eff6f6e";
  equal(unprotect(oscore, keyOf(swapped(ends)), datagram, { request }), received);
});

const [, , , REQUEST] = REQUESTS[0];
const server = () => keyOf(swapped(C1));

test("one bit of the tag, and it is forged", () => {
  const bytes = h(REQUEST);
  bytes[bytes.length - 1] ^= 1;
  equal(unprotect(oscore, server(), toHex(bytes)), "forged");
});

test("the Group Flag is for groups", () => {
  equal(unprotect(oscore, server(), REQUEST.replace("620914", "622914")), "malformed");
});

test("an option that does not parse, and a request without a number", () => {
  equal(unprotect(oscore, server(), REQUEST.replace("620914", "624914")), "malformed");
  equal(unprotect(oscore, server(), REQUEST.replace("620914ff", "6108ff")), "malformed");
});

test("the only recipient context is the peer's", () => {
  const key = server();
  const { peer } = oscore;
  equal(peer?.(crypto, key, { id: h(""), credential: h("") }), key.recipient);
  equal(peer?.(crypto, key, { id: h("01"), credential: h("") }), undefined);
  equal(key.peerId, h(""));
});

test("both ends with one id would share nonces: refused", () => {
  throws(() => keyOf({ own: "01", peer: "01" }), /one id/);
});

test("what is no context is refused, and the secret is wiped", () => {
  const own = { id: h("01"), credential: h(""), signer: undefined };
  const importRaw = (raw: Uint8Array, keyId = h("")) => {
    return oscore.importKey(crypto, { keyId, raw, own, addresses: [] });
  };
  const raw = (...entries: [number, Cbor][]) => encode(new Map<Cbor, Cbor>(entries));
  const whole: [number, Cbor][] = [
    [1, h(SECRET)],
    [2, h("")],
    [4, h("02")],
  ];
  const bytes = raw(...whole);
  importRaw(bytes);
  equal(
    bytes.every((byte) => byte === 0),
    true,
  );
  throws(() => importRaw(h("00")), /not the scheme's secrets/);
  throws(() => importRaw(raw(...whole.slice(0, 2))), /not the scheme's secrets/);
  throws(() => importRaw(raw(...whole, [5, 1])), /not the scheme's secrets/);
  throws(() => importRaw(raw([1, h("01")], ...whole.slice(1))), /Master Secret of 1 bytes/);
  throws(() => importRaw(raw(...whole), h("aa")), /another ID Context/);
  throws(() => keyOf({ own: "0102030405060708", peer: "01" }), /an id of 8 bytes/);
});

test("what has no encoding is our own mistake", () => {
  const key = keyOf(C1);
  const [, , message] = REQUESTS[0];
  throws(() => protect(oscore, key, message, { sender: h("02"), piv: PIV }), /sender id/);
  throws(() => protect(oscore, key, message, { sender: h("") }), /without a number/);
});
