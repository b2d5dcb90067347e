/**
 * A message in two parts, and whole again: what proxies may read and change stands outside, all
 * else is the plaintext (RFC 8613 §4).
 *
 * Nothing outside is authenticated. So a receiver takes from there only what was meant for proxies
 * (class U), drops the rest, however well it looks, and of the outer code only whether it is a
 * request. Where Observe goes is the one thing in which the schemes differ.
 */
import { drop, type Outcome, ok } from "../bytes/outcome.js";
import {
  emitInner,
  emitMessage,
  type Inner,
  type MessageType,
  type Option,
  parseInner,
  parseMessage,
} from "../coap/message.js";
import {
  addOption,
  OBSERVE,
  PROXY_SCHEME,
  PROXY_URI,
  URI_HOST,
  URI_PORT,
} from "../coap/options.js";
import { OPTION_OSCORE, type Outer } from "./outer.js";

/**
 * `both`: inside what counts, outside for proxies (RFC 8613 §4.1.3.5). `outside`: there alone, as
 * in draft-ietf-core-object-security-06.
 */
export type ObservePlace = "both" | "outside";

/** RFC 8613 §4.2: what the code outside says, whatever stands inside. POST and 2.04 ... */
const OUTER_REQUEST = 0x02;
const OUTER_RESPONSE = 0x44;
/** ... or with Observe, which POST does not have, FETCH and 2.05. */
const OUTER_OBSERVE_REQUEST = 0x05;
const OUTER_OBSERVE_RESPONSE = 0x45;

/** A message to be protected. */
export interface Split {
  /** Code of the protected message. */
  readonly code: number;
  /** In ascending order, without the OSCORE option. */
  readonly outside: readonly Option[];
  /** code ‖ options ‖ [FF ‖ payload]. */
  readonly plain: Uint8Array;
}

/**
 * Splits `inner` and the options `clear`, which may only be of class U. Throws RangeError on
 * Proxy-Uri, which would have to be taken apart first (RFC 8613 §4.1.3.3), and on option 9: a
 * message that was protected before.
 */
export function split(
  inner: Inner,
  clear: readonly Option[],
  isRequest: boolean,
  observe: ObservePlace,
): Split {
  const { code, options, payload } = inner;
  let inside = options;
  let outside = clear;
  let observes = false;
  // One pass for the many messages that have nothing to move.
  if (clear.length > 0 || options.some(({ number }) => staysOutside(number))) {
    inside = options.filter(({ number }) => !isClassU(number));
    outside = outsideOf(clear, options);
    observes = outside.some(({ number }) => number === OBSERVE);
    if (observes) inside = insideObserve(inside, isRequest, observe);
  }
  for (const { number } of outside) {
    if (!staysOutside(number)) throw new RangeError(`option ${number} cannot stay outside`);
    if (number === PROXY_URI) throw new RangeError("Proxy-Uri: to be split before (RFC 8613)");
  }
  if (options.some(({ number }) => number === OPTION_OSCORE)) {
    throw new RangeError("a message that is protected already");
  }
  return {
    code: outerCode(isRequest, observes),
    outside,
    plain: emitInner({ code, options: inside, payload }),
  };
}

function outsideOf(clear: readonly Option[], options: readonly Option[]): readonly Option[] {
  const outside: Option[] = [];
  for (const { number, value } of clear) addOption(outside, number, value);
  for (const { number, value } of options) {
    if (staysOutside(number)) addOption(outside, number, value);
  }
  return outside;
}

function insideObserve(
  options: readonly Option[],
  isRequest: boolean,
  observe: ObservePlace,
): readonly Option[] {
  if (observe === "outside") return options.filter(({ number }) => number !== OBSERVE);
  if (isRequest) return options;
  // RFC 8613 §4.1.3.5.2: order is told by the partial IV, the value inside is empty.
  const empty = { number: OBSERVE, value: new Uint8Array(0) };
  return options.map((one) => (one.number === OBSERVE ? empty : one));
}

function outerCode(isRequest: boolean, observes: boolean): number {
  if (isRequest) return observes ? OUTER_OBSERVE_REQUEST : OUTER_REQUEST;
  return observes ? OUTER_OBSERVE_RESPONSE : OUTER_RESPONSE;
}

/** What a proxy needs to forward a request (RFC 8613 figure 5, column U without column E). */
export function isClassU(number: number): boolean {
  return (
    number === URI_HOST || number === URI_PORT || number === PROXY_URI || number === PROXY_SCHEME
  );
}

function staysOutside(number: number): boolean {
  return number === OBSERVE || isClassU(number);
}

/**
 * A protected message as a datagram: what stands outside, the OSCORE option among it, and what is
 * sealed.
 */
export function emitProtected(
  header: { readonly type: number; readonly mid: number; readonly token: Uint8Array },
  { code, outside }: Pick<Split, "code" | "outside">,
  option: Uint8Array,
  sealed: Uint8Array | undefined,
): Uint8Array {
  const options = [...outside];
  addOption(options, OPTION_OSCORE, option);
  const { mid, token } = header;
  return emitMessage({
    type: header.type as MessageType,
    code,
    mid,
    token,
    options,
    payload: sealed,
  });
}

/**
 * The message that was meant, from its plaintext and what may be taken from outside; `malformed`.
 */
export function join(plain: Uint8Array, outer: Outer, observe: ObservePlace): Outcome<Inner> {
  if (plain.length === 0) return drop("malformed"); // check: oscore-inner-empty
  const parsed = parseInner(plain);
  if (!parsed.ok) return parsed;
  const { options } = parsed.value;
  // WIRE.md: a protected message within a protected message is never ours.
  if (has(options, OPTION_OSCORE)) return drop("malformed"); // check: oscore-nested
  return outer.hasOthers ? withOutside(parsed.value, outer.bytes, observe) : parsed;
}

function withOutside(inner: Inner, datagram: Uint8Array, observe: ObservePlace): Outcome<Inner> {
  const outside = parseMessage(datagram);
  if (!outside.ok) return outside;
  const options = [...inner.options];
  for (const { number, value } of outside.value.options) {
    const isMeant = number === OBSERVE ? observe === "outside" : isClassU(number);
    if (!isMeant) continue; // check: oscore-outer-class-e
    // What the sender vouches for goes before what anybody on the way may have written.
    if (has(inner.options, number)) continue; // check: oscore-inner-first
    addOption(options, number, value);
  }
  return ok({ ...inner, options });
}

function has(options: readonly Option[], number: number): boolean {
  for (let i = 0; i < options.length; i++) if (options[i].number === number) return true;
  return false;
}
