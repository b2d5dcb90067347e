/**
 * CRC-32 as in IEEE 802.3 and zlib (reflected polynomial 0xEDB88320), by a table of 256 words: half
 * the steps of the nibble form. A plain array, for XS reads one twice as fast as a typed one; it is
 * constant, so preloading puts it into read-only memory.
 *
 * Loops that see each byte anyway inline the step: `crc = CRC_TABLE[(crc ^ byte) & 0xff] ^ (crc >>>
 * 8)`.
 */
export const CRC_TABLE: readonly number[] = Object.freeze(makeTable());

/** Register before the first byte. */
export const CRC_START = -1;

/** The register after `length` more bytes. Its complement is the checksum. */
export function crcStep(crc: number, bytes: Uint8Array, start: number, length: number): number {
  const end = start + length;
  let register = crc;
  for (let i = start; i < end; i++) {
    register = CRC_TABLE[(register ^ bytes[i]) & 0xff] ^ (register >>> 8);
  }
  return register;
}

function makeTable(): number[] {
  const table: number[] = [];
  for (let i = 0; i < 256; i++) {
    let word = i;
    for (let bit = 0; bit < 8; bit++) {
      word = (word & 1) === 0 ? word >>> 1 : (word >>> 1) ^ 0xedb88320;
    }
    // Signed: XS keeps 32 bits as an integer, above that as a float.
    table.push(word | 0);
  }
  return table;
}
