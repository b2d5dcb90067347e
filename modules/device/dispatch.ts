import { mayUse } from "../access/policy.js";
import { drop, type Outcome, ok, type Proof } from "../bytes/outcome.js";
import { isMulticast } from "../coap/addresses.js";
import { BAD_REQUEST, GET } from "../coap/options.js";
import type { Arriving } from "../groups/groups.js";
import type { Recipients } from "../oscore/recipients.js";
import type { Datagram } from "../ports/datagram.js";
import type { Inner } from "../profiles/profile.js";
import { levelOf } from "../resources/resources.js";
import type { Parts } from "./parts.js";
import { respond } from "./respond.js";

const DONE: Outcome<true> = ok(true);
/** All that a message under a group key shows. */
const BY_GROUP: Proof = Object.freeze({ by: "group" });

/**
 * From an opened request to its effect: right, order, resource, answer.
 *
 * Rights come before order, so that somebody without the right cannot even move the order of
 * commands; both come after the window was marked, because a genuine message is used up whatever it
 * asks for.
 */
export function dispatch(device: Parts, datagram: Datagram, inner: Inner): Outcome<true> {
  const { resources, rights } = device;
  const { recipients, arriving } = device.groups;
  const { appGroup, option, row } = arriving;
  const resource = resources.find(inner.options);
  if (resource === undefined) return drop("unsupported");
  const needed = levelOf(resource, inner.code);
  if (needed === undefined) return drop("unsupported");
  const permitted = mayUse({
    proof: BY_GROUP,
    transport: isMulticast(datagram.to.address) ? "multicast" : "unicast",
    scope: "group",
    granted: rights.level(appGroup.id, option.kid),
    needed,
  });
  if (!permitted) return drop("forbidden"); // check: policy
  const commands = inner.code !== GET;
  const late = commands && !recipients.isNewest(row, option.sequence);
  if (late) return drop("outOfOrder"); // check: order
  // Only while a key is being replaced is there more than one.
  const rekeying = arriving.association.security.associations.length > 1;
  const overtaken = rekeying && commands && wasOvertaken(recipients, arriving);
  if (overtaken) return drop("outOfOrder"); // check: order-across-keys
  const reply = resources.handle(resource, {
    code: inner.code,
    options: inner.options,
    payload: inner.payload,
    sender: row,
    prevails: device.follows && device.prevails(arriving),
  });
  if (reply.code < BAD_REQUEST && commands) recipients.applied(row, option.sequence);
  respond(device, datagram, inner, reply);
  if (reply.code === BAD_REQUEST) return drop("malformed");
  return reply.code < BAD_REQUEST ? DONE : drop("unsupported");
}

/**
 * Whether a newer command of this sender was applied under another key of the group: what was held
 * back while the key was replaced must not undo what came after it.
 */
function wasOvertaken(recipients: Recipients, arriving: Arriving): boolean {
  const { association, option } = arriving;
  const { profile, associations } = association.security;
  if (profile.numbering === "key") return false;
  for (let i = 0; i < associations.length; i++) {
    const row = recipients.find(associations[i].index, option.kid);
    if (row >= 0 && !recipients.isNewest(row, option.sequence)) return true;
  }
  return false;
}
