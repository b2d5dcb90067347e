/** A terminal in raw mode on its alternate screen, given back however the program ends. */
import { atEnd } from "../medium/cleanup.js";
import type { Colours, Size } from "./screen.js";

const ENTER = "\x1b[?1049h\x1b[?25l\x1b[2J";
const LEAVE = "\x1b[?25h\x1b[?1049l";
const HOME = "\x1b[H";
const CLEAR_LINE = "\x1b[K";

export class Terminal {
  readonly #in: NodeJS.ReadStream;
  readonly #out: NodeJS.WriteStream;
  readonly #forget: () => void;
  readonly #onData: (text: string) => void;
  readonly #onResize: () => void;

  /** `onKey` gets single characters; `onResize` is called when the size changed. */
  constructor(input: {
    stdin: NodeJS.ReadStream;
    stdout: NodeJS.WriteStream;
    onKey: (key: string) => void;
    onResize: () => void;
  }) {
    this.#in = input.stdin;
    this.#out = input.stdout;
    // An escape sequence (an arrow key, a click) is no key of ours.
    this.#onData = (text) => {
      if (!text.startsWith("\x1b")) for (const key of text) input.onKey(key);
    };
    this.#onResize = input.onResize;
    this.#forget = atEnd(() => this.#restore());
    this.#in.setRawMode(true);
    this.#in.setEncoding("utf8").on("data", this.#onData).resume();
    this.#out.on("resize", this.#onResize);
    this.#out.write(ENTER);
  }

  get size(): Size {
    return { columns: this.#out.columns || 80, rows: this.#out.rows || 24 };
  }

  /** https://no-color.org: any value but the empty one. */
  get colours(): Colours {
    if ((process.env.NO_COLOR ?? "") !== "") return 0;
    return this.#out.hasColors(256) ? 256 : this.#out.hasColors(16) ? 16 : 0;
  }

  /** Overwrites the screen line by line: no flicker. */
  draw(lines: readonly string[]): void {
    this.#out.write(HOME + lines.map((line) => line + CLEAR_LINE).join("\r\n"));
  }

  close(): void {
    this.#forget();
    this.#restore();
    this.#in.off("data", this.#onData).pause();
    this.#out.off("resize", this.#onResize);
  }

  #restore(): void {
    this.#in.setRawMode(false);
    this.#out.write(LEAVE);
  }
}
