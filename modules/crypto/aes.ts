/**
 * AES-128, encryption only (FIPS 197): all that CCM needs, for hosts and tests.
 *
 * One table of 256 words, computed when the object is made: module-level scratch would lie in ROM
 * on a device, and four tables would quadruple the 1 KB. Table look-ups depend on key and data, so
 * the time does too: devices use the native one (ARCHITECTURE.md decision 1).
 */

const ROUNDS = 10;

/** Tables that every key shares; 1.3 KB. */
export class AesTables {
  readonly sbox = new Uint8Array(256);
  /**
   * S-box and MixColumns in one word: 2s ‖ s ‖ s ‖ 3s. Signed: Int32Array is the fast one on XS.
   */
  readonly mix = new Int32Array(256);

  constructor() {
    // p runs through the field by powers of 3, q by powers of 1/3: q is always the inverse of p.
    let p = 1;
    let q = 1;
    do {
      p = p ^ double(p);
      q ^= q << 1;
      q ^= q << 2;
      q ^= q << 4;
      q &= 255;
      if (q & 0x80) q ^= 9;
      this.#enter(p, q);
    } while (p !== 1);
    this.#enter(0, 0);
  }

  #enter(value: number, inverse: number): void {
    let s = inverse;
    for (let turn = 1; turn < 5; turn++) {
      s ^= ((inverse << turn) | (inverse >> (8 - turn))) & 255;
    }
    s ^= 0x63;
    this.sbox[value] = s;
    const twice = double(s);
    this.mix[value] = (twice << 24) | (s << 16) | (s << 8) | (twice ^ s);
  }
}

/** Times x in GF(2^8) modulo x^8 + x^4 + x^3 + x + 1. */
function double(value: number): number {
  return ((value << 1) ^ ((value >> 7) * 0x11b)) & 255;
}

/** One expanded key. */
export class Aes128 {
  readonly #tables: AesTables;
  readonly #schedule = new Int32Array(4 * (ROUNDS + 1));

  /** Copies what it needs of `raw` (16 bytes). */
  constructor(tables: AesTables, raw: Uint8Array) {
    this.#tables = tables;
    const { sbox } = tables;
    const words = this.#schedule;
    for (let i = 0; i < 4; i++) words[i] = word(raw, i * 4);
    let constant = 1;
    for (let i = 4; i < words.length; i++) {
      let next = words[i - 1];
      if (i % 4 === 0) {
        next = substituted(sbox, (next << 8) | (next >>> 24)) ^ (constant << 24);
        constant = double(constant);
      }
      words[i] = words[i - 4] ^ next;
    }
  }

  /** Encrypts the 16 bytes of `block` in place. */
  encrypt(block: Uint8Array): void {
    const keys = this.#schedule;
    const { mix, sbox } = this.#tables;
    let a = word(block, 0) ^ keys[0];
    let b = word(block, 4) ^ keys[1];
    let c = word(block, 8) ^ keys[2];
    let d = word(block, 12) ^ keys[3];
    let at = 4;
    for (let round = 1; round < ROUNDS; round++) {
      const e = column(mix, a, b, c, d) ^ keys[at];
      const f = column(mix, b, c, d, a) ^ keys[at + 1];
      const g = column(mix, c, d, a, b) ^ keys[at + 2];
      d = column(mix, d, a, b, c) ^ keys[at + 3];
      a = e;
      b = f;
      c = g;
      at += 4;
    }
    put(block, 0, last(sbox, a, b, c, d) ^ keys[at]);
    put(block, 4, last(sbox, b, c, d, a) ^ keys[at + 1]);
    put(block, 8, last(sbox, c, d, a, b) ^ keys[at + 2]);
    put(block, 12, last(sbox, d, a, b, c) ^ keys[at + 3]);
  }
}

/** SubBytes, ShiftRows and MixColumns of one column. */
function column(mix: Int32Array, a: number, b: number, c: number, d: number): number {
  const second = mix[(b >>> 16) & 255];
  const third = mix[(c >>> 8) & 255];
  const fourth = mix[d & 255];
  return (
    mix[a >>> 24] ^
    ((second >>> 8) | (second << 24)) ^
    ((third >>> 16) | (third << 16)) ^
    ((fourth >>> 24) | (fourth << 8))
  );
}

/** The last round has no MixColumns. */
function last(sbox: Uint8Array, a: number, b: number, c: number, d: number): number {
  return (
    (sbox[a >>> 24] << 24) |
    (sbox[(b >>> 16) & 255] << 16) |
    (sbox[(c >>> 8) & 255] << 8) |
    sbox[d & 255]
  );
}

function substituted(sbox: Uint8Array, value: number): number {
  return last(sbox, value, value, value, value);
}

function word(bytes: Uint8Array, at: number): number {
  return (bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3];
}

function put(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}
