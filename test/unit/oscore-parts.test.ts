import { fromHex, toHex } from "../../modules/bytes/hex.js";
import { emitMessage, type Option, parseMessage } from "../../modules/coap/message.js";
import { TsCrypto } from "../../modules/crypto/crypto.js";
import { AadWriter, Nonce } from "../../modules/oscore/aad.js";
import { derivation, derive, infoOf } from "../../modules/oscore/derive.js";
import { isFramed } from "../../modules/oscore/framing.js";
import { join, type ObservePlace, split } from "../../modules/oscore/inside.js";
import { nonceBase, nonceFrom, nonceFromBase } from "../../modules/oscore/nonce.js";
import { emitOption, FLAG_GROUP, OscoreOption } from "../../modules/oscore/option.js";
import { Outer } from "../../modules/oscore/outer.js";
import { equal, test, throws } from "../harness.js";

const crypto = new TsCrypto();

test("keys of RFC 8613 C.1 and C.3: info of five elements", () => {
  const secret = () => fromHex("0102030405060708090a0b0c0d0e0f10");
  const salt = fromHex("9e7ca92223786340");
  const at = (idContext: Uint8Array | null) =>
    derivation(crypto, { secret: secret(), salt, idContext });
  const key = (idContext: Uint8Array | null, id: string) =>
    toHex(
      derive(crypto, at(idContext), { id: fromHex(id), algorithm: 10, type: "Key", length: 16 }),
    );
  const iv = (idContext: Uint8Array | null) =>
    toHex(
      derive(crypto, at(idContext), { id: fromHex(""), algorithm: 10, type: "IV", length: 13 }),
    );
  equal(key(null, ""), "f0910ed7295e6ad4b54fc793154302ff");
  equal(key(null, "01"), "ffb14e093c94c9cac9471648b4f98710");
  equal(iv(null), "4622d4dd6d944168eefb54987c");
  const c3 = fromHex("37cbf3210017a2d3");
  equal(key(c3, ""), "af2a1300a5e95788b356336eeecd2b92");
  equal(key(c3, "01"), "e39a0c7c77b43f03b4b39ab9a268699f");
  equal(iv(c3), "2ca58fb85ff1b81c0b7181b85e");
});

test("keys of RFC 8613 C.2: no salt", () => {
  const secret = fromHex("0102030405060708090a0b0c0d0e0f10");
  const from = derivation(crypto, { secret, salt: fromHex(""), idContext: null });
  const key = derive(crypto, from, { id: fromHex("00"), algorithm: 10, type: "Key", length: 16 });
  equal(toHex(key), "321b26943253c7ffb6003b0b64d74041");
});

test("info: four elements where there is no ID Context at all, nil where it is not set", () => {
  const key = { id: fromHex("25"), algorithm: 10, type: "Key", length: 16 } as const;
  equal(toHex(infoOf(undefined, key)), "8441250a634b657910");
  equal(toHex(infoOf(null, key)), "854125f60a634b657910");
  equal(toHex(infoOf(fromHex("44616c"), key)), "8541254344616c0a634b657910");
  const iv = { id: null, algorithm: 10, type: "IV", length: 13 } as const;
  equal(toHex(infoOf(undefined, iv)), "84f60a6249560d");
  const signing = { id: fromHex(""), algorithm: -24, type: "SEKey", length: 16 } as const;
  equal(toHex(infoOf(fromHex("01"), signing)), "8540410137655345" + "4b657910");
});

test("nonces of RFC 8613 C.4 to C.8, and their base", () => {
  const nonce = new Nonce();
  const of = (iv: string, id: string, piv: string) => {
    nonceFrom(nonce, fromHex(iv), fromHex(id), fromHex(piv));
    return toHex(nonce.bytes);
  };
  equal(of("4622d4dd6d944168eefb54987c", "", "14"), "4622d4dd6d944168eefb549868");
  equal(of("be35ae297d2dace910c52e99f9", "00", "14"), "bf35ae297d2dace910c52e99ed");
  equal(of("2ca58fb85ff1b81c0b7181b85e", "", "14"), "2ca58fb85ff1b81c0b7181b84a");
  equal(of("4622d4dd6d944168eefb54987c", "01", "00"), "4722d4dd6d944169eefb54987c");
  const option = new OscoreOption();
  for (const piv of ["00", "14", "7fffffff", "80000000", "ffffffffff"]) {
    const value = emitOption({ piv: fromHex(piv), kid: fromHex("a1a2") });
    option.parse(value, 0, value.length);
    const iv = fromHex("4622d4dd6d944168eefb54987c");
    nonceFromBase(nonce, nonceBase(iv, fromHex("a1a2")), value, option);
    equal(toHex(nonce.bytes), of("4622d4dd6d944168eefb54987c", "a1a2", piv));
  }
  throws(() => nonceBase(new Uint8Array(13), new Uint8Array(8)), /an id of 8 bytes/);
});

