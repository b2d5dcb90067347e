/**
 * What lies in the store under which key: kind (high 8 bits) and index (low 24 bits).
 *
 * A number that was ever given to a kind stays with it: a device that comes back after years must
 * not read an old record as something else. A kind that goes out of use moves to the list of the
 * retired.
 */
export const KIND = Object.freeze({
  /**
   * Sender numbers up to here may have been used (oscore/sequence). Index 0: device-wide; others:
   * association + 1.
   */
  SEQUENCE: 0x01,
  /** Seconds of uptime that count as used (store/uptime). Index 0. */
  UPTIME: 0x02,
  /**
   * A sender with a replay window: association, first number, id (oscore/recipients). Index: row.
   */
  REPLAY_ROW: 0x03,
  /** Numbers of that sender up to here count as seen. Index: row. */
  REPLAY_BOUND: 0x04,
  /** A group key with its terms (groups/keyring). Index: association. */
  GROUP_KEY: 0x05,
  /** Messages counted under a key with a budget (groups/lifetime). Index: association. */
  KEY_USE: 0x06,
  /** The highest key id a security group ever had (groups/keyring). Index: security group. */
  GROUP_HIGHEST: 0x07,
  /** Who may do what (access/rights). Index: row. */
  RIGHT: 0x08,
  /** A number a person may set (lighting/settings). Index: number of the setting. */
  SETTING: 0x09,
  /** A stored scene (lighting/scenes). Index: number of the scene. */
  SCENE: 0x0a,
  /** What the lamp showed, for "as before" after power-up. Index 0. */
  LIGHT: 0x0b,
  /** The installation's part for this device, or marks made of it (device). Index: part. */
  PROVISION: 0x0c,
  /** Up to eight members of a security group (groups/members). Index: 16 x group + page. */
  MEMBERS: 0x0d,
  /** This device as a member (groups/own). Index: security group. */
  OWN: 0x0e,
  /** A context derived from a group key (groups/derived). Index: association. */
  DERIVED: 0x0f,
  /** Where the device is: 0; application groups it was told, from 1 on (device/places). */
  PLACE: 0x10,
  /** A factory reset asked for: 0; marks of the keys that were wiped: 1 (device/reset). */
  RESET: 0x11,
  /** State, manifest and progress of a firmware update (device/update). Index: part. */
  FIRMWARE: 0x12,
  /** A DTLS session to be resumed (dtls/stored-sessions). Index: row. */
  SESSION: 0x13,
  /**
   * Tokens of our own: AT-KDC, index 0; AT-R to be presented (groups/tokens), 1 + security group.
   */
  TOKEN: 0x14,
  /**
   * The Key Distribution Center that is believed, index 0; latest time seen, 1 (groups/trust); what
   * this flash was made with, 2 (device/channels).
   */
  TRUST: 0x15,
  /** The newest token of a client that was accepted (groups/tokens). Index: row. */
  ISSUED: 0x16,
  /** What opens tokens presented to a security group (groups/tokens). Index: security group. */
  SEALING: 0x17,
  /** A group that was entered at its Group Manager (groups/admission). Index: security group. */
  ENTERED: 0x18,
  /** Keys of a key tree, from our leaf up (groups/branch). Index: security group. */
  BRANCH: 0x19,
  /**
   * The factory's record, index 0; up to which label flash holds none any more, 1; records of
   * nothing, 2 (commission/factory); short starts in a row, 3 (commission/cycles).
   */
  FACTORY: 0x1a,
  /**
   * How this device was joined, index 0; pieces of the blob, from 1 on; that it has started by it,
   * 255 (commission/joined).
   */
  JOINED: 0x1b,
  /**
   * Rows of a switch that is its own authority (authority/flash-ledger): the root, index 0; pages,
   * from 1 on.
   */
  LEDGER: 0x1c,
});

/** Kinds from here on belong to the store itself. */
export const KIND_RESERVED = 0x7e;

const INDEX_LIMIT = 0x1000000;

const NAMES = Object.freeze([
  "",
  "sequence number",
  "uptime",
  "replay row",
  "replay bound",
  "group key",
  "key use",
  "highest key id",
  "right",
  "setting",
  "scene",
  "light state",
  "provisioning",
  "members",
  "own membership",
  "derived context",
  "place",
  "factory reset",
  "firmware update",
  "DTLS session",
  "token",
  "trust",
  "newest token",
  "sealing key",
  "entered group",
  "key tree branch",
  "factory record",
  "joining",
  "ledger page",
]);

/**
 * The key of `index` (0 to 2^24 - 1) among its kind. Throws RangeError for numbers that are none.
 */
export function key(kind: number, index: number): number {
  if (!(kind > 0 && kind < KIND_RESERVED)) throw new RangeError(`store: no such kind ${kind}`);
  if (!(index >= 0 && index < INDEX_LIMIT)) throw new RangeError(`store: no such index ${index}`);
  return kind * INDEX_LIMIT + index;
}

export function kindOf(storeKey: number): number {
  return storeKey >>> 24;
}

export function indexOf(storeKey: number): number {
  return storeKey & 0xffffff;
}

/** For a person: "replay bound 3". */
export function nameOf(storeKey: number): string {
  const kind = kindOf(storeKey);
  if (kind === KIND_RESERVED) return "the store's own bookkeeping";
  return `${NAMES[kind] ?? `kind ${kind}`} ${indexOf(storeKey)}`;
}
