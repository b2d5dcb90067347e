/**
 * Runs of RFC 8613 Appendix B.2 (oscore/renegotiate.ts): when one begins, and what its messages are
 * opened and sealed under.
 *
 * As a client: a request to a group whose newest derived context is not there, or has no numbers
 * left, becomes request #1 and is kept; opened response #1 makes the context, and the request is
 * sealed anew as request #2. A later request takes the kept one's place: what is wanted now is what
 * matters, and request #1 is the same bytes. An ordinary request is remembered likewise, for its
 * peer may have lost what we have, and answers it with an R2.
 *
 * As a server: request #1 is opened and never obeyed, and nothing is kept of it. Only request #2,
 * opened, is written to flash; it is then taken as any request under the new context is.
 *
 * PROBLEM. Old requests #1 are there for anybody to send again, and each costs two derivations of
 * a context and an answer; so does each guess at an R2 that was heard. CHOICE. Few at once, then
 * one a second, counted apart: who can only repeat requests #1 does not keep anybody from step 4.
 * No address has more than half of that, or one that never ends would keep the peer from step 1.
 * And an R2 is forgotten in the time a confirmable exchange takes.
 */
import { equalBytes } from "../bytes/equal.js";
import { toHex } from "../bytes/hex.js";
import { drop, type Outcome, ok } from "../bytes/outcome.js";
import { encode } from "../cbor/encode.js";
import { UNAUTHORIZED } from "../coap/options.js";
import { FLAG_KID, FLAG_KID_CONTEXT } from "../oscore/option.js";
import type { PairContext } from "../oscore/pair-context.js";
import {
  type Asked,
  answer,
  ask,
  asked,
  challenged,
  RenegotiationServer,
} from "../oscore/renegotiate.js";
import type { Crypto } from "../ports/crypto.js";
import type { Random } from "../ports/random.js";
import type { Inner, OpenContext, Profile, RequestBinding } from "../profiles/profile.js";
import type { DerivedContext, DerivedContexts } from "./derived.js";
import type { AppGroup, Association, SecurityGroup } from "./directory.js";
import type { Arriving, Groups } from "./groups.js";
import { isOver } from "./open.js";
import type { Outgoing, Sealed } from "./outgoing.js";
import type { Schemes } from "./schemes.js";

/** RFC 7252 §4.8.2, MAX_TRANSMIT_WAIT: as long as one end may go on with a run. */
export const RUN_MICROS = 93_000_000;
/** A context is renewed while it still has numbers for what is under way. */
export const NUMBERS_LEFT = 256;
/** As an exchange's. */
const TOKEN_BYTES = 4;

/** What is left of something that is rationed, to whom it has come from. */
interface Ration {
  take(peer: string): boolean;
}

export interface Rations {
  /** Requests #1 that are looked at. */
  readonly first: Ration;
  /** Requests #2, with an R2 of ours. */
  readonly second: Ration;
  /** Responses #1 to a request of ours. */
  readonly response: Ration;
}

/** A request of ours that may be answered by an R2, and what it was sent under. */
interface Run {
  readonly contexts: DerivedContexts;
  readonly base: Association;
  readonly asked: Asked;
  readonly binding: RequestBinding;
  readonly token: Uint8Array;
  /** Request #1, to be sent again; undefined of an ordinary request. */
  readonly first: Uint8Array | undefined;
  readonly sinceMicros: number;
  outgoing: Outgoing;
}

interface Server {
  readonly base: Association;
  readonly state: RenegotiationServer;
  untilMicros: number;
}

/** What a request outside all contexts comes to. */
export type Requested =
  | { readonly step: 2; readonly seal: (header: Outgoing["header"]) => Uint8Array }
  | { readonly step: 4; readonly association: Association };

export class Renegotiation {
  readonly #groups: Groups;
  readonly #schemes: Schemes;
  readonly #random: Random;
  readonly #rations: Rations;
  readonly #all: readonly DerivedContexts[];
  #runs: Run[] = [];
  #servers: Server[] = [];

  constructor(parts: {
    groups: Groups;
    schemes: Schemes;
    random: Random;
    rations: Rations;
    contexts: readonly DerivedContexts[];
  }) {
    this.#groups = parts.groups;
    this.#schemes = parts.schemes;
    this.#random = parts.random;
    this.#rations = parts.rations;
    this.#all = parts.contexts;
  }

