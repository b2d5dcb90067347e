/**
 * How a member comes by its keys and keeps them: the sender algorithm of draft-somaraju §3.6 with
 * its failure cases, as one state machine.
 *
 *   Is there a group key?  yes: rest      no: is there an AT-KDC?  yes: ask the KDC
 *                                                                  no: apply to the AS, then ask
 *
 * It need not wait for a message (pre-fetch): a start is a `need` like a press. A key that comes
 * to its end is renewed by asking, or the KDC pushes one before. Where nobody answers, the pause
 * doubles up to an hour, spread by chance: a hundred lamps have power again at one moment. A press
 * may be quicker than the pause, not than SOONEST. A token that the KDC refuses is applied for
 * anew, once in a run: who is locked out does not go round in a circle.
 *
 * `step` is the whole algorithm, pure; `Joining` does what it says.
 */
import { ACE_CBOR, emitTokenAsk, parseTokenAnswer } from "../access/ace.js";
import {
  emitQuestion,
  type KeyDelivery,
  parseDelivery,
  type SpentKey,
} from "../access/delivery.js";
import { readUint } from "../bytes/uint.js";
import { upTo } from "../coap/chance.js";
import { CBOR, CONTENT, CREATED, codeClass, POST, UNAUTHORIZED } from "../coap/options.js";
import type { EnvelopeKey } from "../cose/envelope.js";
import type { Clock, Timer } from "../ports/clock.js";
import type { Random } from "../ports/random.js";
import type { Ask, Asker, Told } from "../secure/request.js";
import { KIND, key } from "../store/keys.js";
import type { Store } from "../store/store.js";
import type { Association, SecurityGroup } from "./directory.js";
import type { Groups } from "./groups.js";

export const STATES = ["resting", "applying", "asking", "waiting"] as const;
export type State = (typeof STATES)[number];

export const EVENTS = [
  /** A key is needed: a start, a message without one. */
  "need",
  /** The pause is over, or a key comes to its end. */
  "due",
  /** The AS gave an AT-KDC. */
  "granted",
  /** The AS refused one. */
  "denied",
  /** The KDC's answer was taken. */
  "keyed",
  /** The KDC refused the AT-KDC. */
  "refused",
  /** What the KDC pushed was taken. */
  "pushed",
  /** No answer, or one that says to come again. */
  "unanswered",
] as const;
export type Event = (typeof EVENTS)[number];

/** What is so at the moment of an event. */
export interface Facts {
  /** For all groups that are wanted, none at its end. */
  readonly hasKeys: boolean;
  readonly hasToken: boolean;
  /** There is an Authorization Server to be asked. */
  readonly hasServer: boolean;
  /** The AT-KDC was given in this run. */
  readonly isFresh: boolean;
  /** The last attempt was SOONEST ago, or longer. */
  readonly isRested: boolean;
  /** There may be newer keys than ours, and the KDC was not asked often enough. */
  readonly isInDoubt?: boolean;
}

/** Whom to ask, if anybody, when entering a state; `discard`: the AT-KDC is of no use. */
export interface Step {
  readonly state: State;
  readonly act: "none" | "apply" | "ask" | "pause";
  readonly discards?: true;
}

/** The next state, and what is to be done. */
export function step(state: State, event: Event, facts: Facts): Step {
  const stay: Step = { state, act: "none" };
  switch (state) {
    case "resting":
      return event === "need" || event === "due" ? decide(facts) : stay;
    case "waiting":
      if (event === "need" && !facts.isRested) return stay; // check: join-rate
      if (event === "due" || event === "need") return decide(facts);
      return event === "pushed" && facts.hasKeys ? REST : stay;
    case "applying":
      if (event === "granted") return { state: "asking", act: "ask" };
      if (event === "denied" || event === "unanswered") return PAUSE;
      return event === "pushed" && facts.hasKeys ? REST : stay;
    case "asking":
      if (event === "keyed") return facts.hasKeys ? REST : PAUSE;
      if (event === "refused") return again(facts);
      if (event === "unanswered") return PAUSE;
      return event === "pushed" && facts.hasKeys ? REST : stay;
  }
}

