/** A progress bar on standard error: redrawn in place at a terminal, ten lines otherwise. */

const WIDTH = 30;

export class Progress {
  readonly #total: number;
  readonly #stream: NodeJS.WriteStream;
  #tenths = -1;

  constructor(total: number, stream: NodeJS.WriteStream) {
    this.#total = total;
    this.#stream = stream;
  }

  /** What comes before: one line, at a terminal drawn over. */
  say(text: string): void {
    this.#stream.write(this.#stream.isTTY ? `\r${text}` : `${text}\n`);
  }

  show(done: number): void {
    const filled = Math.floor((WIDTH * done) / this.#total);
    const bar = "#".repeat(filled) + ".".repeat(WIDTH - filled);
    const text = `[${bar}] ${done}/${this.#total} presses`;
    if (this.#stream.isTTY) {
      this.#stream.write(`\r${text}${done === this.#total ? "\n" : ""}`);
      return;
    }
    const tenths = Math.floor((10 * done) / this.#total);
    if (tenths === this.#tenths) return;
    this.#tenths = tenths;
    this.#stream.write(`${text}\n`);
  }
}
