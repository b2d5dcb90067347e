/**
 * What this build has besides a luminaire's own work. In images without room for it
 * services.small.ts stands in its place (hosts/bundle.mjs, kind `small`).
 */
import { standalone } from "../commission/standalone.js";
import { channels } from "./channels.js";
import { dialogues } from "./dialogues.js";
import { begin, type Lives } from "./lives.js";
import { presses } from "./presses.js";
import { schemes } from "./schemes.js";
import { upkeep } from "./upkeep.js";

export const services: Lives = Object.freeze({
  begin,
  channels,
  dialogues,
  presses,
  schemes,
  standalone,
  upkeep,
});
