/**
 * What a session came from: it is no better than the long-term key behind it, and is over when that
 * one is taken away or replaced.
 */
import { concat } from "../bytes/concat.js";
import { equalBytes, equalConstantTime } from "../bytes/equal.js";
import { utf8 } from "../bytes/utf8.js";
import type { Crypto } from "../ports/crypto.js";
import type { Trust } from "./credentials.js";
import { BOUND_BYTES, type PeerIdentity, type Session } from "./session.js";

/** What a peer proved itself by. */
export interface Origin {
  readonly peer: PeerIdentity;
  /** The key of its identity; undefined: there is none, or none of that identity any more. */
  readonly psk: Uint8Array | undefined;
  readonly trust: Trust | undefined;
}

type Hmac = Pick<Crypto, "hmac">;

/**
 * Of the pre-shared key, or the certificates that the peer's chain may end in. By the session's own
 * secret: whoever reads it learns nothing about a key.
 */
export function boundTo(crypto: Hmac, master: Uint8Array, { peer, psk, trust }: Origin) {
  const anchors = peer.by === "certificate" ? (trust?.anchors ?? []) : [];
  const from = peer.by === "psk" && psk !== undefined ? [psk] : anchors;
  const data = concat(utf8(peer.by), ...from);
  const bound = crypto.hmac({ key: master, data }).slice(0, BOUND_BYTES);
  data.fill(0);
  return bound;
}

/** Whether what it came from still holds; `origin.peer` is the session's. */
export function isStillOf(crypto: Hmac, session: Session, origin: Origin): boolean {
  const { peer, psk, trust } = origin;
  if (peer.by === "psk" && psk === undefined) return false;
  const hasKey = peer.by !== "rawPublicKey" || trust?.rawKey?.(peer.publicKey) === true;
  if (!hasKey) return false; // check: resume-raw-key
  const isLate = peer.by === "certificate" && peer.untilSeconds < (trust?.nowSeconds?.() ?? 0);
  if (isLate) return false; // check: resume-validity
  const isUnknown = peer.by === "nothing" && trust !== undefined;
  if (isUnknown) return false; // check: resume-nothing
  const isSame = equalConstantTime(session.bound, boundTo(crypto, session.master, origin));
  if (!isSame) return false; // check: resume-bound
  return true;
}

/** The same for a client: `psk` is what it would show now. */
export function mayOffer(
  crypto: Hmac,
  session: Session,
  now: {
    readonly psk?: { readonly identity: Uint8Array; readonly key: Uint8Array };
    readonly trust?: Trust;
  },
): boolean {
  const { peer } = session;
  const { psk, trust } = now;
  const isOurs = peer.by === "psk" && psk !== undefined && equalBytes(peer.identity, psk.identity);
  return isStillOf(crypto, session, { peer, psk: isOurs ? psk.key : undefined, trust });
}
