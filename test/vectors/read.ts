/** How the files write numbers, codes and message types. */

export const TYPES: readonly string[] = Object.freeze(["CON", "NON", "ACK", "RST"]);

/** A decimal string, beyond 2^53 too, as a minimal big-endian integer. */
export function minimal(decimal: string): Uint8Array {
  let rest = BigInt(decimal);
  const bytes: number[] = [];
  do {
    bytes.unshift(Number(rest % BigInt(256)));
    rest /= BigInt(256);
  } while (rest > 0);
  return Uint8Array.from(bytes);
}

/** "0.03" as a byte. */
export function code(text: string): number {
  const [high, low] = text.split(".");
  return Number(high) * 32 + Number(low);
}
