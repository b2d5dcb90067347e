/**
 * Other authorities, programs of their own, and how this one asks them: revocations go from an AS
 * to its KDCs, questions about tokens by reference from a KDC to its AS. Whoever answers has to be
 * who the card says, whatever stands at the address it names.
 */
import type { Claims } from "../../modules/access/claims.js";
import { introspector } from "../../modules/authority/kdc-face.js";
import { fromHex, toHex } from "../../modules/bytes/hex.js";
import type { Crypto } from "../../modules/ports/crypto.js";
import type { DtlsChannels } from "../../modules/secure/dtls.js";
import type { OscoreChannels } from "../../modules/secure/oscore.js";
import type { Answered, Ask } from "../../modules/secure/request.js";
import type { Authority } from "./authority.js";
import type { Card } from "./identity.js";
import { endpointOf } from "./net.js";
import { pairAskerOf } from "./pairs.js";

/** One that was restarted does not answer over the connection it had. */
const ANSWER_MS = 8000;

export class Others {
  readonly #authority: Authority;
  readonly #channels: DtlsChannels;
  readonly #pairs: OscoreChannels | undefined;

  constructor(authority: Authority, channels: DtlsChannels, pairs: OscoreChannels | undefined) {
    this.#authority = authority;
    this.#channels = channels;
    this.#pairs = pairs;
  }

  /** Those of a role that are somewhere. */
  of(role: "as" | "kdc"): Card[] {
    return this.#authority.identity.trusts.filter((card) => {
      return card.at !== undefined && (card.role === role || card.role === "both");
    });
  }

  async ask(card: Card, ask: Ask): Promise<Answered> {
    if (card.at === undefined) return { ok: false, why: "unreachable" };
    const id = askerOf(this.#authority.crypto, card);
    if (card.oscore !== undefined) return this.#askPair(id, ask);
    const to = endpointOf("at", card.at);
    let timer: NodeJS.Timeout | undefined;
    const answered = await new Promise<Answered>((resolve) => {
      this.#channels.ask(to, ask, (said, asker) => {
        const isIt = !said.ok || asker?.id === id;
        resolve(isIt ? said : { ok: false, why: "unreachable" });
      });
      timer = setTimeout(() => this.#channels.close(id), ANSWER_MS);
    });
    clearTimeout(timer);
    return answered;
  }

  /** What a token by reference stands for; of the first AS that says it is in force. */
  async resolve(token: Uint8Array): Promise<Claims | undefined> {
    for (const card of this.of("as")) {
      const asked = introspector((ask) => this.ask(card, ask))(token);
      const claims = await Promise.race([asked, late()]);
      // An AS speaks for its own tokens.
      const isItsOwn = claims?.issuer === `${card.domain}/as`;
      if (isItsOwn) return claims;
    }
    return undefined;
  }

  /** Said again for a minute and a half: whoever was restarted in it hears it all the same. */
  #askPair(id: string, ask: Ask): Promise<Answered> {
    return new Promise((resolve) => {
      const isAsked = this.#pairs?.ask(id, ask, resolve) === true;
      if (!isAsked) resolve({ ok: false, why: "busy" });
    });
  }
}

/** As whom it comes: an Asker's id. */
export function askerOf(crypto: Crypto, card: Card): string {
  if (card.oscore !== undefined) return pairAskerOf(crypto, card);
  return toHex(crypto.sha256(fromHex(card.channel)));
}

/** A device waits for what is asked about its token. */
function late(): Promise<undefined> {
  return new Promise((resolve) => setTimeout(resolve, ANSWER_MS, undefined).unref());
}
