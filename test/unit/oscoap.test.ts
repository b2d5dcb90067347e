/**
 * What the shared vectors leave out of `oscoap-00`: genuine messages of a member that breaks the
 * rules, and what a departure must not be. Expected values are those of test/vectors (an
 * independent implementation), transcribed with their names.
 */
import { fromHex, toHex } from "../../modules/bytes/hex.js";
import type { Outcome } from "../../modules/bytes/outcome.js";
import { encode } from "../../modules/cbor/encode.js";
import {
  emitMessage,
  type Inner,
  type Message,
  NON,
  type Option,
  parseMessage,
} from "../../modules/coap/message.js";
import {
  addOption,
  BLOCK1,
  OBSERVE,
  OSCORE,
  PROXY_URI,
  URI_HOST,
  URI_PATH,
  URI_PORT,
} from "../../modules/coap/options.js";
import { emitCountersigned } from "../../modules/cose/countersigned.js";
import { encStructure } from "../../modules/cose/encrypt.js";
import { TsCrypto } from "../../modules/crypto/crypto.js";
import { NobleSignatures } from "../../modules/crypto/noble.js";
import { Workspace } from "../../modules/oscore/aad.js";
import { OscoreOption } from "../../modules/oscore/option.js";
import { Outer } from "../../modules/oscore/outer.js";
import { NUMBER_MAX } from "../../modules/oscore/window.js";
import { AES_CCM_64_64_128 } from "../../modules/ports/crypto.js";
import { oscoap00 } from "../../modules/profiles/oscoap-00.js";
import type { Departure, RequestBinding } from "../../modules/profiles/profile.js";
import { equal, test, throws } from "../harness.js";
import { MEMBERS, type Name } from "../support/vector-members.js";

const h = fromHex;
const MALFORMED = { ok: false, drop: "malformed" };
const FORGED = { ok: false, drop: "forged" };

/** Context "main" of test/vectors/oscoap-00.json. */
const CID = "4b65792330aabbcc";
const BASE_KEY = "0d6e4079e36703ebd37c00722f5891d28b0e2811dc114b129215123adcce3605";
/** Derived: a's key, and the nonce of its number 5. */
const A_KEY = "efa7d2df168cdb7a3b07255d5e2ba12a";
const A_NONCE_5 = "ece76ebc849eef";
const GROUP = { address: h("ff150000000000000000000000000001"), port: 5683 };
/** external_aad of a's PUT and POST to the group. */
const PUT_AAD = "84014103410c70636f61703a2f2f5b666631353a3a315d";
const POST_AAD = "84014102410c70636f61703a2f2f5b666631353a3a315d";

/** request-payload */
const WITH_PAYLOAD =
  "52031001a1a290ff8355a304484b65792330aabbcc0641053a000100004125a1078343a10127a0584071e2fc" +
  "f7d6911c1217b0db8e404d4275abc75a56a37758609c9a8bd44af807791b990af04ed72f82f7b73b8fb3bf29" +
  "5b097f01d4dfa62432e31c65482168a00152b2231836aaf96fc33cbdaa823888dcef2edf";
/** request-no-payload */
const WITHOUT_PAYLOAD =
  "52011002a2a39d5f8355a304484b65792330aabbcc0641063a000100004125a1078343a10127a05840c71e59" +
  "4817947d8530a89c70e641c4ab19098f573171def752a3cea0750ab57b2682b4b99e01a917ad8bf11b9892da" +
  "3295f83e642abb1867af30ef91536930014abda28307745ac2f0f3d6";
/** response */
const RESPONSE =
  "52451004a4a590ff834ba20641033a000100004152a1078343a10127a05840a38fc014800b01931bf96e6248" +
  "0e7f654529f0f10c8c9b7baa126e6448f625d610c0655e0fb22ceda696b4b278efde773e46d272bee3634379" +
  "71724b3311070b4c984b8f1c44a9ad79622b2ff4";
