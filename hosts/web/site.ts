/**
 * What the page shows, whichever program serves it. Server and page share this file: plain data,
 * plain functions, nothing of Node and nothing of a browser. There is no field for a secret.
 *
 * A site is tables of rows; a change is the part of some rows that is new. So one rule merges them,
 * on both sides, and a slow reader gets several changes as one.
 */
import type { PatternName } from "../../modules/ports/indicator.js";

export type Role = "luminaire" | "switch" | "presence" | "daylight" | "sender" | "unknown";

/** Times are Unix milliseconds by the clock of the program that serves the page. */
export interface DeviceState {
  /** EUI-64, 16 hex digits. */
  readonly id: string;
  readonly name: string;
  readonly role: Role;
  /** Metres on the floor plan, x to the right, y down; null: nobody has placed it. */
  readonly x: number | null;
  readonly y: number | null;
  /** Ids of the groups it is in or commands. */
  readonly groups: readonly string[];
  /** 0 (off) to 254; null: nobody here knows. */
  readonly level: number | null;
  /** Its last word; null: none since the program began. */
  readonly heardAt: number | null;
  /** When somebody pressed it last, or it came into a group or out of one; null: not seen here. */
  readonly touchedAt: number | null;
  /** Epoch of the newest key it has, by group; null: none yet. */
  readonly keys: Readonly<Record<string, number | null>>;
  /** Out of service for good. */
  readonly isLost: boolean;
  /** Without power, where that can be seen. */
  readonly isDark: boolean;
  /** What its status LED says; null: that is not known here. */
  readonly pattern: PatternName | null;
  /** How much it has dropped; null: that is not known here. */
  readonly drops: number | null;
}

export interface GroupState {
  readonly id: string;
  readonly name: string;
  readonly profile: string;
  /** Epoch of its newest key; null: not known here. */
  readonly key: number | null;
  /** Members that do not have that key yet. */
  readonly waiting: number;
  /** The last command that was heard in it, and when; null: none, or that is not known here. */
  readonly told: string | null;
  readonly toldAt: number | null;
}

export interface PressState {
  /** Rising. */
  readonly id: number;
  readonly what: string;
  readonly at: number;
  /** Lamps that it commands, and how many have changed; null: that is not known here. */
  readonly lamps: number;
  readonly changed: number | null;
  /** From the press to the first and to the last of them. */
  readonly firstMs: number | null;
  readonly lastMs: number | null;
}

/** What was dropped for one reason (modules/bytes/outcome.ts). */
export interface DropState {
  readonly reason: string;
  readonly count: number;
  readonly at: number;
  /** Who dropped it last. */
  readonly device: string;
}

/** New keys on their way to the members of groups. */
export interface RekeyState {
  readonly id: number;
  readonly what: string;
  readonly at: number;
  readonly of: number;
  readonly done: number;
  readonly isOver: boolean;
  /** Who does not have it, and why. */
  readonly left: Readonly<Record<string, string>>;
}

/** A device on its way in. */
export interface JoinState {
  /** EUI-64; empty while it is not known which one it is. */
  readonly id: string;
  readonly role: Role;
  /** What is done, in words of the authority. */
  readonly step: string;
  /** Whether somebody has to say that the lamp which blinks is the right one. */
  readonly asks: boolean;
  /** Why it failed, and what to do. */
  readonly failure: string | null;
}

/** What there is one of. */
export interface Facts {
  readonly name: string;
  readonly kind: "authority" | "room";
  /** Until when devices may join; null: they may not. */
  readonly openUntil: number | null;
  /** Changes when there is another picture of the floor; null: there is none. */
  readonly picture: string | null;
  /** How wide the picture is. */
  readonly pictureMetres: number;
  readonly notice: string;
}

export interface Site {
  readonly facts: { readonly site?: Facts };
  readonly devices: Readonly<Record<string, DeviceState>>;
  readonly groups: Readonly<Record<string, GroupState>>;
  readonly presses: Readonly<Record<string, PressState>>;
  readonly drops: Readonly<Record<string, DropState>>;
  readonly rekeys: Readonly<Record<string, RekeyState>>;
  readonly joins: Readonly<Record<string, JoinState>>;
}

export type Table = keyof Site;
/** A row of one of them. */
export type Row<T extends Table> = T extends "facts" ? Facts : Site[Exclude<T, "facts">][string];

type Rows = Readonly<Record<string, object | null>>;
/** null: the row is gone. */
export type Change = { readonly [table in Table]?: Rows };

export const NOTHING: Site = {
  ...{ facts: {}, devices: {}, groups: {}, presses: {}, drops: {}, rekeys: {}, joins: {} },
};

/** Rows that are not in the change stay the very same objects. */
export function merged(site: Site, change: Change): Site {
  const tables = Object.entries(change) as [Table, Rows][];
  const after = tables.map(([table, rows]) => [table, mergedRows(site[table] as Rows, rows)]);
  return { ...site, ...(Object.fromEntries(after) as Partial<Site>) };
}

function mergedRows(before: Rows, rows: Rows): Rows {
  const after: Record<string, object | null> = { ...before };
  for (const [key, row] of Object.entries(rows)) {
    if (row === null) delete after[key];
    else after[key] = { ...after[key], ...row };
  }
  return after;
}

/** One change in place of two, the later one last. */
export function both(first: Change, second: Change): Change {
  const after: { [table in Table]?: Rows } = { ...first };
  for (const [table, rows] of Object.entries(second) as [Table, Rows][]) {
    const known: Record<string, object | null> = { ...after[table] };
    for (const [key, row] of Object.entries(rows)) {
      known[key] = row === null ? null : { ...known[key], ...row };
    }
    after[table] = known;
  }
  return after;
}

/** "off", "40 %". */
export function percent(level: number): string {
  // Hardly on is not off.
  const share = Math.round((100 * level) / 254);
  return level === 0 ? "off" : `${Math.max(1, share)} %`;
}

/** What a person can have done, and what it takes. */
export interface ActionArgs {
  readonly place: { readonly device: string; readonly x: number; readonly y: number };
  readonly identify: { readonly device: string };
  readonly rename: { readonly device: string; readonly name: string };
  /** `from` or `to` empty: only in, only out. */
  readonly move: { readonly device: string; readonly from: string; readonly to: string };
  readonly lost: { readonly device: string };
  readonly rekey: { readonly group: string };
  readonly press: { readonly device: string };
  readonly joinOpen: Readonly<Record<string, never>>;
  readonly joinClose: Readonly<Record<string, never>>;
  /** `label`: what is printed on the device. This is the only place of the page where it is. */
  readonly joinCode: { readonly label: string; readonly name: string; readonly group: string };
  /** Without labels; each device is confirmed. */
  readonly joinPress: { readonly group: string };
  readonly joinConfirm: { readonly device: string };
}
export type ActionName = keyof ActionArgs;

/** Who the page is for. */
export interface Visitor {
  readonly isIn: boolean;
  readonly mayLook: boolean;
  /** What he is asked for to come in. */
  readonly asks: "password" | "code";
  /** What can be done here, by who is in. */
  readonly can: readonly ActionName[];
  /** The server's clock. */
  readonly now: number;
}