  /** Protects a message, `plain` being how others are: of a request that cannot be yet, step 1. */
  seal(outgoing: Outgoing, plain: (outgoing: Outgoing) => Outcome<Sealed>): Outcome<Sealed> {
    const contexts = this.#of(outgoing.appGroup.security);
    if (contexts === undefined || outgoing.request !== undefined) return plain(outgoing);
    const base = this.#groups.keyring.current(contexts.security);
    const current = contexts.current(base);
    const wanted = this.#kept(outgoing);
    if (base !== undefined && !this.#canSend(current)) return this.#begin(contexts, base, wanted);
    const sealed = plain(wanted);
    if (sealed.ok && current !== undefined) this.#note(contexts, current, wanted, sealed.value);
    return sealed;
  }

  /**
   * Step 3: what a request of ours is to be sent again for; undefined when the message is no
   * response #1. Then the new context is durable.
   */
  answered(arriving: Arriving): Outcome<Outgoing> | undefined {
    const { outer, option } = arriving;
    const run = this.#runs.find(({ token }) => isAt(token, outer.bytes, outer.tokenLength));
    if (run === undefined) return undefined;
    const { contexts, base } = run;
    const { profile } = contexts.security;
    if (!profile.identify(arriving, "response") || option.contextLength === 0) return undefined;
    if (this.#isKnown(contexts, arriving)) return undefined;
    const isRationed = !this.#rations.response.take(peerOf(arriving));
    if (isRationed) return undefined; // check: renegotiate-response-rate
    return contexts.withSecrets(base, (secrets) => {
      const end = { crypto: this.#crypto, random: this.#random, secrets };
      const claim = challenged(end, run.asked, kidContextOf(arriving));
      if (claim === undefined) return undefined;
      const opened = this.#open(claim.context, arriving, run.outgoing, run.binding);
      if (!opened.ok) return undefined;
      if (opened.value.code !== UNAUTHORIZED) return drop("malformed"); // check: renegotiate-code
      const made = contexts.establish(base, answer(end, claim), true);
      if (made === undefined) return drop("storeFailed");
      this.#runs = this.#runs.filter((one) => one !== run);
      return ok(run.outgoing);
    });
  }

  /** Steps 2 and 4, of a request to us alone that no context was found for. */
  requested(arriving: Arriving): Requested | undefined {
    const { option } = arriving;
    for (const contexts of this.#all) {
      const { security } = contexts;
      if (!security.profile.identify(arriving, "request")) continue;
      if ((option.flags & FLAG_KID) === 0 || (option.flags & FLAG_KID_CONTEXT) === 0) continue;
      const appGroup = this.#appGroupOf(security);
      if (appGroup === undefined) continue;
      for (const base of security.associations.slice().reverse()) {
        if (!this.#mayAsk(base, arriving)) continue;
        arriving.appGroup = appGroup;
        const made =
          this.#accept(contexts, base, arriving) ?? this.#offer(contexts, base, arriving);
        if (made !== undefined) return made;
      }
    }
    return undefined;
  }

  /** A message of the peer was opened under a context: he has it. */
  confirmed(association: Association): void {
    this.#of(association.security)?.confirmed(association);
  }

  /** A key is no more, or a context that gave way: no run goes on under it. */
  forget(association: Association): void {
    this.#runs = this.#runs.filter(({ base, asked }) => {
      if (base === association) return false; // check: run-forgotten
      return asked.context !== (association as unknown);
    });
    this.#servers = this.#servers.filter(({ base }) => base !== association);
  }

  /** Step 4: request #2 has an R2 of ours, and opens. */
  #accept(contexts: DerivedContexts, base: Association, arriving: Arriving): Requested | undefined {
    const server = this.#servers.find((one) => one.base === base);
    if (server === undefined) return undefined;
    const isLate = this.#groups.clock.micros() > server.untilMicros;
    if (isLate) server.state.forget(); // check: renegotiate-lifetime
    for (const named of spellings(kidContextOf(arriving))) {
      if (!server.state.knows(named)) continue;
      const isRationed = !this.#rations.second.take(peerOf(arriving));
      if (isRationed) return undefined; // check: renegotiate-second-rate
      const made = contexts.withSecrets(base, (secrets) => server.state.accept(secrets, named));
      if (made === undefined) continue;
      const opened = this.#open(made.context, arriving, arriving, undefined);
      if (!opened.ok) continue; // check: renegotiate-proven
      server.state.forget();
      const association = contexts.establish(base, made, false);
      if (association === undefined) return undefined;
      contexts.confirmed(association);
      // Made after a random value of ours, as an answer to an Echo is.
      this.#schemes.synchronisation?.expect(association);
      return { step: 4, association };
    }
    return undefined;
  }

  /** Step 2: request #1 opens under the ID Context that it names. */
  #offer(contexts: DerivedContexts, base: Association, arriving: Arriving): Requested | undefined {
    const isRationed = !this.#rations.first.take(peerOf(arriving));
    if (isRationed) return undefined; // check: renegotiate-first-rate
    for (const named of spellings(kidContextOf(arriving))) {
      const second = contexts.withSecrets(base, (secrets) => {
        const { state } = this.#server(base);
        const offer = state.offered(secrets, named);
        if (offer === undefined) return undefined;
        const opened = this.#open(offer.context, arriving, arriving, undefined);
        if (!opened.ok) return undefined; // check: renegotiate-request-opens
        return state.challenge(secrets, offer);
      });
      if (second !== undefined) return { step: 2, seal: this.#challenge(second, arriving) };
    }
    return undefined;
  }

  /** Response #1: nothing but its code, and R2. */
  #challenge(second: PairContext, arriving: Arriving): (header: Outgoing["header"]) => Uint8Array {
    const { appGroup, from, outer, option } = arriving;
    const { kidStart, kidLength, pivStart, pivLength } = option;
    const kid = outer.bytes.slice(kidStart, kidStart + kidLength);
    const piv = outer.bytes.slice(pivStart, pivStart + pivLength);
    const { profile } = appGroup.security;
    return (header) =>
      profile.seal(
        second,
        {
          header,
          inner: { code: UNAUTHORIZED, options: [], payload: undefined },
          clear: [],
          appGroup,
          sender: second.own.id,
          piv: undefined,
          to: from,
          request: { kid, piv },
          namesKey: true,
        },
        this.#groups.work,
      );
  }