/** request-uri-host-port */
const HOST_AND_PORT =
  "500310093d016c69676874732e6578616d706c6542164420ff8355a304484b65792330aabbcc0641093a0001" +
  "00004125a1078343a10127a058407cc6106758dfc526d73c12c6dd74364d62e6033d2181fbd2418d94dfddfa" +
  "aa1e314cf9e9e73781ac870f0d16b821cfb4771b2bcba06577d9a9e35d836f8fc4054c3f5099668c4aa5e343" +
  "11f063";
/** request-block1-0 */
const BLOCK_0 =
  "52021012b2b390d10508ff8355a304484b65792330aabbcc0641143a000100004125a1078343a10127a05840" +
  "6854256f895255531fb7f4c9cb324bfc0d9a91ad5c1dbc5db154b248db799fe63d497355cd1a11f4dadb93a7" +
  "30b9afda17cb3a63feaea29d3dbe993c1f2eaa02581f64d43d67bf4d87628882786440585ed6fb3f87e2bf79" +
  "620139deb4ace5bb85";
/** request-block1-1 */
const BLOCK_1 =
  "52021013b3b490d10518ff8355a304484b65792330aabbcc0641153a000100004125a1078343a10127a05840" +
  "65b0891f91842990a9ff7ff6a09f9cf91100145646281e8114d3bdfeb60c50749b4812ecad511019975feedf" +
  "5be946e0174f0e998c4460cbae1c6821c69c480e581fab121c792a8122d5a7a2ac8dcd324d87d74dc4ff7784" +
  "0f1168003e40448f2e";

function crypto(): TsCrypto {
  return new TsCrypto(new NobleSignatures());
}

function keyOf(name: Name) {
  const signer = new NobleSignatures().signer(h(MEMBERS[name].seed));
  return oscoap00.importKey(crypto(), {
    keyId: h(CID),
    raw: encode(new Map([[1, h(BASE_KEY)]])),
    own: { id: h(MEMBERS[name].id), credential: h(MEMBERS[name].key), signer },
    addresses: [],
  });
}

function peerOf(name: Name, credential = MEMBERS[name].key) {
  const member = { id: h(MEMBERS[name].id), credential: h(credential) };
  return oscoap00.peer?.(crypto(), keyOf("b"), member);
}

/** As the receive path meets it. */
function arrivalOf(datagram: Uint8Array) {
  const outer = new Outer();
  equal(outer.scan(datagram), true, "CoAP");
  return { outer, option: new OscoreOption(), to: GROUP };
}

function isRead(datagram: Uint8Array, direction: "request" | "response" = "request"): boolean {
  return oscoap00.identify(arrivalOf(datagram), direction);
}

interface Around {
  readonly from?: Name;
  readonly request?: RequestBinding;
  readonly previousTag?: Uint8Array;
}

function contextOf(around: Around) {
  return {
    appGroup: { id: 0 },
    request: around.request,
    work: new Workspace(),
    peer: peerOf(around.from ?? "a"),
    previousTag: around.previousTag,
  };
}

function open(datagram: Uint8Array, around: Around = {}): Outcome<Inner> {
  const arrival = arrivalOf(datagram);
  const direction = around.request === undefined ? "request" : "response";
  if (!oscoap00.identify(arrival, direction)) return MALFORMED as Outcome<Inner>;
  return oscoap00.open(keyOf("b"), arrival, contextOf(around));
}

function messageOf(hex: string): Message {
  const parsed = parseMessage(h(hex));
  if (!parsed.ok) throw new Error("not CoAP");
  return parsed.value;
}

/** The datagram with other outer options. */
function withOptions(hex: string, change: (options: Option[]) => void): Uint8Array {
  const message = messageOf(hex);
  const options = [...message.options];
  change(options);
  return emitMessage({ ...message, options });
}

/** What identify makes of the vector "request-payload" with another protected header. */
function isReadWith(protectedHeader: string, direction?: "request" | "response"): boolean {
  const message = messageOf(WITH_PAYLOAD);
  const payload = emitCountersigned({
    protectedHeader: h(protectedHeader),
    signature: new Uint8Array(64),
    ciphertext: new Uint8Array(10),
  });
  return isRead(emitMessage({ ...message, payload }), direction);
}

