/** In place of listener.ts where ROM is short: the border is not told who listens. */
import { type LowpanConfig, LowpanStack } from "./stack.js";

export function meshStack(config: LowpanConfig): LowpanStack {
  return new LowpanStack(config);
}

export const networkAt = meshStack;
