/** What every message of the OSCORE family must look like before any key is asked (WIRE.md). */
import { isRequest, isResponse } from "../coap/options.js";
import { NONCE_ID_BYTES_MAX } from "./nonce.js";
import { FLAG_KID, type OscoreOption } from "./option.js";
import type { Outer } from "./outer.js";

/**
 * False is malformed. The option was parsed; what a scheme demands of it beyond this is the
 * scheme's to check.
 */
export function isFramed(
  { outer, option }: { readonly outer: Outer; readonly option: OscoreOption },
  direction: "request" | "response",
): boolean {
  if (outer.oscoreStart < 0) return false; // check: oscore-missing
  if (outer.repeats) return false; // check: oscore-repeated
  // RFC 8613 §8.2: of the code outside counts whether it is a request, and nothing else.
  const known = direction === "request" ? isRequest(outer.code) : isResponse(outer.code);
  if (!known) return false; // check: oscore-outer-code
  if (outer.payloadStart >= outer.bytes.length) return false; // check: oscore-no-payload
  // A longer id has no place in the nonce, so nobody has it.
  if (option.kidLength > NONCE_ID_BYTES_MAX) return false; // check: oscore-kid-length
  if (direction === "response") return true;
  if (option.pivLength === 0) return false; // check: oscore-request-piv
  if ((option.flags & FLAG_KID) === 0) return false; // check: oscore-request-kid
  return true;
}