test("an option from its parts, and back", () => {
  const value = emitOption({
    flags: FLAG_GROUP,
    piv: fromHex("05"),
    kidContext: fromHex("44616c"),
    kid: fromHex("25"),
  });
  equal(toHex(value), "39050344616c25");
  equal(toHex(emitOption({})), "");
  equal(toHex(emitOption({ kid: fromHex("") })), "08");
  equal(toHex(emitOption({ piv: fromHex("00") })), "0100");
  equal(toHex(emitOption({ kidContext: fromHex("") })), "1000");
  throws(() => emitOption({ piv: new Uint8Array(6) }), /partial IV of 6/);
  throws(() => emitOption({ kidContext: new Uint8Array(256) }), /kid context of 256/);
});

test("AAD: ready CBOR, parts of a datagram, and external_aad alone", () => {
  const aad = new AadWriter();
  aad.begin(fromHex("8501"));
  aad.raw(fromHex("810a"));
  aad.slice(fromHex("ffa1a2ff"), 1, 2);
  aad.slice(fromHex("ffa1a2ff"), 3, 0);
  aad.slice(new Uint8Array(30), 1, 24);
  equal(toHex(aad.external()), `8501810a42a1a2405818${"00".repeat(24)}`);
  equal(toHex(aad.finish()), `8368456e63727970743040${"5822"}${toHex(aad.external())}`);
});

function options(...list: [number, string][]): Option[] {
  return list.map(([number, value]) => ({ number, value: fromHex(value) }));
}

function listed(list: readonly Option[]): [number, string][] {
  return list.map(({ number, value }) => [number, toHex(value)]);
}

test("split: Uri-Host, Uri-Port and Proxy-Scheme stay outside, all else goes inside", () => {
  const inner = {
    code: 3,
    options: options([3, "68"], [7, "1644"], [11, "6c"], [15, "71"], [39, "636f6170"], [60, "05"]),
    payload: fromHex("02"),
  };
  const parts = split(inner, [], true, "both");
  equal(parts.code, 2);
  equal(listed(parts.outside), [
    [3, "68"],
    [7, "1644"],
    [39, "636f6170"],
  ]);
  equal(toHex(parts.plain), "03b16c4171d12005ff02");
  equal(split({ ...inner, code: 69, options: [] }, [], false, "both").code, 0x44);
});

test("split: Observe in both places, or outside alone", () => {
  const inner = { code: 69, options: options([6, "07"], [14, "1e"]), payload: undefined };
  const both = split(inner, [], false, "both");
  equal([both.code, toHex(both.plain), listed(both.outside)], [0x45, "4560811e", [[6, "07"]]]);
  const outside = split(inner, [], false, "outside");
  equal([outside.code, toHex(outside.plain)], [0x45, "45d1011e"]);
  equal(listed(outside.outside), [[6, "07"]]);
  const asked = { code: 1, options: options([6, "01"]), payload: undefined };
  equal(toHex(split(asked, [], true, "both").plain), "016101");
  equal(split(asked, [], true, "both").code, 5);
});

test("split refuses Proxy-Uri, a protected message, and other options in clear", () => {
  const of = (number: number) => ({
    code: 1,
    options: options([number, "61"]),
    payload: undefined,
  });
  throws(() => split(of(35), [], true, "both"), /Proxy-Uri/);
  throws(() => split(of(9), [], true, "both"), /protected already/);
  const empty = { code: 1, options: [], payload: undefined };
  throws(() => split(empty, options([11, "61"]), true, "both"), /option 11 cannot/);
  equal(listed(split(empty, options([3, "61"]), true, "both").outside), [[3, "61"]]);
});