/** A message that a, who breaks the rules, protected under number 5; nobody looks at signatures. */
function crafted(parts: { plain: string; aad: string; options?: Option[]; inOption?: true }) {
  const protectedHeader = h("a304484b65792330aabbcc0641053a000100004125");
  const ciphertext = crypto()
    .aeadKey(AES_CCM_64_64_128, h(A_KEY))
    .seal({
      nonce: h(A_NONCE_5),
      aad: encStructure({ context: "Encrypt0", protectedHeader, externalAad: h(parts.aad) }),
      plain: h(parts.plain),
    });
  const object = emitCountersigned({
    protectedHeader,
    signature: new Uint8Array(64),
    ciphertext,
  });
  const options = [...(parts.options ?? [])];
  addOption(options, OSCORE, parts.inOption ? object : new Uint8Array(0));
  const code = h(parts.aad)[3];
  const payload = parts.inOption ? undefined : object;
  return emitMessage({ type: NON, code, mid: 1, token: h("01"), options, payload });
}

function departure(inner: Partial<Inner>, more: Partial<Departure> = {}): Departure {
  return {
    header: { type: NON, mid: 4097, token: h("a1a2") },
    inner: { code: 3, options: [], payload: undefined, ...inner },
    clear: [],
    appGroup: { id: 0 },
    sender: h("25"),
    piv: h("05"),
    to: GROUP,
    request: undefined,
    ...more,
  } as Departure;
}

function seal(what: Departure): string {
  return toHex(oscoap00.seal(keyOf("a"), what as Departure<never>, new Workspace()));
}

const PATH = { number: URI_PATH, value: h("6c") };

test("a request with and without payload, both ways", () => {
  const inner = { code: 3, options: [PATH, { number: 12, value: h("3c") }] };
  equal(seal(departure({ ...inner, payload: h("a1616c18ff") })), WITH_PAYLOAD);
  equal(open(h(WITH_PAYLOAD)), { ok: true, value: { ...inner, payload: h("a1616c18ff") } });
  const get = { code: 1, options: [PATH], payload: undefined };
  const header = { type: NON, mid: 4098, token: h("a2a3") };
  equal(seal(departure(get, { header, piv: h("06") })), WITHOUT_PAYLOAD);
  equal(open(h(WITHOUT_PAYLOAD)), { ok: true, value: get });
});

test("an answer is bound to its request", () => {
  const request = { kid: h("25"), piv: h("06"), keyId: h(CID) };
  const value = { code: 69, options: [{ number: 12, value: h("") }], payload: h("6f6e") };
  equal(open(h(RESPONSE), { from: "b", request }), { ok: true, value });
  for (const other of [{ kid: h("77") }, { piv: h("05") }, { keyId: h("4b65792330aabbcd") }]) {
    equal(open(h(RESPONSE), { from: "b", request: { ...request, ...other } }), FORGED);
  }
});

test("the sender's counter signature, and nobody else's", () => {
  const arrival = arrivalOf(h(WITH_PAYLOAD));
  oscoap00.identify(arrival, "request");
  const signed = oscoap00.signed?.(keyOf("b"), arrival, contextOf({}));
  if (signed === undefined) throw new Error("not signed");
  equal(new NobleSignatures().verify(signed), true);
  equal(new NobleSignatures().verify({ ...signed, publicKey: h(MEMBERS.b.key) }), false);
});

test("no signature is read from what did not open", () => {
  const signatureOf = (datagram: Uint8Array, more = {}) => {
    const arrival = arrivalOf(datagram);
    return oscoap00.signed?.(keyOf("b"), arrival, { ...contextOf({}), ...more });
  };
  throws(() => signatureOf(h(WITH_PAYLOAD), { peer: undefined }), /did not open/);
  throws(() => signatureOf(h(BLOCK_1)), /did not open/);
  throws(() => signatureOf(h(WITH_PAYLOAD).subarray(0, 40)), /did not open/);
});

