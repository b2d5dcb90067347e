/**
 * What this build has besides a luminaire's own work. In images without room for it
 * services.small.ts stands in its place (hosts/bundle.mjs, kind `small`).
 */
import { channels } from "./channels.js";
import type { Services } from "./device.js";
import { dialogues } from "./dialogues.js";
import { begin } from "./lives.js";
import { presses } from "./presses.js";
import { schemes } from "./schemes.js";
import { upkeep } from "./upkeep.js";

export const services: Services = Object.freeze({
  begin,
  channels,
  dialogues,
  presses,
  schemes,
  upkeep,
});
