/**
 * What a device does for the policies of its groups (groups/policy.ts): asks a sender to show that
 * he is there, and a repository for the key of somebody it does not know.
 *
 * The storm brake. A press of a switch that a hundred lamps do not know the numbers of, after a
 * power cut, could make a hundred challenges, and a hundred requests of the switch. So challenges
 * to a message that was sent to many are spread over a time that grows with the group (RFC 7252
 * §8.2), and a device makes few at once and then one a second. Questions for the key of whoever
 * said something to many, which anybody can in anybody's name, are spread over the same time.
 */
import type { Drop } from "../bytes/outcome.js";
import { CON, NON, type Option } from "../coap/message.js";
import {
  addPath,
  addUint,
  CONTENT,
  CONTENT_FORMAT,
  FETCH,
  GET,
  URI_QUERY,
} from "../coap/options.js";
import type { AppGroup } from "../groups/directory.js";
import type { Groups } from "../groups/groups.js";
import type { Outgoing } from "../groups/outgoing.js";
import { acceptsUnverified } from "../groups/policy.js";
import {
  ACE_GROUPCOMM_CBOR,
  learn,
  questionFor,
  type Stranger,
  Strangers,
} from "../groups/repository.js";
import type { Schemes } from "../groups/schemes.js";
import { seal } from "../groups/seal.js";
import {
  type Challenge,
  challengeLeisure,
  isEchoed,
  Synchronisation,
} from "../groups/synchronise.js";
import { Unverified } from "../groups/unverified.js";
import type { Endpoint } from "../ports/datagram.js";
import type { Random } from "../ports/random.js";
import { sealRequest } from "./asking.js";
import { changesAnything } from "./changes.js";
import type { Answer, Asked, Header, Parts } from "./parts.js";
import { RateLimit } from "./rate.js";
import { beginRenegotiation } from "./renegotiate.js";

const CHALLENGES_BURST = 4;
const CHALLENGE_MICROS = 1_000_000;
/** A confirmable request and its answer (RFC 7252 §4.8.2, MAX_TRANSMIT_WAIT). */
const FETCH_MICROS = 93_000_000;

/** Secrets agreed on because somebody unheard of asks for it, in pairwise mode. */
const AGREEMENTS_BURST = 4;
const AGREEMENT_MICROS = 1_000_000;

/** Makes what the groups of this device and their policies ask for. */
export function begin(schemes: Schemes, device: Parts, random: Random): void {
  const { clock, trace, groups } = device;
  const { recipients, directory } = groups;
  const policies = directory.securities().map(({ policy }) => policy);
  const { signatures } = schemes.crypto;
  if (directory.securities().some(({ profile }) => profile.pairs !== undefined)) {
    schemes.agreements = new RateLimit(clock, AGREEMENTS_BURST, AGREEMENT_MICROS);
  }
  if (signatures !== undefined && policies.some(acceptsUnverified)) {
    schemes.unverified = new Unverified({
      isGenuine: (signed) => schemes.isGenuine(signed),
      clock,
      recipients,
      tell: (what) => trace.count(what),
      changes: (inner) => changesAnything(device, inner),
    });
  }
  if (policies.some((one) => one !== undefined && one.synchronisation !== "bestEffort")) {
    const rate = new RateLimit(clock, CHALLENGES_BURST, CHALLENGE_MICROS);
    const follows = () => device.follows;
    schemes.synchronisation = new Synchronisation({ clock, random, recipients, rate, follows });
  }
  if (policies.some((one) => one?.repository !== undefined)) {
    schemes.strangers = new Strangers({ clock, random });
  }
  beginRenegotiation(schemes, device, random);
}

/** A message of such a group was dropped: whether there is something to ask. */
export function dropped(device: Parts, schemes: Schemes, reason: Drop): void {
  if (reason === "notSynchronised" && schemes.verdict === "challenge") challenge(device, schemes);
  const { stranger } = schemes;
  schemes.stranger = undefined;
  if (reason === "unknownMember" && stranger !== undefined) fetchKey(device, schemes, stranger);
}

function challenge(device: Parts, schemes: Schemes): void {
  const { groups, endpoint } = device;
  const { arriving } = groups;
  const { outer, from, multicast } = arriving;
  const { security } = arriving.association;
  const { type, code, mid, tokenLength } = outer;
  const request = { type, code, mid, token: outer.bytes.slice(4, 4 + tokenLength) };
  const to = { address: from.address.slice(), port: from.port };
  const isReply = isEchoed(security);
  const make = isReply ? echoing(device, schemes, to) : asking(device, schemes, to);
  const isAcknowledged = type === CON && isReply;
  const say = (made: Challenge) => {
    if (isAcknowledged) endpoint.remember(request, to);
    const head = isAcknowledged ? request : { ...request, type: NON };
    endpoint.reply({ request: head, from: to, make: (header) => make(header, made) });
  };
  const leisureMicros = multicast ? challengeLeisure(security, device.leisureMicros) : 0;
  schemes.synchronisation?.begin(arriving, schemes.sender, { leisureMicros, say });
}

type Make = (header: Header, made: Challenge) => Uint8Array | undefined;

