/**
 * What an operator can have the room's authority do: `rekey GROUP`, `lost DEVICE`, and
 * `tree GROUP`, which gives the group a key tree; and what came of it, a line for each node.
 */

import type { CourierParts } from "../../modules/authority/courier.js";
import { expel, renew } from "../../modules/authority/distribution.js";
import { grow } from "../../modules/authority/keytree.js";
import type { Rows } from "../../modules/authority/ledger.js";
import {
  devices,
  membersOf,
  numberKey,
  policies,
  policyOf,
  pushes,
} from "../../modules/authority/records.js";
import { reportLost } from "../../modules/authority/server.js";
import { fromHex, toHex } from "../../modules/bytes/hex.js";
import type { Plan } from "./managed.js";

export interface RekeyingsParts extends Pick<CourierParts, "run" | "center" | "now" | "clock"> {
  readonly plan: Plan;
  /** A line for a person. */
  readonly log: (line: string) => void;
  /** Says a group's new keys to all of it; in how many messages. */
  readonly say: (group: number) => number;
}

/** One that is not over yet. */
interface Rekeying {
  readonly what: string;
  readonly groups: readonly number[];
  readonly of: number;
  readonly beganMicros: number;
  readonly isSaid: boolean;
  done: number;
}

export class Rekeyings {
  readonly #parts: RekeyingsParts;
  /** By client id in hex. */
  readonly #names: ReadonlyMap<string, string>;
  #underWay: Rekeying | undefined = undefined;

  constructor(parts: RekeyingsParts) {
    this.#parts = parts;
    this.#names = new Map(parts.plan.devices.map(({ clientId, name }) => [clientId, name]));
  }

  /** Whether what is under way was said to all. */
  get isSaid(): boolean {
    return this.#underWay?.isSaid === true;
  }

  /** Throws an Error that says what to give instead. */
  command(command: string): void {
    const [word, of = ""] = command.split(" ");
    if (word === "rekey") this.#begin(command, (rows) => this.#rekey(rows, Number(of)));
    else if (word === "lost") this.#begin(command, (rows) => this.#lose(rows, of));
    else if (word === "tree") this.#begin(command, (rows) => this.#grow(rows, Number(of)), false);
    else throw new Error(`there is no ${word}; give rekey GROUP, lost DEVICE or tree GROUP`);
  }

  /** What became of a push. */
  told(clientId: Uint8Array, delivered: string, attempts: number): void {
    const underWay = this.#underWay;
    if (underWay === undefined) return;
    const { what, of, beganMicros, groups } = underWay;
    const { log, run, clock } = this.#parts;
    if (delivered === "done") underWay.done++;
    const name = this.#names.get(toHex(clientId)) ?? toHex(clientId);
    const again = attempts > 1 ? `, attempt ${attempts}` : "";
    log(`${what}: ${name} ${delivered}${again}, ${underWay.done} of ${of}`);
    const left = run((rows) => groups.flatMap((group) => pushes.keys(rows, numberKey(group))));
    if (left.length > 0) return;
    const seconds = (clock.micros() - beganMicros) / 1_000_000;
    log(`${what}: over, ${underWay.done} of ${of} in ${seconds.toFixed(2)} s`);
    this.#underWay = undefined;
  }

  #begin(what: string, decide: (rows: Rows) => readonly number[], mayBeSaid = true): void {
    const { run, clock, log, say } = this.#parts;
    const { groups, of, trees } = run((rows) => {
      const groups = decide(rows);
      const of = groups.reduce((sum, group) => sum + membersOf(rows, group).length, 0);
      const trees = groups.filter((group) => mayBeSaid && policyOf(rows, group).hasTree);
      return { groups, of, trees };
    });
    const isSaid = trees.length > 0;
    this.#underWay = { what, groups, of, beganMicros: clock.micros(), isSaid, done: 0 };
    log(`${what}: ${of} members`);
    for (const group of trees) log(`${what}: said to all, ${say(group)} messages`);
  }

  /** Each has its branch with the next key, which is brought to him alone. */
  #grow(rows: Rows, group: number): number[] {
    const { center, now } = this.#parts;
    grow(rows, center, group);
    policies.put(rows, numberKey(group), { ...policyOf(rows, group), hasTree: true });
    renew(rows, center, group, { isBroken: false, now: now() });
    return [group];
  }

  #rekey(rows: Rows, group: number): number[] {
    const { center, now } = this.#parts;
    renew(rows, center, group, { isBroken: false, now: now() });
    return [group];
  }

  #lose(rows: Rows, name: string): readonly number[] {
    const { plan, center, now } = this.#parts;
    const device = plan.devices.find((one) => one.name === name);
    if (device === undefined) throw new Error(`there is no ${name} in this room`);
    reportLost(rows, fromHex(device.eui64));
    const { clientId } = devices.need(rows, device.eui64);
    return expel(rows, center, clientId, now());
  }
}
