/**
 * CRC-32 as in IEEE 802.3 and zlib (reflected polynomial 0xEDB88320), by a table of 256 words: half the
 * table reads of the nibble form, and reading a typed array is what costs on XS. The table is constant, so
 * preloading puts its 1 KB into read-only memory.
 *
 * Loops that see each byte anyway inline the step: `crc = CRC_TABLE[(crc ^ byte) & 0xff] ^ (crc >>> 8)`.
 */
export const CRC_TABLE: Int32Array = makeTable();

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

function makeTable(): Int32Array {
  const table = new Int32Array(256);
  for (let i = 0; i < 256; i++) {
    let word = i;
    for (let bit = 0; bit < 8; bit++)
      word = (word & 1) === 0 ? word >>> 1 : (word >>> 1) ^ 0xedb88320;
    table[i] = word;
  }
  return table;
}
