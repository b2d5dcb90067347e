/** Starts a room in real time, for a person at a terminal or at a page. */
import { Medium } from "../medium/medium.js";
import type { MediumOptions } from "../medium/types.js";
import type { Web, WebAt } from "../web/server.js";
import { LiveRoom } from "./live.js";
import { openRoomPage } from "./page.js";
import { Readiness } from "./ready.js";

/** A page of the room beside the terminal, or in its place. */
export interface PageWanted {
  readonly at: WebAt;
  readonly isOpen: boolean;
  readonly hasTerminal: boolean;
}

/** Resolves when the person quits. */
export async function live(options: MediumOptions, page?: PageWanted): Promise<void> {
  const medium = await Medium.start({ ...options, pacing: "real" });
  let web: Web | undefined;
  try {
    const { installation, authority } = options;
    const isManaged = authority !== undefined;
    const ready = isManaged ? new Readiness(installation) : undefined;
    const room = new LiveRoom(medium, installation, ready);
    if (page !== undefined) {
      const tell = (line: string) => void process.stderr.write(`${line}\n`);
      const say = page.hasTerminal ? (line: string) => room.tell(line) : tell;
      web = await openRoomPage(medium, room, { ...page, installation, isManaged, say });
    }
    if (page === undefined || page.hasTerminal) await room.run();
    else await untilInterrupted(medium);
  } finally {
    await web?.close();
    await medium.stop();
  }
}

async function untilInterrupted(medium: Medium): Promise<void> {
  const end = () => void medium.stop();
  process.once("SIGINT", end).once("SIGTERM", end);
  await medium.run(Number.POSITIVE_INFINITY);
}
