/**
 * Whether a sender's numbers can be taken for fresh.
 *
 * PROBLEM. A replay window tells a second copy from the first one, but not whether the first copy
 * was held back: what a lamp meets first of a sender, at first contact, after it was without power,
 * or after many numbers it missed, may be hours old.
 *
 * REJECTED. Windows that are empty after a restart (they are in flash, so nothing is a replay that
 * was accepted once). To hold a command until its sender has shown that he is there: by then it is
 * old news, and its repetition (lighting/repeater.ts) or the answer to the challenge brings it
 * again.
 *
 * CHOICE, for each group (policy.ts). Best effort: nothing. Baseline: the message is the reference
 * and dropped; whatever is not above it counts as seen. Challenge: the message is dropped, and the
 * sender asked to echo a random value (RFC 9175), in a request to this device alone; that one is
 * the reference, and obeyed. A challenge that is not answered in its time is made anew when the
 * next message comes. In schemes without an Echo, whose answers have numbers of their own, the
 * sender is asked anything at all: his answer, bound to the question, is the reference
 * (draft-tiloca-core-multicast-oscoap-00 §7.2, "directly contact the broadcaster"). Who cannot ask,
 * a silent server, has the baseline.
 *
 * What only reads is let through: its answer says what is true now. Who observes wants more than
 * that: a registration from hours ago would have whoever is at its address told for hours to come.
 */
import { equalBytes } from "../bytes/equal.js";
import { ECHO, find, GET, isRequest, OBSERVE } from "../coap/options.js";
import type { Recipients } from "../oscore/recipients.js";
import type { Clock } from "../ports/clock.js";
import type { Random } from "../ports/random.js";
import type { Inner } from "../profiles/profile.js";
import type { Association, SecurityGroup } from "./directory.js";
import type { Place } from "./unverified.js";

/** Challenges that wait for their answers; one more is not made. */
export const CHALLENGES_MAX = 16;
/** RFC 9175 §2.3: 64 bits at least, of a value that is only random. */
const ECHO_BYTES = 8;
/** How long after a challenge was sent its answer is awaited. */
export const ECHO_LIFETIME_MICROS = 5_000_000;
/**
 * What a sender needs for one challenge and its answer, and the mesh with it: in pairwise mode
 * 56 ms on a Cortex-M4 to agree on a key, else 31 ms to verify and 13 ms to sign; then two frames
 * of 4 ms over a few hops.
 */
const LISTENER_MICROS = 75_000;

/** A message as far as it matters here (groups.ts, Arriving). */
export interface Message {
  readonly association: Association;
  readonly row: number;
  readonly option: { readonly sequence: number };
  readonly from: { readonly address: Uint8Array };
  readonly multicast: boolean;
}

/** A challenge on its way. */
export interface Challenge {
  readonly association: Association;
  readonly id: Uint8Array;
  /** Who is asked, and has to answer from there. */
  readonly peer: Uint8Array;
  /** Of no bytes where the sender is asked something else. */
  readonly echo: Uint8Array;
  untilMicros: number;
}

export type Verdict = "fresh" | "reference" | "held" | "challenge";

export class Synchronisation {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #recipients: Recipients;
  readonly #challenges: Challenge[] = [];
  /** Rows whose numbers were shown to be fresh since the start; rows are used again. */
  readonly #fresh = new Map<number, Association>();

  constructor(parts: { clock: Clock; random: Random; recipients: Recipients }) {
    this.#clock = parts.clock;
    this.#random = parts.random;
    this.#recipients = parts.recipients;
  }

  /** Challenges under way. */
  get count(): number {
    return this.#challenges.length;
  }

