import { drop, type Outcome } from "../bytes/outcome.js";
import { isMulticast } from "../coap/addresses.js";
import { CON } from "../coap/message.js";
import { locate } from "../groups/locate.js";
import { open } from "../groups/open.js";
import type { Datagram } from "../ports/datagram.js";
import { receiveAnswer } from "./answer.js";
import type { Device } from "./device.js";
import { dispatch } from "./dispatch.js";
import { LIMITS } from "./limits.js";
import { receivePlain } from "./plain.js";

/** Codes from 2.00 on are responses (RFC 7252 §3). */
const RESPONSE_CODES = 64;

/**
 * One datagram, from the network to the lamp: the main path of the firmware.
 *
 * Everything up to `locate` reads in place and allocates nothing; `open` checks, opens and marks; only then
 * does anything look at what the message says. Whatever goes wrong is returned as a reason, and nothing is
 * said to the sender.
 */
export function receive(device: Device, datagram: Datagram): Outcome<true> {
  const { groups } = device;
  const { arriving } = groups;
  const { outer } = arriving;
  if (datagram.bytes.length > LIMITS.datagramBytesMax) return drop("malformed"); // check: datagram-size
  if (!device.listensOn(datagram.to.port)) return drop("notForUs"); // check: listening-port
  if (!outer.scan(datagram.bytes)) return drop("malformed"); // check: outer-well-formed
  // RFC 7252 §8.1: a multicast request is never confirmable.
  if (outer.type === CON && isMulticast(datagram.to.address)) return drop("malformed"); // check: multicast-con
  arriving.from = datagram.from;
  arriving.to = datagram.to;
  if (outer.oscoreStart < 0 && outer.appGroupStart < 0) return receivePlain(device, datagram);
  if (outer.code >= RESPONSE_CODES) return receiveAnswer(device, datagram);
  // A retransmission is answered from memory: its number is used up, opening it again would say "replayed".
  if (outer.type === CON && device.endpoint.check(outer, datagram.from) !== "new") {
    return drop("duplicate"); // check: coap-retransmission
  }
  const located = locate(groups, arriving);
  if (!located.ok) return located;
  const opened = open(groups, arriving, undefined);
  if (!opened.ok) return opened;
  return dispatch(device, datagram, opened.value);
}
