/**
 * What is fed with damaged input, and what has to hold whatever comes. A target throws when it does
 * not; its corpus is corpus/NAME.txt, one input in hex a line, a comment after #.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../../hosts/root.js";
import { fromHex } from "../../modules/bytes/hex.js";
import { fromUtf8, utf8 } from "../../modules/bytes/utf8.js";
import { Writer } from "../../modules/bytes/writer.js";
import { decode, ITEMS_MAX } from "../../modules/cbor/decode.js";
import { encode } from "../../modules/cbor/encode.js";
import { CborReader } from "../../modules/cbor/reader.js";
import {
  emitMessage,
  OPTIONS_MAX,
  type Option,
  parseInner,
  parseMessage,
  writeBody,
} from "../../modules/coap/message.js";
import { findTexts, findUint, unsupportedOption } from "../../modules/coap/options.js";
import { emitKey, parseKey } from "../../modules/cose/key.js";
import { OscoreOption } from "../../modules/oscore/option.js";
import { Outer } from "../../modules/oscore/outer.js";
import {
  emitSignedOption,
  parseSignedOption,
  SIGNATURE_BYTES,
  signatureOf,
} from "../../modules/oscore/signed-option.js";
import { checkDatagrams, checkDer, checkHellos, checkSession } from "./dtls.js";
import { checkBorderFrames, checkFrames, checkHeaders } from "./lowpan.js";

export interface Target {
  readonly name: string;
  readonly corpus: readonly Uint8Array[];
  check(bytes: Uint8Array): void;
}

export const targets: readonly Target[] = [
  target("coap-message", checkMessage),
  target("coap-body", checkBody),
  target("cbor", checkCbor),
  target("cose-key", checkKey),
  target("oscore-option", checkOscoreOption),
  target("signed-option", checkSignedOption),
  target("utf8", checkUtf8),
  target("lowpan-headers", checkHeaders),
  target("lowpan-frames", checkFrames),
  target("border-frames", checkBorderFrames),
  target("dtls-datagrams", checkDatagrams),
  target("dtls-hellos", checkHellos),
  target("dtls-der", checkDer),
  target("dtls-session", checkSession),
];

function target(name: string, check: (bytes: Uint8Array) => void): Target {
  return { name, corpus: corpusOf(name), check };
}

function corpusOf(name: string): Uint8Array[] {
  const text = readFileSync(join(ROOT, "test/fuzz/corpus", `${name}.txt`), "utf8");
  const hexes = text.split("\n").map((line) => line.replace(/#.*/, "").replaceAll(" ", ""));
  const corpus = hexes.filter((hex) => hex !== "").map(fromHex);
  if (corpus.length === 0) throw new Error(`test/fuzz/corpus/${name}.txt holds nothing`);
  return corpus;
}

/** Emits what it parsed, byte for byte, and so does the reader of protected messages accept it. */
function checkMessage(bytes: Uint8Array): void {
  const parsed = parseMessage(bytes);
  assert.equal(new Outer().scan(bytes), parsed.ok, "outer.ts and message.ts disagree");
  assert.ok(parsed.ok || parsed.drop === "malformed");
  if (!parsed.ok) return;
  const message = parsed.value;
  assert.deepEqual(emitMessage(message), bytes);
  checkOptions(message.options);
}

function checkBody(bytes: Uint8Array): void {
  const parsed = parseInner(Uint8Array.of(2, ...bytes));
  assert.ok(parsed.ok || parsed.drop === "malformed");
  if (!parsed.ok) return;
  const writer = new Writer();
  writeBody(writer, parsed.value.options, parsed.value.payload);
  assert.deepEqual(writer.finish(), bytes);
  checkOptions(parsed.value.options);
}

function checkOptions(options: readonly Option[]): void {
  assert.ok(options.length <= OPTIONS_MAX);
  const understood: number[] = [];
  for (const { number } of options) {
    findUint(options, number);
    findTexts(options, number);
    unsupportedOption(options, understood);
    understood.push(number);
  }
}

/** Encodes what it decoded, byte for byte; whatever decodes, the reader can pass over. */
function checkCbor(bytes: Uint8Array): void {
  const reader = new CborReader(bytes);
  reader.skip();
  const decoded = decode(bytes);
  assert.ok(decoded.ok || decoded.drop === "malformed");
  if (!decoded.ok) return;
  assert.deepEqual(encode(decoded.value), bytes);
  assert.ok(reader.complete, "decoded, but could not be skipped");
  assert.ok(count(decoded.value) <= ITEMS_MAX);
}

function count(value: unknown): number {
  if (Array.isArray(value)) return value.reduce((sum: number, item) => sum + count(item), 1);
  if (value instanceof Map) return [...value].reduce((sum, [k, v]) => sum + count(k) + count(v), 1);
  return 1;
}

function checkKey(bytes: Uint8Array): void {
  const parsed = parseKey(bytes);
  if (parsed.ok) assert.deepEqual(emitKey(parsed.value), bytes);
  else assert.equal(parsed.drop, "malformed");
}

/** Whatever it accepts lies inside the value it was given, wherever that stands. */
function checkOscoreOption(bytes: Uint8Array): void {
  const option = new OscoreOption();
  const framed = Uint8Array.of(0xff, ...bytes, 0xff);
  if (!option.parse(framed, 1, bytes.length)) return;
  const end = 1 + bytes.length;
  assert.ok(option.pivLength <= 5 && option.sequence < 2 ** 40);
  assert.ok(option.pivLength === 0 || option.pivStart + option.pivLength <= end);
  assert.ok(option.contextLength === 0 || option.contextStart + option.contextLength <= end);
  assert.ok(option.kidLength === 0 || option.kidStart + option.kidLength <= end);
}

/** Emits what it accepted, byte for byte, but for ids that no sender can have. */
function checkSignedOption(bytes: Uint8Array): void {
  const option = new OscoreOption();
  const framed = Uint8Array.of(0xff, ...bytes, 0xff);
  const value = { bytes: framed, start: 1, length: bytes.length };
  if (!parseSignedOption(option, value, "response")) return;
  const { pivStart, pivLength, contextStart, contextLength, kidStart, kidLength } = option;
  const signature = signatureOf(framed, option);
  assert.equal(signature.length, SIGNATURE_BYTES);
  assert.ok(kidStart + kidLength === 1 + bytes.length);
  if (kidLength > 7) return;
  const isNamed = (option.flags & 0x10) !== 0;
  const emitted = emitSignedOption({
    piv: pivLength === 0 ? undefined : framed.subarray(pivStart, pivStart + pivLength),
    gid: isNamed ? framed.subarray(contextStart, contextStart + contextLength) : undefined,
    signature,
    kid: framed.subarray(kidStart, kidStart + kidLength),
  });
  assert.deepEqual(emitted, bytes);
}

function checkUtf8(bytes: Uint8Array): void {
  const text = fromUtf8(bytes);
  let expected: string | undefined;
  try {
    expected = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    expected = undefined;
  }
  assert.equal(text, expected);
  if (text !== undefined) assert.deepEqual(utf8(text), bytes);
}
