/**
 * What multicast-oscore-04 and group-oscore-02 do in the same way, and where they differ. Expected
 * values are those of test/vectors (an independent implementation), transcribed with their names;
 * all of them run through the firmware's own path in `npm run vectors`.
 */

import { concat } from "../../modules/bytes/concat.js";
import { fromHex, toHex } from "../../modules/bytes/hex.js";
import type { Outcome } from "../../modules/bytes/outcome.js";
import { emitMessage, type Inner, parseMessage } from "../../modules/coap/message.js";
import { TsCrypto } from "../../modules/crypto/crypto.js";
import { NobleSignatures } from "../../modules/crypto/noble.js";
import { Workspace } from "../../modules/oscore/aad.js";
import { nonceFrom } from "../../modules/oscore/nonce.js";
import { OscoreOption } from "../../modules/oscore/option.js";
import { Outer } from "../../modules/oscore/outer.js";
import type { RecipientKeys, SignedGroupKey } from "../../modules/oscore/signed-group.js";
import { emitSignedOption } from "../../modules/oscore/signed-option.js";
import type { Signatures } from "../../modules/ports/crypto.js";
import { groupOscore02 } from "../../modules/profiles/group-oscore-02.js";
import { multicastOscore04 } from "../../modules/profiles/multicast-oscore-04.js";
import type { Departure, Profile, RequestBinding } from "../../modules/profiles/profile.js";
import { equal, test, throws } from "../harness.js";
import { MEMBERS, type Name } from "../support/vector-members.js";

const h = fromHex;

/** Context "main" of both files. */
const GID = "44616c";

interface Scheme {
  readonly profile: Profile<SignedGroupKey, RecipientKeys>;
  readonly raw: string;
  /** "request-payload": a, number 5, 0.03 with Uri-Path, Content-Format and a payload. */
  readonly request: string;
  readonly signedData: string;
  /** "signed-by-another-member": the request with a signature of c's. */
  readonly signedByAnother: string;
  /** "response-no-payload": b's answer to it, with the request's nonce. */
  readonly response: string;
  /** "notification": b's, number 2, to "request-observe" of a, number 10. */
  readonly notification: string;
  /** What the receiver makes of it. */
  readonly notified: string;
  /** Additional data of b's answers to number 5. */
  readonly responseAad: string;
  readonly challenge: string;
}

const REQUEST = "52031001a1a2b56c69676874113cffa1616c18ff";
const RESPONSE = "62441005a5a6";
const CHALLENGE = "52831019b9bad8efe0e1e2e3e4e5e6e7";
const SECRET = "0102030405060708090a0b0c0d0e0f10";