test("a member is admitted by a key to be trusted", () => {
  const admits = (credential: string) => {
    return oscoap00.admits?.(crypto(), { id: h(MEMBERS.a.id), credential: h(credential) });
  };
  equal(admits(MEMBERS.a.key), true);
  equal(admits("01".padEnd(64, "0")), false, "small order");
  equal(admits(MEMBERS.a.key.slice(2)), false, "31 bytes");
});

test("any bit of the ciphertext: forged", () => {
  const datagram = h(WITH_PAYLOAD);
  datagram[datagram.length - 1] ^= 1;
  equal(open(datagram), FORGED);
});

test("without the option it is no protected message", () => {
  const plain = withOptions(WITH_PAYLOAD, (options) => {
    options.length = 0;
  });
  equal(isRead(plain), false);
});

test("an object in the option has no payload beside it", () => {
  const message = messageOf(WITHOUT_PAYLOAD);
  equal(open(emitMessage({ ...message, payload: h("00") })), MALFORMED);
});

test("an object in the wrong place for its plaintext", () => {
  const misplaced = crafted({ plain: "b16cff01", aad: PUT_AAD, inOption: true });
  equal(open(misplaced), MALFORMED);
  equal(open(crafted({ plain: "b16c", aad: PUT_AAD })), MALFORMED);
});

test("three labels in a request, two in a response, counted", () => {
  equal(isReadWith("a304484b65792330aabbcc0641053a000100004125"), true);
  equal(isReadWith("a404484b65792330aabbcc0641053a000100004125"), false);
  equal(isReadWith("a20641053a000100004125", "response"), true);
  equal(isReadWith("a304484b65792330aabbcc0641053a000100004125", "response"), false);
});

test("the first label of a request is 4: the Cid", () => {
  equal(isReadWith("a305484b65792330aabbcc0641053a000100004125"), false);
});

test("the next label is 6: the piv", () => {
  equal(isReadWith("a304484b65792330aabbcc0541053a000100004125"), false);
});

test("the last label is -65537: the sender's id", () => {
  equal(isReadWith("a304484b65792330aabbcc0641053a000100014125"), false);
});

test("nothing behind the labels", () => {
  equal(isReadWith("a304484b65792330aabbcc0641053a00010000412500"), false);
  equal(isReadWith("a304484b65792330aabbcc0641053a000100004225"), false, "cut");
});

test("an id of no bytes names nobody", () => {
  equal(isReadWith("a304484b65792330aabbcc0641053a0001000040"), false);
});

test("a piv of 7 bytes is read, one of 8 is not", () => {
  const arrival = arrivalOf(h(WITH_PAYLOAD));
  oscoap00.identify(arrival, "request");
  equal(arrival.option.sequence, 5);
  equal(isReadWith("a304484b65792330aabbcc0647200000000000013a000100004125"), true);
  equal(isReadWith("a304484b65792330aabbcc064801000000000000003a000100004125"), false);
});

test("a piv of no bytes is none", () => {
  equal(isReadWith("a304484b65792330aabbcc06403a000100004125"), false);
});

test("a piv is minimal, and never 0", () => {
  equal(isReadWith("a304484b65792330aabbcc0641003a000100004125"), false);
  equal(isReadWith("a304484b65792330aabbcc064200053a000100004125"), false);
});

test("numbers from 2^53 - 1 on are one number", () => {
  for (const piv of ["471fffffffffffff", "4720000000000001", "47ffffffffffffff"]) {
    const message = messageOf(WITH_PAYLOAD);
    const payload = emitCountersigned({
      protectedHeader: h(`a304484b65792330aabbcc06${piv}3a000100004125`),
      signature: new Uint8Array(64),
      ciphertext: new Uint8Array(10),
    });
    const arrival = arrivalOf(emitMessage({ ...message, payload }));
    equal(oscoap00.identify(arrival, "request"), true);
    equal(arrival.option.sequence, NUMBER_MAX, piv);
  }
});

test("Uri-Host and Uri-Port stay outside, and are kept", () => {
  const opened = open(h(HOST_AND_PORT));
  const host = { number: URI_HOST, value: h("6c69676874732e6578616d706c65") };
  const options = [host, { number: URI_PORT, value: h("1644") }, PATH];
  equal(opened, { ok: true, value: { code: 3, options, payload: h("02") } });
  const header = { type: NON, mid: 4105, token: h("") };
  const inner = { options, payload: h("02") };
  equal(seal(departure(inner, { header, piv: h("09") })), HOST_AND_PORT);
});