  /** Step 1, or once more the request #1 of a run that goes on. */
  #begin(contexts: DerivedContexts, base: Association, outgoing: Outgoing): Outcome<Sealed> {
    const now = this.#groups.clock.micros();
    let run = this.#runs.find((one) => one.base === base && one.first !== undefined);
    if (run === undefined || now - run.sinceMicros > RUN_MICROS) {
      run = this.#first(contexts, base, outgoing);
      this.#replace(run);
    }
    run.outgoing = outgoing;
    const bytes = withHead(run.first as Uint8Array, outgoing.header);
    return ok({ bytes, association: base, binding: run.binding });
  }

  #first(contexts: DerivedContexts, base: Association, outgoing: Outgoing): Run {
    const { security } = contexts;
    const first = contexts.withSecrets(base, (secrets) => {
      return ask({ crypto: this.#crypto, random: this.#random, secrets });
    });
    const { own, keyId, recipient } = first.context;
    const token = this.#token();
    const number = Uint8Array.of(0);
    const { inner, clear, appGroup, to } = outgoing;
    const bytes = security.profile.seal(
      first.context,
      {
        header: { ...outgoing.header, token },
        inner,
        clear,
        appGroup,
        sender: own.id,
        piv: number,
        to,
        request: undefined,
        peer: recipient,
      },
      this.#groups.work,
    );
    return {
      contexts,
      base,
      asked: first,
      binding: { kid: own.id, piv: number, keyId, peer: recipient.id },
      token,
      first: bytes,
      sinceMicros: this.#groups.clock.micros(),
      outgoing,
    };
  }

  /** An ordinary request: who has lost its context answers it with an R2. */
  #note(
    contexts: DerivedContexts,
    current: DerivedContext,
    outgoing: Outgoing,
    { binding }: Sealed,
  ): void {
    this.#replace({
      contexts,
      base: current.base,
      asked: asked(current.idContext, current),
      binding,
      token: outgoing.header.token,
      first: undefined,
      sinceMicros: this.#groups.clock.micros(),
      outgoing,
    });
  }

  /** One a group: the latest request says what is wanted. */
  #replace(run: Run): void {
    const at = this.#runs.findIndex(({ contexts }) => contexts === run.contexts);
    if (at >= 0) this.#runs.splice(at, 1);
    this.#runs.push(run);
  }

  /** As it is to be sent again: with a token, and nothing that its maker may use otherwise. */
  #kept(outgoing: Outgoing): Outgoing {
    const { header, to } = outgoing;
    const token = header.token.length > 0 ? header.token : this.#token();
    const copy = { address: to.address.slice(), port: to.port };
    return { ...outgoing, header: { ...header, token }, to: copy };
  }

  #token(): Uint8Array {
    const token = new Uint8Array(TOKEN_BYTES);
    this.#random.fill(token);
    return token;
  }

  /** Its numbers are not over, nor lost. */
  #canSend(current: DerivedContext | undefined): boolean {
    return current !== undefined && this.#schemes.counter(current).left > NUMBERS_LEFT;
  }

  #mayAsk(base: Association, { outer, option }: Arriving): boolean {
    const { kidStart, kidLength } = option;
    const kid = outer.bytes.subarray(kidStart, kidStart + kidLength);
    if (base.peerId === undefined || !equalBytes(base.peerId, kid)) return false;
    const { lifetime } = base;
    return lifetime === undefined || !isOver(lifetime, this.#groups.uptime.seconds());
  }

  #isKnown(contexts: DerivedContexts, { outer, option }: Arriving): boolean {
    const { contextStart, contextLength } = option;
    return contexts.all.some((one) => {
      return contexts.isNamed(one, outer.bytes, contextStart, contextLength);
    });
  }

  #open(
    context: PairContext,
    arriving: Arriving,
    { appGroup }: { readonly appGroup: AppGroup },
    request: RequestBinding | undefined,
  ): Outcome<Inner> {
    const profile = appGroup.security.profile as Profile;
    const { work } = this.#groups;
    const opening: OpenContext<unknown> = { appGroup, request, work, peer: context.recipient };
    return profile.open(context, arriving, opening);
  }

  #server(base: Association): Server {
    const now = this.#groups.clock.micros();
    let server = this.#servers.find((one) => one.base === base);
    if (server === undefined) {
      const state = new RenegotiationServer({ crypto: this.#crypto, random: this.#random });
      server = { base, state, untilMicros: now + RUN_MICROS };
      this.#servers.push(server);
    }
    if (now > server.untilMicros) {
      server.state.forget();
      server.untilMicros = now + RUN_MICROS;
    }
    return server;
  }

  #of(security: SecurityGroup): DerivedContexts | undefined {
    return this.#all.find((one) => one.security === security);
  }

  #appGroupOf(security: SecurityGroup): AppGroup | undefined {
    for (const appGroup of this.#groups.directory.appGroups()) {
      if (appGroup.security === security) return appGroup;
    }
    return undefined;
  }

  get #crypto(): Crypto {
    return this.#schemes.crypto;
  }
}

/** By whom rations are shared: an address, for ports cost nothing. */
function peerOf({ from }: Arriving): string {
  let peer = "";
  peer = toHex(from.address); // check: renegotiate-share
  return peer;
}

/** A copy: what is derived from it stays. */
function kidContextOf({ outer, option }: Arriving): Uint8Array {
  const { contextStart, contextLength } = option;
  return outer.bytes.slice(contextStart, contextStart + contextLength);
}

/** In a CBOR byte string, as messages of a run have it, or bare, as ordinary requests do. */
function spellings(kidContext: Uint8Array): Uint8Array[] {
  return [kidContext, encode(kidContext)];
}

function isAt(token: Uint8Array, datagram: Uint8Array, length: number): boolean {
  return length === token.length && equalBytes(token, datagram.subarray(4, 4 + length));
}

/** The same message, under another message id and of another type: nothing else of it changes. */
function withHead(message: Uint8Array, { type, mid }: Outgoing["header"]): Uint8Array {
  const bytes = message.slice();
  bytes[0] = (bytes[0] & 0xcf) | (type << 4);
  bytes[2] = mid >> 8;
  bytes[3] = mid;
  return bytes;
}
