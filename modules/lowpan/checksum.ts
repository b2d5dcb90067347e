/**
 * The UDP checksum over the IPv6 pseudo header (RFC 8200 §8.1, RFC 1071). Partial sums are plain
 * numbers, folded at the end: 1280 bytes stay below 2^26.
 */

/**
 * Sum of the big-endian 16-bit words from `start` to `end`; an odd last byte is padded with zero.
 */
export function sumBytes(bytes: Uint8Array, start: number, end: number): number {
  let sum = 0;
  let i = start;
  // Eight at a time: on XS the loop itself costs as much as the reads.
  for (; i + 7 < end; i += 8) {
    const upper = bytes[i] + bytes[i + 2] + bytes[i + 4] + bytes[i + 6];
    const lower = bytes[i + 1] + bytes[i + 3] + bytes[i + 5] + bytes[i + 7];
    sum += upper * 256 + lower;
  }
  for (; i + 1 < end; i += 2) sum += (bytes[i] << 8) + bytes[i + 1];
  return i < end ? sum + (bytes[i] << 8) : sum;
}

/** Ones' complement sum in 16 bits. */
export function fold(sum: number): number {
  let rest = sum;
  while (rest > 0xffff) rest = (rest % 65536) + Math.floor(rest / 65536);
  return rest;
}

/** What goes into the header for a sum of all the rest; 0 is sent as its equal 0xffff (RFC 768). */
export function checksumOf(sum: number): number {
  const value = 0xffff - fold(sum);
  return value === 0 ? 0xffff : value;
}

/**
 * Sum of everything the checksum covers but itself. `addresses` is the sum of both IPv6
 * addresses. The length stands in the pseudo header and in the UDP header; 17 is the next header.
 */
export function udpSum(
  header: { readonly sourcePort: number; readonly destinationPort: number },
  addresses: number,
  payload: Uint8Array,
): number {
  const lengths = 2 * (8 + payload.length);
  const rest = sumBytes(payload, 0, payload.length);
  return addresses + lengths + 17 + header.sourcePort + header.destinationPort + rest;
}
