/**
 * What the steps of the path share: the device as they see it. `device.ts` makes one; the steps
 * never import it, so the order of reading is the order of calling.
 */
import type { Access } from "../access/policy.js";
import type { Rights } from "../access/rights.js";
import type { Outcome } from "../bytes/outcome.js";
import type { Bodies } from "../coap/block.js";
import type { Endpoint as Messaging } from "../coap/endpoint.js";
import type { Exchanges } from "../coap/exchange.js";
import type { Observers, Party } from "../coap/observe.js";
import type { AppGroup } from "../groups/directory.js";
import type { Arriving, Groups } from "../groups/groups.js";
import type { MemberGroup } from "../groups/members.js";
import type { Renegotiation } from "../groups/renegotiation.js";
import type { Awaited, Schemes } from "../groups/schemes.js";
import type { Report } from "../lighting/report.js";
import type { Clock } from "../ports/clock.js";
import type { Crypto } from "../ports/crypto.js";
import type { Datagram, DatagramPort, Endpoint } from "../ports/datagram.js";
import type { Random } from "../ports/random.js";
import type { Trace } from "../ports/trace.js";
import type { Inner, Own, Profile, RequestBinding } from "../profiles/profile.js";
import type { Face, Reply, Request, Resource } from "../resources/resource.js";
import type { Resources } from "../resources/resources.js";
import type { Ask, Told } from "../secure/request.js";
import type { Store } from "../store/store.js";
import type { MembershipPart } from "./membership.js";
import type { RateLimit } from "./rate.js";

/** A GET that was permitted and answered by `reply`, as whoever begins an observation sees it. */
export interface Watcher {
  readonly from: Endpoint;
  readonly token: Uint8Array;
  /** Undefined in the clear. */
  readonly party?: Party;
  readonly resource: Resource;
  readonly request: Inner;
  readonly reply: Reply;
  /** Whether the right that the request needed is there still. */
  readonly permitted: () => boolean;
  /** Of a group that was asked: over how long its answers are spread. */
  readonly leisureMicros?: (() => number) | undefined;
  /** A notification's datagram, protected as an answer to the request is. */
  readonly make: (header: Header, inner: Inner) => Uint8Array | undefined;
}

/** The answer to a registration, or `later`: it is seen to. Undefined: none is begun. */
export type Begun = Inner | "later" | undefined;

export type Header = { type: number; mid: number; token: Uint8Array };

/** Requests that take more than one message, where the build has them (dialogues.ts). */
export interface Dialogues {
  /** In place of `Resources.run`: a request may be a block of one, an answer a block of it. */
  run(device: Parts, resource: Resource, request: Request): Reply;
  /** The answer to a registration, in place of `reply`; undefined: it is none, or not taken. */
  observe(device: Parts, watcher: Watcher): Begun;
  /** Observes a resource of others; undefined where that cannot be asked for now. */
  watch(device: Parts, wish: Wish): Watching | undefined;
}

/** This device's place in a group, and the group's addresses. */
export interface Membership extends MembershipPart {
  readonly addresses: readonly Uint8Array[];
  /** Keys and members come from an authority: whom that named no file forgets. */
  readonly isManaged?: boolean;
}

/** The schemes with a key for each member, where the build has them (schemes.ts). */
export interface SchemeServices {
  /** By WIRE.md's name. */
  readonly profiles: Readonly<Record<string, Profile>>;
  /** What they keep. Made when this device is in a group of theirs. */
  make(crypto: Crypto, store: Store): Schemes;
  /** Stores what a new installation says of a group; throws when that cannot be. */
  enter(schemes: Schemes, security: MemberGroup, part: Membership): void;
  /** This device as a member, and the group's addresses. */
  own(
    schemes: Schemes,
    security: number,
  ): { readonly own: Own; readonly addresses: readonly Uint8Array[] } | undefined;
  /** Connects it with the rest. */
  connect(schemes: Schemes, device: Parts, random: Random): void;
  /** A token for challenges to a command that asks for no answer; undefined where none can come. */
  awaitChallenges(device: Parts, schemes: Schemes, asked: Asked): Uint8Array | undefined;
  /** True when the answer to a command is a challenge; then it was answered. */
  answerChallenge(device: Parts, schemes: Schemes, asked: Asked, said: Said): boolean;
  /** A message with the OSCORE option that names no application group. */
  receive(device: Parts, schemes: Schemes, datagram: Datagram): Outcome<true>;
  /** A datagram that is no CoAP message. */
  receiveRecord(device: Parts, schemes: Schemes, datagram: Datagram): Outcome<true>;
}

