import { fromHex, toHex } from "../../modules/bytes/hex.js";
import { compareGids, EPOCH_MAX, joinGid, splitGid } from "../../modules/oscore/gid.js";
import { OscoreOption } from "../../modules/oscore/option.js";
import {
  emitSignedOption,
  parseSignedOption,
  signatureOf,
} from "../../modules/oscore/signed-option.js";
import { equal, test, throws } from "../harness.js";

/** COUNTERSIGN of the drafts' examples, which leave it open. */
const SIGNATURE = "c0".repeat(32) + "5e".repeat(32);

function parse(hex: string, direction: "request" | "response"): OscoreOption | undefined {
  const bytes = fromHex(`ee${hex}`);
  const option = new OscoreOption();
  const value = { bytes, start: 1, length: bytes.length - 1 };
  return parseSignedOption(option, value, direction) ? option : undefined;
}

/** Parsed, then written again from what was read. */
function again(hex: string, direction: "request" | "response"): string | undefined {
  const option = parse(hex, direction);
  if (option === undefined) return undefined;
  const bytes = fromHex(`ee${hex}`);
  const part = (start: number, length: number) => bytes.subarray(start, start + length);
  const hasGid = (option.flags & 0x10) !== 0;
  const value = emitSignedOption({
    piv: option.pivLength === 0 ? undefined : part(option.pivStart, option.pivLength),
    gid: hasGid ? part(option.contextStart, option.contextLength) : undefined,
    signature: signatureOf(bytes, option),
    kid: part(option.kidStart, option.kidLength),
  });
  return toHex(value);
}

test("groupcomm-02 3.1: a request with kid 25, Partial IV 5, kid context 44616c", () => {
  // "Option Value: 39 05 03 44 61 6c COUNTERSIGN 25 (7 bytes + size of COUNTERSIGN)"
  const value = `39050344616c${SIGNATURE}25`;
  const made = emitSignedOption({
    piv: fromHex("05"),
    gid: fromHex("44616c"),
    signature: fromHex(SIGNATURE),
    kid: fromHex("25"),
  });
  equal(toHex(made), value);
  equal(made.length, 7 + 64);
  const option = parse(value, "request");
  equal([option?.flags, option?.sequence, option?.contextLength], [0x39, 5, 3]);
  equal([option?.contextStart, option?.kidStart, option?.kidLength], [4, 71, 1]);
  equal([option?.kid.high, option?.kid.low, option?.kid.length], [0, 0x25, 1]);
});

test("groupcomm-02 3.2: a response with kid 52 and nothing else", () => {
  // "Option Value: 28 COUNTERSIGN 52 (2 bytes + size of COUNTERSIGN)"
  const value = `28${SIGNATURE}52`;
  const made = emitSignedOption({
    piv: undefined,
    gid: undefined,
    signature: fromHex(SIGNATURE),
    kid: fromHex("52"),
  });
  equal(toHex(made), value);
  equal(made.length, 2 + 64);
  const option = parse(value, "response");
  equal([option?.flags, option?.sequence, option?.kid.low], [0x28, -1, 0x52]);
  const bytes = fromHex(`ee${value}`);
  equal(toHex(signatureOf(bytes, option as OscoreOption)), SIGNATURE);
});

test("signed option: what is read is written again, byte for byte", () => {
  const values: [string, "request" | "response"][] = [
    [`39000344616c${SIGNATURE}25`, "request"],
    [`3dffffffffff01b1${SIGNATURE}01020304050607`, "request"],
    [`3a0100ff${"ab".repeat(255)}${SIGNATURE}00`, "request"],
    [`390500${SIGNATURE}`, "request"],
    [`2a012c${SIGNATURE}deadbeef`, "response"],
    [`380344616c${SIGNATURE}77`, "response"],
    [`394d0344616c${SIGNATURE}52`, "response"],
    [`28${SIGNATURE}`, "response"],
  ];
  for (const [value, direction] of values) equal(again(value, direction), value);
});

