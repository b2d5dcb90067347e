/**
 * RFC 10021 by itself; every case of test/vectors/group-oscore.json runs through the firmware's own
 * path in `npm run vectors`. Datagrams here are from that file, with their names.
 */
import { concat } from "../../modules/bytes/concat.js";
import { fromHex, toHex } from "../../modules/bytes/hex.js";
import { type Cbor, encode } from "../../modules/cbor/encode.js";
import { publicKeyOf } from "../../modules/cose/ccs.js";
import { TsCrypto } from "../../modules/crypto/crypto.js";
import { NobleSignatures } from "../../modules/crypto/noble.js";
import { type GroupContext, pairwiseOf } from "../../modules/oscore/group-context.js";
import type { Signatures } from "../../modules/ports/crypto.js";
import { groupOscore } from "../../modules/profiles/group-oscore.js";
import { equal, test, throws } from "../harness.js";
import { protect, signatureOn, unprotect } from "../support/protect.js";
import { MEMBERS, type Name } from "../support/vector-members.js";

const h = fromHex;
const crypto = new TsCrypto(new NobleSignatures());
const signatures = crypto.signatures as Signatures;

const CCS = "a108a101a4010103272006215820";
const MANAGER = `${CCS}f190d6b68c2e013570b29e0907afab01f1cb75ded9781857908223eb72818681`;

interface Group {
  readonly gid?: string;
  readonly secret?: string;
  /** AEAD, Group Encryption, Signature, Pairwise Key Agreement. */
  readonly algorithms?: readonly (number | null)[];
}

function rawOf({
  secret = "0102030405060708090a0b0c0d0e0f10",
  algorithms = [10, 10, -8, -27],
}: Group): Map<Cbor, Cbor> {
  return new Map<Cbor, Cbor>([
    [1, h(secret)],
    [2, h("9e7ca92223786340")],
    [3, algorithms[0]],
    [4, algorithms[1]],
    [5, algorithms[2]],
    [6, algorithms[3]],
    [7, h(MANAGER)],
  ]);
}

function keyOf(name: Name, group: Group = {}): GroupContext {
  const { id, seed, key } = MEMBERS[name];
  const own = { id: h(id), credential: h(CCS + key), signer: signatures.signer(h(seed)) };
  const keyId = h(group.gid ?? "44616c");
  return groupOscore.importKey(crypto, { keyId, raw: encode(rawOf(group)), own, addresses: [] });
}

function peerOf(key: GroupContext, name: Name) {
  const { id, key: publicKey } = MEMBERS[name];
  return groupOscore.peer?.(crypto, key, { id: h(id), credential: h(CCS + publicKey) });
}

const A = { sender: h(MEMBERS.a.id) };
const B = { sender: h(MEMBERS.b.id) };
const GID = h("44616c");
const REKEYED = { gid: "44616d", secret: "100f0e0d0c0b0a090807060504030201" };

/** a's number 5 to the group. */
const REQUEST = "52031001a1a2b56c69676874113cffa1616c18ff";
const REQUEST_SEALED = "d2bb0811fcd8b09ccff435fe65bf62d0b81b31a1f08587";
const REQUEST_PROTECTED =
  `52021001a1a29739050344616c25ff${REQUEST_SEALED}` +
  "56fa09404f99577687bd284e24750a49e273efcc055081a29336efadde2cfb597bf577ec8f3580088c5b" +
  "7736eb33be8fb7b299ffb55b4c09232ac0311ff53ccd";
/** a's number 6, and answers to it. */
const ASKED = { kid: h("25"), piv: h("06"), keyId: GID };
const RESPONSE = "52451004a4a5c0ff6f6e";
const RESPONSE_PROTECTED =
  "52441004a4a5922852ffe23957d7708176f40c4052d48014f0088f8a41b6fa97a14e9f235bce4737a433" +
  "cd59f2c1468ab0c48917e4095ee39d6e83f0c666419e129ab2927d160e6fc523cf28a1b02a30e85cce97" +
  "8a9696";
const NEWER = "52451024c4c5ff6e6577";
const NEWER_PROTECTED =
  "52441024c4c59739000344616d52ff4189376d6323a4cf49f5b2421c377e52e2cb835750f999fb423166" +
  "9c87aa63ce000959b3e706582e83d635fd0e7dbae7a0fd9cf2c40ef85a19322c5a79b766188f4a4f2dd7" +
  "b47918e2e3f0f333";
