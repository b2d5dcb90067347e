/** X.509 certificates made by a test, as good or as bad as it wants them. */
import { concat } from "../../modules/bytes/concat.js";
import { fromHex } from "../../modules/bytes/hex.js";
import { utf8 } from "../../modules/bytes/utf8.js";
import { NobleP256 } from "../../modules/crypto/noble-p256.js";
import { derSignature, publicKeyInfo } from "../../modules/dtls/der.js";
import type { P256KeyPair } from "../../modules/ports/crypto.js";

/** A key pair for each number. */
export function keyPair(number: number): P256KeyPair {
  return new NobleP256().keyPair(new Uint8Array(32).fill(number));
}

/** Tag, length in its shortest form, content. */
export function der(tag: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const content = concat(...parts);
  const { length } = content;
  const head =
    length < 128
      ? [tag, length]
      : length < 256
        ? [tag, 0x81, length]
        : [tag, 0x82, length >> 8, length & 255];
  return concat(Uint8Array.from(head), content);
}

const ECDSA = "300a06082a8648ce3d040302";

function nameOf(text: string): Uint8Array {
  const attribute = der(0x30, fromHex("0603550403"), der(0x0c, utf8(text)));
  return der(0x30, der(0x31, attribute));
}

/** One extension: its object identifier and its value, in hex. */
export function extension(id: string, value: string, isCritical = false): Uint8Array {
  const critical = isCritical ? fromHex("0101ff") : new Uint8Array(0);
  return der(0x30, der(0x06, fromHex(id)), critical, der(0x04, fromHex(value)));
}

export const AUTHORITY = extension("551d13", "30030101ff", true);

export interface Wanted {
  readonly subject: string;
  readonly issuer: string;
  readonly key: P256KeyPair;
  readonly by: P256KeyPair;
  readonly extensions?: readonly Uint8Array[];
  /** UTCTime, 13 characters each. */
  readonly from?: string;
  readonly to?: string;
}

/** In DER. Valid from 2026 to 2036 unless said otherwise. */
export function certificateOf(wanted: Wanted): Uint8Array {
  const { subject, issuer, key, by, extensions = [] } = wanted;
  const { from = "260101000000Z", to = "360101000000Z" } = wanted;
  const times = [der(0x17, utf8(from)), der(0x17, utf8(to))];
  const body = der(
    0x30,
    ...[fromHex("a003020102"), fromHex("020107"), fromHex(ECDSA), nameOf(issuer)],
    ...[der(0x30, ...times), nameOf(subject), publicKeyInfo(key.publicKey)],
    ...(extensions.length === 0 ? [] : [der(0xa3, der(0x30, ...extensions))]),
  );
  const signature = der(0x03, fromHex("00"), derSignature(by.sign(body)));
  return der(0x30, body, fromHex(ECDSA), signature);
}
