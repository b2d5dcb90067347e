/**
 * The quick way in for schemes with a key for each member: native help opens what it can
 * (ports/intake-member.ts), from tables made here; what is to be done about the signature is
 * decided here, before anything is marked.
 *
 * PROBLEM. Opening a group request of RFC 10021 in TypeScript takes a Cortex-M4 several times what
 * one of `lowlatency` takes, its signature not counted.
 *
 * REJECTED. Native help for groups that verify every signature first: it would save a tenth of what
 * the signature costs. Native help that knows which signature may wait: the policy, said twice.
 *
 * CHOICE. Groups whose policy lets signatures wait, light commands to many, members whose context
 * is at hand: native help opens, `unverified.ts` decides, native help marks. What has to be
 * verified first, and everything else, goes the reference's way from its beginning (candidates.ts,
 * verify.ts): nothing was changed by then.
 */
import type { Level } from "../access/level.js";
import { drop, type Outcome, type Proof } from "../bytes/outcome.js";
import { Workspace } from "../oscore/aad.js";
import { OscoreOption } from "../oscore/option.js";
import { Outer } from "../oscore/outer.js";
import type { Datagram } from "../ports/datagram.js";
import {
  ANSWER_LEVEL_MASK,
  ANSWER_LEVEL_SHIFT,
  ANSWER_LINE_MASK,
  ANSWER_LINE_SHIFT,
  ANSWER_MARKED,
  ANSWER_NEWEST,
  ANSWER_ROW_MASK,
  ANSWER_ROW_SHIFT,
  ANSWER_SIZE_MASK,
  type BoundMembers,
  DECLINED,
  INTAKE_DROPS,
} from "../ports/intake.js";
import type { Inner, Signed } from "../profiles/profile.js";
import type { Association } from "./directory.js";
import type { Arriving, Groups, Quick, QuickHelp } from "./groups.js";
import { type MemberLine, memberTables } from "./member-tables.js";
import type { Schemes, Taken } from "./schemes.js";
import type { Unread } from "./unverified.js";
import { takenOf } from "./verify.js";

const BY_GROUP: Proof = Object.freeze({ by: "group" });
const STORE_FAILED: Outcome<Inner> = drop("storeFailed");
const REFUSALS: readonly Outcome<Inner>[] = Object.freeze(
  INTAKE_DROPS.map((reason) => drop<Inner>(reason)),
);

export class MemberIntake implements Quick {
  readonly #quick: Quick;
  readonly #help: QuickHelp | undefined;
  readonly #schemes: Schemes;
  /** What the tables were made of. */
  #revision = -1;
  #contexts = -1;
  #lines: readonly MemberLine[] = [];
  #bound: BoundMembers | undefined = undefined;
  readonly #place: { association: Association; row: number; sequence: number };

  /** `quick` gets what is no member's. */
  constructor(quick: Quick, schemes: Schemes) {
    this.#quick = quick;
    this.#help = quick.help;
    this.#schemes = schemes;
    this.#place = { association: undefined as unknown as Association, row: 0, sequence: 0 };
  }

  open(groups: Groups, datagram: Datagram): Outcome<Inner> | undefined {
    const contexts = this.#schemes.contexts;
    const isStale =
      groups.directory.revision !== this.#revision || contexts.revision !== this.#contexts;
    if (isStale) this.#makeTables(groups);
    const bound = this.#bound;
    if (bound !== undefined) {
      const to = datagram.to;
      const answer = bound.open(datagram.bytes, to.address, to.port);
      if (answer >= 0) return this.#decide(groups, datagram, answer, bound);
      if (answer !== DECLINED) return REFUSALS[-2 - answer];
    }
    const taken = this.#quick.open(groups, datagram);
    // It judges what it knows: what it finds out of form may be another scheme's.
    return taken?.ok === false && taken.drop === "malformed" ? undefined : taken;
  }

