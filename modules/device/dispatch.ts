import { mayUse } from "../access/policy.js";
import { drop, type Outcome, ok } from "../bytes/outcome.js";
import { BAD_REQUEST, GET } from "../coap/options.js";
import type { Datagram } from "../ports/datagram.js";
import { LIGHT_OPTIONS } from "../ports/intake.js";
import type { Inner } from "../profiles/profile.js";
import { levelOf } from "../resources/resources.js";
import { LIGHT_COMMAND } from "../resources/table.js";
import { dialogue } from "./dialogue.js";
import type { Parts } from "./parts.js";
import { respond } from "./respond.js";

const DONE: Outcome<true> = ok(true);

/**
 * From an opened request to its effect: right, order, resource, answer.
 *
 * Rights come before order, so that somebody without the right cannot even move the order of
 * commands; both come after the window was marked, because a genuine message is used up whatever it
 * asks for.
 */
export function dispatch(device: Parts, datagram: Datagram, inner: Inner): Outcome<true> {
  const groups = device.groups;
  const arriving = groups.arriving;
  const request = device.request;
  const access = device.access;
  const resources = device.resources;
  const multicast = arriving.multicast;
  const isLight = inner.options === LIGHT_OPTIONS;
  const resource = isLight ? LIGHT_COMMAND : resources.find(inner.options);
  if (resource === undefined) return drop("unsupported");
  const needed = isLight ? resource.levels.post : levelOf(resource, inner.code);
  if (needed === undefined) return drop("unsupported");
  access.transport = multicast ? "multicast" : "unicast";
  access.granted = arriving.granted;
  access.needed = needed;
  if (!mayUse(access)) return drop("forbidden"); // check: policy
  const commands = inner.code !== GET;
  if (commands && !arriving.isNewest) return drop("outOfOrder"); // check: order-kept
  if (inner !== request) {
    request.code = inner.code;
    request.options = inner.options;
    request.payload = inner.payload;
  }
  request.sender = arriving.row;
  request.prevails = device.follows && device.prevails(arriving);
  const reply = isLight
    ? resources.light(request)
    : (dialogue?.carryOut(device, resource, request) ?? device.resources.run(resource, request));
  // RFC 7252 §8.2: to a group request nearly always nothing.
  if (!(multicast && reply.quiet)) respond(device, datagram, inner, reply);
  const code = reply.code;
  if (code >= BAD_REQUEST) {
    return drop(reply.drop ?? (code === BAD_REQUEST ? "malformed" : "unsupported"));
  }
  if (commands) {
    if (arriving.isTop) groups.recipients.appliedTop(arriving.row);
    else groups.recipients.applied(arriving.row, arriving.option.sequence);
  }
  return DONE;
}
