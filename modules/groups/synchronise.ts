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
 * the reference, and obeyed. In schemes without an Echo, whose answers have numbers of their own,
 * the sender is asked anything at all: his answer, bound to the question, is the reference
 * (draft-tiloca-core-multicast-oscoap-00 §7.2, "directly contact the broadcaster"). Who cannot ask,
 * a silent server, has the baseline; so has who only follows the group: what it takes for reference
 * moves no light.
 *
 * Anybody can send what he recorded, from any address, and have the challenge to it. But his
 * recordings are older than what the sender says now. So a challenge that was not sent yet goes to
 * whoever spoke last; one that was sent gives way to a newer message, from the same address after
 * the time an answer takes; and nothing older than the newest message makes one while another is
 * under way. What a device makes in all is little, so an outsider with recordings of many senders
 * can delay one of them by a few seconds for each; every recording serves once.
 *
 * What only reads is let through: its answer says what is true now. Who observes wants more than
 * that: a registration from hours ago would have whoever is at its address told for hours to come.
 */
import { equalBytes } from "../bytes/equal.js";
import { Agenda } from "../coap/agenda.js";
import { upTo } from "../coap/chance.js";
import { ECHO, find, GET, isRequest, OBSERVE } from "../coap/options.js";
import type { Recipients } from "../oscore/recipients.js";
import type { Clock } from "../ports/clock.js";
import type { Random } from "../ports/random.js";
import type { Inner } from "../profiles/profile.js";
import type { Association, SecurityGroup } from "./directory.js";
import type { Place } from "./unverified.js";

/** Challenges under way; one more takes the place of the oldest. */
export const CHALLENGES_MAX = 16;
/** Of those, to one sender: after a message that was made up or held back, his own. */
const CHALLENGES_OF_ONE = 2;
/** How long one who was asked is not asked again: he may have others to answer first. */
const ANSWER_MICROS = 1_000_000;
/** RFC 9175 §5: 64 bits of a value that is only random. */
const ECHO_BYTES = 8;
/** How long after a challenge was sent its answer is awaited. */
export const ECHO_LIFETIME_MICROS = 5_000_000;
/**
 * What a sender needs for one challenge and its answer, and the mesh with it: in pairwise mode
 * 56 ms on a Cortex-M4 to agree on a key, else 31 ms to verify and 13 ms to sign; then two frames
 * of 4 ms over a few hops.
 */
const LISTENER_MICROS = 75_000;
/**
 * The answers of so many can wait in the sender's radio (lowpan/limits.ts). Of more he needs time
 * for what they pass on of his command, too: with 75 ms for each of a hundred he lost 42 answers.
 */
const WAITING_LISTENERS = 16;
const CROWDED_MICROS = 40_000;

/** A message as far as it matters here (groups.ts, Arriving). */
export interface Message {
  readonly association: Association;
  readonly row: number;
  readonly option: { readonly sequence: number };
  readonly from: { readonly address: Uint8Array };
  readonly multicast: boolean;
}

/** Sends a challenge now, to whoever sent the message that `begin` was called for. */
export type Say = (challenge: Challenge) => void;

/** A challenge that waits for its moment, or for its answer. */
export interface Challenge {
  readonly association: Association;
  readonly id: Uint8Array;
  /** Of no bytes where the sender is asked something else. */
  readonly echo: Uint8Array;
  /** Who is asked, and has to answer from there. */
  peer: Uint8Array;
  say: Say;
  /** Undefined before it was sent. */
  sentMicros: number | undefined;
  untilMicros: number;
}

/** How a challenge is to be made. */
export interface Asking {
  /** It is sent at a random moment within; 0: at once. */
  readonly leisureMicros: number;
  readonly say: Say;
}

export interface SynchronisationParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly recipients: Recipients;
  /** How many challenges are made. */
  readonly rate: { take(): boolean };
  /** Whether this device only follows what others command. */
  readonly follows: () => boolean;
}

export type Verdict = "fresh" | "reference" | "held" | "challenge";

export class Synchronisation {
  readonly #parts: SynchronisationParts;
  /** The oldest first. */
  readonly #challenges: Challenge[] = [];
  readonly #agenda: Agenda<Challenge>;
  /** Rows whose numbers were shown to be fresh since the start; rows are used again. */
  readonly #fresh = new Map<number, Association>();

  #expected: Association | undefined = undefined;