const REST: Step = Object.freeze({ state: "resting", act: "none" });
const PAUSE: Step = Object.freeze({ state: "waiting", act: "pause" });

/** Figure 3 of draft-somaraju. */
function decide({ hasKeys, hasToken, hasServer, isInDoubt = false }: Facts): Step {
  if (hasKeys && !(isInDoubt && hasToken)) return REST;
  if (hasToken) return { state: "asking", act: "ask" };
  if (hasServer) return { state: "applying", act: "apply" };
  return PAUSE;
}

/** The KDC does not take the AT-KDC. */
function again({ hasServer, isFresh }: Facts): Step {
  if (isFresh) return PAUSE; // check: join-once
  // Without an AS a token that is refused today is still the only one there is.
  return hasServer ? { state: "applying", act: "apply", discards: true } : PAUSE;
}

const SECOND = 1_000_000;
const SOONEST_MICROS = 10 * SECOND;
const LONGEST_MICROS = 3600 * SECOND;
/** Enough for a few pauses before a key ends, and for a KDC that is restarted. */
const MARGIN_SECONDS = 3600;
export const TOKEN_MARGIN_SECONDS = 30;
/** Of a key's budget, or an eighth of it: messages are counted by blocks of 64 (lifetime.ts). */
const MARGIN_MESSAGES = 128;
const MARGIN_SHARE = 8;
/** Where a KDC may have left for good, a doubt is no reason to ask on and on. */
const DOUBTS_MAX = 3;
const FIRST_MAX = 32;
/** Groups asked for at once. */
const AT_ONCE_MAX = 8;
/** Timers are no longer than this: a key may end in years. */
const LOOK_MICROS = 6 * 3600 * SECOND;

/** AT-KDC in flash. */
export const TOKEN = key(KIND.TOKEN, 0);

/** `refused`: the Group Manager takes neither the token nor us. */
export type Entered = "entered" | "refused" | "unanswered";

export interface JoiningParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly store: Pick<Store, "get" | "put" | "delete" | "has">;
  readonly groups: Groups;
  /** Application groups, a function: they change. */
  readonly wanted: () => readonly number[];
  /** What vouches for our public key; empty without one. */
  readonly credential: Uint8Array;
  /** As old as this device's numbers. */
  readonly incarnation: Uint8Array;
  /** What AT-KDC are for: the KDC's name. */
  readonly audience: () => string;
  readonly askKdc: (ask: Ask, done: Told) => void;
  /** Absent: there is no Authorization Server here. */
  readonly askServer?: (ask: Ask, done: Told) => void;
  /** Takes what the KDC said; false when not all of it was taken. */
  readonly deliver: (delivery: KeyDelivery, pairwise: EnvelopeKey | undefined) => boolean;
  /** What comes before the question for keys; absent where that is nothing (admission.ts). */
  readonly admission?: {
    enter(token: Uint8Array, wanted: readonly number[], done: (what: Entered) => void): void;
    /** The KDC does not take the token: what followed from it may be gone. */
    forget(): void;
  };
  /** Seconds that our own token for a security group lasts; absent: it has no end. */
  readonly tokenLasts?: (security: number) => number;
  readonly onState?: (state: State) => void;
}

export class Joining {
  readonly #parts: JoiningParts;
  #state: State = "resting";
  #timer: Timer | undefined = undefined;
  #attemptMicros: number | undefined = undefined;
  #pauseMicros = SOONEST_MICROS;
  #isFresh = false;
  /** Seconds that were left of a key when it was first looked at, by when it ends. */
  readonly #first = new Map<number, number>();
  /** Questions that are left because of a doubt. */
  #doubts = 0;
  /** Answers to a question of before are not this one's. */
  #question = 0;

  constructor(parts: JoiningParts) {
    this.#parts = parts;
  }

  get state(): State {
    return this.#state;
  }

  /** A key is needed, now or soon. */
  need(): void {
    this.#on("need");
  }

  /**
   * There may be a newer key than ours: we were off, or somebody spoke under one that is unknown
   * here. Anybody can make it look so: whoever calls sees to how often.
   */
  doubt(): void {
    this.#doubts = DOUBTS_MAX;
    this.#on("need");
  }

