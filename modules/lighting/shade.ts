/** What a lamp emits: level and colour, the colour as a temperature or as coordinates. */
import type { LightOutput } from "../ports/light.js";
import type { Command } from "./command.js";

/** Is what the lamp's driver is shown, as it stands (ports/light.ts). */
export class Shade implements LightOutput {
  /** 0 (off) to 254. */
  level = 0;
  /** Counts while there are no coordinates; kept otherwise, for the driver and the way back. */
  mired = 0;
  /** CIE xy in 1/65536; both undefined while the colour is a temperature. */
  x: number | undefined = undefined;
  y: number | undefined = undefined;

  copy(from: Shade): void {
    this.level = from.level;
    this.mired = from.mired;
    this.x = from.x;
    this.y = from.y;
  }

  is(level: number, mired: number, x: number | undefined, y: number | undefined): boolean {
    return this.level === level && this.mired === mired && this.x === x && this.y === y;
  }

  /** Takes the colour of a command that has one; true when it is another. */
  colour(command: Command): boolean {
    const mired = command.mired ?? this.mired;
    const { x, y } = command;
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
    const { x, y } = this;
    if (x === undefined || y === undefined) return steps;
    if (target.x === undefined || target.y === undefined) return steps;
    // A 1/65536 of chromaticity is far below what anybody sees; 1/256 is about as fine as a level.
    steps = Math.max(steps, Math.abs(target.x - x) >> 8);
    return Math.max(steps, Math.abs(target.y - y) >> 8);
  }

  /**
   * Becomes the point `elapsed / duration` of the way from `from` to `target`, and at least one
   * step of it: what changes, changes at once. Between a temperature and coordinates there is no
   * way; the colour is the target's from the start.
   */
  between(from: Shade, target: Shade, elapsed: number, duration: number): void {
    this.level = along(from.level, target.level, elapsed, duration);
    this.mired = along(from.mired, target.mired, elapsed, duration);
    this.x = target.x;
    this.y = target.y;
    if (from.x === undefined || from.y === undefined) return;
    if (target.x === undefined || target.y === undefined) return;
    this.x = along(from.x, target.x, elapsed, duration);
    this.y = along(from.y, target.y, elapsed, duration);
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
