/** When each client was last heard over its channel, and pressed, since this program began. */

/** More have never been here. */
const CLIENTS_MAX = 8192;

export class LastWords {
  /** By who the channel shows, in hex: Unix milliseconds. */
  readonly #heard = new Map<string, number>();

  heard(id: string): void {
    if (this.#heard.size >= CLIENTS_MAX && !this.#heard.has(id)) return;
    this.#heard.set(id, Date.now());
  }

  /** Somebody is at its button. */
  onPressed: (id: string) => void = () => {};

  of(id: string): number | null {
    return this.#heard.get(id) ?? null;
  }
}