  /** Opened, and nothing changed yet; undefined where the reference has to look. */
  #decide(
    groups: Groups,
    datagram: Datagram,
    answer: number,
    bound: BoundMembers,
  ): Outcome<Inner> | undefined {
    const help = this.#help as QuickHelp;
    const schemes = this.#schemes;
    const unverified = schemes.unverified;
    const line = this.#lines[(answer >> ANSWER_LINE_SHIFT) & ANSWER_LINE_MASK];
    const row = (answer >> ANSWER_ROW_SHIFT) & ANSWER_ROW_MASK;
    const opened = help.light(answer & ANSWER_SIZE_MASK);
    const kept = line.kept;
    const association = kept.association;
    const sequence = help.sequence[0];
    const place = this.#place;
    place.association = association;
    place.row = row;
    place.sequence = sequence;
    if (unverified === undefined || !opened.ok) return undefined;
    if (!unverified.mayWait(place, opened.value)) return undefined; // check: quick-may-wait
    const synchronisation = schemes.synchronisation;
    if (synchronisation?.isSettled(place) === false) return undefined; // check: quick-settled
    schemes.proof = BY_GROUP;
    schemes.sender = kept.id;
    schemes.taken = undefined;
    const marked = bound.mark();
    if (marked < 0) return STORE_FAILED; // check: quick-mark-refused
    if ((marked & ANSWER_MARKED) === 0 && !groups.recipients.mark(row, sequence)) {
      return STORE_FAILED; // check: quick-member-durable
    }
    const arriving = groups.arriving;
    arriving.isRead = false;
    arriving.outer.bytes = datagram.bytes;
    arriving.option.sequence = sequence;
    arriving.isTop = false;
    arriving.row = row;
    arriving.multicast = true;
    arriving.association = association;
    arriving.appGroup = line.appGroup;
    arriving.isNewest = (answer & ANSWER_NEWEST) !== 0;
    arriving.granted = ((answer >> ANSWER_LEVEL_SHIFT) & ANSWER_LEVEL_MASK) as Level;
    schemes.verdict = "fresh";
    kept.used = ++schemes.contexts.uses;
    unverified.keepUnread(place, datagram.bytes, kept.context);
    return opened;
  }

  #makeTables(groups: Groups): void {
    const { directory } = groups;
    const schemes = this.#schemes;
    const help = this.#help;
    this.#bound = undefined;
    const { unverified, contexts } = schemes;
    if (help !== undefined && unverified !== undefined) {
      unverified.read ??= signedOf;
      schemes.take ??= () => take(schemes, groups.arriving);
      const { tables, lines, keys } = memberTables(directory, contexts);
      const [, result, recipients, rights, cursor, index, , capacity] = help.state;
      const { buffer } = tables;
      this.#lines = lines;
      this.#bound =
        lines.length === 0
          ? undefined
          : help.native.bindMembers?.([
              ...([buffer as ArrayBuffer, result, recipients, rights, cursor, index] as const),
              ...([keys, capacity] as const),
            ]);
    }
    // Last: whatever throws before leaves tables that are not asked.
    this.#revision = directory.revision;
    this.#contexts = schemes.contexts.revision;
  }
}

/** The signature of a message that was acted on, and what it covers. */
function signedOf({ association, datagram: copy, size, peer }: Unread): Signed | undefined {
  const datagram = copy.slice(0, size);
  const outer = new Outer();
  const option = new OscoreOption();
  const isWhole =
    outer.scan(datagram) && option.parse(datagram, outer.oscoreStart, outer.oscoreLength);
  if (!isWhole) throw new Error("native intake: opened what does not parse");
  const { profile } = association.security;
  const context = { appGroup: { id: 0 }, request: undefined, work: new Workspace(), peer };
  return profile.signed?.(association, { outer, option, to: NOWHERE }, context);
}

/** A group request's signature does not depend on where it was sent. */
const NOWHERE = Object.freeze({ address: Object.freeze([]) as unknown as Uint8Array, port: 0 });

/** What the answers to the message at hand need to know of it. */
function take(schemes: Schemes, arriving: Arriving): Taken | undefined {
  const { association } = arriving;
  if (association.security.profile.namesGroup === true) return undefined;
  schemes.taken = takenOf(arriving, association, BY_GROUP, schemes.sender);
  return schemes.taken;
}
