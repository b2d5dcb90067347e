/** Lines of a stream, one when one is wanted: until then, and after it, no program waits for it. */
import { createInterface, type Interface } from "node:readline";
import type { Readable } from "node:stream";

export interface Lines {
  /** Undefined from its end on. One question at a time. */
  line(): Promise<string | undefined>;
  /** No more is wanted, though somebody may be waited for. */
  close(): void;
}

export function linesOf(input: Readable): Lines {
  const lines: string[] = [];
  let reader: Interface | undefined;
  let isOver = false;
  let heard = () => {};
  const open = () => {
    const made = createInterface({ input });
    made.on("line", (line) => {
      lines.push(line);
      heard();
    });
    made.on("close", () => {
      isOver = true;
      heard();
    });
    return made;
  };
  const line = async () => {
    reader ??= open();
    reader.resume();
    while (lines.length === 0 && !isOver) {
      await new Promise<void>((resolve) => {
        heard = resolve;
      });
    }
    if (!isOver) reader.pause();
    return lines.shift();
  };
  return { line, close: () => reader?.close() };
}