  constructor(parts: SynchronisationParts) {
    this.#parts = parts;
    this.#agenda = new Agenda(parts.clock, (one) => this.#send(one));
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
    if (this.#expected === association) {
      this.#expected = undefined;
      this.settle(arriving);
      return "fresh";
    }
    const asks = way === "challenge" && this.#asks(arriving);
    const echo = find(inner.options, ECHO);
    if (asks && echo !== undefined) return this.#echoed(arriving, id, echo);
    if (this.#isKnown(association, row, skipped)) return "fresh";
    if (!asks) {
      this.settle(arriving);
      return "reference";
    }
    this.#fresh.delete(row);
    return this.#mayAsk(arriving, id, skipped) ? "challenge" : "held";
  }

  /**
   * Whether `judge` will find a command fresh that has no option for it, while it is not marked
   * yet. Changes nothing.
   */
  isSettled({ association, row, sequence }: Place): boolean {
    const way = association.security.policy?.synchronisation ?? "bestEffort";
    const skipped = sequence - this.#parts.recipients.highest(row) - 1;
    return way === "bestEffort" || this.#isKnown(association, row, skipped);
  }

  /** Whether the sender's numbers were shown to be fresh, and go on from there. */
  #isKnown(association: Association, row: number, skipped: number): boolean {
    const gapMax = association.security.policy?.gapMax ?? Number.POSITIVE_INFINITY;
    if (this.#fresh.get(row) !== association) return false; // check: synchronised-since-start
    if (skipped > gapMax) return false; // check: synchronised-gap
    return true;
  }

  /** A silent server cannot ask. What is said to many, who only follows need not ask about. */
  #asks({ association, multicast }: Message): boolean {
    if (!canAsk(association.security)) return false;
    const isFollowed = multicast && this.#parts.follows();
    if (isFollowed) return false; // check: followed-baseline
    return true;
  }