const SCHEMES: readonly Scheme[] = [
  {
    profile: multicastOscore04,
    raw: `a10150${SECRET}`,
    request:
      "52021001a1a29d3a39050344616c099d2fe94f7ffdc28d52191924d797b1a2a17505879a2becc09208ee607d" +
      "09e73abdc2b5a2c29383c72374b10d81ce6ac3a5fbb7b814a18b753f543fe8d61c0c25ff" +
      "5add1e3c482f8a3316fdfc513ab50b7f05b5b992c234b7",
    signedData:
      "8570436f756e7465725369676e61747572654043a101274c86010a412541054344616c4057" +
      "5add1e3c482f8a3316fdfc513ab50b7f05b5b992c234b7",
    signedByAnother:
      "52021001a1a29d3a39050344616c15a7258546dbbf6ff35598ad9e2050885eab6ef2ad2c0274bcd7e1e4bd51" +
      "c700c7945f3edd80678fb97ff3a5490940af58e21012d3aca8db9a8e39244d36550f25ff" +
      "5add1e3c482f8a3316fdfc513ab50b7f05b5b992c234b7",
    response:
      "62441005a5a69d3528d7808c9430e079dd9c03f612c2af34596948e0b9a6c04c1fa824fa5b7059da77fc42fb" +
      "451840c13e80d4a013d32a1e7251ca4a181664c4fd9b4a9e8af34b540452ff87cb5cb3e19a73dc05",
    notification:
      "5245101bbbbc61073d36290210f888d3df599594977fa717de6208feffa48e4aa70d3d6b4675f7dfa109371b" +
      "533acc9e126deb008bc754ff7196c2175f8cb17fd96eaf06c7ae1eed4f11f40052ff" +
      "d6782a724429dab212cdc2e0cdecf7",
    notified: "5245101bbbbc6107811eff6f6e",
    responseAad: "8368456e637279707430404c86010a412541054344616c40",
    challenge:
      "52441019b9ba9d3629014264db9df419d08d50181cd79a2c2f7e1e878be70a42404b7fe89a0ba67599bf5124" +
      "c64be64fbca4dd53a980847332f43e7d85c6e246357d6ea789f5fa7ba40752ff" +
      "ceb6a74a180d527306309a28accafb0f7a763b",
  },
  {
    profile: groupOscore02,
    raw: `a20150${SECRET}02489e7ca92223786340`,
    request:
      "52021001a1a29d3a39050344616c63ca8595fb0fb5a825bc43946a91c99a715e4e51f1d2fd9a56f64f6d5a98" +
      "c5b3a6b91ba8d0c03968fb9841beca6269b7d2b64e1c6a30fb0a5df0f44e92d3dc0025ff" +
      "d2bb0811fcd8b09ccff435fe65bf62f148163f14c11915",
    signedData:
      "8571436f756e7465725369676e61747572653040404a8501820a27412541054057" +
      "d2bb0811fcd8b09ccff435fe65bf62f148163f14c11915",
    signedByAnother:
      "52021001a1a29d3a39050344616c016ba34a61d6bd4fef43ddc95fd0d82b0e7709011aeb725547f2a3644126" +
      "749ee0c483fa4367b7b4ea2c4827c9ce7ca391f93f3fed54dd3c08d084b75e5c5c0b25ff" +
      "d2bb0811fcd8b09ccff435fe65bf62f148163f14c11915",
    response:
      "62441005a5a69d35282414c654a18775fd549c6f0dcab93effca014947e4c4251757ae82f0cc6fc2d98d12d0" +
      "7d79747b4d359b19d5cfbe2e4fd72f0548a9ef9e259734d3cbd1ac2b0352ffe1a33625d4cca5205f",
    notification:
      "5245101bbbbc61073d362902561b5eb3515b0fcc8420541a8a4ab9989ddb22edee33128b01895a91c39e3f95" +
      "5b9753b8eaea9b7208cb59ca71907c162909154dec86aea7039898b7b4fc390b52ff" +
      "b3784885ea93f643d20759591fae9b",
    notified: "5245101bbbbc60811eff6f6e",
    responseAad: "8368456e637279707430404a8501820a274125410540",
    challenge:
      "52441019b9ba9d36290112d680bc8cbb8bd21756d2801c4a42e267097896ec49436c2b1e7e9e0b0a4886b930" +
      "90cfecdb71c191028440f5d3a662006338128b533f85559927f2a245b30f52ff" +
      "a81240177c6aefa070e94db5afbad57bdfb98a",
  },
];

const crypto = new TsCrypto(new NobleSignatures());
const signatures = crypto.signatures as Signatures;

function own(name: Name) {
  const { id, seed, key } = MEMBERS[name];
  return { id: h(id), credential: h(key), signer: signatures.signer(h(seed)) };
}

function keyOf(scheme: Scheme, name: Name, gid = GID): SignedGroupKey {
  const input = { keyId: h(gid), raw: h(scheme.raw), own: own(name), addresses: [] };
  return scheme.profile.importKey(crypto, input);
}

/** As somebody who never sends. */
function silentKey({ profile, raw }: Scheme): SignedGroupKey {
  const nobody = { id: h(""), credential: h(""), signer: undefined };
  return profile.importKey(crypto, { keyId: h(GID), raw: h(raw), own: nobody, addresses: [] });
}

