/**
 * Two devices with an RFC 8613 context of their own, as the rigs of test/support/rig.ts take it:
 * the peer's address in place of a group's.
 */

import { toHex } from "../../modules/bytes/hex.js";
import type { Cbor } from "../../modules/cbor/encode.js";
import { TsCrypto } from "../../modules/crypto/crypto.js";
import type { AeadKey, Crypto } from "../../modules/ports/crypto.js";
import type { Endpoint } from "../../modules/ports/datagram.js";
import { deviceAddress } from "./addresses.js";
import { FakeSignatures } from "./fake-signatures.js";
import { Guild } from "./guild.js";

/** The part of one of the two. */
export class Pair extends Guild {
  readonly #peer: number;

  constructor(own: number, peer: number, policy: readonly (readonly [number, Cbor])[] = []) {
    const members = own < peer ? [own, peer] : [peer, own];
    super({ profile: "oscore", id: 5, members, policy });
    this.#peer = peer;
  }

  override get appGroups(): (readonly [id: number, to: Endpoint])[] {
    return [[this.appGroup, { ...this.group, address: deviceAddress(this.#peer) }]];
  }
}

/** Field 12 of a security group. */
export const RENEGOTIATE = [12, true] as const;

/**
 * Throws when a key seals two messages under one nonce. One for all devices of a test, and for all
 * their starts.
 */
export class NonceWatch {
  readonly #used = new Set<string>();
  /** Keys that sealed anything. */
  readonly keys = new Set<string>();

  crypto(plain: Crypto = new TsCrypto(new FakeSignatures())): Crypto {
    return {
      aeadKey: (algorithm, raw) => {
        const name = toHex(raw);
        return this.#watched(name, plain.aeadKey(algorithm, raw));
      },
      sha256: (data) => plain.sha256(data),
      hmac: (input) => plain.hmac(input),
      hkdf: (input) => plain.hkdf(input),
      hkdfExpand: (input) => plain.hkdfExpand(input),
      signatures: plain.signatures,
      ...(plain.p256 && { p256: plain.p256 }),
    };
  }

  #watched(name: string, key: AeadKey): AeadKey {
    return {
      open: (box) => key.open(box),
      seal: (box) => {
        const use = `${name} ${toHex(box.nonce)}`;
        if (this.#used.has(use)) throw new Error(`nonce used twice: ${use}`);
        this.#used.add(use);
        this.keys.add(name);
        return key.seal(box);
      },
    };
  }
}
