/**
 * Answers of an authority, and what it notes of those it refuses.
 *
 * Every refusal has a name that goes into the log, and that the peer is not told. Who is refused
 * can ask again, and again: the first time is noted, then the second, the fourth, the eighth. So
 * a log says how often, and a flood of questions is no flood of entries.
 */
import type { SecureHandler, SecureRequest, SecureResponse } from "../secure/request.js";
import type { Ledger, Rows } from "./ledger.js";

// RFC 7252 §12.1.2.
export const CREATED = 0x41;
export const DELETED = 0x42;
export const CHANGED = 0x44;
export const CONTENT = 0x45;
export const BAD_REQUEST = 0x80;
export const UNAUTHORIZED = 0x81;
export const FORBIDDEN = 0x83;
export const NOT_FOUND = 0x84;
export const NOT_ALLOWED = 0x85;
export const CONFLICT = 0x89;
export const UNSUPPORTED_FORMAT = 0x8f;
export const UNAVAILABLE = 0xa3;

export const GET = 1;
export const POST = 2;
export const PUT = 3;
export const DELETE = 4;
/** RFC 8132 §4. */
export const FETCH = 5;

/** application/cbor (RFC 8949 §9.2). */
export const CBOR_FORMAT = 60;
/** application/cwt (RFC 8392 §9.3). */
export const CWT_FORMAT = 61;

/** What is answered; with the reason where it is a refusal, for the log alone. */
export interface Reply {
  readonly response: SecureResponse;
  readonly refused?: string;
}

export function refuse(reason: string, response: SecureResponse): Reply {
  return { response, refused: reason };
}

/** Who asked, and what came of it. */
export interface Note {
  readonly by: string;
  readonly what: string;
}

/** Askers and reasons that are counted; whatever more there is counts as one. */
const COUNTED_MAX = 1024;
const OTHERS = "others";

/** Says which refusals are worth an entry. */
export class Refusals {
  readonly #counts = new Map<string, number>();

  due(request: SecureRequest, reason: string): Note | undefined {
    const { from, path } = request;
    const name = `${from.id} ${path[0] ?? ""} ${reason}`;
    const isNew = !this.#counts.has(name);
    const isFull = isNew && this.#counts.size >= COUNTED_MAX;
    const key = isFull ? OTHERS : name;
    const count = (this.#counts.get(key) ?? 0) + 1;
    this.#counts.set(key, count);
    const isDue = Number.isInteger(Math.log2(count));
    if (!isDue) return undefined; // check: refusals-noted
    const times = count === 1 ? "" : `, ${count} times by now`;
    return { by: from.id, what: `refused /${path.join("/")}: ${reason}${times}` };
  }
}

/** One transaction for a question, and a note where it was refused. */
export function handlerOf(
  parts: { readonly ledger: Ledger; readonly note: (note: Note) => unknown },
  answer: (rows: Rows, request: SecureRequest) => Reply,
): SecureHandler {
  const refusals = new Refusals();
  return async (request) => {
    const reply = await parts.ledger.transaction((rows) => answer(rows, request));
    return noteRefusal(parts, refusals, request, reply);
  };
}

/** The answer, once what is to be noted of it was. */
export async function noteRefusal(
  parts: { readonly note: (note: Note) => unknown },
  refusals: Refusals,
  request: SecureRequest,
  { response, refused }: Reply,
): Promise<SecureResponse> {
  const note = refused === undefined ? undefined : refusals.due(request, refused);
  if (note !== undefined) await parts.note(note);
  return response;
}