type Mutable<T> = { -readonly [field in keyof T]: T[field] };

/** What an answer is bound to: the request we sent, and its group. */
export interface Asked {
  readonly appGroup: AppGroup;
  /** Known once the request is sealed. */
  request: RequestBinding | undefined;
  /** The same, of a scheme with a key for each member. */
  awaited?: Awaited | undefined;
  /** It has the Observe option: so may its answers. */
  readonly observes?: true;
  /** Under the same token: what else whoever answers from there may have been asked. */
  readonly others?: (from: Endpoint) => readonly Bound[];
}

/** A request of ours under a token that several have: an observation, begun again. */
export type Bound = Pick<Asked, "request" | "awaited">;

/** What is to be observed. */
export interface Wish {
  readonly appGroup: AppGroup;
  /** As in a URI, without the first slash. */
  readonly path: string;
  /** Whom alone to ask, and where he is; the whole group without it. */
  readonly member?: { readonly id: Uint8Array; readonly at: Endpoint };
  readonly onNews: (news: News) => void;
}

/** What became of the state of one member, in the order in which it changed. */
export interface News {
  readonly member: Uint8Array;
  /** `ended`: this is the last that he tells. `gone`: he did not answer any more. */
  readonly what: "state" | "ended" | "gone";
  /** Not of who is gone. */
  readonly inner?: Inner;
}

/** An observation of ours. */
export interface Watching {
  /** What is observed. */
  readonly wish: Wish;
  /** What is known of each member that tells, the latest. */
  states(): readonly { readonly member: Uint8Array; readonly inner: Inner }[];
  /** Tells everybody that no more is wanted. */
  stop(): void;
}

/** What one member said to a request of ours. */
export interface Answer {
  /** Client id it claims; under a group key any member can claim any. */
  readonly member: Uint8Array;
  readonly inner: Inner;
}

/** An answer to a command, and from where. */
export interface Said {
  readonly answer: Answer;
  readonly from: Endpoint;
  /** Where the command asked for a report: who takes it. */
  readonly onReport?: (answer: Answer) => void;
}

export interface Role {
  /** As in resources/resource.ts. */
  readonly bit: number;
  readonly face: Face;
  /** The application group it commands. */
  readonly target: number | undefined;
  /** All of them. */
  readonly targets?: readonly number[];
}

/** What an authority is for. */
export interface Center {
  /** Asks the KDC of today. */
  ask(ask: Ask, done: Told): void;
  /** Shows receivers this device's rights, from the first round on. */
  present(): void;
}

/** One member's execution report. */
export interface MemberReport extends Report {
  readonly member: Uint8Array;
}

export interface Parts {
  readonly clock: Clock;
  readonly trace: Trace;
  readonly store: Store;
  readonly groups: Groups;
  readonly rights: Rights;
  readonly net: DatagramPort;
  readonly endpoint: Messaging;
  readonly exchanges: Exchanges<Asked, Answer>;
  readonly resources: Resources;
  readonly role: Role;
  readonly plainReplies: RateLimit;
  /** Undefined where no group is of a scheme with a key for each member. */
  readonly schemes: SchemeServices | undefined;
  /** Undefined in a build that has none. */
  readonly dialogues: Dialogues | undefined;
  /** What dialogues keep; not there while they keep nothing. */
  bodies?: Bodies | undefined;
  observers?: Observers | undefined;
  /** Observations of ours; not there while there are none. */
  watches?: readonly Watching[] | undefined;
  /** Told when somebody begins or ends to observe, here or there, or to tell. */
  onObservation?: (() => void) | undefined;
  /** Runs of RFC 8613 Appendix B.2, where a group has them. */
  renegotiation?: Renegotiation | undefined;
  /** Of channels.ts; not there where the installation names no KDC. */
  center?: Center | undefined;
  /** What the policy is asked, and a resource: filled anew for every request, allocated once. */
  readonly access: Mutable<Access>;
  readonly request: Mutable<Request>;
  /** Whether anything here follows the group: then it matters who prevails. */
  readonly follows: boolean;
  /** Spread of answers to a group request (RFC 7252 §8.2). */
  readonly leisureMicros: number;
  /** The latest command's execution reports, one a member, when their time is over. */
  readonly onReports: (reports: readonly MemberReport[]) => void;
  listensOn(port: number): boolean;
  /**
   * Of two commands that crossed in flight the larger client id's wins, on every device alike
   * (lighting/switch.ts).
   */
  prevails(arriving: Arriving): boolean;
}
