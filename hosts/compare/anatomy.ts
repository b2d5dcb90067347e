/**
 * What security adds to a datagram, byte by byte, read off the datagram itself. What stands there
 * without security, too, is not listed: header, path, payload and its marker.
 */
import { CborReader } from "../../modules/cbor/reader.js";
import { findCountersigned, passBytes } from "../../modules/cose/countersigned.js";
import { HEADER_BYTES } from "../../modules/dtls/record.js";
import { OscoreOption } from "../../modules/oscore/option.js";
import { Outer } from "../../modules/oscore/outer.js";
import type { Variant } from "./variants.js";

export interface Part {
  readonly name: string;
  readonly bytes: number;
}

const COAP_HEADER_BYTES = 4;
const SIGNATURE_BYTES = 64;
/** {7: [h'a10127', {}, …]} and the head of the signature. */
const COUNTERSIGNATURE_FRAME_BYTES = 10;
const OPTION_OSCORE = 9;
const OPTION_APP_GROUP = 65001;
const RECORD_PARTS: readonly Part[] = Object.freeze([
  { name: "type", bytes: 1 },
  { name: "version", bytes: 2 },
  { name: "epoch", bytes: 2 },
  { name: "sequence number", bytes: 6 },
  { name: "length", bytes: 2 },
]);
const EXPLICIT_NONCE_BYTES = 8;

/** `plain` is the same message unprotected. Throws an Error on a datagram it cannot be. */
export function anatomyOf(variant: Variant, datagram: Uint8Array, plain: Uint8Array): Part[] {
  const parts = dissect(variant, datagram, plain.length);
  return parts.filter(({ bytes }) => bytes !== 0);
}

export function total(parts: readonly Part[]): number {
  return parts.reduce((sum, { bytes }) => sum + bytes, 0);
}

function dissect(variant: Variant, datagram: Uint8Array, plainBytes: number): Part[] {
  if (variant.profile.layer === "record") return recordParts(variant, datagram, plainBytes);
  const outer = new Outer();
  if (!outer.scan(datagram) || outer.hasOthers) throw new Error(`${variant.name}: not its message`);
  const inside = plainBytes - COAP_HEADER_BYTES;
  return variant.profile.name === "oscoap-00"
    ? objectParts(variant, outer, inside)
    : optionParts(variant, outer, inside);
}

/** A DTLS record around the whole datagram. */
function recordParts({ name }: Variant, datagram: Uint8Array, plainBytes: number): Part[] {
  const rest = datagram.length - HEADER_BYTES - plainBytes;
  const isCcm = name.endsWith("CCM");
  const number = { name: "explicit nonce", bytes: isCcm ? EXPLICIT_NONCE_BYTES : 0 };
  return [...RECORD_PARTS, number, { name: isCcm ? "tag" : "MAC", bytes: rest - number.bytes }];
}

/** An OSCORE option, perhaps with the signature inside or at the end of the payload. */
function optionParts(variant: Variant, outer: Outer, inside: number): Part[] {
  const { bytes, oscoreStart, oscoreLength, appGroupStart, appGroupLength } = outer;
  const value = bytes.subarray(oscoreStart, oscoreStart + oscoreLength);
  const signed = variant.profile.proof === "member" && variant.pairwise !== true;
  // Era drafts: between Gid and kid; RFC 10021: behind the ciphertext.
  const isInOption = signed && oscoreLength > SIGNATURE_BYTES;
  const option = new OscoreOption();
  if (!option.parse(value, 0, value.length, isInOption ? SIGNATURE_BYTES : 0)) {
    throw new Error(`${variant.name}: an option of our own making`);
  }
  const hasContext = option.contextLength > 0;
  const sealed = bytes.length - outer.payloadStart - (signed && !isInOption ? SIGNATURE_BYTES : 0);
  const appGroup = appGroupStart < 0 ? 0 : headBytes(OPTION_APP_GROUP - OPTION_OSCORE, 1);
  return [
    { name: "option header", bytes: headBytes(OPTION_OSCORE, oscoreLength) },
    { name: "flags", bytes: 1 },
    { name: "piv", bytes: option.pivLength },
    { name: "s", bytes: hasContext ? 1 : 0 },
    { name: variant.profile.name === "lowlatency" ? "key id" : "gid", bytes: option.contextLength },
    { name: "kid", bytes: option.kidLength },
    { name: "Application-Group-Id", bytes: appGroup + appGroupLength },
    { name: "marker", bytes: 1 },
    { name: "code", bytes: 1 },
    { name: "tag", bytes: sealed - inside - 1 },
    { name: "signature", bytes: signed ? SIGNATURE_BYTES : 0 },
  ];
}

/** RFC 7252 §3.1: delta and length, both extended from 13 on, and again from 269 on. */
function headBytes(delta: number, length: number): number {
  const extension = (value: number) => (value > 268 ? 2 : value > 12 ? 1 : 0);
  return 1 + extension(delta) + extension(length);
}

/** A whole COSE object as the payload; the code stays outside. */
function objectParts({ name }: Variant, outer: Outer, inside: number): Part[] {
  const { bytes, payloadStart } = outer;
  const object = findCountersigned(bytes, payloadStart, bytes.length);
  if (object === undefined) throw new Error(`${name}: not its object`);
  const { protectedStart, protectedEnd, signatureEnd, ciphertextStart, ciphertextEnd } = object;
  const reader = new CborReader(bytes, protectedStart, protectedEnd);
  reader.map();
  const labelled = () => {
    const start = reader.pos;
    reader.int();
    reader.pos = passBytes(reader) + reader.argument;
    return reader.pos - start;
  };
  const [cid, piv, sid] = [labelled(), labelled(), labelled()];
  return [
    { name: "option header", bytes: headBytes(OPTION_OSCORE, 0) },
    { name: "marker", bytes: 1 },
    { name: "COSE array", bytes: 1 },
    { name: "protected header", bytes: protectedEnd - payloadStart - 1 - cid - piv - sid },
    { name: "Cid with label", bytes: cid },
    { name: "piv with label", bytes: piv },
    { name: "sid with label", bytes: sid },
    { name: "countersignature header", bytes: COUNTERSIGNATURE_FRAME_BYTES },
    { name: "signature", bytes: SIGNATURE_BYTES },
    { name: "ciphertext header", bytes: ciphertextStart - signatureEnd },
    { name: "tag", bytes: ciphertextEnd - ciphertextStart - inside },
  ];
}