/** RFC 10021 §9: the option alone, with a number of our own, between the two where they can. */
function echoing(device: Parts, { taken }: Schemes, to: Endpoint): Make {
  const { groups, trace } = device;
  const { appGroup, association } = groups.arriving;
  const { profile } = association.security;
  const { code, option } = profile.challenge as { code: number; option: number };
  return (header, made) => {
    if (taken === undefined) return undefined;
    const asker = profile.pairs?.(association) === true ? made.id : taken.asker;
    const sealed = seal(groups, {
      header,
      inner: { code, options: [{ number: option, value: made.echo }], payload: undefined },
      clear: [],
      appGroup,
      association,
      to,
      request: { ...taken, asker } as Outgoing["request"],
      ownNumber: true,
    });
    trace.count(sealed.ok ? "response" : "sendRefused");
    return sealed.ok ? sealed.value.bytes : undefined;
  };
}

/** Anything at all that is answered: what the sender has that there is not. */
function asking(device: Parts, schemes: Schemes, to: Endpoint): Make {
  const { groups } = device;
  const { appGroup } = groups.arriving;
  const options: Option[] = [];
  addPath(options, "/.well-known/core");
  addPath(options, "/href=none", URI_QUERY);
  return ({ type, mid }, made) =>
    counted(device, {
      appGroup,
      to,
      head: { type, mid },
      inner: { code: GET, options, payload: undefined },
      waitMicros: made.untilMicros - device.clock.micros(),
      onAnswer: () => {
        schemes.synchronisation?.answered(made, groups.arriving, schemes.sender);
      },
    });
}

/** The same as `question`, and traced. */
function counted(device: Parts, asked: Question): Uint8Array | undefined {
  const bytes = question(device, asked);
  device.trace.count(bytes === undefined ? "sendRefused" : "sent");
  return bytes;
}

type Question = Pick<Outgoing, "appGroup" | "to" | "inner"> & {
  readonly head: Pick<Header, "type" | "mid">;
  readonly peer?: Uint8Array;
  readonly waitMicros: number;
  readonly onAnswer: (answer: Answer) => void;
};

/** A request to one, whose answer is awaited; undefined when it cannot be made. */
export function question({ groups, exchanges }: Parts, asked: Question): Uint8Array | undefined {
  const { appGroup, to, inner, head, peer, waitMicros } = asked;
  const binding: Asked = { appGroup, request: undefined };
  const exchange = exchanges.open({
    binding,
    many: false,
    waitMicros,
    onAnswer: asked.onAnswer,
    onDone: () => {},
  });
  if (exchange === undefined) return undefined;
  const header = { ...head, token: exchange.token };
  const sealed = sealRequest(groups, { header, inner, appGroup, to, peer });
  if (sealed === undefined) {
    exchanges.close(exchange);
    return undefined;
  }
  const { request, awaited } = sealed.bound;
  binding.request = request;
  if (awaited !== undefined) binding.awaited = awaited;
  return sealed.bytes;
}

/** Asks the group's repository for one member's key, once in a while, over a channel of two. */
function fetchKey(device: Parts, schemes: Schemes, stranger: Stranger): void {
  const { groups, endpoint } = device;
  const { security } = stranger.association;
  const { repository } = security.policy ?? {};
  const { strangers } = schemes;
  if (strangers === undefined) return;
  let spread = challengeLeisure(security, device.leisureMicros);
  if (!groups.arriving.multicast) spread = 0;
  if (repository === undefined) {
    const { inquire } = schemes;
    if (inquire === undefined || !strangers.ask(stranger)) return;
    strangers.within(spread, () => inquire(stranger, () => strangers.learned(stranger)));
    return;
  }
  const channel = channelTo(groups, repository.security);
  if (channel === undefined || !strangers.ask(stranger)) return;
  const { peer, appGroup } = channel;
  const options: Option[] = [];
  addPath(options, `/${repository.path}`);
  addUint(options, CONTENT_FORMAT, ACE_GROUPCOMM_CBOR);
  const inner = { code: FETCH, options, payload: questionFor(stranger.id) };
  const onAnswer = ({ inner: { code, payload } }: Answer) => {
    // RFC 8132 §2.3.2: to a FETCH that was granted; an error's payload is a diagnostic.
    if (code !== CONTENT) return; // check: repository-code
    const isLearned = payload !== undefined && learn(schemes, stranger, payload).ok;
    if (isLearned) strangers.learned(stranger);
  };
  const make = ({ type, mid }: Pick<Header, "type" | "mid">) =>
    counted(device, {
      appGroup,
      to: repository,
      head: { type, mid },
      inner,
      peer,
      waitMicros: FETCH_MICROS,
      onAnswer,
    });
  strangers.within(spread, () => {
    endpoint.send({ to: repository, confirmable: true, make });
  });
}

/** Our context with the repository: `oscore`, where nobody else has the keys. */
function channelTo(
  { directory, keyring }: Groups,
  id: number,
): { readonly appGroup: AppGroup; readonly peer: Uint8Array } | undefined {
  for (const appGroup of directory.appGroups()) {
    const { security } = appGroup;
    if (security.id !== id) continue;
    // Keys of two have the other one's id, and no other keys have it.
    const peer = keyring.current(security)?.peerId;
    if (peer !== undefined) return { appGroup, peer };
  }
  return undefined;
}
