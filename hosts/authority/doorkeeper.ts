/**
 * Who may open a channel to this authority, and with which key. DTLS asks in the middle of a
 * handshake and does not wait, so it is kept at hand; another authority on the same database may
 * enter devices as well, so whoever is not known is looked for, and let in when he tries again; and
 * it may report some lost, so what was decided is looked at now and then.
 */

import type { Rows } from "../../modules/authority/ledger.js";
import { headOf } from "../../modules/authority/log.js";
import { devices, ownerOf } from "../../modules/authority/records.js";
import { equalBytes } from "../../modules/bytes/equal.js";
import { fromHex, toHex } from "../../modules/bytes/hex.js";
import { parseCertificate } from "../../modules/dtls/certificate.js";
import type {
  ClientCredentials,
  ServerCredentials,
  Trust,
} from "../../modules/dtls/credentials.js";
import type { PeerIdentity } from "../../modules/dtls/session.js";
import type { Authority } from "./authority.js";
import { type Factory, factoryOf } from "./factory.js";

/** How often a stranger makes it look again. */
const LOOK_MS = 1000;

export class Doorkeeper {
  readonly #authority: Authority;
  /** By credential in hex. */
  #known = new Map<string, Factory>();
  #lost = new Set<string>();
  #lookedAt = 0;
  /** Entries of the log when it was looked at. */
  #entries = -1;
  /** A device is lost: its credential in hex. */
  onLost: (credential: string) => void = () => {};

  constructor(authority: Authority) {
    this.#authority = authority;
  }

  async look(): Promise<void> {
    this.#lookedAt = Date.now();
    const { known, lost, entries } = await this.#authority.read(knownIn);
    // Of two who looked at once on a server, the one that saw more counts, whoever is done last.
    if (entries < this.#entries) return;
    const before = this.#lost;
    this.#known = known;
    this.#lost = lost;
    this.#entries = entries;
    for (const credential of lost) if (!before.has(credential)) this.onLost(credential);
  }

  /** Looks where anything was decided since. */
  async lookAgain(): Promise<void> {
    const { count } = await this.#authority.read(headOf);
    if (count !== this.#entries) await this.look();
  }

  /** A copy of a device's shared secret; undefined where it has none. */
  secretOf(credential: string): Uint8Array | undefined {
    const factory = this.#known.get(credential);
    return factory?.by === "psk" ? factory.secret.slice() : undefined;
  }

  credentials(): ServerCredentials {
    const { own, identity } = this.#authority;
    const others = new Set(identity.trusts.map((card) => card.channel));
    return {
      psk: (name) => (this.#isKnown(toHex(name)) ? this.secretOf(toHex(name)) : undefined),
      own,
      trust: this.#trust((key) => others.has(toHex(key))),
      accepts: (peer) => {
        const name = this.#nameOf(peer);
        return !this.#lost.has(name) && this.#isShown(peer, name, others);
      },
    };
  }

  /** What is shown to a device where we connect to it; undefined for who is none of ours. */
  credentialsFor(name: string): ClientCredentials | undefined {
    const key = this.secretOf(name);
    if (key !== undefined) return { psk: { identity: fromHex(name), key } };
    if (!this.#known.has(name)) return undefined;
    const { own } = this.#authority;
    const accepts = (peer: PeerIdentity) => {
      const isIt = this.#nameOf(peer) === name;
      if (!isIt) return false;
      return this.#isShown(peer, name);
    };
    return { own, trust: this.#trust(() => false), accepts };
  }

  /** Keys and certificates of devices, and `isOther` keys. */
  #trust(isOther: (key: Uint8Array) => boolean): Trust {
    const { crypto } = this.#authority;
    const idOf = (key: Uint8Array) => toHex(crypto.sha256(key));
    const isOf = (key: Uint8Array, by: Factory["by"]) =>
      this.#isKnown(idOf(key)) && this.#known.get(idOf(key))?.by === by;
    return {
      rawKey: (key) => isOther(key) || isOf(key, "raw public key"),
      isPinned: (der) => {
        const key = parseCertificate(der)?.publicKey;
        if (key === undefined || !isOf(key, "certificate")) return false;
        const known = this.#known.get(idOf(key));
        const isSame = known?.by === "certificate" && equalBytes(known.der, der);
        if (!isSame) return false;
        return true;
      },
      nowSeconds: () => this.#authority.now(),
    };
  }

  /** Whether it was shown in the way that was entered, which may have changed since a session. */
  #isShown(peer: PeerIdentity, name: string, others?: ReadonlySet<string>): boolean {
    if (peer.by === "psk" || peer.by === "nothing") return true;
    if (others?.has(toHex(peer.publicKey)) === true) return true;
    const by = peer.by === "certificate" ? "certificate" : "raw public key";
    const isSame = this.#known.get(name)?.by === by;
    if (!isSame) return false;
    return true;
  }

  #isKnown(name: string): boolean {
    if (this.#known.has(name)) return true;
    if (Date.now() - this.#lookedAt > LOOK_MS) this.look().catch(() => {});
    return false;
  }

  #nameOf(peer: PeerIdentity): string {
    if (peer.by === "psk") return toHex(peer.identity);
    return peer.by === "nothing" ? "" : toHex(this.#authority.crypto.sha256(peer.publicKey));
  }
}

interface Known {
  readonly known: Map<string, Factory>;
  readonly lost: Set<string>;
  readonly entries: number;
}

function knownIn(rows: Rows): Known {
  const known = new Map<string, Factory>();
  for (const name of rows.keys("factory", "")) known.set(name, factoryOf(rows, name));
  const gone = devices.keys(rows).map((key) => devices.need(rows, key));
  const lost = gone.filter(({ isLost }) => isLost).map(({ credential }) => toHex(credential));
  // What an AS that is another program said of its clients.
  const revoked = rows.keys("revoked", "").flatMap((client) => {
    const owner = ownerOf(rows, fromHex(client));
    return owner === undefined ? [] : [toHex(owner.holder)];
  });
  return { known, lost: new Set([...lost, ...revoked]), entries: headOf(rows).count };
}