/** Of a's request with this number. */
function asked(piv = "05"): RequestBinding {
  return { kid: h(MEMBERS.a.id), piv: h(piv), keyId: h(GID) };
}

interface Read {
  readonly datagram: string;
  readonly from: Name;
  readonly request?: RequestBinding;
  readonly key?: SignedGroupKey;
}

/** Everything but the keys of who reads; undefined when the outside is refused already. */
function arrival(scheme: Scheme, { datagram, from, request, key = keyOf(scheme, "b") }: Read) {
  const { profile } = scheme;
  const outer = new Outer();
  if (!outer.scan(h(datagram))) throw new Error("no CoAP message");
  const to = { address: new Uint8Array(16), port: 5683 };
  const arriving = { outer, option: new OscoreOption(), to };
  const direction = request === undefined ? "request" : "response";
  if (!profile.identify(arriving, direction)) return undefined;
  const member = { id: h(MEMBERS[from].id), credential: h(MEMBERS[from].key) };
  const peer = profile.peer?.(crypto, key, member);
  return { key, arriving, context: { appGroup: { id: 0 }, request, work: new Workspace(), peer } };
}

/** The message it was made of, or why it was dropped. */
function open(scheme: Scheme, read: Read): string {
  const found = arrival(scheme, read);
  if (found === undefined) return "malformed";
  const opened = scheme.profile.open(found.key, found.arriving, found.context);
  return opened.ok ? whole(read.datagram, opened) : opened.drop;
}

function whole(datagram: string, opened: Outcome<Inner>): string {
  const outer = parseMessage(h(datagram));
  if (!outer.ok || !opened.ok) throw new Error("scanned but not parsed");
  return toHex(emitMessage({ ...outer.value, ...opened.value }));
}

function verifies(scheme: Scheme, read: Read): boolean | undefined {
  const found = arrival(scheme, read);
  if (found === undefined) return undefined;
  const signed = scheme.profile.signed?.(found.key, found.arriving, found.context);
  return signed && signatures.verify(signed);
}

/** What turns `message` into a datagram, with nothing but defaults around it. */
function departure(message: string, sender: Name, more: Partial<Departure>): Departure {
  const parsed = parseMessage(h(message));
  if (!parsed.ok) throw new Error("no CoAP message");
  const { type, mid, token, code, options, payload } = parsed.value;
  return {
    header: { type, mid, token },
    inner: { code, options, payload },
    clear: [],
    appGroup: { id: 0 },
    sender: h(MEMBERS[sender].id),
    piv: undefined,
    to: { address: new Uint8Array(16), port: 5683 },
    request: undefined,
    ...more,
  };
}

function seal(scheme: Scheme, key: SignedGroupKey, what: Departure): string {
  return toHex(scheme.profile.seal(key, what as Departure<RecipientKeys>, new Workspace()));
}

/** Runs a test for each of the two. */
function both(name: string, run: (scheme: Scheme) => void): void {
  test(name, () => {
    for (const scheme of SCHEMES) run(scheme);
  });
}

both("a request: sealed, opened and signed as in the vectors", (scheme) => {
  const key = keyOf(scheme, "a");
  equal(seal(scheme, key, departure(REQUEST, "a", { piv: h("05") })), scheme.request);
  const read: Read = { datagram: scheme.request, from: "a" };
  equal(open(scheme, read), REQUEST);
  const found = arrival(scheme, read);
  const signed = found && scheme.profile.signed?.(found.key, found.arriving, found.context);
  equal(signed && toHex(signed.data), scheme.signedData);
  equal(signed && toHex(signed.publicKey), MEMBERS.a.key);
  equal(verifies(scheme, read), true);
});

both("a response under its request's nonce", (scheme) => {
  const made = departure(RESPONSE, "b", { request: asked() });
  equal(seal(scheme, keyOf(scheme, "b"), made), scheme.response);
  const read: Read = { datagram: scheme.response, from: "b", request: asked() };
  equal(open(scheme, { ...read, key: keyOf(scheme, "a") }), RESPONSE);
  equal(verifies(scheme, read), true);
});

