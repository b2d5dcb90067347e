/**
 * A unicast request whose asker is proven, and what answers it. Device, authority and commissioning
 * see only these: whether DTLS or a context of two protects the datagrams is settled below.
 */

/** Who asks, as far as it was proven. */
export interface Asker {
  readonly by: "dtls" | "oscore";
  /** In hex: a PSK identity, the SHA-256 of a raw public key, or the id of an OSCORE peer. */
  readonly id: string;
  /** The public key that was proven, as the peer showed it. */
  readonly key?: Uint8Array;
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
}

/** A promise where a ledger has to be asked first. */
export type SecureHandler = (request: SecureRequest) => SecureResponse | Promise<SecureResponse>;
