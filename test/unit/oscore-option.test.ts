import { fromHex, toHex } from "../../modules/bytes/hex.js";
import { AadWriter, Nonce } from "../../modules/oscore/aad.js";
import { OscoreOption, SEQUENCE_MAX } from "../../modules/oscore/option.js";
import { equal, test, throws } from "../harness.js";

function parse(hex: string): OscoreOption | undefined {
  const bytes = fromHex(`00${hex}`);
  const option = new OscoreOption();
  return option.parse(bytes, 1, bytes.length - 1) ? option : undefined;
}

test("RFC 8613 6.1 examples: request with ids, response without", () => {
  // C.4: flag 09, piv 14, empty kid; C.5: kid 00; C.6: kid context 37cbf3210017a2d3.
  const c4 = parse("0914");
  equal([c4?.sequence, c4?.pivLength, c4?.kidLength, c4?.contextLength], [20, 1, 0, 0]);
  const c5 = parse("091400");
  equal([c5?.sequence, c5?.kidStart, c5?.kidLength], [20, 3, 1]);
  const c6 = parse("19140837cbf3210017a2d3");
  equal([c6?.sequence, c6?.contextStart, c6?.contextLength, c6?.kidLength], [20, 4, 8, 0]);
  equal(parse("")?.flags, 0);
});

test("sequence numbers are read by arithmetic up to 2^40 - 1", () => {
  equal(parse("0900")?.sequence, 0);
  equal(parse("0c80000000")?.sequence, 2 ** 31);
  equal(parse("0dffffffff" + "ff")?.sequence, SEQUENCE_MAX);
  equal(parse("0d0100000000")?.sequence, 2 ** 32);
});

const MALFORMED: Record<string, string> = {
  "reserved bit 0x80": "8914",
  "reserved bit 0x40": "4914",
  "piv length 6": "0e010000000000",
  "piv length 7": "0f01000000000000",
  "piv with a leading zero": "0a0014",
  "piv cut": "0d010203",
  "kid context without its length": "1105",
  "kid context past the end": "190509aa",
  "bytes left over without the kid flag": "0114aa",
};

for (const [name, hex] of Object.entries(MALFORMED)) {
  test(`option refused: ${name}`, () => equal(parse(hex), undefined));
}

test("nonce of WIRE.md's first vector: only the bytes that are there are combined", () => {
  const option = new OscoreOption();
  const nonce = new Nonce();
  nonce.bytes.fill(0xee);
  const of = (iv: string, value: string) => {
    const bytes = fromHex(value);
    option.parse(bytes, 0, bytes.length);
    nonce.fill(fromHex(iv), bytes, option);
    return toHex(nonce.bytes);
  };
  equal(of("3e1ddcdb14873e3cb541a7bfab", "1905010711"), "3e1ddcdb14873e2db541a7bfae");
  // RFC 8613 5.2 by hand: id and number left-padded, at their longest and beyond 31 bits.
  equal(of("00".repeat(13), "0d0102030405a1a2a3a4a5a6a7a8"), "a1a2a3a4a5a6a7a80102030405");
  equal(of("ff".repeat(13), "0cfedcba98c1c2c3c4c5"), "ffffff3e3d3c3b3aff01234567");
  equal(of("00".repeat(13), "0c7fffffff00"), "0000000000000000007fffffff");
});

test("Enc_structure with one-, two- and three-byte heads (RFC 9052 5.3)", () => {
  const aad = new AadWriter();
  const whole = (content: number) => {
    aad.begin(fromHex("81"));
    aad.bytes(new Uint8Array(content));
    return toHex(aad.finish());
  };
  const head = "8368456e637279707430" + "40";
  equal(whole(4), `${head}468144${"00".repeat(4)}`);
  equal(whole(30), `${head}5821${"81581e"}${"00".repeat(30)}`);
  equal(whole(252), `${head}58ff${"8158fc"}${"00".repeat(252)}`);
  equal(whole(253), `${head}590100${"8158fd"}${"00".repeat(253)}`);
  equal(whole(600), `${head}59025c${"81590258"}${"00".repeat(600)}`);
  equal(whole(30), `${head}5821${"81581e"}${"00".repeat(30)}`, "and again after growing");
});

test("AAD: a port takes its shortest form, an address is a byte string", () => {
  const external = (address: string, port: number) => {
    const aad = new AadWriter();
    aad.begin(fromHex(`83${"00".repeat(24)}`));
    aad.endpoint(fromHex(address), port);
    aad.empty();
    return toHex(aad.finish()).slice(26 + 50);
  };
  equal(external("c0000201", 0), "44c00002010040");
  equal(external("c0000201", 23), "44c00002011740");
  equal(external("c0000201", 24), "44c0000201181840");
  equal(external("c0000201", 255), "44c000020118ff40");
  equal(external("c0000201", 256), "44c000020119010040");
  equal(external("ff".repeat(16), 65535), `50${"ff".repeat(16)}19ffff40`);
});

test("AAD: a request's ids stand there twice, a response names its request's", () => {
  const option = new OscoreOption();
  const value = fromHex("0a0102bbcc");
  option.parse(value, 0, value.length);
  const aad = new AadWriter();
  aad.begin(fromHex("85010a"));
  aad.ids(value, option, undefined);
  aad.bytes(new Uint8Array(16));
  const own = "42bbcc420102";
  equal(toHex(aad.finish()).slice(22), `5820${"85010a"}${own}${own}50${"00".repeat(16)}`);
  aad.begin(fromHex("85010a"));
  aad.ids(value, option, { kid: fromHex("aa"), piv: fromHex("07") });
  aad.bytes(new Uint8Array(16));
  equal(toHex(aad.finish()).slice(22), `581e${"85010a"}${own}41aa410750${"00".repeat(16)}`);
  const long = new Uint8Array(25).fill(8);
  option.parse(long, 0, 25);
  throws(() => aad.ids(long, option, undefined), /an id of 24 bytes/);
});

test("AAD: nothing is left out in silence, however much stands before it", () => {
  const option = new OscoreOption();
  const value = fromHex("0907bb");
  option.parse(value, 0, value.length);
  const aad = new AadWriter();
  for (const content of [100, 150, 200, 250, 500]) {
    aad.begin(fromHex("86"));
    aad.bytes(new Uint8Array(content));
    aad.ids(value, option, undefined);
    aad.endpoint(new Uint8Array(16), 5683);
    const whole = toHex(aad.finish());
    equal(whole.slice(-56), `41bb410741bb410750${"00".repeat(16)}191633`);
  }
  const small = new AadWriter();
  throws(() => {
    small.begin(fromHex("86"));
    for (let i = 0; i < 256; i++) small.empty();
    small.finish();
  }, /additional data of 257 bytes/);
});