  /**
   * Whether the message at hand makes a challenge, while others may be under way. No message holds
   * off a newer one: where it comes from and how old it is, nobody vouches for.
   */
  #mayAsk({ association, from }: Message, id: Uint8Array, skipped: number): boolean {
    const mine = this.#of(association, id);
    if (mine.length === 0) return true;
    // Whatever was recorded is older than what its sender said since.
    if (skipped < 0) return false; // check: challenge-newest
    const now = this.#parts.clock.micros();
    const isAsked = ({ peer, sentMicros }: Challenge) =>
      sentMicros !== undefined &&
      now - sentMicros < ANSWER_MICROS &&
      equalBytes(peer, from.address);
    if (mine.some(isAsked)) return false; // check: challenge-waits
    return true;
  }

  /**
   * Asks the sender of the message at hand whether he is there. One who was going to be asked is
   * asked about this message instead. Undefined when too many were asked.
   */
  begin(arriving: Message, id: Uint8Array, { leisureMicros, say }: Asking): Challenge | undefined {
    const { clock, random, rate } = this.#parts;
    const { association, from } = arriving;
    const peer = from.address.slice();
    const mine = this.#of(association, id);
    const waiting = mine.find(({ sentMicros }) => sentMicros === undefined);
    if (waiting !== undefined) {
      waiting.peer = peer;
      waiting.say = say;
      if (leisureMicros === 0) this.#send(waiting);
      return waiting;
    }
    if (!rate.take()) return undefined; // check: challenge-rate
    if (mine.length >= CHALLENGES_OF_ONE) this.#remove(mine[0]); // check: challenges-of-one
    const isFull = this.#challenges.length >= CHALLENGES_MAX;
    if (isFull) this.#remove(this.#challenges[0]); // check: challenges-max
    const echo = new Uint8Array(isEchoed(association.security) ? ECHO_BYTES : 0);
    random.fill(echo);
    const dueMicros = clock.micros() + upTo(random, leisureMicros);
    const challenge: Challenge = {
      association,
      id: id.slice(),
      echo,
      peer,
      say,
      sentMicros: undefined,
      untilMicros: dueMicros + ECHO_LIFETIME_MICROS,
    };
    this.#challenges.push(challenge);
    if (leisureMicros === 0) this.#send(challenge);
    else this.#agenda.add(dueMicros, challenge);
    return challenge;
  }

  /** Its moment has come. */
  #send(challenge: Challenge): void {
    this.#agenda.remove(challenge);
    this.#forgetOld();
    if (!this.#challenges.includes(challenge)) return;
    const now = this.#parts.clock.micros();
    challenge.sentMicros = now;
    challenge.untilMicros = now + ECHO_LIFETIME_MICROS;
    challenge.say(challenge);
  }

  /** `sender` answered the question that stands for a challenge: his numbers are fresh. */
  answered(challenge: Challenge, arriving: Message, sender: Uint8Array): void {
    const { association, id } = challenge;
    if (!this.#of(association, id).includes(challenge)) return;
    if (!equalBytes(sender, id)) return; // check: question-sender
    if (arriving.association !== association) return; // check: question-key
    this.#end(association, id);
    this.settle(arriving);
  }

  /** Whatever is not above this message's number counts as seen. */
  settle({ association, row, option }: Message): void {
    this.#parts.recipients.close(row, option.sequence);
    this.#fresh.set(row, association);
  }

  /** The next request under this key is known to be fresh: it is a reference. */
  expect(association: Association): void {
    this.#expected = association;
  }

  /** Numbers that came with the key are a reference, too. */
  handedOver(association: Association, row: number): void {
    this.#fresh.set(row, association);
  }

  /** A key is no more. */
  forget(association: Association): void {
    for (const one of this.#challenges.slice()) {
      if (one.association === association) this.#remove(one);
    }
    for (const [row, fresh] of this.#fresh) if (fresh === association) this.#fresh.delete(row);
    if (this.#expected === association) this.#expected = undefined;
  }

  #echoed(arriving: Message, id: Uint8Array, echo: Uint8Array): Verdict {
    if (arriving.multicast) return "held"; // check: echo-unicast
    const { association, from } = arriving;
    const isAnswered = this.#of(association, id).some((one) => {
      if (!equalBytes(one.peer, from.address)) return false; // check: echo-peer
      if (!equalBytes(one.echo, echo)) return false; // check: echo-value
      return true;
    });
    if (!isAnswered) return "held";
    this.#end(association, id); // check: echo-once
    this.settle(arriving);
    return "fresh";
  }

  /** The challenges that this member may answer under this key, the oldest first. */
  #of(association: Association, id: Uint8Array): Challenge[] {
    this.#forgetOld();
    return this.#challenges.filter((one) => {
      if (one.association !== association) return false; // check: echo-key
      return equalBytes(one.id, id);
    });
  }

  #end(association: Association, id: Uint8Array): void {
    for (const one of this.#of(association, id)) this.#remove(one);
  }

  #remove(challenge: Challenge): void {
    this.#challenges.splice(this.#challenges.indexOf(challenge), 1);
    this.#agenda.remove(challenge);
  }

  /** RFC 10021 §9: a rekey ends them all; so does time. */
  #forgetOld(): void {
    const now = this.#parts.clock.micros();
    for (const one of this.#challenges.slice()) {
      let isOver = false;
      if (now > one.untilMicros) isOver = true; // check: echo-lifetime
      const { security } = one.association;
      // Of contexts that two derived, the one before the newest is heard as well.
      const isThere = security.derived?.all.includes(one.association);
      const isNewest = isThere ?? security.associations.at(-1) === one.association;
      if (!isNewest) isOver = true; // check: echo-rekey
      if (isOver) this.#remove(one);
    }
  }
}

/**
 * Over how long challenges to one sender are spread. RFC 10021 §9 and RFC 9175 say nothing of when:
 * it is an answer to a multicast request, and so has the leisure of RFC 7252 §8.2, which is to be
 * computed from the size of the group where that is known (lb_Leisure = S * G / R). Here it is not
 * the air that is slow but the sender who has to answer. Where it is not known, `leisureMicros`;
 * RFC 10020 §3.6.1 would have 13 to 20 s, in which nobody waits for a lamp.
 */
export function challengeLeisure({ policy }: SecurityGroup, leisureMicros: number): number {
  const listeners = policy?.listeners;
  let spread = leisureMicros;
  if (listeners !== undefined) spread = spreadOf(listeners); // check: challenge-spread
  return spread;
}

function onlyReads({ code, options }: Inner): boolean {
  if (code !== GET) return false;
  if (find(options, OBSERVE) !== undefined) return false; // check: observe-synchronised
  return true;
}

function spreadOf(listeners: number): number {
  const crowd = Math.max(0, listeners - WAITING_LISTENERS);
  return listeners * LISTENER_MICROS + crowd * CROWDED_MICROS;
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
  const hasNoSession = own.id.length === 0 && profile.layer === "record";
  if (hasNoSession) return false; // check: session-baseline
  return true;
}
