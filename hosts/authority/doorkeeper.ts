/**
 * Who may open a channel to this authority, and with which key. DTLS asks in the middle of a
 * handshake and does not wait, so it is kept at hand; another authority on the same database may
 * enter devices as well, so whoever is not known is looked for, and let in when he tries again; and
 * it may report some lost, so what was decided is looked at now and then.
 */

import type { Rows } from "../../modules/authority/ledger.js";
import { headOf } from "../../modules/authority/log.js";
import { devices, ownerOf } from "../../modules/authority/records.js";
import { fromHex, toHex } from "../../modules/bytes/hex.js";
import type { ServerCredentials } from "../../modules/dtls/credentials.js";
import type { PeerIdentity } from "../../modules/dtls/session.js";
import type { Authority } from "./authority.js";

/** How often a stranger makes it look again. */
const LOOK_MS = 1000;

export class Doorkeeper {
  readonly #authority: Authority;
  /** Secrets by credential in hex; empty for who shows a public key. */
  #known = new Map<string, Uint8Array>();
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
    const secret = this.#known.get(credential);
    return secret === undefined || secret.length === 0 ? undefined : secret.slice();
  }

  credentials(): ServerCredentials {
    const { crypto, channel, identity } = this.#authority;
    const others = new Set(identity.trusts.map((card) => card.channel));
    const isDevice = (key: Uint8Array) => this.#isKnown(toHex(crypto.sha256(key)));
    return {
      psk: (name) => (this.#isKnown(toHex(name)) ? this.secretOf(toHex(name)) : undefined),
      own: { key: channel, chain: [] },
      trust: { rawKey: (key) => others.has(toHex(key)) || isDevice(key) },
      accepts: (peer) => !this.#lost.has(this.#nameOf(peer)),
    };
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
  readonly known: Map<string, Uint8Array>;
  readonly lost: Set<string>;
  readonly entries: number;
}

function knownIn(rows: Rows): Known {
  const known = new Map<string, Uint8Array>();
  for (const name of rows.keys("factory", "")) {
    known.set(name, rows.get("factory", name) ?? new Uint8Array(0));
  }
  const gone = devices.keys(rows).map((key) => devices.need(rows, key));
  const lost = gone.filter(({ isLost }) => isLost).map(({ credential }) => toHex(credential));
  // What an AS that is another program said of its clients.
  const revoked = rows.keys("revoked", "").flatMap((client) => {
    const owner = ownerOf(rows, fromHex(client));
    return owner === undefined ? [] : [toHex(owner.holder)];
  });
  return { known, lost: new Set([...lost, ...revoked]), entries: headOf(rows).count };
}