/** a's number 20 to b alone, and b's answer. */
const TO_ONE = "42021016b6b7b56c69676874ff05";
const TO_ONE_PROTECTED = "42021016b6b79719140344616c25ffa4258d98993d9c313c0aeb291b505ef4a8";
const ASKED_ONE = { kid: h("25"), piv: h("14"), keyId: GID, peer: h("52") };
const FROM_ONE = "62441018b8b9";
const FROM_ONE_PROTECTED = "62441018b8b990ffc538e597b8948a9224";

test("vector request-payload: sealed, opened, and its signature is a's", () => {
  equal(protect(groupOscore, keyOf("a"), REQUEST, { ...A, piv: h("05") }), REQUEST_PROTECTED);
  const key = keyOf("b");
  const peer = peerOf(key, "a");
  equal(unprotect(groupOscore, key, REQUEST_PROTECTED, { peer }), REQUEST);
  const signed = signatureOn(groupOscore, key, REQUEST_PROTECTED, { peer });
  if (signed === undefined) throw new Error("no signature");
  equal(toHex(signed.publicKey), MEMBERS.a.key);
  equal(
    toHex(signed.signature),
    "726947bf90cd4b46f695697a872559bf1cea21611e4af244d9ddd3a87e77810fd487721ac1dec34a8ac4" +
      "244a0eb4bf896199e90742ae5c9a304fdc69764caa09",
  );
  equal(toHex(signed.data).slice(-48), `57${REQUEST_SEALED}`);
  equal(signatures.verify(signed), true);
});

test("vector response: the request's nonce, its keystream from the asker's id and number", () => {
  equal(protect(groupOscore, keyOf("b"), RESPONSE, { ...B, request: ASKED }), RESPONSE_PROTECTED);
  const key = keyOf("a");
  const reading = { peer: peerOf(key, "b"), request: ASKED };
  equal(unprotect(groupOscore, key, RESPONSE_PROTECTED, reading), RESPONSE);
  const signed = signatureOn(groupOscore, key, RESPONSE_PROTECTED, reading);
  equal(signed && signatures.verify(signed), true);
});

test("vector response-after-rekeying: bound to the old Gid, protected under the new one", () => {
  const answer = { ...B, request: ASKED, piv: h("00") };
  equal(protect(groupOscore, keyOf("b", REKEYED), NEWER, answer), NEWER_PROTECTED);
  const key = keyOf("a", REKEYED);
  const reading = { peer: peerOf(key, "b"), request: ASKED };
  equal(unprotect(groupOscore, key, NEWER_PROTECTED, reading), NEWER);
  const signed = signatureOn(groupOscore, key, NEWER_PROTECTED, reading);
  equal(signed && signatures.verify(signed), true);
});

test("vectors pairwise-request and pairwise-response: for one alone, no signature", () => {
  const asker = keyOf("a");
  const departure = { ...A, piv: h("14"), peer: peerOf(asker, "b") };
  equal(protect(groupOscore, asker, TO_ONE, departure), TO_ONE_PROTECTED);
  const key = keyOf("b");
  const peer = peerOf(key, "a");
  equal(unprotect(groupOscore, key, TO_ONE_PROTECTED, { peer }), TO_ONE);
  equal(signatureOn(groupOscore, key, TO_ONE_PROTECTED, { peer }), undefined);
  const answer = { ...B, request: ASKED_ONE, peer };
  equal(protect(groupOscore, key, FROM_ONE, answer), FROM_ONE_PROTECTED);
  const reading = { peer: peerOf(asker, "b"), request: ASKED_ONE };
  equal(unprotect(groupOscore, asker, FROM_ONE_PROTECTED, reading), FROM_ONE);
});

test("security overhead: 82 bytes with algorithm 10, 90 with algorithm 30", () => {
  const grown = (algorithm: number) => {
    const key = keyOf("a", { algorithms: [10, algorithm, -8, -27] });
    const datagram = protect(groupOscore, key, REQUEST, { ...A, piv: h("05") });
    const reader = keyOf("b", { algorithms: [10, algorithm, -8, -27] });
    equal(unprotect(groupOscore, reader, datagram, { peer: peerOf(reader, "a") }), REQUEST);
    return (datagram.length - REQUEST.length) / 2;
  };
  equal([grown(10), grown(30)], [82, 90]);
});

function refused(name: Name, from: Name, datagram: string, more = {}, group: Group = {}): string {
  const key = keyOf(name, group);
  return unprotect(groupOscore, key, datagram, { peer: peerOf(key, from), ...more });
}

