/**
 * Whether a network has been there all the time, as far as this computer tells: a text that is
 * another one when it was gone, or when something that came by multicast was dropped for want of
 * room.
 */
import { readFileSync } from "node:fs";
import { networkInterfaces } from "node:os";
import type { Endpoint } from "../../modules/ports/datagram.js";

/** Columns of /proc/net/udp6. */
const LOCAL = 1;
const DROPS = 12;
const WORD_BYTES = 4;

/** Undefined where it is not up, or has no IPv6. */
export function linkOf(network: string, places: readonly Endpoint[]): string | undefined {
  const sixes = (networkInterfaces()[network] ?? []).filter(({ family }) => family === "IPv6");
  if (sixes.length === 0) return undefined;
  // Of Linux; elsewhere an interface that is gone for less than a second is not noticed.
  const indexes = lines("/proc/net/if_inet6")
    .filter((fields) => fields.at(-1) === network)
    .map((fields) => fields[1]);
  const carrier = text(`/sys/class/net/${network}/carrier_changes`).trim();
  return [...new Set(indexes), carrier, dropsOf(text("/proc/net/udp6"), places)].join(" ");
}

/** Datagrams to these places that no program took. */
export function dropsOf(udp6: string, places: readonly Endpoint[]): number {
  const names = places.map(nameOf);
  return linesOf(udp6)
    .filter((fields) => names.includes(fields[LOCAL]))
    .reduce((sum, fields) => sum + Number(fields[DROPS]), 0);
}

/** As the kernel writes it: words of the machine's order. */
function nameOf({ address, port }: Endpoint): string {
  const view = new DataView(address.buffer, address.byteOffset, address.length);
  let name = "";
  for (let at = 0; at < address.length; at += WORD_BYTES) {
    name += hex(view.getUint32(at, isLittle()), 2 * WORD_BYTES);
  }
  return `${name}:${hex(port, 4)}`;
}

function isLittle(): boolean {
  return new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;
}

function hex(value: number, digits: number): string {
  return value.toString(16).toUpperCase().padStart(digits, "0");
}

function lines(path: string): string[][] {
  return linesOf(text(path));
}

function linesOf(content: string): string[][] {
  return content.split("\n").map((line) => line.trim().split(/\s+/));
}

function text(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
