/**
 * The other side of a challenge (groups/synchronise.ts): we commanded, and somebody wants to know
 * whether it was just now.
 *
 * He gets our last command again, by unicast, with the value he sent (draft-ietf-core-oscore-
 * groupcomm-02 Appendix E.3: "the client does not necessarily resend the same group request, but
 * can instead send a more recent one"): what matters is what holds now. Where the group has it,
 * between the two (RFC 10021 §9): nobody can pass it on to another listener as meant for him.
 */
import type { Exchange } from "../coap/exchange.js";
import { NON } from "../coap/message.js";
import { addOption, addUint, find, NO_RESPONSE, POST } from "../coap/options.js";
import type { AppGroup } from "../groups/directory.js";
import type { LastCommand, Schemes } from "../groups/schemes.js";
import { seal } from "../groups/seal.js";
import { challengeLeisure } from "../groups/synchronise.js";
import { decodeCommand, encodeCommand } from "../lighting/command.js";
import { aged, sentAt } from "../lighting/repeater.js";
import type { Endpoint } from "../ports/datagram.js";
import type { Answer, Asked, Parts, Said } from "./parts.js";
import { question } from "./policy.js";
import { lightPath, NO_ANSWER } from "./send.js";

/** Commands of one device whose challenges are awaited: the latest ones. */
const AWAITED_MAX = 4;
const MARGIN_MICROS = 2_000_000;
const ECHO_BYTES_MIN = 1;
const ECHO_BYTES_MAX = 40;

/** Whether a command to this group may be answered by a challenge. */
export function mayBeChallenged({ security }: AppGroup): boolean {
  const { policy, profile } = security;
  return policy?.synchronisation === "challenge" && profile.challenge !== undefined;
}

/** How long challenges to a command may take to come. */
export function challengeWait(device: Parts, { security }: AppGroup): number {
  return challengeLeisure(security, device.leisureMicros) + MARGIN_MICROS;
}

/** Awaits challenges to a command that asks for no answer; undefined where none can come. */
export function awaitChallenges(
  device: Parts,
  schemes: Schemes,
  asked: Asked,
): Uint8Array | undefined {
  if (!mayBeChallenged(asked.appGroup)) return undefined;
  const { exchanges } = device;
  const { awaitsChallenges } = schemes;
  // A switch that is held sends five a second; challenges to the last ones will do.
  while (awaitsChallenges.length >= AWAITED_MAX) {
    exchanges.close(awaitsChallenges.shift() as Exchange<Asked>);
  }
  const exchange = exchanges.open({
    binding: asked,
    many: true,
    waitMicros: challengeWait(device, asked.appGroup),
    onAnswer: (answer, from) => void answerChallenge(device, schemes, asked, { answer, from }),
    onDone: () => {
      const at = awaitsChallenges.findIndex((one) => one.binding === asked);
      if (at >= 0) awaitsChallenges.splice(at, 1);
    },
  });
  if (exchange !== undefined) awaitsChallenges.push(exchange);
  return exchange?.token;
}

/** True when the answer to a command is a challenge; then it was answered. */
export function answerChallenge(
  device: Parts,
  schemes: Schemes,
  { appGroup }: Asked,
  said: Said,
): boolean {
  const { challenge } = appGroup.security.profile;
  const { inner, member } = said.answer;
  if (challenge === undefined || inner.code !== challenge.code) return false;
  const value = find(inner.options, challenge.option);
  if (value === undefined) return false;
  // RFC 9175 §2.2.1; an elective option of another length is none (RFC 7252 §5.4.3).
  const isEcho = value.length >= ECHO_BYTES_MIN && value.length <= ECHO_BYTES_MAX;
  if (!isEcho) return false; // check: echo-length
  const { last } = schemes;
  if (last?.appGroup !== appGroup) return true;
  const { net } = device;
  const to = said.from;
  const bytes = repetition(device, last, { value, member, to, onReport: said.onReport });
  const isSent = bytes !== undefined && net.send({ to, fromPort: appGroup.port, bytes });
  device.trace.count(isSent ? "sent" : "sendRefused");
  return true;
}

/** The command again, for one who asked; undefined when it cannot be made. */
function repetition(
  device: Parts,
  { appGroup, payload, atMicros }: LastCommand,
  asked: {
    readonly value: Uint8Array;
    readonly member: Uint8Array;
    readonly to: Endpoint;
    readonly onReport: ((answer: Answer) => void) | undefined;
  },
): Uint8Array | undefined {
  const { groups, clock, endpoint, leisureMicros } = device;
  const { security } = appGroup;
  const { value, member, to, onReport } = asked;
  const now = clock.micros();
  const command = decodeCommand(payload) ?? {};
  const again = aged(command, now - sentAt(command, atMicros));
  const key = groups.keyring.current(security);
  const pairs = key !== undefined && security.profile.pairs?.(key) === true;
  const common = { appGroup, to, ...(pairs ? { peer: member } : {}) };
  const head = { type: NON, mid: endpoint.nextMid() };
  const options = lightPath();
  addOption(options, security.profile.challenge?.option as number, value);
  if (onReport !== undefined) {
    const inner = { code: POST, options, payload: encodeCommand({ ...again, report: true }) };
    const waitMicros = leisureMicros + MARGIN_MICROS;
    const bytes = question(device, { ...common, head, inner, waitMicros, onAnswer: onReport });
    if (bytes !== undefined) return bytes;
  }
  // Nobody waits for an answer, or too many are waited for already.
  addUint(options, NO_RESPONSE, NO_ANSWER);
  const sealed = seal(groups, {
    ...common,
    header: { ...head, token: new Uint8Array(0) },
    inner: { code: POST, options, payload: encodeCommand(again) },
    clear: [],
    association: undefined,
    request: undefined,
  });
  return sealed.ok ? sealed.value.bytes : undefined;
}
