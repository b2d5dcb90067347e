/**
 * Answers to protected requests.
 *
 * To a group request most luminaires say nothing (RFC 7252 §8.2): errors never, and a command only
 * when a report was asked for. What is said is spread over the leisure time, and protected at the
 * moment it is sent, under the key that opened the request.
 */

import { suppresses } from "../coap/endpoint.js";
import { CON, type Option } from "../coap/message.js";
import { addUint, CONTENT_FORMAT, findUint, NO_RESPONSE } from "../coap/options.js";
import { seal } from "../groups/seal.js";
import type { Outer } from "../oscore/outer.js";
import type { Datagram } from "../ports/datagram.js";
import type { Inner } from "../profiles/profile.js";
import type { Reply } from "../resources/resource.js";
import { dialogue } from "./dialogue.js";
import type { Header, Parts } from "./parts.js";

export function respond(device: Parts, datagram: Datagram, inner: Inner, reply: Reply): void {
  const { endpoint, groups } = device;
  const arriving = groups.arriving.read(groups.directory);
  const { multicast } = arriving;
  const silent = suppresses(findUint(inner.options, NO_RESPONSE), reply.code);
  if (multicast && silent) return;
  const token = tokenOf(arriving.outer);
  const protect = protector(device, datagram);
  const begun = dialogue?.begun(device, datagram, { inner, reply, token, protect });
  if (begun === "later") return;
  const answer = begun ?? innerOf(reply);
  const make = (header: Header) => protect(header, answer);
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

export type Protect = (header: Header, inner: Inner) => Uint8Array | undefined;

/** Builds a protected answer when its time has come; the datagram may be long gone by then. */
function protector(device: Parts, datagram: Datagram): Protect {
  const { groups, trace } = device;
  const { appGroup, association } = groups.arriving;
  const request = groups.arriving.binding(groups.schemes);
  const { address, port } = datagram.from;
  const to = { address: address.slice(), port };
  return (header, inner) => {
    const sealed = seal(groups, { header, inner, clear: [], appGroup, association, to, request });
    trace.count(sealed.ok ? "response" : "sendRefused");
    return sealed.ok ? sealed.value.bytes : undefined;
  };
}

/** A reply as what a message says. */
export function innerOf({ code, format, payload, options }: Reply): Inner {
  const own: Option[] = options?.slice() ?? [];
  if (format !== undefined) addUint(own, CONTENT_FORMAT, format);
  return { code, options: own, payload };
}

function tokenOf(outer: Outer): Uint8Array {
  return outer.bytes.slice(4, 4 + outer.tokenLength);
}
