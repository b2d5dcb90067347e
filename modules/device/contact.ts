/**
 * Who a device's KDC, Authorization Server and operators are to it, and what it shows them: by the
 * pre-shared key (the KDC's and the server's alike, so whoever has it is the KDC), or by a key of
 * its own and theirs.
 */
import { equalBytes } from "../bytes/equal.js";
import { toHex } from "../bytes/hex.js";
import { isSameEndpoint } from "../dtls/connection.js";
import type { ClientCredentials, OwnKey, ServerCredentials, Trust } from "../dtls/credentials.js";
import type { PeerIdentity } from "../dtls/session.js";
import type { KdcChannel } from "../groups/trusted.js";
import type { P256 } from "../ports/crypto.js";
import type { Endpoint } from "../ports/datagram.js";
import type { Asker } from "../secure/request.js";
import type { Authority } from "./authority.js";
import type { FactoryKey, Whom } from "./factory.js";

export interface Contact extends ServerCredentials {
  readonly center: Endpoint;
  readonly server: Endpoint | undefined;
  /** What is shown there, and to whom; undefined: to nobody. */
  at(to: Endpoint): ClientCredentials | undefined;
  isCenter(asker: Asker): boolean;
  /** As which client an operator of this device commands it. */
  clientOf(asker: Asker): Uint8Array | undefined;
}

/** What a contact is made of. */
export type Channel = KdcChannel | KeyChannel;

export interface KeyChannel extends Pick<Authority, "center" | "server"> {
  readonly own: OwnKey;
  readonly factory: FactoryKey;
}

/** By the installation's word. Imports a key, and throws an Error in a build that has no P-256. */
export function channelIn({ factory, center, server }: Authority, p256: P256 | undefined): Channel {
  if ("psk" in factory) return { ...factory, center, server };
  if (p256 === undefined) {
    factory.secret.fill(0);
    throw new Error(
      "provisioning.authority.key: this build has no P-256 in C, and TypeScript's is for tests; " +
        "give this device a pre-shared key",
    );
  }
  const { chain } = factory;
  const key = p256.keyPair(factory.secret);
  return { own: { key, chain, isCertified: chain.length > 0 }, factory, center, server };
}

/** `now`: Unix seconds, at the least; 0 where nobody told any. */
export function contactOf(channel: Channel, now: () => number): Contact {
  return "psk" in channel ? new Shared(channel) : new Keyed(channel, now);
}

class Shared implements Contact {
  readonly center: Endpoint;
  readonly server: Endpoint | undefined;
  readonly #channel: KdcChannel;

  constructor(channel: KdcChannel) {
    this.center = channel.center;
    this.server = channel.server;
    this.#channel = channel;
  }

  readonly psk = (identity: Uint8Array): Uint8Array | undefined => {
    const isKnown = equalBytes(identity, this.#channel.identity);
    return isKnown ? this.#channel.psk.slice() : undefined;
  };

  at(to: Endpoint): ClientCredentials | undefined {
    const { identity, psk: key } = this.#channel;
    return isOneOf(to, this) ? { psk: { identity, key } } : undefined;
  }

  /** `id` by itself may be an OSCORE peer's. */
  isCenter({ by, id }: Asker): boolean {
    return by === "dtls" && id === toHex(this.#channel.identity);
  }

  clientOf(): undefined {
    return undefined;
  }
}

class Keyed implements Contact {
  readonly center: Endpoint;
  readonly server: Endpoint | undefined;
  readonly own: OwnKey;
  readonly trust: Trust;
  readonly #factory: FactoryKey;

  constructor(channel: KeyChannel, now: () => number) {
    const { own, factory, center, server } = channel;
    this.center = center;
    this.server = server;
    this.own = own;
    this.#factory = factory;
    this.trust = trustOf(factory, this.#known, now);
  }

  /** Whoever comes. */
  readonly accepts = (peer: PeerIdentity): boolean => {
    const isKnown = this.#known.some((one) => isPeer(one, peer));
    if (!isKnown) return false; // check: factory-names
    return true;
  };

  at(to: Endpoint): ClientCredentials | undefined {
    if (!isOneOf(to, this)) return undefined;
    const { own } = this;
    const { center, server } = this.#factory;
    const all = [
      ...(isSameEndpoint(to, this.center) ? [center] : []),
      ...(this.server !== undefined && isSameEndpoint(to, this.server) ? [server] : []),
    ];
    const accepts = (peer: PeerIdentity) => {
      const isMeant = all.some((one) => isPeer(one, peer));
      if (!isMeant) return false; // check: factory-whom
      return true;
    };
    return { own, trust: this.trust, accepts };
  }

  isCenter(asker: Asker): boolean {
    return isAsker(this.#factory.center, asker);
  }

  clientOf(asker: Asker): Uint8Array | undefined {
    return this.#factory.operators.find((one) => isAsker(one.is, asker))?.client;
  }

  get #known(): Whom[] {
    const { center, server, operators } = this.#factory;
    return [center, server, ...operators.map(({ is }) => is)];
  }
}

/** One kind is believed: raw keys that are known, or chains. */
function trustOf({ anchors }: FactoryKey, known: readonly Whom[], now: () => number): Trust {
  if (anchors.length > 0) {
    // Without a time of its own nothing is late (RFC 7925 §4.4).
    return { anchors, nowSeconds: () => now() || undefined, isLeast: true };
  }
  const isKey = (publicKey: Uint8Array, one: Whom) =>
    "publicKey" in one && equalBytes(one.publicKey, publicKey);
  return { rawKey: (key) => known.some((one) => isKey(key, one)) };
}

function isPeer(whom: Whom, peer: PeerIdentity): boolean {
  if (peer.by === "rawPublicKey") {
    return "publicKey" in whom && equalBytes(whom.publicKey, peer.publicKey);
  }
  return peer.by === "certificate" && "name" in whom && peer.names.includes(whom.name);
}

function isAsker(whom: Whom, { by, key, names }: Asker): boolean {
  if (by !== "dtls" || key === undefined) return false;
  if ("publicKey" in whom) return equalBytes(whom.publicKey, key);
  return names?.includes(whom.name) === true;
}

function isOneOf(to: Endpoint, { center, server }: Pick<Contact, "center" | "server">): boolean {
  return isSameEndpoint(to, center) || (server !== undefined && isSameEndpoint(to, server));
}

/** Of today: who handed over is nobody from then on. */
export function credentialsOf(today: () => Contact | undefined): ServerCredentials {
  return {
    get psk() {
      return today()?.psk;
    },
    get own() {
      return today()?.own;
    },
    get trust() {
      return today()?.trust;
    },
    accepts: (peer) => {
      const contact = today();
      return contact !== undefined && (contact.accepts?.(peer) ?? true);
    },
  } as ServerCredentials;
}
