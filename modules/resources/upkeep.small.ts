/** In place of upkeep.ts where ROM is short: no channel of two reaches such a device. */
import type { Resource } from "./resource.js";

export const UPKEEP: readonly Resource[] = Object.freeze([]);
