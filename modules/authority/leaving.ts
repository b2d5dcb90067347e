/**
 * A KDC that leaves: its word to each member for the one that follows (modules/groups/trusted.ts),
 * with a new secret of each. Written down before any member hears of it: who is told of a KDC that
 * does not know him has nobody. Told until each has said that he follows; his secret is forgotten
 * here then.
 */
import { EMPTY_DELIVERY, emitDelivery } from "../access/delivery.js";
import { equalBytes } from "../bytes/equal.js";
import { fromHex, toHex } from "../bytes/hex.js";
import type { EnvelopeKey } from "../cose/envelope.js";
import { emitHandOver } from "../groups/trust.js";
import type { Center } from "./center.js";
import type { Rows } from "./ledger.js";
import { draw } from "./material.js";
import {
  clientIn,
  type Leaving,
  latestOf,
  leavings,
  members,
  pushes,
  type Successor,
  successors,
} from "./records.js";

export const TO = "to";
export const CLIENT = "client/";
const PSK_BYTES = 16;
const NONCE_BYTES = 13;

/** How often a device was handed over. */
export function handedCounter(credential: Uint8Array): string {
  return `handed/${toHex(credential)}`;
}

/** Who a client goes with, and how often it went; undefined for one that is gone already. */
export function leavingOf(
  rows: Rows,
  { random }: Pick<Center, "random">,
  { client, credential }: { client: string; credential: Uint8Array },
): Leaving | undefined {
  const place = `${CLIENT}${client}`;
  const known = leavings.get(rows, place);
  if (known?.isDone === true) return undefined;
  const count = latestOf(rows, handedCounter(credential), 0) + 1;
  const leaving = known ?? { psk: draw(random, PSK_BYTES), count, isDone: false };
  leavings.put(rows, place, leaving);
  return leaving;
}

/** Everybody who is in a group, in hex. */
export function clientsIn(rows: Rows): string[] {
  return [...new Set(members.keys(rows).map((key) => clientIn(key)))].sort();
}

/** Client ids, in hex, of members that have to hear of it. */
export function leavingIn(rows: Rows): string[] {
  if (successors.get(rows, TO)?.isBegun !== true) return [];
  const all = new Set(clientsIn(rows));
  const left = leavings.keys(rows, CLIENT).filter((key) => !leavings.need(rows, key).isDone);
  return left.map((key) => key.slice(CLIENT.length)).filter((client) => all.has(client));
}

/** The KDC that a member follows by now. */
export function followedBy(rows: Rows, clientId: Uint8Array): string | undefined {
  const isDone = leavings.get(rows, `${CLIENT}${toHex(clientId)}`)?.isDone === true;
  return isDone ? successors.need(rows, TO).issuer : undefined;
}

/** Body of the push that tells a member, over the channel whose key is `under`. */
export function handOverFor(
  rows: Rows,
  center: Center,
  { clientId, id, under }: { clientId: Uint8Array; id: string; under: EnvelopeKey },
): Uint8Array | undefined {
  const client = toHex(clientId);
  if (!leavingIn(rows).includes(client)) return undefined;
  const to = successors.need(rows, TO);
  const { psk, count } = leavings.need(rows, `${CLIENT}${client}`);
  const { issuer, kid, publicKey, audience } = to;
  const handOver = emitHandOver(center.crypto, center, {
    trusted: { issuer, kid, publicKey, audience },
    count,
    channel: {
      identity: fromHex(id),
      psk,
      center: { address: to.address, port: to.port },
      server: { address: to.serverAddress, port: to.serverPort },
    },
    sealed: { under, nonce: draw(center.random, NONCE_BYTES) },
  });
  return emitDelivery({ ...EMPTY_DELIVERY, handOver });
}

/** It follows: what waits for it here is nothing to it any more. */
export function noteFollowed(rows: Rows, clientId: Uint8Array): void {
  const client = toHex(clientId);
  const place = `${CLIENT}${client}`;
  const psk = new Uint8Array(0);
  leavings.put(rows, place, { ...leavings.need(rows, place), psk, isDone: true });
  for (const key of pushes.keys(rows)) {
    if (clientIn(key) === client) pushes.delete(rows, key);
  }
}

export function isSameKdc(a: Successor, b: Successor): boolean {
  return a.issuer === b.issuer && equalBytes(a.publicKey, b.publicKey);
}
