/** Starts a room in real time, for a person at a terminal or at a page. */
import type { Installation } from "../installation/types.js";
import { Medium } from "../medium/medium.js";
import type { MediumOptions } from "../medium/types.js";
import type { Web, WebAt } from "../web/server.js";
import { commission, joinedText } from "./commission.js";
import type { CommissionOptions } from "./commissioned.js";
import { LiveRoom } from "./live.js";
import { untilKeyed } from "./measure.js";
import { openRoomPage } from "./page.js";
import { Readiness } from "./ready.js";

/** A page of the room beside the terminal, or in its place. */
export interface PageWanted {
  readonly at: WebAt;
  readonly isOpen: boolean;
  readonly hasTerminal: boolean;
}

export interface LiveOptions {
  readonly page?: PageWanted | undefined;
  /** Devices are fresh, and are joined first: fast, or in real time with a line for each step. */
  readonly joining?: CommissionOptions | undefined;
}

/** Resolves when the person quits. */
export async function live(options: MediumOptions, { page, joining }: LiveOptions): Promise<void> {
  const isFast = joining !== undefined && joining.say === undefined;
  const medium = await Medium.start({ ...options, pacing: isFast ? "fast" : "real" });
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
    if (joining !== undefined) await joinAll(medium, installation, { joining, ready });
    medium.pacing = "real";
    if (page === undefined || page.hasTerminal) await room.run();
    else await untilInterrupted(medium);
  } finally {
    await web?.close();
    await medium.stop();
  }
}

/** The installer's part, before somebody presses a switch. */
async function joinAll(
  medium: Medium,
  installation: Installation,
  { joining, ready }: { joining: CommissionOptions; ready: Readiness | undefined },
): Promise<void> {
  const stream = process.stderr;
  const say = (line: string) => stream.write(stream.isTTY ? `\r${line}` : `${line}\n`);
  const onProgress = (joined: number, of: number) => {
    if (joining.say === undefined && stream.isTTY) say(`${joined} of ${of} devices are joined`);
  };
  const done = await commission(medium, installation, { ...joining, onProgress });
  say(joinedText(done));
  if (stream.isTTY) stream.write("\n");
  for (const { device, step, why } of done.failures) {
    stream.write(`${device} is not joined, at ${step}: ${why}\n`);
  }
  if (ready !== undefined && done.failures.length === 0 && joining.say === undefined) {
    await untilKeyed(medium, ready, installation);
  }
}

async function untilInterrupted(medium: Medium): Promise<void> {
  const end = () => void medium.stop();
  process.once("SIGINT", end).once("SIGTERM", end);
  await medium.run(Number.POSITIVE_INFINITY);
}