test("one bit of the tag: forged", () => {
  const bytes = h(TO_ONE_PROTECTED);
  bytes[bytes.length - 1] ^= 1;
  equal(refused("b", "a", toHex(bytes)), "forged");
  const signed = h(REQUEST_PROTECTED);
  signed[signed.length - 65] ^= 1;
  equal(refused("b", "a", toHex(signed)), "forged");
});

test("an outside that is none, and a request without its Gid", () => {
  equal(refused("b", "a", REQUEST_PROTECTED.replace("5202", "5244")), "malformed");
  equal(refused("b", "a", REQUEST_PROTECTED.replace("9739", "9779")), "malformed");
});

test("vector request-without-gid", () => {
  equal(refused("b", "a", `52021001a1a293290525ff${REQUEST_PROTECTED.slice(30)}`), "malformed");
});

test("vector signature-stripped: no room for a signature", () => {
  equal(refused("b", "a", `52021001a1a29739050344616c25ff${REQUEST_SEALED}`), "malformed");
});

test("vector response-without-kid: one of many says who he is", () => {
  const datagram =
    "52441004a4a59120ffe23957d7708176f40c4052d48014f0088f8a41b6fa97a14e9f235bce4737a433cd" +
    "59f2c1468ab0c48917e4095ee39d6e83f0c666419e129ab2927d160e6fc523cf28a1b02a30e85cce978a" +
    "9696";
  equal(refused("a", "b", datagram, { request: ASKED }), "malformed");
});

test("vector group-response-from-another-member: signed and genuine, and not asked for", () => {
  const datagram =
    "5244102bcbcc93290177ff27fbc63d96628d6602a0552eb51914db18c46b2149065db100d88adb1fd76e" +
    "4f91018eb9f5c2be83dfbaed2b11824afdb06199f7e9381eae5f6847cbadaaee8f960437c23346ebf72f" +
    "7a4d";
  equal(refused("a", "c", datagram, { request: ASKED_ONE }), "forged");
});

test("under a newer Gid a response has its own number", () => {
  const request = { ...ASKED, keyId: h("44616d") };
  equal(refused("a", "b", RESPONSE_PROTECTED, { request }), "malformed");
  const key = keyOf("b");
  throws(() => protect(groupOscore, key, RESPONSE, { ...B, request }), /newer Gid/);
});

test("bound to the request's Gid: the same ids under another one are another request", () => {
  const answer = { ...B, request: ASKED, piv: h("09") };
  const datagram = protect(groupOscore, keyOf("b"), RESPONSE, answer);
  equal(refused("a", "b", datagram, { request: ASKED }), RESPONSE);
  const other = { ...ASKED, keyId: h("44616b") };
  equal(refused("a", "b", datagram, { request: other }), "forged");
});

test("a mode that the group does not use is no way in, and none out", () => {
  const pairwiseOnly = { algorithms: [10, null, null, -27] };
  const groupOnly = { algorithms: [null, 10, -8, null] };
  equal(refused("b", "a", REQUEST_PROTECTED, {}, pairwiseOnly), "forged");
  equal(refused("b", "a", TO_ONE_PROTECTED, {}, groupOnly), "forged");
  const departure = { ...A, piv: h("05") };
  const out = (group: Group, peer: boolean) => {
    const key = keyOf("a", group);
    const more = peer ? { ...departure, peer: peerOf(key, "b") } : departure;
    return protect(groupOscore, key, REQUEST, more);
  };
  throws(() => out(pairwiseOnly, false), /does not use/);
  throws(() => out(groupOnly, true), /does not use/);
  equal(out(pairwiseOnly, true).length > 0, true);
});

test("a key that is not to be trusted makes no member, and agrees on nothing", () => {
  const key = keyOf("b");
  const memberOf = (credential: string) => ({ id: h("01"), credential: h(credential) });
  const peer = (credential: string) => groupOscore.peer?.(crypto, key, memberOf(credential));
  const admits = (credential: string) => groupOscore.admits?.(crypto, memberOf(credential));
  // pairwise-ecdh.json, negative: y is 1, -1, and not below p.
  const bad = [`01${"00".repeat(31)}`, `ec${"ff".repeat(30)}7f`, `ee${"ff".repeat(30)}7f`];
  for (const publicKey of bad) {
    const made = peer(CCS + publicKey);
    if (made === undefined) throw new Error("a key all the same");
    equal(admits(CCS + publicKey), false);
    equal(pairwiseOf(key, made), undefined);
  }
  equal(peer("a0"), undefined, "no key at all");
  equal(admits("a0"), false);
  equal(admits(CCS + MEMBERS.a.key), true);
});

