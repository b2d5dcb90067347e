/**
 * OSCORE contexts with other authorities (RFC 8613), where they are spoken to that way: a secret
 * that both were given, and numbers and windows that lie in `authority.oscore`. Both ends are known
 * by their keys of the card, so nothing is to be agreed on.
 *
 * Numbers begin at 0 once in the life of a secret: only `authority trust` makes their record, and
 * not for a secret that was used here. Without the record nothing is said.
 */
import { existsSync } from "node:fs";
import { equalBytes } from "../../modules/bytes/equal.js";
import { fromHex } from "../../modules/bytes/hex.js";
import { derivePair, type PairContext } from "../../modules/oscore/pair-context.js";
import { Recipients } from "../../modules/oscore/recipients.js";
import type { Crypto } from "../../modules/ports/crypto.js";
import type { Endpoint } from "../../modules/ports/datagram.js";
import { type OscoreChannelParts, OscoreChannels, oscoreId } from "../../modules/secure/oscore.js";
import { indexOf, KIND, key } from "../../modules/store/keys.js";
import { Store } from "../../modules/store/store.js";
import { FileFlash } from "../sender/flash.js";
import { Fault } from "./fault.js";
import type { Card, Identity } from "./identity.js";
import { endpointOf } from "./net.js";
import type { State } from "./state.js";

/** The most that fits a nonce (RFC 8613 §3.3). */
const ID_BYTES = 7;
const DIGEST_BYTES = 16;
const PEERS_MAX = 16;
const BUSY = "an authority of this folder is at work already; stop it first";

/** Its end of a context. */
function endOf(crypto: Crypto, channel: Uint8Array): Uint8Array {
  return crypto.sha256(channel).slice(0, ID_BYTES);
}

/** As whom it asks by OSCORE: an Asker's id. */
export function pairAskerOf(crypto: Crypto, { channel }: Card): string {
  return oscoreId(crypto, endOf(crypto, fromHex(channel)));
}

export class Pairs {
  readonly #flash: FileFlash;
  readonly #store: Store;
  readonly #crypto: Crypto;

  private constructor(flash: FileFlash, store: Store, crypto: Crypto) {
    this.#flash = flash;
    this.#store = store;
    this.#crypto = crypto;
  }

  /** Throws a Fault where its file is damaged, or in use. */
  static open(state: State, crypto: Crypto): Pairs {
    const flash = new FileFlash(state.pairs, BUSY);
    const opened = Store.open({ flash });
    if (opened.ok) return new Pairs(flash, opened.store, crypto);
    const isNew = opened.error.kind === "blank" && Store.format({ flash });
    const again = isNew ? Store.open({ flash }) : opened;
    if (again.ok) return new Pairs(flash, again.store, crypto);
    flash.close();
    throw new Fault(
      `${state.pairs} is damaged (${again.error.message}); delete it, and trust who is spoken to ` +
        "by OSCORE again, with a new secret",
    );
  }

  /** Whether there are numbers of this folder's. */
  static exist(state: State): boolean {
    return existsSync(state.pairs);
  }

  /** The record of a new secret's numbers. Throws a Fault for one that was used here before. */
  enter(secret: Uint8Array): void {
    const digest = this.#digestOf(secret);
    if (this.#indexOf(digest) !== undefined) {
      throw new Fault("--oscore: this secret was used here before; make a new one, for both ends");
    }
    const index = this.#store.keys(KIND.TOKEN).length;
    const isKept =
      OscoreChannels.install(this.#store, index) && this.#store.put(key(KIND.TOKEN, index), digest);
    if (!isKept)
      throw new Fault("the numbers of that secret could not be written; is the disk full?");
  }

  /** Channels to all who are spoken to that way. Throws a Fault where numbers are missing. */
  channels(
    { trusts }: Identity,
    ownChannel: Uint8Array,
    parts: Omit<OscoreChannelParts, "store" | "recipients">,
  ): OscoreChannels {
    const store = this.#store;
    const recipients = new Recipients({ store, capacity: PEERS_MAX });
    const channels = new OscoreChannels({ ...parts, store, recipients });
    const ownId = endOf(this.#crypto, ownChannel);
    for (const card of trusts) {
      if (card.oscore === undefined) continue;
      const secret = fromHex(card.oscore);
      const index = this.#indexOf(this.#digestOf(secret));
      if (index === undefined) throw new Fault(missingText(card));
      const peerId = endOf(this.#crypto, fromHex(card.channel));
      channels.add({
        context: this.#contextOf({ secret, ownId, peerId }),
        index,
        ...placeOf(card),
      });
    }
    return channels;
  }

  close(): void {
    this.#flash.close();
  }

  #contextOf(ends: { secret: Uint8Array; ownId: Uint8Array; peerId: Uint8Array }): PairContext {
    const secrets = { ...ends, salt: new Uint8Array(0) };
    return derivePair(this.#crypto, secrets, { idContext: null, keyId: new Uint8Array(0) });
  }

  #digestOf(secret: Uint8Array): Uint8Array {
    return this.#crypto.sha256(secret).slice(0, DIGEST_BYTES);
  }

  #indexOf(digest: Uint8Array): number | undefined {
    const found = this.#store.keys(KIND.TOKEN).find((name) => {
      return equalBytes(this.#store.get(name) ?? new Uint8Array(0), digest);
    });
    return found === undefined ? undefined : indexOf(found);
  }
}

function placeOf({ at }: Card): { at?: Endpoint } {
  return at === undefined ? {} : { at: endpointOf("at", at) };
}

function missingText({ name }: Card): string {
  return (
    `the numbers of the OSCORE context with ${name} are gone, and must not begin anew: trust it ` +
    "again with a new secret, at both ends: lumicast authority trust CARD --oscore FILE"
  );
}

/** Whose messages these are, by their first byte: DTLS has 20 to 63 there (RFC 7983). */
export function isCoap(bytes: Uint8Array): boolean {
  return bytes[0] >> 6 === 1;
}
