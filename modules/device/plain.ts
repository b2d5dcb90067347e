/**
 * Unprotected CoAP: discovery, and nothing else.
 *
 * Level 0 is all that plain CoAP reaches (ARCHITECTURE.md decision 8). The source address of such a
 * request can be anybody's, so what is sent back is rate-limited: a lamp must not become an
 * amplifier.
 */

import { mayUse } from "../access/policy.js";
import { drop, type Outcome, ok } from "../bytes/outcome.js";
import { isMulticast } from "../coap/addresses.js";
import { suppresses } from "../coap/endpoint.js";
import { emitMessage, type Message, parseMessage } from "../coap/message.js";
import { BAD_REQUEST, findUint, NO_RESPONSE } from "../coap/options.js";
import type { Datagram } from "../ports/datagram.js";
import type { Reply } from "../resources/resource.js";
import { levelOf } from "../resources/resources.js";
import { dialogue } from "./dialogue.js";
import type { Parts } from "./parts.js";
import { innerOf } from "./respond.js";

const DONE: Outcome<true> = ok(true);
const RESPONSE_CODES = 64;

export function receivePlain(device: Parts, datagram: Datagram): Outcome<true> {
  const parsed = parseMessage(datagram.bytes);
  if (!parsed.ok) return parsed;
  const message = parsed.value;
  const multicast = isMulticast(datagram.to.address);
  if (!multicast) {
    const seen = device.endpoint.check(message, datagram.from);
    if (seen === "duplicate") return drop("duplicate");
    if (seen === "done") return DONE;
  }
  if (message.code === 0 || message.code >= RESPONSE_CODES) return drop("unsolicited");
  const { resources } = device;
  const resource = resources.find(message.options);
  if (resource === undefined) return drop("unsupported");
  const permitted = mayUse({
    proof: undefined,
    transport: multicast ? "multicast" : "unicast",
    scope: "device",
    granted: 0,
    needed: levelOf(resource, message.code),
  });
  if (!permitted) return drop("forbidden"); // check: plain-policy
  if (!device.plainReplies.take()) return drop("overflow"); // check: plain-rate
  const { code, options, payload } = message;
  const request = { code, options, payload, sender: -1, prevails: false };
  const reply =
    dialogue?.carryOut(device, resource, request) ?? device.resources.run(resource, request);
  answerPlain(device, datagram, message, reply);
  return reply.code < BAD_REQUEST ? DONE : drop("unsupported");
}

function answerPlain(device: Parts, datagram: Datagram, request: Message, reply: Reply): void {
  const multicast = isMulticast(datagram.to.address);
  const silent = suppresses(findUint(request.options, NO_RESPONSE), reply.code);
  if (multicast && (reply.quiet || silent)) return;
  const { code, options, payload } = innerOf(reply);
  const make = (header: { type: number; mid: number; token: Uint8Array }) =>
    emitMessage({ ...header, type: header.type as 0 | 1 | 2 | 3, code, options, payload });
  const { endpoint } = device;
  const { from } = datagram;
  if (multicast) {
    endpoint.replyLater({
      to: from,
      token: request.token,
      make,
      leisureMicros: device.leisureMicros,
    });
    return;
  }
  // Not remembered: discovery may be handled twice (RFC 7252 §4.5), and anybody could fill the
  // table.
  if (!silent) endpoint.reply({ request, from, make });
  else endpoint.acknowledge(request, from);
}