test("a silent server listens, and neither sends nor agrees on keys", () => {
  const own = { id: h(""), credential: h(""), signer: undefined };
  const raw = encode(rawOf({}));
  const key = groupOscore.importKey(crypto, { keyId: GID, raw, own, addresses: [] });
  const peer = peerOf(key, "a");
  equal(unprotect(groupOscore, key, REQUEST_PROTECTED, { peer }), REQUEST);
  equal(peer && pairwiseOf(key, peer), undefined);
  throws(() => protect(groupOscore, key, REQUEST, { sender: h(""), piv: h("05") }), /silent/);
});

test("material that is no group's is refused, and what was read is wiped", () => {
  const { id, seed, key: publicKey } = MEMBERS.a;
  const own = { id: h(id), credential: h(CCS + publicKey), signer: signatures.signer(h(seed)) };
  const importOf = (raw: Uint8Array, mine = own, at = crypto) => {
    return groupOscore.importKey(at, { keyId: GID, raw, own: mine, addresses: [] });
  };
  const changed = (label: number, value: Cbor) => encode(rawOf({}).set(label, value));
  const wiped = encode(rawOf({}));
  importOf(wiped);
  equal(
    wiped.every((byte) => byte === 0),
    true,
  );
  throws(() => importOf(h("00")), /not the scheme's secrets/);
  throws(() => importOf(changed(3, 24)), /algorithm/);
  throws(() => importOf(changed(4, null)), /half of a mode/);
  throws(() => importOf(changed(6, null)), /half of a mode/);
  throws(() => importOf(encode(rawOf({ algorithms: [null, null, null, null] }))), /half of a mode/);
  throws(() => importOf(changed(8, 1)), /not the scheme's secrets/);
  throws(() => importOf(changed(7, 1)), /not the scheme's secrets/);
  throws(() => importOf(changed(1, h("01"))), /Master Secret of 1 bytes/);
  const another = { ...own, credential: h(CCS + MEMBERS.b.key) };
  throws(() => importOf(encode(rawOf({})), another), /not that of our key/);
  throws(() => importOf(encode(rawOf({})), own, new TsCrypto()), /without signatures/);
});

test("what has no encoding is our own mistake", () => {
  const key = keyOf("a");
  throws(() => protect(groupOscore, key, REQUEST, { ...B, piv: h("05") }), /sender id/);
  throws(() => protect(groupOscore, key, REQUEST, A), /without a number/);
});

const X = "418bf89f58eca0e90b663d0064566098e4268b3865aac24de562dd5f0bdf8cf5";

test("a credential may say more about its subject, and leave alg out", () => {
  const key = (credential: string) => {
    const found = publicKeyOf(h(credential));
    return found && toHex(found);
  };
  equal(key(CCS + MEMBERS.a.key), X);
  // RFC 9529 §2.2 has its CCS in this form: sub, and a COSE_Key with kid and without alg.
  equal(key(`a20263612d6208a101a40101024132200621${"5820"}${X}`), X);
  equal(key(`a108a101a301012006215820${X}`), X);
});

const NO_CREDENTIAL: Record<string, string> = {
  "two keys": `a108a201a4010103272006215820${X}034101`,
  "another key type": `a108a101a4010203272006215820${X}`,
  "another curve": `a108a101a4010103272004215820${X}`,
  "another algorithm": `a108a101a4010103262006215820${X}`,
  "a private key": `a108a101a5010103272006215820${X}235820${X}`,
  "a short key": `a108a101a401010327200621581f${X.slice(2)}`,
  "another encoding": `a1${"1808"}a101a4010103272006215820${X}`,
  "no map": "80",
  "no confirmation": "a10261",
};

for (const [name, credential] of Object.entries(NO_CREDENTIAL)) {
  test(`no credential: ${name}`, () => equal(publicKeyOf(h(credential)), undefined));
}

test("credentials enter pairwise keys and additional data as they are", () => {
  const longer = concat(h("a20263612d62"), h(CCS + MEMBERS.a.key).subarray(1));
  const key = keyOf("b");
  const peer = groupOscore.peer?.(crypto, key, { id: h("25"), credential: longer });
  equal(peer && toHex(peer.publicKey), X);
  equal(unprotect(groupOscore, key, REQUEST_PROTECTED, { peer }), "forged");
});
