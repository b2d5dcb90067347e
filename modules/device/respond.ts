/**
 * Answers to protected requests.
 *
 * To a group request most luminaires say nothing (RFC 7252 §8.2): errors never, and a command only
 * when a report was asked for. What is said is spread over the leisure time, and protected at the
 * moment it is sent, under the key that opened the request.
 */

import { coapUint } from "../bytes/uint.js";
import { suppresses } from "../coap/endpoint.js";
import { CON, type Option } from "../coap/message.js";
import { CONTENT_FORMAT, findUint, NO_RESPONSE } from "../coap/options.js";
import { seal } from "../groups/seal.js";
import type { Outer } from "../oscore/outer.js";
import type { Datagram } from "../ports/datagram.js";
import type { Inner } from "../profiles/profile.js";
import type { Reply } from "../resources/resource.js";
import type { Parts } from "./parts.js";

export function respond(device: Parts, datagram: Datagram, inner: Inner, reply: Reply): void {
  const { endpoint, groups } = device;
  const arriving = groups.arriving.read(groups.directory);
  const { multicast } = arriving;
  const silent = suppresses(findUint(inner.options, NO_RESPONSE), reply.code);
  if (multicast && silent) return;
  const make = protector(device, datagram, reply);
  const token = tokenOf(arriving.outer);
  if (multicast) {
    const { from } = datagram;
    const { leisureMicros } = device;
    if (!endpoint.replyLater({ to: from, token, make, leisureMicros }))
      device.trace.count("sendRefused");
    return;
  }
  const { type, code, mid } = arriving.outer;
  const request = { type, code, mid, token };
  if (type === CON) endpoint.remember(request, datagram.from);
  if (silent) endpoint.acknowledge(request, datagram.from);
  else endpoint.reply({ request, from: datagram.from, make });
}

type Header = { type: number; mid: number; token: Uint8Array };

/** Builds the protected answer when its time has come; the datagram may be long gone by then. */
function protector(
  device: Parts,
  datagram: Datagram,
  reply: Reply,
): (header: Header) => Uint8Array | undefined {
  const { groups, trace } = device;
  const { appGroup, association } = groups.arriving;
  const request = groups.arriving.binding();
  const options: Option[] = [];
  if (reply.format !== undefined) {
    options.push({ number: CONTENT_FORMAT, value: coapUint(reply.format) });
  }
  const inner = { code: reply.code, options, payload: reply.payload };
  const to = datagram.from;
  return (header) => {
    const sealed = seal(groups, { header, inner, clear: [], appGroup, association, to, request });
    trace.count(sealed.ok ? "response" : "sendRefused");
    return sealed.ok ? sealed.value.bytes : undefined;
  };
}

function tokenOf(outer: Outer): Uint8Array {
  return outer.bytes.slice(4, 4 + outer.tokenLength);
}
