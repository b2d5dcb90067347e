/**
 * What a join is made of wherever it is made: by an authority on a computer's network (join.ts), or
 * by that of a simulated room (hosts/room).
 */
import type { Rows } from "../../modules/authority/ledger.js";
import {
  applications,
  devices,
  inGroup,
  members,
  NONE,
  numberOf,
} from "../../modules/authority/records.js";
import { equalBytes } from "../../modules/bytes/equal.js";
import { fromHex, toHex } from "../../modules/bytes/hex.js";
import { fromUtf8 } from "../../modules/bytes/utf8.js";
import { codeText } from "../../modules/coap/options.js";
import { type JoinKey, joinKey, labelAfter } from "../../modules/commission/label.js";
import type { Crypto } from "../../modules/ports/crypto.js";
import type { Found } from "./seek.js";

/** What a person is told of a join that failed, where it is not the device that says it. */
export const WHY = Object.freeze({
  silent: "it was not heard since it was to start anew",
  label: "it does not know this label",
  mute: "it does not answer",
  race: "it ended the join: somebody else was joining it, too, or its button was pressed",
});

/** And what to do next. */
export const NEXT = Object.freeze({
  press: "press its button: it blinks quickly, and can be joined for three minutes",
  label: "look whether the label is that device's; after 20 wrong ones it closes: press it again",
  race: "see who else is at work here; then press it again, and make the same join again",
  alone: "press one of them alone; if nobody pressed another, that is not yours: find it",
  other: "look who else is open here, or join it by its label: lumicast join code",
  code: "join it by its label: lumicast join code",
  confirm: "open the window again, and answer while it blinks",
  again: "make the same join again: nothing of it was lost",
});

/** Which level a join gives in a group, and which one over the device itself. */
export const MEMBER_LEVEL = 2;
export const MANAGER_LEVEL = 5;

/** Of the label that the device will take next; undefined for an n that no device has. */
export function proofOf(
  crypto: Crypto,
  printed: Uint8Array,
  { eui64: name, n }: Pick<Found, "eui64" | "n">,
): JoinKey | undefined {
  const eui64 = fromHex(name);
  const label = labelAfter(crypto, eui64, { printed, n });
  if (label === undefined) return undefined;
  const proof = joinKey(crypto, { eui64, label, n });
  label.fill(0);
  return proof;
}

export function deviceOf(rows: Rows, credential: Uint8Array) {
  const key = rows.get("credential", toHex(credential));
  const device = key && devices.get(rows, toHex(key));
  return device && equalBytes(device.credential, credential) ? device : undefined;
}

/** Names of its groups whose keys it has not confirmed. */
export function missingIn(rows: Rows, credential: Uint8Array): string[] {
  const device = deviceOf(rows, credential);
  if (device === undefined) return ["every group"];
  const { scope, clientId } = device;
  return applications.keys(rows).flatMap((key) => {
    const { name, group } = applications.need(rows, key);
    if (!scope.some(({ appGroup }) => appGroup === numberOf(key))) return [];
    const member = members.get(rows, inGroup(group, clientId));
    return member === undefined || member.confirmed === NONE ? [name] : [];
  });
}

export function saidBy({ code, payload }: { code: number; payload?: Uint8Array }): string {
  const text = fromUtf8(payload ?? new Uint8Array(0)) ?? "";
  return text === "" ? codeText(code) : text;
}
