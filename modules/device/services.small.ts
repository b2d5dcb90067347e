/**
 * In place of services.ts where ROM is short: groups of `lowlatency`, requests of one message. The
 * emulated Cortex-M4 has it; dialogues alone are 20 KB of preloaded byte code.
 */
import type { Services } from "./device.js";

export const services: Services = Object.freeze({});