test("signed option: a value without its signature is refused", () => {
  equal(parse("19050344616c25", "request"), undefined);
  // As many bytes as a signature has, but nobody calls them one.
  equal(parse(`19050344616c${SIGNATURE}25`, "request"), undefined);
  equal(parse(`08${SIGNATURE}52`, "response"), undefined);
});

test("signed option: a value that ends within the signature is refused", () => {
  equal(parse(`39050344616c${SIGNATURE.slice(2)}`, "request"), undefined);
  equal(parse("28", "response"), undefined);
  equal(parse(`28${"c0".repeat(63)}`, "response"), undefined);
});

test("signed option: no message goes without its kid", () => {
  equal(parse(`20${SIGNATURE}`, "response"), undefined);
  equal(parse("20", "response"), undefined);
  equal(parse(`31050344616c${SIGNATURE}`, "request"), undefined);
});

test("signed option: a request names its group", () => {
  equal(parse(`2905${SIGNATURE}25`, "request"), undefined);
});

test("signed option: the shared rules hold here, too", () => {
  const values = [`79050344616c`, `b9050344616c`, `3e0102030405060344616c`, `3a00050344616c`];
  for (const value of values) equal(parse(`${value}${SIGNATURE}25`, "request"), undefined, value);
  equal(parse(`3905ff44616c${SIGNATURE}25`, "request"), undefined, "the Gid runs over the end");
  equal(parse("", "response"), undefined);
  equal(parse("00", "response"), undefined);
});

test("signed option: parts that have no encoding are our bug", () => {
  const good = {
    piv: fromHex("05"),
    gid: fromHex("44616c"),
    signature: fromHex(SIGNATURE),
    kid: fromHex("25"),
  };
  throws(() => emitSignedOption({ ...good, piv: new Uint8Array(6) }), /partial IV of 6/);
  throws(() => emitSignedOption({ ...good, gid: new Uint8Array(256) }), /kid context of 256/);
  throws(() => emitSignedOption({ ...good, signature: new Uint8Array(63) }), /signature of 63/);
  throws(() => emitSignedOption({ ...good, kid: new Uint8Array(8) }), /sender id of 8/);
});

test("groupcomm-02 Appendix C: prefix b1 and epoch 61532 are b1f05c", () => {
  equal(toHex(joinGid({ prefix: fromHex("b1"), epoch: 61532 })), "b1f05c");
  const parts = splitGid(fromHex("b1f05c"));
  equal([parts?.epoch, toHex(parts?.prefix as Uint8Array)], [61532, "b1"]);
  equal(toHex(joinGid({ prefix: fromHex("0011223344556677"), epoch: 0 })), "00112233445566770000");
});

test("Gid: epochs end, and no Gid goes without a prefix", () => {
  throws(() => joinGid({ prefix: fromHex("b1"), epoch: EPOCH_MAX + 1 }), /epoch 65536/);
  throws(() => joinGid({ prefix: fromHex("b1"), epoch: -1 }), /epoch -1/);
  throws(() => joinGid({ prefix: fromHex("b1"), epoch: 0.5 }), /epoch 0.5/);
  throws(() => joinGid({ prefix: new Uint8Array(0), epoch: 1 }), /without a prefix/);
  equal(splitGid(fromHex("f05c")), undefined);
  equal(splitGid(new Uint8Array(0)), undefined);
});

test("Gid: renewals are ordered within a group, and only there", () => {
  const order = (a: string, b: string) => compareGids(fromHex(a), fromHex(b));
  equal([order("b1f05c", "b1f05d"), order("b1f05c", "b1f05c")], [-1, 0]);
  equal(order("b10100", "b100ff"), 1);
  equal(order("b1ffff", "b10000"), EPOCH_MAX);
  equal(order("b1f05c", "b2f05d"), undefined);
  equal(order("b1f05c", "b1b1f05c"), undefined);
  equal(order("f05c", "f05d"), undefined);
});
