/**
 * A command on its way out: the mirror of `receive.ts`.
 *
 *   switch or sensor -> groups/seal (number reserved on flash, newest key) -> datagram to the group
 */
import { isMulticast } from "../coap/addresses.js";
import { NON, type Option } from "../coap/message.js";
import { addUint, NO_RESPONSE, POST, URI_PATH } from "../coap/options.js";
import { seal } from "../groups/seal.js";
import { type Command, encodeCommand } from "../lighting/command.js";
import { decodeReport } from "../lighting/report.js";
import type { Answer, Asked, MemberReport, Parts } from "./parts.js";

/** Answers come within the leisure time; this is for the network. */
const ANSWER_MARGIN_MICROS = 2_000_000;

/** RFC 7967 §2.1: of no class. */
export const NO_ANSWER = 26;

/** Sends one command to an application group. False when there is no key, number or room for it. */
export function sendCommand(device: Parts, appGroupId: number, command: Command): boolean {
  const { groups, trace, net } = device;
  const appGroup = groups.directory.appGroup(appGroupId);
  if (appGroup === undefined) throw new RangeError(`not a member of group ${appGroupId}`);
  const asked: Asked = { appGroup, request: undefined };
  const token = command.report === true ? awaitReports(device, asked) : awaitNothing(device, asked);
  const options = lightPath();
  // A group says nothing anyway (RFC 7252 §8.2), one alone would.
  const isSilent = command.report !== true && !isMulticast(appGroup.address);
  if (isSilent) addUint(options, NO_RESPONSE, NO_ANSWER);
  const peer = groups.keyring.current(appGroup.security)?.peerId;
  const payload = encodeCommand(command);
  const sealed = seal(groups, {
    header: { type: NON, mid: device.endpoint.nextMid(), token },
    inner: { code: POST, options, payload },
    clear: [],
    appGroup,
    association: undefined,
    to: appGroup,
    request: undefined,
    ...(peer === undefined ? {} : { peer }),
  });
  if (sealed.ok) {
    asked.request = sealed.value.binding;
    const { schemes } = groups;
    if (schemes !== undefined) {
      asked.awaited = schemes.awaiting(sealed.value);
      schemes.last = { appGroup, payload, atMicros: device.clock.micros() };
    }
    if (net.send({ to: appGroup, fromPort: appGroup.port, bytes: sealed.value.bytes })) {
      trace.count("sent");
      return true;
    }
  }
  trace.count("sendRefused");
  return false;
}

/** Uri-Path "l" and no Content-Format: every byte of a command costs 32 µs of air. */
export function lightPath(): Option[] {
  return [{ number: URI_PATH, value: Uint8Array.of(0x6c) }];
}

/**
 * Collects the reports of a command until the leisure time is over; no token when the table is
 * full.
 */
function awaitReports(device: Parts, asked: Asked): Uint8Array {
  const reports: MemberReport[] = [];
  const take = ({ member, inner }: Answer) => {
    if (inner.payload === undefined) return;
    const report = decodeReport(inner.payload);
    if (report.ok) reports.push({ ...report.value, member });
  };
  const exchange = device.exchanges.open({
    binding: asked,
    many: true,
    waitMicros: device.leisureMicros + ANSWER_MARGIN_MICROS,
    onAnswer: (answer, from) => {
      const { schemes } = device.groups;
      const said = { answer, from, onReport: take };
      const isChallenge =
        schemes !== undefined && device.schemes?.answerChallenge(device, schemes, asked, said);
      if (isChallenge !== true) take(answer);
    },
    onDone: () => device.onReports(reports),
  });
  return exchange?.token ?? new Uint8Array(0);
}

/** No token, unless whoever hears the command may ask whether it is fresh. */
function awaitNothing(device: Parts, asked: Asked): Uint8Array {
  const { schemes } = device.groups;
  const token = schemes && device.schemes?.awaitChallenges(device, schemes, asked);
  return token ?? new Uint8Array(0);
}
