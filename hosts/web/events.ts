/** The site as it changes, to one reader: server-sent events. */
import type { Context } from "hono";
import { streamSSE } from "hono/streaming";
import type { Board } from "./board.js";
import { both, type Change } from "./site.js";

/** Silence for longer than this means that the server is gone; the page says so. */
const PULSE_MS = 2000;

/**
 * `site` once, then `change` after `change`, and `pulse` in between with the server's clock. To who
 * reads slowly, several changes are one: nothing piles up. Ends when he may look no longer.
 */
export function events(context: Context, board: Board, mayLook: () => boolean): Response {
  context.header("cache-control", "no-store");
  // Nothing on the way may collect what is told at once.
  context.header("x-accel-buffering", "no");
  return streamSSE(context, async (stream) => {
    let pending: Change | undefined;
    let wake = () => {};
    const end = board.watch((change) => {
      pending = both(pending ?? {}, change);
      wake();
    });
    stream.onAbort(() => wake());
    const say = (event: string, data: object) =>
      stream.writeSSE({ event, data: JSON.stringify({ ...data, now: Date.now() }) });
    try {
      await say("site", { site: board.site });
      while (!stream.aborted && !stream.closed) {
        if (pending === undefined) {
          await new Promise<void>((resolve) => {
            const timer = setTimeout(resolve, PULSE_MS);
            wake = () => {
              clearTimeout(timer);
              resolve();
            };
          });
        }
        if (!mayLook()) break;
        const change = pending;
        pending = undefined;
        if (change === undefined) await say("pulse", {});
        else await say("change", { change });
      }
    } finally {
      end();
    }
  });
}
