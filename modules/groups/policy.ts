/**
 * What a security group's installation decides about its messages beyond the scheme: when
 * signatures are verified, how a sender's numbers are taken for fresh, and where keys of members
 * come from who are not known yet.
 *
 * A group that says nothing has no policy: every signature is verified before anything is done, and
 * a first contact is obeyed.
 */
import type { Endpoint } from "../ports/datagram.js";

/**
 * When a request's signature is verified (draft-tiloca-core-multicast-oscoap-04 Appendix E,
 * draft-ietf-core-oscore-groupcomm-02 Appendix F; RFC 10021 knows `always` only).
 * `defer`: after it was acted on, while nothing else is to be done. `changes`: before, when it
 * would change something; what changes nothing is acted on unverified.
 */
export type SignaturePolicy = "always" | "defer" | "changes";

/** By the numbers they have in provisioning. */
export const SIGNATURE_POLICIES: readonly SignaturePolicy[] = Object.freeze([
  "always",
  "defer",
  "changes",
]);

/**
 * How a server gets into step with a sender's numbers (draft -02 Appendix E, draft -04 Appendix D,
 * RFC 10021 §9, draft-tiloca-core-multicast-oscoap-00 §7.2): not at all, by dropping his first
 * message, or by asking him.
 */
export type SynchronisationPolicy = "bestEffort" | "baseline" | "challenge";

export const SYNCHRONISATION_POLICIES: readonly SynchronisationPolicy[] = Object.freeze([
  "bestEffort",
  "baseline",
  "challenge",
]);

/** Who knows the public keys of a group's members. */
export interface Repository extends Endpoint {
  /** Of the resource that answers RFC 9594 §4.4's question: "ace-group/hall/creds". */
  readonly path: string;
  /**
   * Security group of `oscore`, this device's and the repository's own: keys that came over
   * anything less would be anybody's choice.
   */
  readonly security: number;
}

export interface Policy {
  readonly signatures: SignaturePolicy;
  readonly synchronisation: SynchronisationPolicy;
  /** A sender who leaves out more numbers than this is asked, or dropped, anew. */
  readonly gapMax: number | undefined;
  /**
   * Servers that may challenge one sender at once. A server's own table of members does not say:
   * it lists those who command.
   */
  readonly listeners: number | undefined;
  readonly repository: Repository | undefined;
  /** Of `oscore`: contexts are derived from its keys, with random of both (RFC 8613 B.2). */
  readonly renegotiate?: boolean;
}

/** A policy that accepts what nobody verified: to be shown wherever the group is. */
export function acceptsUnverified(policy: Policy | undefined): boolean {
  return policy !== undefined && policy.signatures !== "always";
}
