/** IPv6 addresses between text and bytes, for files and people. */
import { isIPv6 } from "node:net";
import { formatIpv6 } from "../../modules/coap/uri.js";

export { formatIpv6 };

/**
 * 16 bytes, or undefined when the text is no IPv6 address (a zone is refused: it means nothing
 * elsewhere).
 */
export function parseIpv6(text: string): Uint8Array | undefined {
  if (!isIPv6(text) || text.includes("%") || text.includes(".")) return undefined;
  const [head, tail] = text.split("::");
  const left = groups(head);
  const right = tail === undefined ? [] : groups(tail);
  const zeros = new Array<number>(8 - left.length - right.length).fill(0);
  const bytes = new Uint8Array(16);
  [...left, ...zeros, ...right].forEach((group, index) => {
    bytes[2 * index] = group >> 8;
    bytes[2 * index + 1] = group & 0xff;
  });
  return bytes;
}

function groups(text: string): number[] {
  return text === "" ? [] : text.split(":").map((group) => Number.parseInt(group, 16));
}

/**
 * The 8 bytes of a /64, or undefined. `fd00::/64` and `fd00:1:2:3::/64` are prefixes; fd00::1/64 is
 * not.
 */
export function parsePrefix(text: string): Uint8Array | undefined {
  if (!text.endsWith("/64")) return undefined;
  const bytes = parseIpv6(text.slice(0, -"/64".length));
  if (bytes === undefined || bytes.slice(8).some((byte) => byte !== 0)) return undefined;
  return bytes.slice(0, 8);
}

export function formatPrefix(prefix: Uint8Array): string {
  const bytes = new Uint8Array(16);
  bytes.set(prefix);
  return `${formatIpv6(bytes)}/64`;
}
