/** What a lamp emits: level and colour, the colour as a temperature or as coordinates. */
import type { LightOutput } from "../ports/light.js";
import type { Command } from "./command.js";

/** `x` of a shade whose colour is a temperature. */
export const WHITE = -1;

export class Shade {
  /** 0 (off) to 254. */
  level = 0;
  /** Counts while `x` is WHITE; kept otherwise, for the driver and for the way back. */
  mired = 0;
  /** CIE xy in 1/65536, or WHITE. */
  x = WHITE;
  y = WHITE;

  copy(from: Shade): void {
    this.level = from.level;
    this.mired = from.mired;
    this.x = from.x;
    this.y = from.y;
  }

  is(level: number, mired: number, x: number, y: number): boolean {
    return this.level === level && this.mired === mired && this.x === x && this.y === y;
  }

  /** Takes the colour of a command that has one; true when it is another. */
  colour(command: Command): boolean {
    const mired = command.mired ?? this.mired;
    const x = command.x ?? WHITE;
    const y = command.y ?? WHITE;
    if (this.is(this.level, mired, x, y)) return false;
    this.mired = mired;
    this.x = x;
    this.y = y;
    return true;
  }

  /** How many visible steps lie between two shades: those of the component that changes most. */
  stepsTo(target: Shade): number {
    let steps = Math.abs(target.level - this.level);
    steps = Math.max(steps, Math.abs(target.mired - this.mired));
    if (this.x === WHITE || target.x === WHITE) return steps;
    // A 1/65536 of chromaticity is far below what anybody sees; 1/256 is about as fine as a level.
    steps = Math.max(steps, Math.abs(target.x - this.x) >> 8);
    return Math.max(steps, Math.abs(target.y - this.y) >> 8);
  }

  /**
   * Becomes the point `elapsed / duration` of the way from `from` to `target`, and at least one
   * step of it: what changes, changes at once. Between a temperature and coordinates there is no
   * way; the colour is the target's from the start.
   */
  between(from: Shade, target: Shade, elapsed: number, duration: number): void {
    this.level = along(from.level, target.level, elapsed, duration);
    this.mired = along(from.mired, target.mired, elapsed, duration);
    if (from.x === WHITE || target.x === WHITE) {
      this.x = target.x;
      this.y = target.y;
    } else {
      this.x = along(from.x, target.x, elapsed, duration);
      this.y = along(from.y, target.y, elapsed, duration);
    }
  }

  output(): LightOutput {
    if (this.x === WHITE) return { level: this.level, mired: this.mired };
    return { level: this.level, mired: this.mired, x: this.x, y: this.y };
  }
}

/** Linear and whole, rounded towards the target so that the first step is taken at `elapsed` 0. */
function along(from: number, to: number, elapsed: number, duration: number): number {
  if (from === to) return to;
  if (elapsed === 0) return to > from ? from + 1 : from - 1;
  // The product is exact (below 2^16 * 2^33), so a quotient without remainder comes out whole.
  if (to > from) return from + Math.ceil(((to - from) * elapsed) / duration);
  return from - Math.ceil(((from - to) * elapsed) / duration);
}
