/** What one side shows of itself, and whom it believes. */
import type { P256KeyPair } from "../ports/crypto.js";
import type { PeerIdentity } from "./session.js";

/** A key of one's own, for TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8. */
export interface OwnKey {
  readonly key: P256KeyPair;
  /**
   * X.509 in DER, the key's own first, at most 4. Empty: a raw public key (RFC 7250) is all there
   * is to show.
   */
  readonly chain: readonly Uint8Array[];
  /** The key is never shown without its chain. */
  readonly isCertified?: boolean;
}

/** Whose keys are believed. */
export interface Trust {
  /** Raw public keys, by their point of 65 bytes; absent: none. */
  readonly rawKey?: (publicKey: Uint8Array) => boolean;
  /** X.509 certificates of peers themselves, in DER; absent: none. */
  readonly isPinned?: (certificate: Uint8Array) => boolean;
  /** X.509 in DER, pinned: a chain has to end in one. Absent: none. */
  readonly anchors?: readonly Uint8Array[];
  /** Unix time; undefined where nobody knows it: then validity is not checked (RFC 7925 §4.4). */
  readonly nowSeconds?: () => number | undefined;
  /** It may be later than that: what is not valid yet may be by now, what ended has. */
  readonly isLeast?: boolean;
}

export interface ClientCredentials {
  /** Offers TLS_PSK_WITH_AES_128_CCM_8. The key is copied for the handshake's time and wiped. */
  readonly psk?: { readonly identity: Uint8Array; readonly key: Uint8Array };
  /** Shown when the server asks. */
  readonly own?: OwnKey;
  /** Offers TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8; needs a port with p256. */
  readonly trust?: Trust;
  /** The last word on a peer that proved to be who it is; absent: everybody. */
  readonly accepts?: (peer: PeerIdentity) => boolean;
}

export interface ServerCredentials {
  /** The key of an identity; the copy returned is wiped. */
  readonly psk?: (identity: Uint8Array) => Uint8Array | undefined;
  /** With it TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8 is taken; needs a port with p256. */
  readonly own?: OwnKey;
  /** With it clients of that suite have to show a key; without it they stay unknown. */
  readonly trust?: Trust;
  /** Asked when a handshake ends, and before a session is resumed: keys may be taken away. */
  readonly accepts?: (peer: PeerIdentity) => boolean;
}
