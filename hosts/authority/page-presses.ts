/**
 * Joins by a press alone, as the page has them: opened on purpose, one device at a time, each
 * confirmed by who sees it blink. What it may do then is limited (modules/commission/joined.ts).
 */
import type { Done } from "../web/actions.js";
import type { Board } from "../web/board.js";
import type { Role } from "../web/site.js";
import { Fault } from "./fault.js";
import { type Place, type Say, WORKS } from "./works.js";

const OPEN_SECONDS = 180;
/** "0200000000000014: greet: ..." */
const OF_DEVICE = /^([0-9a-f]{16}): (.*)$/;
const FOUND = /^find: (\w+) /;
const FAILED = /^failed at /;
const EUI64 = /\b[0-9a-f]{16}\b/;

export class PagePresses {
  readonly #place: Place;
  readonly #board: Board;
  readonly #notice: Say;
  #left: AbortController | undefined;
  /** Of who blinks, to who asked. */
  #asked: { readonly device: string; readonly answer: (is: boolean) => void } | undefined;

  constructor(place: Place, board: Board, notice: Say) {
    this.#place = place;
    this.#board = board;
    this.#notice = notice;
  }

  async open({ group }: { group: string }): Promise<Done> {
    if (this.#left !== undefined) throw new Fault("it is open for presses already");
    const { groups } = await WORKS.listGroups(this.#place, {});
    const known = groups.find(({ number }) => `${number}` === group);
    if (group !== "" && known === undefined) throw new Fault("there is no such group any more");
    const left = new AbortController();
    this.#left = left;
    this.#board.put("facts", "site", { openUntil: Date.now() + OPEN_SECONDS * 1000 });
    const place = {
      ...this.#place,
      left: left.signal,
      say: (line: string) => this.#said(line),
      ask: (question: string) => this.#ask(question),
    };
    const terms = { labels: [], trustsPresses: true, isConfirmed: false };
    const own = known === undefined ? [] : [known.name];
    WORKS.openJoining(place, { ...terms, seconds: OPEN_SECONDS, groups: own })
      .then(({ closed }) => {
        if (closed === "two devices") {
          this.#notice(
            "two devices were open at once: neither is joined; press one, and open anew",
          );
        }
      })
      .catch((error: unknown) => this.#notice((error as Error).message))
      .finally(() => {
        this.#left = undefined;
        this.#asked = undefined;
        this.#board.put("facts", "site", { openUntil: null });
      });
    return { lines: ["press the button of one device; it blinks, and is asked for here"] };
  }

  close(): void {
    this.#left?.abort();
    this.#asked?.answer(false);
  }

  async confirm({ device }: { device: string }): Promise<Done> {
    const asked = this.#asked;
    if (asked?.device !== device) throw new Fault(`${device} is not asked for any more`);
    this.#asked = undefined;
    this.#board.put("joins", device, { asks: false });
    asked.answer(true);
    return { lines: [`${device} is being joined`] };
  }

  #ask(question: string): Promise<boolean | undefined> {
    const [device] = EUI64.exec(question) ?? [];
    if (device === undefined) return Promise.resolve(undefined);
    this.#board.put("joins", device, { asks: true });
    return new Promise((resolve) => {
      this.#asked = { device, answer: resolve };
    });
  }

  #said(line: string): void {
    const [, id, words] = OF_DEVICE.exec(line) ?? [];
    if (id === undefined) return;
    const failure = FAILED.test(words) ? words : null;
    const [, found] = FOUND.exec(words) ?? [];
    const role = (found ?? this.#board.site.joins[id]?.role ?? "unknown") as Role;
    const step = failure === null ? words : "by its press";
    this.#board.put("joins", id, { id, role, step, asks: false, failure });
  }
}
