/**
 * Who is on the devices' network: fresh ones that are open, others that answer level 0, and what
 * announces itself by DNS-SD. All of it in the clear: it proves nothing of anybody.
 */
import { createSocket } from "node:dgram";
import type { Rows } from "../../modules/authority/ledger.js";
import { applications, devices } from "../../modules/authority/records.js";
import { equalBytes } from "../../modules/bytes/equal.js";
import { toHex } from "../../modules/bytes/hex.js";
import { fromUtf8 } from "../../modules/bytes/utf8.js";
import { decodeList } from "../../modules/cbor/containers.js";
import { emitMessage, NON, type Option, parseMessage } from "../../modules/coap/message.js";
import { addPath, GET } from "../../modules/coap/options.js";
import { formatIpv6, parseIpv6 } from "../installation/address.js";
import { random } from "./authority.js";
import type { DevicePlace } from "./device-side.js";
import { type Announced, AUTHORITY, BORDER_ROUTER, lookFor } from "./dns-sd.js";
import { Fault } from "./fault.js";
import { networkOf } from "./interfaces.js";
import { ALL_COAP_NODES, type Found, foundIn, PLAIN_PORT } from "./seek.js";

export interface ScanArgs {
  /** Undefined: that of the authority that runs. */
  readonly network?: string | undefined;
  readonly seconds: number;
}

export interface Scanned {
  readonly fresh: readonly { readonly eui64: string; readonly role: string }[];
  /** `name`: of a device that was last seen at this address. */
  readonly devices: readonly { readonly address: string; readonly name: string | null }[];
  readonly authorities: readonly Announced[];
  readonly borderRouters: readonly Announced[];
}

interface Asked {
  readonly address: string;
  readonly port: number;
}

const TOKEN_BYTES = 4;
const FOUND_MAX = 1024;
const PORT_BYTES = 2;

export async function scan(place: DevicePlace, args: ScanArgs): Promise<Scanned> {
  const { authority, running } = place;
  const network = args.network ?? running?.side?.network();
  if (network === undefined) {
    throw new Fault("on which network? lumicast scan --interface NAME");
  }
  networkOf({ address: "::", network });
  const ms = args.seconds * 1000;
  const [heard, services] = await Promise.all([
    answersOn(network, await authority.read(placesOf), ms),
    lookFor(network, [AUTHORITY, BORDER_ROUTER], ms),
  ]);
  const names = await authority.read(namesByAddress);
  const of = (wanted: string) =>
    services
      .filter(({ type }) => type === wanted)
      .map(({ name, address, port, about }) => ({ name, address, port, about }));
  return {
    fresh: heard.fresh.map(({ eui64, role }) => ({ eui64, role })),
    devices: heard.others.map((address) => ({ address, name: names.get(address) ?? null })),
    authorities: of(AUTHORITY),
    borderRouters: of(BORDER_ROUTER),
  };
}

/** To one question to all CoAP nodes (RFC 7252 §8.2), spread over the leisure of each. */
async function answersOn(network: string, places: readonly Asked[], ms: number) {
  const socket = createSocket({ type: "udp6", ipv6Only: true });
  const token = new Uint8Array(TOKEN_BYTES);
  random.fill(token);
  const fresh = new Map<string, Found>();
  const others = new Set<string>();
  socket.on("error", () => {});
  socket.on("message", (message, { address }) => {
    const at = parseIpv6(address.split("%")[0]);
    const bytes = new Uint8Array(message);
    const parsed = parseMessage(bytes);
    const isOurs = parsed.ok && equalBytes(parsed.value.token, token);
    if (at === undefined || !isOurs || fresh.size + others.size >= FOUND_MAX) return;
    const found = foundIn(bytes, { at, token });
    const text = fromUtf8(parsed.value.payload ?? new Uint8Array(0)) ?? "";
    if (found !== undefined) fresh.set(found.eui64, found);
    else if (text.startsWith("<")) others.add(formatIpv6(at));
  });
  await new Promise<void>((resolve) => socket.bind(0, resolve));
  socket.setMulticastInterface(`::%${network}`);
  const options: Option[] = [];
  addPath(options, "/.well-known/core");
  for (const [mid, { address, port }] of places.entries()) {
    const ask = { type: NON, code: GET, mid, token, options, payload: undefined } as const;
    socket.send(emitMessage(ask), port, `${address}%${network}`, () => {});
  }
  await new Promise((resolve) => setTimeout(resolve, ms));
  socket.close();
  return { fresh: [...fresh.values()], others: [...others] };
}

/** Where devices listen: fresh ones to all CoAP nodes of the link, others to their groups. */
function placesOf(rows: Rows): Asked[] {
  const groups = applications.keys(rows).map((key) => applications.need(rows, key));
  const own = groups.map(({ address, port }) => ({ address: formatIpv6(address), port }));
  return [{ address: formatIpv6(Uint8Array.from(ALL_COAP_NODES)), port: PLAIN_PORT }, ...own];
}

/** Where devices were when they got their keys. */
function namesByAddress(rows: Rows): Map<string, string> {
  const all = rows.keys("place", "").flatMap((client) => {
    const value = rows.get("place", client);
    const [, at] = (value && decodeList(value)) ?? [];
    const key = rows.get("client", client);
    const device = key && devices.get(rows, toHex(key));
    if (!(at instanceof Uint8Array) || !device || device.isLost) return [];
    return [[formatIpv6(at.slice(0, at.length - PORT_BYTES)), device.name] as const];
  });
  return new Map(all);
}