both("a challenge: 4.03 with option 252, under a number of its own", (scheme) => {
  equal(scheme.profile.challenge, { code: 0x83, option: 252 });
  const made = departure(CHALLENGE, "b", { request: asked(), piv: h("01") });
  equal(seal(scheme, keyOf(scheme, "b"), made), scheme.challenge);
  const read: Read = { datagram: scheme.challenge, from: "b", request: asked() };
  equal(open(scheme, read), CHALLENGE);
});

both("Observe: in -04 outside alone, in -02 inside as well", (scheme) => {
  const message = "5245101bbbbc6107811eff6f6e";
  const made = departure(message, "b", { request: asked("0a"), piv: h("02") });
  equal(seal(scheme, keyOf(scheme, "b"), made), scheme.notification);
  const read: Read = { datagram: scheme.notification, from: "b", request: asked("0a") };
  equal(open(scheme, read), scheme.notified);
});

both("a notification without a number is refused", (scheme) => {
  // 2.05 with an empty Observe, made by a member who uses the request's nonce again.
  const { own: sender, commonIv } = keyOf(scheme, "b");
  if (sender === undefined) throw new Error("b sends");
  const { nonce } = new Workspace();
  nonceFrom(nonce, commonIv, h("25"), h("05"));
  const isInside = scheme.profile === groupOscore02;
  const aad = h(scheme.responseAad);
  const made = (plain: string, observe: string) => {
    const payload = sender.aead.seal({ nonce: nonce.bytes, aad, plain: h(plain) });
    const signature = new Uint8Array(64).fill(1);
    const value = emitSignedOption({ piv: undefined, gid: undefined, signature, kid: h("52") });
    const before = h(`52451005a5a6${observe}`);
    const head = h(`${observe === "" ? "9d" : "3d"}${toHex(Uint8Array.of(value.length - 13))}`);
    return toHex(concat(before, head, value, h("ff"), payload));
  };
  const read = (datagram: string): Read => ({ datagram, from: "b", request: asked() });
  equal(open(scheme, read(made("45ff6f6e", ""))), "52451005a5a6ff6f6e");
  const [plain, observe] = isInside ? ["4560ff6f6e", ""] : ["45ff6f6e", "60"];
  equal(open(scheme, read(made(plain, observe))), "malformed");
});

both("a tag that does not verify: forged, whatever was changed", (scheme) => {
  const tag = `${scheme.request.slice(0, -2)}00`;
  equal(open(scheme, { datagram: tag, from: "a" }), "forged");
  const number = scheme.request.replace("3905", "3906");
  equal(open(scheme, { datagram: number, from: "a" }), "forged");
  // The same message said to be b's.
  const b = `${scheme.request.slice(0, -2 * 23 - 4)}52ff${scheme.request.slice(-2 * 23)}`;
  equal(open(scheme, { datagram: b, from: "b" }), "forged");
  equal(open(scheme, { datagram: scheme.response, from: "b", request: asked("06") }), "forged");
});

both("whoever has the group's secret gets as far as the signature, and no farther", (scheme) => {
  const read: Read = { datagram: scheme.signedByAnother, from: "a" };
  equal(open(scheme, read), REQUEST, "its tag is good: the key of a can be derived by any member");
  equal(verifies(scheme, read), false);
});

both("the signature is a copy: the datagram's buffer is used again", (scheme) => {
  const found = arrival(scheme, { datagram: scheme.request, from: "a" });
  const signed = found && scheme.profile.signed?.(found.key, found.arriving, found.context);
  found?.arriving.outer.bytes.fill(0);
  equal(signed && signatures.verify(signed), true);
});

