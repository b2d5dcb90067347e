import type { LightOutput } from "../../modules/ports/light.js";

/** A copy of what a lamp was shown: the object itself is the luminaire's, and changes. */
export function copyOf({ level, mired, x, y }: LightOutput): LightOutput {
  return x === undefined || y === undefined ? { level, mired } : { level, mired, x, y };
}