  /**
   * What a request is worth that was verified and marked. `skipped`: numbers between it and the
   * highest one before. `fresh` goes on; everything else is dropped, `challenge` with a question to
   * its sender.
   */
  judge(arriving: Message, id: Uint8Array, inner: Inner, skipped: number): Verdict {
    const { association, row } = arriving;
    const { policy } = association.security;
    const way = policy?.synchronisation ?? "bestEffort";
    if (way === "bestEffort" || onlyReads(inner) || !isRequest(inner.code)) return "fresh";
    const asks = way === "challenge" && canAsk(association.security);
    const echo = find(inner.options, ECHO);
    if (asks && echo !== undefined) return this.#echoed(arriving, id, echo);
    if (this.#isKnown(association, row, skipped)) return "fresh";
    if (!asks) {
      this.settle(arriving);
      return "reference";
    }
    this.#fresh.delete(row);
    if (this.#find(association, id) !== undefined) return "held"; // check: challenge-waits
    return "challenge";
  }

  /**
   * Whether `judge` will find a command fresh that has no option for it, while it is not marked
   * yet. Changes nothing.
   */
  isSettled({ association, row, sequence }: Place): boolean {
    const way = association.security.policy?.synchronisation ?? "bestEffort";
    const skipped = sequence - this.#recipients.highest(row) - 1;
    return way === "bestEffort" || this.#isKnown(association, row, skipped);
  }

  /** Whether the sender's numbers were shown to be fresh, and go on from there. */
  #isKnown(association: Association, row: number, skipped: number): boolean {
    const gapMax = association.security.policy?.gapMax ?? Number.POSITIVE_INFINITY;
    if (this.#fresh.get(row) !== association) return false; // check: synchronised-since-start
    if (skipped > gapMax) return false; // check: synchronised-gap
    return true;
  }

  /**
   * Notes a challenge to the sender of the message at hand; undefined when too many are under way.
   * Its time is that of its way to the sender, `leisureMicros`, and of the way back.
   */
  begin(arriving: Message, id: Uint8Array, leisureMicros: number): Challenge | undefined {
    this.#forgetOld();
    if (this.#challenges.length >= CHALLENGES_MAX) return undefined; // check: challenges-max
    const { association, from } = arriving;
    const echo = new Uint8Array(isEchoed(association.security) ? ECHO_BYTES : 0);
    this.#random.fill(echo);
    const peer = from.address.slice();
    const untilMicros = this.#clock.micros() + leisureMicros + ECHO_LIFETIME_MICROS;
    const challenge = { association, id: id.slice(), peer, echo, untilMicros };
    this.#challenges.push(challenge);
    return challenge;
  }

  /** Its moment has come; false when nobody waits for it any more. */
  send(challenge: Challenge): boolean {
    const isWanted = this.#find(challenge.association, challenge.id) === challenge;
    if (isWanted) challenge.untilMicros = this.#clock.micros() + ECHO_LIFETIME_MICROS;
    return isWanted;
  }

  /** `sender` answered the question that stands for a challenge: his numbers are fresh. */
  answered(challenge: Challenge, arriving: Message, sender: Uint8Array): void {
    const { association, id } = challenge;
    if (this.#find(association, id) !== challenge) return;
    if (!equalBytes(sender, id)) return; // check: question-sender
    if (arriving.association !== association) return; // check: question-key
    this.#remove(challenge);
    this.settle(arriving);
  }

  /** Whatever is not above this message's number counts as seen. */
  settle({ association, row, option }: Message): void {
    this.#recipients.close(row, option.sequence);
    this.#fresh.set(row, association);
  }

  /** Numbers that came with the key are a reference, too. */
  handedOver(association: Association, row: number): void {
    this.#fresh.set(row, association);
  }

  #echoed(arriving: Message, id: Uint8Array, echo: Uint8Array): Verdict {
    if (arriving.multicast) return "held"; // check: echo-unicast
    const { association, from } = arriving;
    const challenge = this.#find(association, id);
    if (challenge === undefined) return "held";
    if (!equalBytes(challenge.peer, from.address)) return "held"; // check: echo-peer
    if (!equalBytes(challenge.echo, echo)) return "held"; // check: echo-value
    this.#remove(challenge); // check: echo-once
    this.settle(arriving);
    return "fresh";
  }

  /** The challenge that this member has to answer under this key. */
  #find(association: Association, id: Uint8Array): Challenge | undefined {
    this.#forgetOld();
    const { security } = association;
    const found = this.#challenges.find(
      (one) => one.association.security === security && equalBytes(one.id, id),
    );
    if (found?.association !== association) return undefined; // check: echo-key
    return found;
  }

  #remove(challenge: Challenge): void {
    this.#challenges.splice(this.#challenges.indexOf(challenge), 1);
  }

  /** RFC 10021 §9: a rekey ends them all; so does time. */
  #forgetOld(): void {
    const now = this.#clock.micros();
    for (const one of this.#challenges.slice()) {
      let isOver = false;
      if (now > one.untilMicros) isOver = true; // check: echo-lifetime
      const { security } = one.association;
      if (security.associations.at(-1) !== one.association) isOver = true; // check: echo-rekey
      if (isOver) this.#remove(one);
    }
  }
}

/**
 * Over how long challenges to one sender are spread. RFC 10021 §9 and RFC 9175 leave that to RFC
 * 7252 §8.2: by the number of listeners where it is known, in `leisureMicros` where it is not. Not
 * in that time at least: it is for answers that nobody waits for, and until the challenge is
 * answered the lamp stays as it was. A room of 12 is done in 0.9 s, as fast as its switch can be;
 * a hundred lamps in 7.5 s.
 */
export function challengeLeisure({ policy }: SecurityGroup, leisureMicros: number): number {
  const listeners = policy?.listeners;
  let spread = leisureMicros;
  if (listeners !== undefined) spread = listeners * LISTENER_MICROS; // check: challenge-spread
  return spread;
}

function onlyReads({ code, options }: Inner): boolean {
  if (code !== GET) return false;
  if (find(options, OBSERVE) !== undefined) return false; // check: observe-synchronised
  return true;
}

/** Whether the sender is challenged by an option in a response. */
export function isEchoed({ profile }: SecurityGroup): boolean {
  return profile.challenge !== undefined;
}

/** A silent server cannot ask; nor can who has no session of its own. */
function canAsk({ profile, own }: SecurityGroup): boolean {
  if (own === undefined) return false;
  const isMute = profile.proof === "member" && own.signer === undefined;
  if (isMute) return false; // check: silent-baseline
  return own.id.length > 0 || profile.layer === "message";
}
