/**
 * The forms of a Group Manager's answers: maps of Content-Format application/ace-groupcomm+cbor
 * with the parameters of modules/access/groupcomm.ts, or problem details (RFC 9290) that name one
 * of the errors of RFC 9594 §9.
 */
import { decodeMap } from "../cbor/containers.js";
import type { Cbor } from "../cbor/decode.js";
import { encode } from "../cbor/encode.js";
import { ACE_GROUPCOMM_CBOR } from "../groups/repository.js";
import type { SecureRequest } from "../secure/request.js";
import { BAD_REQUEST, CONTENT, FORBIDDEN, type Reply, refuse, UNAVAILABLE } from "./answers.js";

export { P, popInput } from "../access/groupcomm.js";

/** application/concise-problem-details+cbor (RFC 9290 §6.3). */
export const PROBLEM_DETAILS = 257;
/** "title", "detail" (RFC 9290 §2.1), and the custom detail of RFC 9594 §11.6. */
const TITLE = -1;
const DETAIL = -2;
const ACE_GROUPCOMM_ERROR = 0;
const ERROR_ID = 0;

/** RFC 9594 §9 and the OSCORE profile's §11: number and title. */
export const ERRORS = Object.freeze({
  membersOnly: [0, "Operation permitted only to group members", FORBIDDEN],
  roles: [1, "Request inconsistent with the current roles", BAD_REQUEST],
  credential: [2, "Authentication credential incompatible with the group", BAD_REQUEST],
  proof: [3, "Invalid proof-of-possession evidence", BAD_REQUEST],
  noIds: [4, "No available individual keying material", UNAVAILABLE],
  noSignatures: [7, "Signatures not used in the group", BAD_REQUEST],
  verifiersOnly: [8, "Operation permitted only to signature verifiers", FORBIDDEN],
  inactive: [9, "Group currently not active", UNAVAILABLE],
} as const);

export type GroupError = keyof typeof ERRORS;

/** Noted under the error's name; `detail` tells a person what to do. */
export function problem(error: GroupError, detail?: string): Reply {
  const [id, title, code] = ERRORS[error];
  const map = new Map<Cbor, Cbor>([
    [TITLE, title],
    [ACE_GROUPCOMM_ERROR, new Map<Cbor, Cbor>([[ERROR_ID, id]])],
  ]);
  if (detail !== undefined) map.set(DETAIL, detail);
  return refuse(error, { code, format: PROBLEM_DETAILS, payload: encode(map) });
}

/** A request's map; empty for one without payload, undefined for anything else. */
export function mapOf({ format, payload }: SecureRequest): Map<Cbor, Cbor> | undefined {
  if (payload.length === 0) return new Map<Cbor, Cbor>();
  if (format !== ACE_GROUPCOMM_CBOR) return undefined;
  return decodeMap(payload, { depthMax: 4, itemsMax: 256 });
}

export function content(value: Cbor, format = ACE_GROUPCOMM_CBOR): Reply {
  return { response: { code: CONTENT, format, payload: encode(value) } };
}