  /** What the KDC pushed was taken. */
  pushed(): void {
    this.#doubts = 0;
    this.#on("pushed");
  }

  /** Whether a key came near its end by what was said under it. Now and then. */
  look(): void {
    if (this.#state === "resting" && this.#spent(this.#parts.wanted()).length > 0) this.#on("due");
  }

  stop(): void {
    this.#question++;
    this.#set(undefined);
  }

  #on(event: Event): void {
    const { state, act, discards } = step(this.#state, event, this.#facts());
    if (discards === true) this.#parts.store.delete(TOKEN);
    const isNew = state !== this.#state;
    this.#state = state;
    if (isNew) this.#parts.onState?.(state);
    if (state === "resting") this.#rest();
    if (act === "pause") this.#pause();
    if (act === "apply") this.#apply();
    if (act === "ask") this.#ask();
  }

  #facts(): Facts {
    const { store, clock, askServer } = this.#parts;
    const attempt = this.#attemptMicros;
    return {
      hasKeys: this.#lacking().length === 0,
      hasToken: store.has(TOKEN),
      hasServer: askServer !== undefined,
      isFresh: this.#isFresh,
      isRested: attempt === undefined || clock.micros() - attempt >= SOONEST_MICROS,
      isInDoubt: this.#doubts > 0,
    };
  }

  /** Groups without a key, or with one that ends soon. */
  #lacking(): number[] {
    const { wanted, groups } = this.#parts;
    return wanted().filter((id) => this.#secondsLeft(id, groups) < MARGIN_SECONDS);
  }

  #secondsLeft(id: number, { directory, keyring, uptime }: Groups): number {
    const security = directory.appGroup(id)?.security;
    const current = security && keyring.current(security);
    if (security === undefined || current === undefined) return -1;
    if (this.#isSpent(current)) return -1; // check: join-spent
    const ends = current.lifetime?.terms.endsAtSeconds;
    const left = ends === undefined ? Number.POSITIVE_INFINITY : this.#leftOf(ends, uptime);
    // One of minutes is not renewed an hour before.
    const token = this.#tokenLeft(security) - TOKEN_MARGIN_SECONDS + MARGIN_SECONDS;
    if (token < left) return token; // check: join-token-ends
    return left;
  }