function joined(plain: string, outside: Option[], observe: ObservePlace = "both") {
  const bytes = emitMessage({
    type: 1,
    code: 2,
    mid: 1,
    token: new Uint8Array(0),
    options: [...outside, ...options([9, "0900"])].sort((a, b) => a.number - b.number),
    payload: fromHex("aa"),
  });
  const outer = new Outer();
  if (!outer.scan(bytes)) throw new Error("does not scan");
  const whole = join(fromHex(plain), outer, observe);
  return whole.ok ? [whole.value.code, listed(whole.value.options)] : whole.drop;
}

test("join drops whatever was not meant to stand outside", () => {
  equal(joined("03b16c", []), [3, [[11, "6c"]]]);
  equal(joined("03b16c", options([4, "65"], [6, "00"], [11, "65"], [14, "01"])), [3, [[11, "6c"]]]);
  const hosted = options([3, "68"], [7, "1644"], [39, "63"]);
  equal(joined("03b16c", hosted), [
    3,
    [
      [3, "68"],
      [7, "1644"],
      [11, "6c"],
      [39, "63"],
    ],
  ]);
  equal(joined("03b16c", options([6, "01"]), "outside"), [
    3,
    [
      [6, "01"],
      [11, "6c"],
    ],
  ]);
  equal(joined("0360516c", options([6, "01"])), [
    3,
    [
      [6, ""],
      [11, "6c"],
    ],
  ]);
});

test("join: what stands inside goes before its copy outside", () => {
  equal(joined("033168", options([3, "65"])), [3, [[3, "68"]]]);
});

test("join refuses an empty plaintext, options cut off, and a message protected twice", () => {
  equal(joined("", []), "malformed");
  equal(joined("03b56c", []), "malformed");
  equal(joined("03ff", []), "malformed");
  equal(joined("0390", []), "malformed");
});

test("split and join are inverse but for the Observe value of a notification", () => {
  const inner = {
    code: 1,
    options: options([3, "68"], [6, ""], [11, "61"], [11, "62"], [252, "0102030405060708"]),
    payload: fromHex("63"),
  };
  for (const observe of ["both", "outside"] as const) {
    const { plain, outside } = split(inner, [], true, observe);
    equal(joined(toHex(plain), [...outside], observe), [1, listed(inner.options)]);
  }
});

function framed(datagram: string, direction: "request" | "response" = "request"): boolean {
  const outer = new Outer();
  if (!outer.scan(fromHex(datagram))) throw new Error("does not scan");
  const option = new OscoreOption();
  const { bytes, oscoreStart, oscoreLength } = outer;
  if (!option.parse(bytes, oscoreStart, oscoreLength)) throw new Error("does not parse");
  return isFramed({ outer, option }, direction);
}

const HEAD = "52021001a1a2";
const FRAMING: Record<string, [string, "request" | "response"]> = {
  "without the option": ["52441001a1a2ffd8", "response"],
  "with the option twice": [`${HEAD}9309050a0309050affd8`, "request"],
  "with a response's code in a request": ["52441001a1a29309050affd8", "request"],
  "with a request's code in a response": [`${HEAD}9309050affd8`, "response"],
  "with nothing protected": [`${HEAD}9309050a`, "request"],
  "with a kid of 8 bytes": [`${HEAD}9a09050102030405060708ffd8`, "request"],
  "without a partial IV in a request": [`${HEAD}92080affd8`, "request"],
  "without a kid in a request": [`${HEAD}920105ffd8`, "request"],
};

for (const [name, [datagram, direction]] of Object.entries(FRAMING)) {
  test(`malformed: ${name}`, () => equal(framed(datagram, direction), false));
}

test("well framed: a request with piv and kid, whatever its code; a response with nothing", () => {
  equal(framed(`${HEAD}9309050affd8`), true);
  equal(framed("52051001a1a29309050affd8"), true);
  equal(framed(`${HEAD}920905ffd8`), true, "an empty kid is a kid");
  equal(framed("52441001a1a290ffd8", "response"), true);
  equal(parseMessage(fromHex(`${HEAD}9309050affd8`)).ok, true);
});
