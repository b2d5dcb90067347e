/**
 * What a device does in a run of RFC 8613 Appendix B.2 (groups/renegotiation.ts): answers request
 * #1, obeys request #2, and sends its own request again.
 */
import { drop, type Outcome } from "../bytes/outcome.js";
import { CON } from "../coap/message.js";
import { DerivedContexts } from "../groups/derived.js";
import type { Association, SecurityGroup } from "../groups/directory.js";
import type { Outgoing } from "../groups/outgoing.js";
import { Renegotiation } from "../groups/renegotiation.js";
import type { Schemes } from "../groups/schemes.js";
import { seal } from "../groups/seal.js";
import { openUnder } from "../groups/verify.js";
import type { Clock } from "../ports/clock.js";
import type { Datagram } from "../ports/datagram.js";
import type { Random } from "../ports/random.js";
import type { Inner } from "../profiles/profile.js";
import type { Parts } from "./parts.js";
import { Shares } from "./shares.js";

/** Of each step, for the whole device; half of it for an address. */
const BURST = 4;
const REFILL_MICROS = 1_000_000;

/** Where a group says so: its contexts, and what makes them. */
export function beginRenegotiation(schemes: Schemes, device: Parts, random: Random): void {
  const { clock, groups } = device;
  const renewing = groups.directory.securities().filter(({ policy }) => policy?.renegotiate);
  if (renewing.length === 0) return;
  const contexts = renewing.map((security) => contextsOf(schemes, device, security));
  const rations = { first: ration(clock), second: ration(clock), response: ration(clock) };
  const renegotiation = new Renegotiation({ groups, schemes, random, rations, contexts });
  device.renegotiation = renegotiation;
  const plain = schemes.seal;
  schemes.seal = (outgoing) => renegotiation.seal(outgoing, plain);
}

function contextsOf(schemes: Schemes, device: Parts, security: SecurityGroup): DerivedContexts {
  const { id, profile } = security;
  if (profile.proof !== "channel") {
    throw new Error(`security group ${id}: renegotiate is for oscore, not for ${profile.name}`);
  }
  const { crypto, store } = schemes;
  const { recipients } = device.groups;
  const onGone = (context: Association) => {
    schemes.forget(context);
    device.renegotiation?.forget(context);
  };
  const contexts = new DerivedContexts({ store, crypto, recipients, onGone }, security);
  security.derived = contexts;
  return contexts;
}

function ration(clock: Clock): Shares {
  return new Shares(clock, BURST, REFILL_MICROS);
}

/**
 * A request that no key was found for: what it says where it is a request #2, `notSynchronised`
 * where it is a request #1, which is answered; undefined where it is neither.
 */
export function renewed(
  device: Parts,
  schemes: Schemes,
  datagram: Datagram,
): Outcome<Inner> | undefined {
  const { groups, endpoint, trace } = device;
  const { arriving } = groups;
  if (arriving.multicast) return undefined; // check: renegotiate-unicast
  const requested = device.renegotiation?.requested(arriving);
  if (requested === undefined) return undefined;
  if (requested.step === 4) {
    const { association } = requested;
    const claim = { id: association.peerId as Uint8Array, member: undefined, awaited: undefined };
    return openUnder(groups, schemes, arriving, association, claim);
  }
  const { outer } = arriving;
  const { type, code, mid } = outer;
  const token = outer.bytes.slice(4, 4 + outer.tokenLength);
  // It is not remembered: a copy has another R2, and old ones would fill the table.
  const isSent = endpoint.reply({
    request: { type, code, mid, token },
    from: datagram.from,
    make: requested.seal,
  });
  trace.count(isSent ? "response" : "sendRefused");
  schemes.verdict = "held";
  return drop("notSynchronised");
}

/** The request that waited for response #1, as request #2. */
export function sendAgain(device: Parts, outgoing: Outgoing): void {
  const { endpoint, exchanges, groups, net, trace } = device;
  const { to, header, appGroup } = outgoing;
  const { token } = header;
  const make = (type: number, mid: number) => {
    const sealed = seal(groups, { ...outgoing, header: { type, mid, token } });
    trace.count(sealed.ok ? "sent" : "sendRefused");
    if (!sealed.ok) return undefined;
    const found = exchanges.match(token, 0, token.length, to);
    if (found.ok) {
      found.value.binding.request = sealed.value.binding;
      found.value.binding.awaited = groups.schemes?.awaiting(sealed.value);
    }
    return sealed.value.bytes;
  };
  if (header.type === CON) {
    endpoint.send({ to, confirmable: true, make: ({ type, mid }) => make(type, mid) });
    return;
  }
  const bytes = make(header.type, endpoint.nextMid());
  if (bytes !== undefined) net.send({ to, fromPort: appGroup.port, bytes });
}