  #tokenLeft({ id }: SecurityGroup): number {
    return this.#parts.tokenLasts?.(id) ?? Number.POSITIVE_INFINITY;
  }

  /** Its budget of messages nears its end; what flash has reserved counts as used. */
  #isSpent({ index, lifetime }: Association): boolean {
    const messages = lifetime?.terms.messages;
    const used = this.#parts.store.get(key(KIND.KEY_USE, index));
    if (messages === undefined || used === undefined) return false;
    return readUint(used) + Math.max(MARGIN_MESSAGES, messages / MARGIN_SHARE) >= messages;
  }

  #spent(wanted: readonly number[]): SpentKey[] {
    const { directory, keyring } = this.#parts.groups;
    return wanted.flatMap((appGroup) => {
      const security = directory.appGroup(appGroup)?.security;
      const current = security && keyring.current(security);
      const isSpent = current !== undefined && this.#isSpent(current);
      return isSpent ? [{ appGroup, keyId: current.keyId }] : [];
    });
  }

  /** Of a key's time; a key of minutes is not renewed an hour before, either. */
  #leftOf(ends: number, uptime: Groups["uptime"]): number {
    const left = ends - uptime.seconds();
    if (this.#first.size > FIRST_MAX) this.#first.clear();
    const first = this.#first.get(ends) ?? left;
    this.#first.set(ends, first);
    return left + MARGIN_SECONDS - Math.min(MARGIN_SECONDS, Math.floor(first / 4));
  }

  #apply(): void {
    const { askServer, store } = this.#parts;
    this.#isFresh = true;
    const payload = emitTokenAsk({ audience: this.#parts.audience() });
    const ask = { method: POST, path: ["token"], format: ACE_CBOR, payload };
    this.#say(askServer, ask, (answered) => {
      const { code, payload: said } = answered;
      const given = code === CREATED && said !== undefined ? parseTokenAnswer(said) : undefined;
      if (given === undefined) return codeClass(code) === 4 ? "denied" : "unanswered";
      return store.put(TOKEN, given.token) ? "granted" : "unanswered";
    });
  }

  #ask(): void {
    const { store, admission } = this.#parts;
    const token = store.get(TOKEN);
    // The others when these are there: an answer has its bounds.
    const lacking = this.#lacking();
    const isDoubt = lacking.length === 0 && this.#doubts > 0;
    const wanted = (isDoubt ? this.#parts.wanted() : lacking).slice(0, AT_ONCE_MAX);
    if (isDoubt) this.#doubts--; // check: join-doubts-max
    if (token === undefined || wanted.length === 0) {
      this.#later(token === undefined ? "refused" : "keyed");
      return;
    }
    if (admission === undefined) {
      this.#askKeys(token, wanted);
      return;
    }
    const question = this.#begin();
    admission.enter(token, wanted, (what) => {
      if (question !== this.#question) return;
      if (what === "entered") this.#askKeys(token, wanted);
      else this.#on(what);
    });
  }

  #askKeys(token: Uint8Array, wanted: readonly number[]): void {
    const { credential, incarnation, deliver, askKdc, admission } = this.#parts;
    const payload = emitQuestion({
      ...{ token, wanted, credential, incarnation },
      spent: this.#spent(wanted),
    });
    const ask = { method: POST, path: ["keys"], format: CBOR, payload };
    this.#say(askKdc, ask, ({ code, payload: said }, asker) => {
      if (code === UNAUTHORIZED) admission?.forget();
      if (codeClass(code) === 4) return "refused";
      const delivery = code === CONTENT && said !== undefined ? parseDelivery(said) : undefined;
      if (delivery === undefined) return "unanswered";
      if (!deliver(delivery, asker?.pairwise)) return "unanswered";
      this.#doubts = 0;
      return "keyed";
    });
  }

  #say(
    ask: JoiningParts["askServer"],
    what: Ask,
    judge: (response: { code: number; payload?: Uint8Array }, asker?: Asker) => Event,
  ): void {
    const question = this.#begin();
    ask?.(what, (answered, asker) => {
      if (question !== this.#question) return;
      this.#on(answered.ok ? judge(answered.response, asker) : "unanswered");
    });
  }

  /** An attempt; answers to the one before count no more. */
  #begin(): number {
    this.#set(undefined);
    this.#attemptMicros = this.#parts.clock.micros();
    return ++this.#question;
  }

  /** Never from within: whoever asks us may be in the middle of something. */
  #later(event: Event): void {
    this.#set({ micros: 0, event });
  }

  /** Until the first of our keys comes near its end. */
  #rest(): void {
    const { wanted, groups, random } = this.#parts;
    this.#isFresh = false;
    this.#pauseMicros = SOONEST_MICROS;
    const left = wanted().map((id) => this.#secondsLeft(id, groups));
    const least = Math.min(...left);
    if (!Number.isFinite(least)) {
      this.#set(undefined);
      return;
    }
    const latestMicros = Math.max(0, Math.floor((least - MARGIN_SECONDS) * SECOND));
    // Not all members of a group at one moment.
    const mostMicros = Math.min((MARGIN_SECONDS * SECOND) / 4, Math.floor(latestMicros / 2));
    const dueMicros = latestMicros - upTo(random, mostMicros);
    this.#set({ micros: Math.min(LOOK_MICROS, Math.max(SECOND, dueMicros)), event: "due" });
  }

  #pause(): void {
    const { random } = this.#parts;
    this.#isFresh = false;
    const micros = this.#pauseMicros + upTo(random, this.#pauseMicros / 2);
    this.#pauseMicros = Math.min(this.#pauseMicros * 2, LONGEST_MICROS);
    this.#set({ micros, event: "due" });
  }

  #set(next: { micros: number; event: Event } | undefined): void {
    const { clock } = this.#parts;
    if (this.#timer !== undefined) clock.cancel(this.#timer);
    this.#timer = undefined;
    if (next === undefined) return;
    this.#timer = clock.after(next.micros, () => {
      this.#timer = undefined;
      this.#on(next.event);
    });
  }
}
