/**
 * What can become of something a peer sent.
 *
 * Anything the network can cause is *returned* as an Outcome; only our own bugs throw. The reasons
 * are a closed list: the same words stand in the trace, the room view, the decoder and the
 * documents.
 */

/** Why an incoming datagram had no effect. Local knowledge: never sent to anybody. */
export const DROPS = [
  /** Not well-formed at some layer: header, option, COSE, CBOR, or contents after opening. */
  "malformed",
  /** No security association for the application group. */
  "unknownGroup",
  /** The key id names none, or more than one, of the group's security associations. */
  "unknownKey",
  /**
   * The sender is not in the group's table of members, or its credential is no key to be trusted.
   */
  "unknownMember",
  /** A record of an epoch that is over, or not begun yet. */
  "oldEpoch",
  /** The (sender, sequence number) was accepted before, or lies below the replay window. */
  "replayed",
  /** The AEAD tag does not verify: forged, damaged, or sent to another address or port. */
  "forged",
  /**
   * Genuine, but the sender's rights, the proof or the transport do not reach the resource's level.
   */
  "forbidden",
  /** Genuine, but older than the last command applied from this sender. */
  "outOfOrder",
  /** Genuine, but not shown to be fresh: the sender has to prove it first. */
  "notSynchronised",
  /** The group key's lifetime or message budget is over. */
  "expired",
  /** A table is full; the newcomer is dropped, nobody is evicted. */
  "tableFull",
  /** Flash refused the write that has to come before acting, or a counter is missing. */
  "storeFailed",
  /** A response nobody here asked for, or one more than was asked for. */
  "unsolicited",
  /** A retransmission of a CoAP message already handled. */
  "duplicate",
  /** No such resource or method, or a critical option that is not understood. */
  "unsupported",
  /** 6LoWPAN fragments that overlap, exceed their datagram, or never completed. */
  "fragment",
  /** A frame or datagram for another address, network or port. */
  "notForUs",
  /** The receive ring or a queue was full. */
  "overflow",
] as const;

export type Drop = (typeof DROPS)[number];

/** Remote input parsed or checked: a value, or the reason why there is none. */
export type Outcome<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly drop: Drop };

export function ok<T>(value: T): Outcome<T> {
  return { ok: true, value };
}

/** One shared object a reason: a datagram that is dropped must cost no memory. */
const DROPPED = Object.freeze(
  Object.fromEntries(DROPS.map((reason) => [reason, Object.freeze({ ok: false, drop: reason })])),
) as unknown as { readonly [reason in Drop]: { readonly ok: false; readonly drop: reason } };

export function drop<T = never>(reason: Drop): Outcome<T> {
  return DROPPED[reason];
}

/**
 * Who a verified message was shown to come from, and no more than that.
 * `group`: some holder of the group key; `member`: the one signer; `pairwise`: the one peer of a
 * two-party context made from group material. None of the three reaches beyond access level 2.
 * `channel`: a DTLS session or an RFC 8613 context of its own; no group material involved.
 */
export type Proof =
  | { readonly by: "group" }
  | { readonly by: "member"; readonly id: Uint8Array }
  | { readonly by: "pairwise"; readonly id: Uint8Array }
  | { readonly by: "channel"; readonly id: Uint8Array };
