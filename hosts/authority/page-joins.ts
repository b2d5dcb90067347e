/**
 * Joins as the page shows them: who is open now, and how far each is on its way in. A label's code
 * goes from a form to the join, and nowhere else: not to the board, which everybody sees who may
 * look, and not into what is said.
 */
import { parseLabel } from "../../modules/commission/label.js";
import { ROLE_NAMES } from "../../modules/ports/role.js";
import type { Done } from "../web/actions.js";
import type { Board } from "../web/board.js";
import type { JoinState, Role } from "../web/site.js";
import { Fault } from "./fault.js";
import type { Joining } from "./join-flow.js";
import { type Place, type Say, WORKS } from "./works.js";

/** As long as a device is open after a press, more would be no use to somebody in front of it. */
const OPEN_MS = 180_000;
const LOOK_SECONDS = 3;
/** Somebody who has just typed a code looks there. */
const SHOWN_MS = 10_000;
/** "prove: 0200000000000014 has this label": from here on it is known which one it is. */
const PROVEN = /^prove: ([0-9a-f]{16}) /;

export class PageJoins {
  readonly #place: Place;
  readonly #board: Board;
  readonly #notice: Say;
  #openUntil = 0;
  #isLooking = false;
  /** Joins that were begun here; rows of others are by EUI-64. */
  #begun = 0;
  /** EUI-64s that are on their way in. */
  readonly #underWay = new Set<string>();

  constructor(place: Place, board: Board, notice: Say) {
    this.#place = place;
    this.#board = board;
    this.#notice = notice;
  }

  /** Looks for devices that wait to be joined, and shows them. */
  async open(): Promise<Done> {
    const { running } = this.#place;
    if (running?.side === undefined) throw new Fault("the authority does not run");
    // Throws where it is not known on which network devices are.
    running.side.network();
    this.#openUntil = Date.now() + OPEN_MS;
    this.#board.put("facts", "site", { openUntil: this.#openUntil });
    if (!this.#isLooking) void this.#look();
    return { lines: ["press the button of each device that is to come in"] };
  }

  async close(): Promise<Done> {
    this.#openUntil = 0;
    this.#board.put("facts", "site", { openUntil: null });
    this.#tidy(() => true);
    return { lines: ["nobody is looked for any more"] };
  }

  /** By what is printed on the device; a slip is told before it costs one of its guesses. */
  async code(args: { label: string; name: string; group: string }): Promise<Done> {
    const { label, name, group } = args;
    const parsed = parseLabel(this.#place.authority.crypto, label);
    if (!parsed.ok) throw new Fault(parsed.why);
    parsed.printed.fill(0);
    const { groups } = await WORKS.listGroups(this.#place, {});
    const known = groups.find(({ number }) => `${number}` === group);
    if (group !== "" && known === undefined) throw new Fault("there is no such group any more");
    this.#tidy(({ failure }) => failure !== null);
    const key = `begun-${++this.#begun}`;
    this.#put(key, { id: "", role: "unknown", step: "label: it reads well", failure: null });
    const say = (line: string) => this.#said(key, line);
    const wish = {
      groups: known === undefined ? [] : [known.name],
      ...(name.trim() !== "" && { name: name.trim() }),
    };
    WORKS.joinDevice({ ...this.#place, say }, { label, ...wish }).then(
      (joining) => this.#over(key, joining),
      (error: unknown) => this.#failed(key, (error as Error).message),
    );
    return { lines: ["it is being joined; how far it is stands under New devices"] };
  }

  async #look(): Promise<void> {
    this.#isLooking = true;
    const place = { ...this.#place, say: () => {} };
    try {
      while (Date.now() < this.#openUntil) {
        const { devices } = await WORKS.watchFresh(place, { seconds: LOOK_SECONDS });
        if (Date.now() < this.#openUntil) this.#show(devices);
      }
    } catch (error) {
      this.#notice((error as Error).message);
    } finally {
      this.#isLooking = false;
      await this.close();
    }
  }

  #show(devices: readonly { eui64: string; role: string }[]): void {
    const open = new Set(devices.map(({ eui64 }) => eui64));
    this.#tidy(({ id, failure }) => failure === null && !open.has(id));
    for (const { eui64: id, role } of devices) {
      if (this.#underWay.has(id)) continue;
      this.#put(id, { id, role: roleOf(role), step: "waits to be joined", failure: null });
    }
  }

  #said(key: string, line: string): void {
    const [, eui64] = PROVEN.exec(line) ?? [];
    if (eui64 === undefined) {
      this.#put(key, { step: line });
      return;
    }
    const { role = "unknown" } = this.#board.site.joins[eui64] ?? {};
    this.#underWay.add(eui64);
    this.#board.remove("joins", eui64);
    this.#put(key, { id: eui64, role, step: line });
  }

  #over(key: string, { ok, device, failure }: Joining): void {
    if (!ok || device === undefined) {
      const { step, why, next } = failure ?? { step: "join", why: "it failed", next: "try again" };
      this.#failed(key, `${why}; ${next}`, step);
      return;
    }
    this.#underWay.delete(device.eui64);
    this.#put(key, { id: device.eui64, step: `it is in: ${device.name}` });
    setTimeout(() => this.#board.remove("joins", key), SHOWN_MS).unref();
  }

  #failed(key: string, failure: string, step = "join"): void {
    const id = this.#board.site.joins[key]?.id ?? "";
    this.#underWay.delete(id);
    this.#put(key, { step: `failed at "${step}"`, failure });
  }

  #put(key: string, row: Partial<JoinState>): void {
    const before = this.#board.site.joins[key];
    const whole = before === undefined ? { asks: false, ...row } : row;
    this.#board.put("joins", key, whole);
  }

  /** Takes away rows that nothing is under way of. */
  #tidy(isGone: (row: JoinState) => boolean): void {
    for (const [key, row] of Object.entries(this.#board.site.joins)) {
      const isBegun = key !== row.id && row.failure === null;
      if (!isBegun && isGone(row)) this.#board.remove("joins", key);
    }
  }
}

function roleOf(text: string): Role {
  return ROLE_NAMES.find((name) => name === text) ?? "unknown";
}
