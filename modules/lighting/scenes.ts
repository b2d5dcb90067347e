/**
 * Scenes of one luminaire: a number, and what the lamp shows for it. Kept in the store, in /l's
 * encoding.
 */
import { equalBytes } from "../bytes/equal.js";
import { KIND, key } from "../store/keys.js";
import { type Command, decodeScene, encodeCommand } from "./command.js";
import type { Records } from "./records.js";
import type { WearBudget } from "./wear.js";

/** As many as fit beside keys and replay state in the store's index; DALI has 16. */
export const SCENES_MAX = 32;

/**
 * There from the start, until another one is stored under its number: half bright. Without it the
 * first double press in a new room does nothing, and the person at the switch cannot know why.
 */
const FACTORY_NUMBER = 1;
const FACTORY_SCENE: Command = Object.freeze({ on: true, level: 127 });

export class Scenes {
  readonly #records: Records;
  readonly #budget: WearBudget;

  constructor(ports: { records: Records; budget: WearBudget }) {
    this.#records = ports.records;
    this.#budget = ports.budget;
  }

  /** What scene 0-254 shows; undefined when it is not stored. */
  get(number: number): Command | undefined {
    const stored = this.#records.get(key(KIND.SCENE, number));
    if (stored === undefined) return number === FACTORY_NUMBER ? FACTORY_SCENE : undefined;
    const decoded = decodeScene(stored);
    // The store checks its records; one that is whole but unreadable is answered like one never
    // stored.
    return decoded.ok ? decoded.value : undefined;
  }

  /**
   * Stores a scene: "stored" is durable. "full" when there are 32 others; "refused" when flash
   * refused or enough was written lately.
   */
  put(number: number, scene: Command): "stored" | "full" | "refused" {
    const at = key(KIND.SCENE, number);
    const stored = this.#records.get(at);
    const value = encodeCommand(scene);
    if (stored !== undefined && equalBytes(stored, value)) return "stored";
    if (stored === undefined && this.count() >= SCENES_MAX) return "full"; // check: scenes-full
    if (!this.#budget.take()) return "refused"; // check: scenes-wear
    return this.#records.put(at, value) ? "stored" : "refused";
  }

  /** True when the scene is gone, whether or not it was there. */
  delete(number: number): boolean {
    const at = key(KIND.SCENE, number);
    if (this.#records.get(at) === undefined) return true;
    return this.#budget.take() && this.#records.delete(at);
  }

  private count(): number {
    return this.#records.keys(KIND.SCENE).length;
  }
}
