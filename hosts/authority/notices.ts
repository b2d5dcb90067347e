/**
 * Revocations on their way from an Authorization Server to the Key Distribution Centers that are
 * programs of their own. Written down with the revocation itself, and kept until the KDC has said
 * that its own is durable: a KDC that is down hears of it when it is back.
 */

import type { Rows } from "../../modules/authority/ledger.js";
import { nextOf, numberKey } from "../../modules/authority/records.js";
import { encode } from "../../modules/cbor/encode.js";
import type { Authority } from "./authority.js";

/** Writes one for every KDC that is trusted; their names. */
export function addNotices(rows: Rows, { identity }: Authority, clientId: Uint8Array): string[] {
  if (identity.role !== "as") return [];
  const centers = identity.trusts.filter(({ role }) => role !== "as").map(({ name }) => name);
  for (const name of centers) {
    const number = nextOf(rows, "notice");
    rows.put("notice", `${name} ${numberKey(number)}`, encode([clientId]));
  }
  return centers;
}

/** Those that a KDC has not taken, oldest first: keys of rows and what they say. */
export function noticesFor(rows: Rows, name: string): { key: string; value: Uint8Array }[] {
  return rows.keys("notice", `${name} `).map((key) => {
    return { key, value: rows.get("notice", key) ?? new Uint8Array(0) };
  });
}
