import { drop, type Outcome } from "../bytes/outcome.js";
import type { Exchange } from "../coap/exchange.js";
import { ACK, CON } from "../coap/message.js";
import { find, OBSERVE } from "../coap/options.js";
import { locate } from "../groups/locate.js";
import { open } from "../groups/open.js";
import type { Datagram } from "../ports/datagram.js";
import type { Inner } from "../profiles/profile.js";
import { dialogue } from "./dialogue.js";
import type { Asked, Parts } from "./parts.js";

/**
 * A response: matched by its token to a request of ours, opened against that request's ids, then
 * handed to whoever asked. Same checks in the same order as a request.
 */
export function receiveAnswer(device: Parts, datagram: Datagram): Outcome<true> {
  const { endpoint, exchanges, groups } = device;
  const { arriving } = groups;
  const { outer, option } = arriving;
  if (outer.type === CON && endpoint.check(outer, datagram.from) !== "new") {
    return drop("duplicate"); // check: answer-retransmission
  }
  const found = exchanges.match(outer.bytes, 4, outer.tokenLength, datagram.from);
  if (!found.ok) return found;
  const exchange = found.value;
  const { request, appGroup } = exchange.binding;
  if (request === undefined) return drop("unsolicited");
  const located = locate(groups, arriving);
  if (!located.ok) return located;
  if (arriving.appGroup !== appGroup) return drop("unsolicited"); // check: answer-group
  let opened = open(groups, arriving, request);
  if (!opened.ok) opened = dialogue?.again(groups, exchange.binding) ?? opened;
  if (!opened.ok) return opened;
  if (isUnasked(exchange, opened.value)) return drop("unsolicited"); // check: named-observe
  if (outer.type === ACK) endpoint.check(outer, datagram.from);
  if (outer.type === CON) {
    endpoint.remember(outer, datagram.from);
    endpoint.acknowledge(outer, datagram.from);
  }
  const { kidStart, kidLength } = option;
  return exchanges.answered(exchange, datagram.from, {
    member: outer.bytes.slice(kidStart, kidStart + kidLength),
    inner: opened.value,
  });
}

/** RFC 8613 §4.1.3.5.2: what nobody observes has no notification, however genuine. */
export function isUnasked({ binding }: Exchange<Asked>, { options }: Inner): boolean {
  return binding.observes !== true && find(options, OBSERVE) !== undefined;
}
