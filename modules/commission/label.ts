/**
 * The label on a device: 128 bits of chance that let whoever can read them take it over, once its
 * window is open. As QR text for a camera, and as a code for fingers, with a check that tells a
 * slip before it costs one of the guesses.
 *
 * The printed secret L_0 must not lie in the flash of a device that hangs on the wall, and has to
 * join it again after a reset, for the label is all that there is then. So it is used up step by
 * step: what proves a join is derived from L_n, and with the join the device replaces that by
 * L_(n+1), from which there is no way back; who has the label makes the same steps.
 *
 *   L_(n+1) = HKDF(salt = EUI-64, L_n, "lumicast label", 16)
 *   PSK_n   = HKDF(salt = EUI-64, L_n, "lumicast join", 16), identity "label n"
 */
import { toHex } from "../bytes/hex.js";
import { utf8 } from "../bytes/utf8.js";
import type { Crypto } from "../ports/crypto.js";

export const LABEL_BYTES = 16;
/** More joins of one device than a lamp's life has; who claims more wastes our time. */
export const LABELS_MAX = 1000;

const PSK_BYTES = 16;
const PREFIX = "LUMICAST:1:";
/** Crockford's base 32: no I, L, O, U. */
const SYMBOLS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const SYMBOL_BITS = 5;
const BYTE_BITS = 8;
/** 128 bits, and two of nothing. */
const SECRET_SYMBOLS = 26;
const CHECK_SYMBOLS = 2;
const GROUP_SYMBOLS = 4;

/** What joins the device that has used `label` for nothing yet. */
export interface JoinKey {
  readonly identity: Uint8Array;
  readonly key: Uint8Array;
}

/** Of L_n; `n` is how many labels were used before. */
export function joinKey(
  crypto: Crypto,
  { eui64, label, n }: { eui64: Uint8Array; label: Uint8Array; n: number },
): JoinKey {
  return { identity: utf8(`label ${n}`), key: derived(crypto, eui64, label, "lumicast join") };
}

/** L_(n+1) of L_n. */
export function nextLabel(crypto: Crypto, eui64: Uint8Array, label: Uint8Array): Uint8Array {
  return derived(crypto, eui64, label, "lumicast label");
}

/** L_n of the printed L_0; undefined for an n that no device has. */
export function labelAfter(
  crypto: Crypto,
  eui64: Uint8Array,
  { printed, n }: { printed: Uint8Array; n: number },
): Uint8Array | undefined {
  const isPossible = Number.isInteger(n) && n >= 0 && n <= LABELS_MAX;
  if (!isPossible) return undefined; // check: label-steps
  let label: Uint8Array = printed.slice();
  for (let i = 0; i < n; i++) {
    const next = nextLabel(crypto, eui64, label);
    label.fill(0);
    label = next;
  }
  return label;
}

function derived(crypto: Crypto, salt: Uint8Array, label: Uint8Array, info: string): Uint8Array {
  return crypto.hkdf({ salt, secret: label, info: utf8(info), length: PSK_BYTES });
}

/** For fingers: "8Z2K-…", seven groups of four. */
export function labelCode(crypto: Crypto, printed: Uint8Array): string {
  const symbols = symbolsOf(printed) + checkOf(crypto, printed);
  const groups: string[] = [];
  for (let at = 0; at < symbols.length; at += GROUP_SYMBOLS) {
    groups.push(symbols.slice(at, at + GROUP_SYMBOLS));
  }
  return groups.join("-");
}

/** For a camera. */
export function labelText(crypto: Crypto, eui64: Uint8Array, printed: Uint8Array): string {
  const code = labelCode(crypto, printed).replaceAll("-", "");
  return `${PREFIX}${toHex(eui64)}:${code}`;
}

export type ParsedLabel =
  | {
      readonly ok: true;
      readonly printed: Uint8Array;
      /** In hex, where the text tells it. */
      readonly eui64: string | undefined;
    }
  | { readonly ok: false; readonly why: string };

/**
 * What somebody typed or scanned: a code, or the whole text of a QR code. Spaces, hyphens and case
 * mean nothing; O is 0, and I and L are 1. `why` says what to look at, for a person.
 */
export function parseLabel(crypto: Pick<Crypto, "sha256">, said: string): ParsedLabel {
  const text = said.trim().toUpperCase();
  const isScanned = text.startsWith(PREFIX);
  const [eui64, rest] = isScanned ? text.slice(PREFIX.length).split(":") : [undefined, text];
  if (isScanned && !/^[0-9A-F]{16}$/.test(eui64 ?? "")) return refused("its EUI-64 is damaged");
  const code = (rest ?? "").replace(/[\s-]/g, "").replace(/O/g, "0").replace(/[IL]/g, "1");
  const foreign = [...code].find((symbol) => !SYMBOLS.includes(symbol));
  if (foreign !== undefined) return refused(`"${foreign}" is not on any label`);
  const wanted = SECRET_SYMBOLS + CHECK_SYMBOLS;
  if (code.length !== wanted) {
    return refused(`it has ${code.length} characters, a label has ${wanted}`);
  }
  const printed = bytesOf(code.slice(0, SECRET_SYMBOLS));
  const isRight =
    symbolsOf(printed) === code.slice(0, SECRET_SYMBOLS) &&
    checkOf(crypto, printed) === code.slice(SECRET_SYMBOLS);
  if (!isRight) return refused("a character is wrong"); // check: label-check
  return { ok: true, printed, eui64: eui64?.toLowerCase() };
}

function refused(why: string): ParsedLabel {
  return { ok: false, why: `${why}; look at the label again` };
}

/** From the first bit on; the last symbol is filled with zeros. */
function symbolsOf(bytes: Uint8Array): string {
  let text = "";
  let held = 0;
  let bits = 0;
  for (const byte of bytes) {
    held = (held << BYTE_BITS) | byte;
    bits += BYTE_BITS;
    while (bits >= SYMBOL_BITS) {
      bits -= SYMBOL_BITS;
      text += SYMBOLS[held >> bits];
      held &= (1 << bits) - 1;
    }
  }
  return bits === 0 ? text : text + SYMBOLS[held << (SYMBOL_BITS - bits)];
}

function bytesOf(symbols: string): Uint8Array {
  const bytes = new Uint8Array(LABEL_BYTES);
  let at = 0;
  let held = 0;
  let bits = 0;
  for (const symbol of symbols) {
    held = (held << SYMBOL_BITS) | SYMBOLS.indexOf(symbol);
    bits += SYMBOL_BITS;
    if (bits < BYTE_BITS) continue;
    bits -= BYTE_BITS;
    bytes[at++] = held >> bits;
    held &= (1 << bits) - 1;
  }
  return bytes;
}

/** The first ten bits of its SHA-256: one slip in 1,024 goes unseen, and costs a guess. */
function checkOf(crypto: Pick<Crypto, "sha256">, printed: Uint8Array): string {
  return symbolsOf(crypto.sha256(printed).subarray(0, 2)).slice(0, CHECK_SYMBOLS);
}
