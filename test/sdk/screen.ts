/** A virtual display, and what is to be seen and clicked on it. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { type Place, WINDOW } from "../../hosts/simulator/instance.js";

/** Three windows side by side. */
const WIDTH = 3 * WINDOW.width;
const HEIGHT = WINDOW.height;

const WAIT_MS = 30_000;

export interface Spot {
  readonly x: number;
  readonly y: number;
}

export type Colour = readonly [red: number, green: number, blue: number];

export class Screen {
  readonly display: string;
  readonly #server: ChildProcess;

  private constructor(server: ChildProcess, display: string) {
    this.#server = server;
    this.display = display;
  }

  /** Xvfb chooses the number itself, so that two tests never share one. */
  static async open(): Promise<Screen> {
    const size = ["-screen", "0", `${WIDTH}x${HEIGHT}x24`, "-nolisten", "tcp"];
    const server = spawn("Xvfb", ["-displayfd", "3", ...size], {
      stdio: ["ignore", "ignore", "ignore", "pipe"],
    });
    for await (const number of createInterface({ input: server.stdio[3] as Readable })) {
      return new Screen(server, `:${number}`);
    }
    throw new Error("Xvfb does not start");
  }

  /** Presses the first mouse button there, for as long as a finger would. */
  click({ x, y }: Spot): void {
    const press = ["mousedown", "1", "sleep", "0.15", "mouseup", "1"];
    this.#run("xdotool", ["mousemove", String(x), String(y), "sleep", "0.2", ...press]);
  }

  shoot(): Picture {
    const args = ["-silent", "-window", "root", "-depth", "8", "rgb:-"];
    return new Picture(this.#run("import", args));
  }

  /** Shoots until the picture is as it has to become; the last one when time is over. */
  async settled(done: (picture: Picture) => boolean): Promise<Picture> {
    const until = Date.now() + WAIT_MS;
    for (;;) {
      const picture = this.shoot();
      if (done(picture) || Date.now() > until) return picture;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }

  close(): void {
    this.#server.kill("SIGTERM");
  }

  #run(command: string, args: readonly string[]): Buffer {
    const env = { ...process.env, DISPLAY: this.display };
    return execFileSync(command, [...args], { env, maxBuffer: 1 << 25, timeout: 30_000 });
  }
}

export class Picture {
  readonly #bytes: Buffer;

  constructor(bytes: Buffer) {
    if (bytes.length !== WIDTH * HEIGHT * 3) throw new Error(`${bytes.length} bytes of pixels`);
    this.#bytes = bytes;
  }

  at({ x, y }: Spot): Colour {
    const start = (y * WIDTH + x) * 3;
    return [this.#bytes[start], this.#bytes[start + 1], this.#bytes[start + 2]];
  }

  /** The middle of what has this colour in a simulator's window; undefined for `least` or less. */
  find(window: Place, [red, green, blue]: Colour, least = 1000): Spot | undefined {
    let [count, sumX, sumY] = [0, 0, 0];
    for (let y = window.y; y < window.y + WINDOW.height; y++) {
      for (let x = window.x; x < window.x + WINDOW.width; x++) {
        const [r, g, b] = this.at({ x, y });
        if (r !== red || g !== green || b !== blue) continue;
        count++;
        sumX += x;
        sumY += y;
      }
    }
    if (count < least) return undefined;
    return { x: Math.round(sumX / count), y: Math.round(sumY / count) };
  }
}
