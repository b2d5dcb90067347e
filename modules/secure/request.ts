/**
 * A unicast request whose asker is proven, and what answers it. Device, authority and commissioning
 * see only these: whether DTLS or a context of two protects the datagrams is settled below.
 */

import type { EnvelopeKey } from "../cose/envelope.js";

/** Who asks, as far as it was proven. */
export interface Asker {
  readonly by: "dtls" | "oscore";
  /**
   * In hex: a PSK identity, the SHA-256 of a raw public key, or `oscoreId`; no two of them are one,
   * so that a row named by it is one peer's.
   */
  readonly id: string;
  /** The public key that was proven, as the peer showed it. */
  readonly key?: Uint8Array;
  /** What its certificate calls it, of X.509. */
  readonly names?: readonly string[];
  /**
   * What both ends of this channel seal tokens with (WIRE.md: "the pairwise key of its secure
   * session"): of DTLS an exporter's (RFC 5705), gone with the connection.
   */
  readonly pairwise?: EnvelopeKey;
}

export interface SecureRequest {
  readonly from: Asker;
  /** GET is 1, POST 2, PUT 3, DELETE 4, FETCH 5. */
  readonly method: number;
  readonly path: readonly string[];
  readonly query: readonly string[];
  /** Content-Format; undefined without the option. */
  readonly format: number | undefined;
  readonly accept?: number;
  /** Empty without one. */
  readonly payload: Uint8Array;
}

export interface SecureResponse {
  /** class * 32 + detail: 2.05 is 69. */
  readonly code: number;
  readonly format?: number;
  readonly payload?: Uint8Array;
  /** Where what was made is found from now on (Location-Path); segments. */
  readonly location?: readonly string[];
}

/** A request of ours; `path` and `query` as they stand in options, not in a URI. */
export interface Ask {
  readonly method: number;
  readonly path: readonly string[];
  readonly query?: readonly string[];
  readonly format?: number;
  readonly accept?: number;
  readonly payload?: Uint8Array;
}

export const ASK_FAILURES = [
  /** No connection came about, or the peer's was not the one expected. */
  "unreachable",
  /** No acknowledgement, or no answer in time. */
  "timeout",
  /** The peer cannot make sense of it: Reset. */
  "reset",
  /** The channel ended first. */
  "closed",
  /** A table of ours is full. */
  "busy",
  /** The answer's blocks do not fit together. */
  "malformed",
  /** The answer is larger than we take. */
  "overflow",
] as const;

export type AskFailure = (typeof ASK_FAILURES)[number];

/** What became of a request of ours; an error code is an answer like others. */
export type Answered =
  | { readonly ok: true; readonly response: SecureResponse }
  | { readonly ok: false; readonly why: AskFailure };

/** What became of it, and who answered. */
export type Told = (answered: Answered, asker?: Asker) => void;

/** A promise where a ledger has to be asked first. */
export type SecureHandler = (request: SecureRequest) => SecureResponse | Promise<SecureResponse>;