test("what the request URI is made of stands there once", () => {
  const evil = { number: URI_HOST, value: h("6576696c") };
  equal(open(withOptions(HOST_AND_PORT, (options) => options.splice(1, 0, evil))), MALFORMED);
});

test("a Uri-Port of more than two bytes is not passed over", () => {
  const long = withOptions(WITH_PAYLOAD, (all) => addOption(all, URI_PORT, h("0000001633")));
  equal(open(long), MALFORMED);
});

test("Proxy-Uri: refused from outside, refused to send", () => {
  const uri = h("636f61703a2f2f61");
  equal(open(withOptions(WITH_PAYLOAD, (all) => addOption(all, PROXY_URI, uri))), MALFORMED);
  throws(() => seal(departure({ options: [{ number: PROXY_URI, value: uri }] })), /option 35/);
});

test("an option that belongs outside, or a protected message, inside", () => {
  // Uri-Host "a", then Uri-Path; option 9; Uri-Path alone is what it has to be.
  for (const plain of ["3161816cff01", "90ff01"]) {
    equal(open(crafted({ plain, aad: PUT_AAD })), MALFORMED, plain);
  }
  equal(open(crafted({ plain: "b16cff01", aad: PUT_AAD })).ok, true);
});

test("other outer options are dropped", () => {
  const injected = withOptions(WITH_PAYLOAD, (all) => addOption(all, OBSERVE, h("")));
  equal(open(injected), open(h(WITH_PAYLOAD)));
});

test("each block is bound to the one before by its tag", () => {
  const previousTag = oscoap00.tagOf?.(arrivalOf(h(BLOCK_0)).outer) as Uint8Array;
  equal(toHex(previousTag), "0139deb4ace5bb85");
  equal(open(h(BLOCK_1), { previousTag }).ok, true);
  equal(open(h(BLOCK_1), { previousTag: new Uint8Array(8) }), FORGED);
  const inOption = oscoap00.tagOf?.(arrivalOf(h(WITHOUT_PAYLOAD)).outer) as Uint8Array;
  equal(toHex(inOption), WITHOUT_PAYLOAD.slice(-16));
});

test("a block whose predecessor is not known: forged", () => {
  equal(open(h(BLOCK_1)), FORGED);
});

test("a later block that was sealed as the first is the sender's slip", () => {
  // Block1 number 1 inside, none outside: nothing said that a tag belonged to it.
  equal(open(crafted({ plain: "b16cd10318ff01", aad: POST_AAD })), MALFORMED);
});

test("what no departure may be", () => {
  const payload = h("01");
  throws(() => seal(departure({ payload }, { piv: undefined })), /a number from 1/);
  throws(() => seal(departure({ payload }, { piv: h("00") })), /a number from 1/);
  throws(() => seal(departure({ payload }, { piv: h("0100000000000000") })), /a number from 1/);
  throws(() => seal(departure({ payload }, { clear: [PATH] })), /in clear/);
  throws(() => seal(departure({ options: [{ number: OSCORE, value: h("") }] })), /option 9/);
  const block = { number: BLOCK1, value: h("18") };
  throws(() => seal(departure({ options: [block], payload })), /tag of the one before/);
});

test("a base key of 32 bytes, and signatures", () => {
  const own = { id: h("25"), credential: h(""), signer: undefined };
  const raw = encode(new Map([[1, h(BASE_KEY)]]));
  const input = { keyId: h(CID), raw, own, addresses: [] };
  throws(() => oscoap00.importKey(new TsCrypto(), input), /no signatures/);
  equal(toHex(raw), "00".repeat(raw.length), "wiped");
  for (const bad of [h(""), encode(new Map([[1, h(A_KEY)]])), encode(h(BASE_KEY))]) {
    throws(() => oscoap00.importKey(crypto(), { ...input, raw: bad }), /base key/);
  }
});
