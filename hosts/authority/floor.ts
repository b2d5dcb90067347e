/** Where devices hang, as people have said it on the page: metres on the floor plan. */
import type { Rows } from "../../modules/authority/ledger.js";
import { devices } from "../../modules/authority/records.js";
import { decode } from "../../modules/cbor/decode.js";
import { encode } from "../../modules/cbor/encode.js";
import type { Authority } from "./authority.js";
import { keyOf } from "./devices.js";

export interface OnFloor {
  readonly x: number;
  readonly y: number;
}

const MILLIMETRES = 1000;

export function placeDevice(
  authority: Authority,
  { device, x, y }: OnFloor & { device: string },
): Promise<{ device: string } & OnFloor> {
  return authority.decide(`device ${device} hangs at ${x} ${y}`, (rows) => {
    const eui64 = keyOf(rows, device);
    rows.put("floor", eui64, encode([Math.round(x * MILLIMETRES), Math.round(y * MILLIMETRES)]));
    return { device: devices.need(rows, eui64).name, x, y };
  });
}

/** By EUI-64 in hex. */
export function floorOf(rows: Rows): ReadonlyMap<string, OnFloor> {
  const all = rows.keys("floor", "").flatMap((eui64) => {
    const value = rows.get("floor", eui64);
    const decoded = value && decode(value);
    const [x, y] = decoded?.ok === true && Array.isArray(decoded.value) ? decoded.value : [];
    if (typeof x !== "number" || typeof y !== "number") return [];
    return [[eui64, { x: x / MILLIMETRES, y: y / MILLIMETRES }] as const];
  });
  return new Map(all);
}
