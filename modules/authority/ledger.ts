/**
 * What an authority must not lose: devices, groups, keys, tokens, and who has which of them.
 *
 * Problem: a key id given out twice, or a member who was told of a key that the authority forgot,
 * cuts lamps off for good; so every decision of the authority and everything that follows from it
 * is one transaction. The stores differ: SQLite on a host, PostgreSQL where several authorities
 * share one, the flash log on a switch that is its own authority. Rejected: queries in SQL (there
 * is none on a switch), and decisions that wait for each row they read (twice the code on a device,
 * and a test would have to be asynchronous to look at one).
 *
 * Choice: rows under a table and a key, both text, and decisions that are plain synchronous
 * functions of rows: `decide(rows, ...)`. `transaction` runs one of them and makes all it wrote
 * durable together before its promise resolves. It may run a decision more than once, on rows as
 * they are by then, so a decision has no effect but on `rows`; one that throws has none at all.
 */

/** Kinds of rows. A name that was ever used stays with its kind. */
export const TABLES = [
  /** Counters and names of the authority itself. */
  "authority",
  /** By EUI-64 in hex. */
  "device",
  /** Client id in hex -> EUI-64. Ids are never given again. */
  "client",
  /** Credential in hex -> EUI-64. */
  "credential",
  /** The secrets that devices were made with, by credential in hex. */
  "factory",
  /** Clients whose tokens a KDC takes no more, by client id in hex. */
  "revoked",
  /** Up to when clients' tokens say nothing any more, by application group and client id. */
  "narrowed",
  /** Security groups, by number. */
  "group",
  /** Application groups, by number. */
  "application",
  /** Keys, by group and key id. */
  "key",
  /** What a group is run by, where it is not the usual, by its number. */
  "policy",
  /** Who is in a group, by group and client id. */
  "member",
  /** Tokens that clients presented to join groups, by who the channel shows. */
  "access",
  /** Who can no longer be heard since when, by group and epoch. */
  "stale",
  /** Highest numbers of senders, by group and client id. */
  "heard",
  /** Certificate subjects of members, by group and client id. */
  "subject",
  /** Tokens that were issued, by their id in hex. */
  "token",
  /** Where clients were last, and as whom they came, by client id in hex. */
  "place",
  /** Keys that a member has not confirmed yet, by group and client id. */
  "push",
  /** Revocations that a KDC has not taken yet, by its name and their number. */
  "notice",
  /** Who devices are handed over to, and what each of them shares with it. */
  "successor",
  /** Nodes of key trees, by group and number. */
  "node",
  /** Where devices hang, by EUI-64 in hex. */
  "floor",
  /** Devices that are being joined, by the credential they will show, in hex. */
  "joiner",
  /** SHA-256 of factory keys that were believed after a press, by EUI-64 in hex. */
  "pin",
  /** What the devices that were joined are for, by EUI-64 in hex. */
  "role",
  /** The group that is changed by presses, and what devices are to be told of groups. */
  "grouping",
  /** What was done, in order. */
  "log",
] as const;

export type Table = (typeof TABLES)[number];

export interface Rows {
  get(table: Table, key: string): Uint8Array | undefined;
  put(table: Table, key: string, value: Uint8Array): void;
  delete(table: Table, key: string): void;
  /** Keys that begin with `prefix`, ascending by code unit. */
  keys(table: Table, prefix: string): readonly string[];
}

export interface Ledger {
  /**
   * Rejects with what `decide` threw, or with an Error that says what the store refused and what to
   * do about it; then nothing was written.
   */
  transaction<T>(decide: (rows: Rows) => T): Promise<T>;
}

/** Where a ledger is kept. */
export interface Store extends Ledger {
  /**
   * `last` runs behind the last of those decisions that become durable together, once for all that
   * name the same one.
   */
  transaction<T>(decide: (rows: Rows) => T, last?: (rows: Rows) => void): Promise<T>;
}

/** A decision with what comes last, for a store whose decisions become durable one by one. */
export function followed<T>(
  decide: (rows: Rows) => T,
  last: ((rows: Rows) => void) | undefined,
): (rows: Rows) => T {
  if (last === undefined) return decide;
  return (rows) => {
    const result = decide(rows);
    last(rows);
    return result;
  };
}
