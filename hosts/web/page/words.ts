/** Figures and reasons as people read them. */
import { type DeviceState, percent, type Role } from "../site.js";

/** What was said longer ago than this is not shown as if it were so now. */
const STALE_MS = 120_000;
/** As long as somebody needs to look up from his phone. */
const TOUCHED_MS = 8000;
const UNITS = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["min", 60_000],
  ["s", 1000],
] as const;

export function ageText(ms: number): string {
  for (const [unit, length] of UNITS) {
    if (ms >= length) return `${Math.floor(ms / length)} ${unit} ago`;
  }
  return "just now";
}

export function heardText({ heardAt }: DeviceState, now: number): string {
  return heardAt === null ? "not heard yet" : ageText(now - heardAt);
}

export function isStale({ heardAt }: DeviceState, now: number): boolean {
  return heardAt === null || now - heardAt > STALE_MS;
}

/** Somebody stands in front of it: it is the one he looks for. */
export function isTouched({ touchedAt }: DeviceState, now: number): boolean {
  return touchedAt !== null && now - touchedAt < TOUCHED_MS;
}

export function levelText({ level, role }: DeviceState): string {
  if (role !== "luminaire") return ROLE_WORDS[role];
  return level === null ? "level not known" : percent(level);
}

export const ROLE_WORDS: Readonly<Record<Role, string>> = {
  luminaire: "lamp",
  switch: "switch",
  presence: "presence sensor",
  daylight: "daylight sensor",
  sender: "switch or sensor",
  unknown: "device",
};

export function millis(ms: number | null): string {
  return ms === null ? "–" : `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
}

/** What a person makes of why something was dropped; the words of modules/bytes/outcome.ts. */
export const REASONS: Readonly<Record<string, string>> = {
  malformed: "not well-formed at some layer",
  unknownGroup: "of a group that the device is not in",
  unknownKey: "under a key that the device does not have: is a new one on its way?",
  unknownMember: "of a sender that the group does not know",
  oldEpoch: "of an epoch that is over, or not begun",
  replayed: "said before: a repetition, or an attack",
  forged: "changed on the way, or made by somebody without the key",
  forbidden: "by a sender without the right to it",
  outOfOrder: "overtaken by a later command of the same sender",
  notSynchronised: "not shown to be fresh yet; the sender is asked",
  expired: "the key's time or number of messages is over",
  tableFull: "more senders than the device has room for",
  storeFailed: "the flash refused to write",
  unsolicited: "an answer that nobody asked for",
  duplicate: "the same message once more",
  unsupported: "no such resource, method or option",
  fragment: "fragments that do not fit together",
  notForUs: "for another address, network or port",
  overflow: "too much at once for a queue",
};

/** What is wrong with a device; empty: nothing that is known here. */
export function trouble(device: DeviceState, waiting: boolean): string {
  const { isLost, isDark, heardAt, keys, groups } = device;
  if (isLost) return "lost";
  if (isDark) return "no power";
  // Who has a key was here, though not since the program began.
  const isStrange = Object.values(keys).every((key) => key === null);
  if (heardAt === null && isStrange && groups.length > 0) return "missing";
  return waiting ? "no new key" : "";
}

/** Names as people count them: lamp-2 before lamp-10. */
export function byName(one: { name: string }, other: { name: string }): number {
  return one.name.localeCompare(other.name, "en", { numeric: true });
}
