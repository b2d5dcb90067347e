/**
 * The question who is fresh here (modules/commission/fresh.ts), and its answers: the same on a
 * computer's network (finding.ts) and on the medium of a room (hosts/room). What is answered in the
 * clear proves nothing.
 */
import { equalBytes } from "../../modules/bytes/equal.js";
import { fromUtf8, utf8 } from "../../modules/bytes/utf8.js";
import { emitMessage, NON, type Option, parseMessage } from "../../modules/coap/message.js";
import { addOption, addPath, GET, URI_QUERY } from "../../modules/coap/options.js";
import { ROLE_NAMES } from "../../modules/ports/role.js";

export const PLAIN_PORT = 5683;
export const SECURE_PORT = 5684;
/** RFC 7252 §12.8: All CoAP Nodes, link-local. */
export const ALL_COAP_NODES = Object.freeze([
  ...[0xff, 0x02, 0, 0, 0, 0, 0, 0],
  ...[0, 0, 0, 0, 0, 0, 0, 0xfd],
]);
const QUERY = "rt=lumicast.fresh";
const LINK =
  /^<\/join>;rt="lumicast\.fresh";ep="([0-9a-f]{16})";n="(\d{1,4})";role="([a-z]{1,16})"$/;

export interface Found {
  readonly eui64: string;
  /** Labels it has used; what it says. */
  readonly n: number;
  /** ports/role.ts */
  readonly role: (typeof ROLE_NAMES)[number];
  readonly at: Uint8Array;
}

export function discovery(mid: number, token: Uint8Array): Uint8Array {
  const options: Option[] = [];
  addPath(options, "/.well-known/core");
  addOption(options, URI_QUERY, utf8(QUERY));
  return emitMessage({ type: NON, code: GET, mid, token, options, payload: undefined });
}

/** Undefined for what answers another question. */
export function foundIn(
  bytes: Uint8Array,
  { at, token }: { at: Uint8Array; token: Uint8Array },
): Found | undefined {
  const parsed = parseMessage(bytes);
  if (!parsed.ok || !equalBytes(parsed.value.token, token)) return undefined;
  const text = fromUtf8(parsed.value.payload ?? new Uint8Array(0)) ?? "";
  const [, eui64, n, name] = LINK.exec(text) ?? [];
  const role = ROLE_NAMES.find((one) => one === name);
  return role === undefined ? undefined : { eui64, n: Number(n), role, at };
}