both("a public key of small order makes no member", ({ profile }) => {
  const admits = (credential: string) =>
    profile.admits?.(crypto, { id: h("25"), credential: h(credential) });
  equal(admits(`01${"00".repeat(31)}`), false);
  equal(admits("00".repeat(32)), false);
  equal(admits(MEMBERS.a.key.slice(2)), false, "31 bytes");
  equal(admits(""), false);
  equal(admits(MEMBERS.a.key), true);
});

both("a silent server opens and verifies, and has nothing to send with", (scheme) => {
  const key = silentKey(scheme);
  equal(key.own, undefined);
  const read: Read = { datagram: scheme.request, from: "a", key };
  equal(open(scheme, read), REQUEST);
  equal(verifies(scheme, read), true);
  throws(() => seal(scheme, key, departure(RESPONSE, "b", { request: asked() })), /silent server/);
});

both("a build without signatures imports nothing", ({ profile, raw }) => {
  const input = { keyId: h(GID), raw: h(raw), own: own("a"), addresses: [] };
  throws(() => profile.importKey(new TsCrypto(), input), /without signatures/);
});

both("secrets: the scheme's map and nothing else, and wiped", ({ profile, raw }) => {
  const bytes = h(raw);
  const load = (raw: Uint8Array) =>
    profile.importKey(crypto, { keyId: h(GID), raw, own: own("a"), addresses: [] });
  load(bytes);
  equal(toHex(bytes), "00".repeat(bytes.length));
  const short = h(raw.replace(`0150${SECRET}`, `014f${SECRET.slice(2)}`));
  throws(() => load(short), /Master Secret of 15 bytes/);
  for (const other of [
    "",
    "a0",
    "80",
    `a10250${SECRET}`,
    `${raw}00`,
    `a1016161`,
    `a301f602f603f6`,
  ]) {
    throws(() => load(h(other)), /not the scheme's secrets/);
  }
  const stranger = profile === groupOscore02 ? SCHEMES[0].raw : SCHEMES[1].raw;
  throws(() => load(h(stranger)), /not the scheme's secrets/);
});

both("the Gid is in every key: under another one nothing opens", (scheme) => {
  const renewed = keyOf(scheme, "b", "44616d");
  equal(open(scheme, { datagram: scheme.request, from: "a", key: renewed }), "forged");
});

both("groups whose Gids coincide (groupcomm-02 7.3): the wrong one does not open", (scheme) => {
  const other = { ...scheme, raw: scheme.raw.replace(SECRET, "5a".repeat(16)) };
  equal(open(scheme, { datagram: scheme.request, from: "a", key: keyOf(other, "b") }), "forged");
});

both("a response is under its request's Gid", (scheme) => {
  const read: Read = { datagram: scheme.response, from: "b", request: asked() };
  const elsewhere = { ...asked(), keyId: h("44616d") };
  equal(open(scheme, { ...read, request: elsewhere }), "unknownKey");
  const made = departure(RESPONSE, "b", { request: elsewhere });
  throws(() => seal(scheme, keyOf(scheme, "b"), made), /another Gid/);
});

both("a response names its Gid when it is told to", (scheme) => {
  const made = departure(RESPONSE, "b", { request: asked(), namesKey: true });
  const datagram = seal(scheme, keyOf(scheme, "b"), made);
  equal(datagram.slice(16, 26), `38${"03"}${GID}`);
  equal(open(scheme, { datagram, from: "b", request: asked() }), RESPONSE);
});

both("what the drafts have no message for is our bug", (scheme) => {
  const key = keyOf(scheme, "a");
  const refuses = (what: Departure, why: RegExp) => throws(() => seal(scheme, key, what), why);
  refuses(departure(REQUEST, "a", {}), /request without a number/);
  refuses(departure(REQUEST, "b", { piv: h("05") }), /not our sender id/);
  const notification = "5245101bbbbc6107811eff6f6e";
  refuses(departure(notification, "a", { request: asked() }), /notification without a number/);
  refuses(departure(REQUEST, "a", { piv: h("010203040506") }), /partial IV of 6 bytes/);
});
