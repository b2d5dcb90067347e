import { drop, type Outcome } from "../bytes/outcome.js";
import { isMulticast } from "../coap/addresses.js";
import { CON } from "../coap/message.js";
import { locate } from "../groups/locate.js";
import { open } from "../groups/open.js";
import { isNewest } from "../groups/order.js";
import type { Datagram } from "../ports/datagram.js";
import { receiveAnswer } from "./answer.js";
import { dispatch } from "./dispatch.js";
import { LIMITS } from "./limits.js";
import type { Parts } from "./parts.js";
import { receivePlain } from "./plain.js";

/** Codes from 2.00 on are responses (RFC 7252 §3). */
const RESPONSE_CODES = 64;

/**
 * One datagram, from the network to the lamp: the main path of the firmware.
 *
 * Everything up to `locate` reads in place and allocates nothing; `open` checks, opens and marks;
 * only then does anything look at what the message says. Whatever goes wrong is returned as a
 * reason, and nothing is said to the sender.
 *
 * Where the board has native help, `quick` does all of that up to `dispatch` for nearly every
 * datagram; what it declines goes the way written out here. (From here to the lamp properties are
 * read one by one: XS takes twice as long to destructure.)
 */
export function receive(device: Parts, datagram: Datagram): Outcome<true> {
  const groups = device.groups;
  const quick = groups.quick;
  if (quick !== undefined) {
    const taken = quick.open(groups, datagram);
    if (taken !== undefined) return taken.ok ? dispatch(device, datagram, taken.value) : taken;
  }
  const { arriving } = groups;
  const { outer } = arriving;
  const { length } = datagram.bytes;
  if (length > LIMITS.datagramBytesMax) return drop("malformed"); // check: datagram-size
  if (!device.listensOn(datagram.to.port)) return drop("notForUs"); // check: listening-port
  if (!outer.scan(datagram.bytes)) return noMessage(device, datagram); // check: outer-well-formed
  // RFC 7252 §8.1: a multicast request is never confirmable.
  const confirmable = outer.type === CON;
  const multicast = isMulticast(datagram.to.address);
  if (confirmable && multicast) return drop("malformed"); // check: multicast-con
  arriving.begin(datagram);
  arriving.multicast = multicast;
  if (outer.appGroupStart < 0) {
    if (outer.oscoreStart < 0) return receivePlain(device, datagram);
    const { schemes } = groups;
    if (schemes !== undefined && device.schemes !== undefined) {
      return device.schemes.receive(device, schemes, datagram);
    }
  }
  if (outer.code >= RESPONSE_CODES) return receiveAnswer(device, datagram);
  // A retransmission is answered from memory: its number is used up, opening it again would say
  // "replayed".
  if (confirmable && device.endpoint.check(outer, datagram.from) !== "new") {
    return drop("duplicate"); // check: coap-retransmission
  }
  const located = locate(groups, arriving);
  if (!located.ok) return located;
  const opened = open(groups, arriving, undefined);
  if (!opened.ok) return opened;
  arriving.granted = device.rights.level(arriving.appGroup.id, arriving.option.kid);
  arriving.isNewest = isNewest(groups, arriving);
  return dispatch(device, datagram, opened.value);
}

/** No CoAP message: a record, where there are groups that use them. */
function noMessage(device: Parts, datagram: Datagram): Outcome<true> {
  const { schemes } = device.groups;
  if (schemes === undefined || device.schemes === undefined) return drop("malformed");
  return device.schemes.receiveRecord(device, schemes, datagram);
}
