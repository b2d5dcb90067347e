/**
 * A commissioner's window: for three minutes every device that is pressed is joined, by its label
 * where that is known, else by its press alone where that was allowed and a person confirms it.
 */
import type { AskPerson } from "./device-side.js";
import { counted } from "./fault.js";
import { Finder } from "./finding.js";
import { joinByLabel } from "./join.js";
import type { Joining, JoinPlace } from "./join-flow.js";
import { joinByPress } from "./join-press.js";
import type { Found } from "./seek.js";

/** A label of the list: QR text, never said again. */
export interface ListedLabel {
  readonly eui64: string;
  readonly text: string;
  readonly name?: string | undefined;
}

export interface WindowArgs {
  readonly seconds: number;
  readonly labels: readonly ListedLabel[];
  /** Names of groups that each comes into. */
  readonly groups: readonly string[];
  readonly trustsPresses: boolean;
  /** Every blinking lamp is confirmed beforehand. */
  readonly isConfirmed: boolean;
  /** Closes when so many have joined; absent: with its time. */
  readonly count?: number | undefined;
}

export interface Opened {
  readonly joins: readonly (Joining & { readonly eui64: string })[];
  /** Open, and nobody knew its label. */
  readonly unknown: readonly string[];
  /** Why the window closed. */
  readonly closed: "time" | "count" | "left" | "two devices";
}

export interface WindowPlace extends JoinPlace {
  readonly ask: AskPerson;
  readonly left?: AbortSignal | undefined;
}

/** A fresh device answers sixty times in its three minutes, and within two seconds. */
const LOOK_MS = 4000;
const LOOK_AGAIN_MS = 2500;
/** Labels that are joined at once. */
const AT_ONCE_MAX = 8;

export async function openWindow(place: WindowPlace, args: WindowArgs): Promise<Opened> {
  const finder = await Finder.open(place.authority, place.side.network());
  try {
    return await new Window(place, args, finder).run();
  } finally {
    finder.close();
  }
}

class Window {
  readonly #place: WindowPlace;
  readonly #args: WindowArgs;
  readonly #finder: Finder;
  readonly #joins: (Joining & { readonly eui64: string })[] = [];
  readonly #unknown = new Set<string>();
  /** Not to be begun again as long as they are open. */
  readonly #tried = new Set<string>();
  readonly #underWay = new Map<string, Promise<void>>();
  #isRace = false;

  constructor(place: WindowPlace, args: WindowArgs, finder: Finder) {
    this.#place = place;
    this.#args = args;
    this.#finder = finder;
  }

  async run(): Promise<Opened> {
    const until = Date.now() + this.#args.seconds * 1000;
    this.#place.say(`open for ${this.#args.seconds} s: press the devices, one after the other`);
    while (Date.now() < until && this.#closed === undefined) await this.#look();
    await Promise.all(this.#underWay.values());
    const closed = this.#closed ?? "time";
    return { joins: this.#joins, unknown: [...this.#unknown], closed };
  }

  get #closed(): Opened["closed"] | undefined {
    if (this.#isRace) return "two devices";
    if (this.#place.left?.aborted === true) return "left";
    const joined = this.#joins.filter(({ ok }) => ok).length;
    return joined === this.#args.count ? "count" : undefined;
  }

  async #look(): Promise<void> {
    const isNew = (one: Found) =>
      this.#labelOf(one) !== undefined && !this.#tried.has(one.eui64) && this.#hasRoom;
    const found = await this.#finder.find(LOOK_MS, isNew, LOOK_MS);
    for (const one of found) if (isNew(one)) this.#joinByLabel(one);
    const pressed = found.filter((one) => this.#labelOf(one) === undefined);
    for (const eui64 of this.#tried) {
      // Pressed once more, it is tried once more.
      const isGone = !found.some((one) => one.eui64 === eui64) && !this.#underWay.has(eui64);
      if (isGone) this.#tried.delete(eui64);
    }
    await this.#takePressed(pressed.filter(({ eui64 }) => !this.#tried.has(eui64)));
  }

  get #hasRoom(): boolean {
    return this.#underWay.size < AT_ONCE_MAX;
  }

  #labelOf({ eui64 }: Found): ListedLabel | undefined {
    return this.#args.labels.find((one) => one.eui64 === eui64);
  }

  #joinByLabel(device: Found): void {
    const { eui64 } = device;
    const { text, name } = this.#labelOf(device) as ListedLabel;
    const { groups } = this.#args;
    this.#tried.add(eui64);
    const done = joinByLabel(this.#placeFor(eui64), { label: text, name, groups });
    this.#underWay.set(
      eui64,
      done.then((joining) => {
        this.#underWay.delete(eui64);
        this.#ended(eui64, joining);
      }),
    );
  }

  async #takePressed(pressed: readonly Found[]): Promise<void> {
    const [device] = pressed;
    if (device === undefined) return;
    const { trustsPresses, isConfirmed, groups } = this.#args;
    const { eui64 } = device;
    if (!trustsPresses) {
      for (const one of pressed) {
        if (!this.#unknown.has(one.eui64)) {
          this.#place.say(`${one.role} ${one.eui64} is open, and its label is not known`);
        }
        this.#unknown.add(one.eui64);
      }
      return;
    }
    this.#tried.add(eui64);
    const confirm = isConfirmed ? () => Promise.resolve(true) : this.#place.ask;
    const by = isConfirmed ? "confirmed beforehand" : "confirmed while it blinked";
    const others = async () => {
      const all = await this.#finder.find(LOOK_AGAIN_MS, () => false, LOOK_MS);
      return all.filter((one) => this.#labelOf(one) === undefined && !isSame(one, device));
    };
    const press = { finder: this.#finder, device, confirm, by, others };
    const { joining, isRace } = await joinByPress(this.#placeFor(eui64), { groups }, press);
    this.#isRace = isRace;
    this.#ended(eui64, joining);
  }

  #ended(eui64: string, joining: Joining): void {
    this.#joins.push({ eui64, ...joining });
    const { failure } = joining;
    const joined = this.#joins.filter(({ ok }) => ok).length;
    const said =
      failure === undefined
        ? `joined; ${counted(joined, "device")} so far`
        : `failed at "${failure.step}": ${failure.why}; next: ${failure.next}`;
    this.#place.say(`${eui64}: ${said}`);
  }

  /** Several are under way at once. */
  #placeFor(eui64: string): JoinPlace {
    const { say } = this.#place;
    return { ...this.#place, say: (line) => say(`${eui64}: ${line}`) };
  }
}

/** Two that say to be one device are two. */
function isSame(one: Found, other: Found): boolean {
  return one.eui64 === other.eui64 && Buffer.from(one.at).equals(other.at);
}
