/** Request URIs as text, where they are compared or authenticated (RFC 7252 §6.5). */
import type { Endpoint } from "../ports/datagram.js";
import type { Option } from "./message.js";
import { find, findUint, PROXY_SCHEME, URI_HOST, URI_PORT } from "./options.js";

const SCHEME = "coap";
const PORT = 5683;

/**
 * Scheme, host and port of a request that was sent to `to`, `coap://[ff15::1]`: from its options
 * Proxy-Scheme, Uri-Host and Uri-Port, else from its destination; the port unless it is 5683. An
 * IPv4 destination has 4 bytes.
 */
export function requestOrigin(options: readonly Option[], to: Endpoint): string {
  const scheme = find(options, PROXY_SCHEME);
  const host = find(options, URI_HOST);
  const port = findUint(options, URI_PORT) ?? to.port;
  const origin = `${scheme === undefined ? SCHEME : escaped(scheme)}://${
    host === undefined ? hostLiteral(to.address) : escaped(host)
  }`;
  return port === PORT ? origin : `${origin}:${port}`;
}

/** An IP address as it stands in a URI (RFC 3986 §3.2.2). */
export function hostLiteral(address: Uint8Array): string {
  return address.length === 16 ? `[${formatIpv6(address)}]` : address.join(".");
}

/** RFC 5952: lower case, no leading zeros, the longest run of two or more zero groups as "::". */
export function formatIpv6(bytes: Uint8Array): string {
  const words: number[] = [];
  for (let i = 0; i < 16; i += 2) words.push(bytes[i] * 256 + bytes[i + 1]);
  let best = { start: 0, length: 1 };
  for (let start = 0; start < 8; start++) {
    let length = 0;
    while (start + length < 8 && words[start + length] === 0) length += 1;
    if (length > best.length) best = { start, length };
  }
  const hex = words.map((word) => word.toString(16));
  if (best.length < 2) return hex.join(":");
  return `${hex.slice(0, best.start).join(":")}::${hex.slice(best.start + best.length).join(":")}`;
}

/** RFC 3986 §3.2.2, beside letters and digits: unreserved and sub-delims. */
const PLAIN = "-._~!$&'()*+,;=";
const HEX = "0123456789ABCDEF";

/**
 * A Uri-Host as it stands in a URI: an address in brackets as it is, else whatever no name may hold
 * percent-encoded (RFC 7252 §6.5). A colon too: or a host with a port in it would read like a host
 * and a port.
 */
function escaped(bytes: Uint8Array): string {
  const isAddress = bytes[0] === 0x5b && bytes[bytes.length - 1] === 0x5d;
  const parts: string[] = [];
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i];
    const char = String.fromCharCode(byte);
    const isBracket = i === 0 || i === bytes.length - 1;
    const isPlain = isAlphanumeric(byte) || PLAIN.includes(char);
    if (isPlain || (isAddress && (isBracket || char === ":"))) parts.push(char);
    else parts.push(`%${HEX[byte >> 4]}${HEX[byte & 15]}`);
  }
  return parts.join("");
}

function isAlphanumeric(byte: number): boolean {
  if (byte >= 0x30 && byte <= 0x39) return true;
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x7a;
}
