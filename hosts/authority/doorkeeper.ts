/**
 * Who may open a channel to this authority, and with which key. DTLS asks in the middle of a
 * handshake and does not wait, so it is kept at hand; another authority on the same database may
 * enter devices as well, so whoever is not known is looked for, and let in when he tries again.
 */
import type { Rows } from "../../modules/authority/ledger.js";
import { devices } from "../../modules/authority/records.js";
import { toHex } from "../../modules/bytes/hex.js";
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

  constructor(authority: Authority) {
    this.#authority = authority;
  }

  async look(): Promise<void> {
    this.#lookedAt = Date.now();
    const { known, lost } = await this.#authority.read(knownIn);
    this.#known = known;
    this.#lost = lost;
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

function knownIn(rows: Rows): { known: Map<string, Uint8Array>; lost: Set<string> } {
  const known = new Map<string, Uint8Array>();
  for (const name of rows.keys("factory", "")) {
    known.set(name, rows.get("factory", name) ?? new Uint8Array(0));
  }
  const gone = devices.keys(rows).map((key) => devices.need(rows, key));
  const lost = gone.filter(({ isLost }) => isLost).map(({ credential }) => toHex(credential));
  return { known, lost: new Set(lost) };
}
