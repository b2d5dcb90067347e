/** Whether a command would make a difference (signature policy `changes`, groups/unverified.ts). */
import { GET, POST } from "../coap/options.js";
import { type Command, decodeCommand } from "../lighting/command.js";
import type { LightState, Luminaire } from "../lighting/luminaire.js";
import type { Settings } from "../lighting/settings.js";
import { LIGHT_OPTIONS } from "../ports/intake.js";
import type { Inner } from "../profiles/profile.js";
import type { Resources } from "../resources/resources.js";
import { LIGHT_COMMAND } from "../resources/table.js";
import type { Role } from "./parts.js";

/**
 * True unless the request is known to leave everything as it is: one that only reads, and a light
 * command for what a luminaire at rest shows already ("a command to turn a bulb on where the bulb
 * is already on does not need the signature to be checked", draft-ietf-core-oscore-groupcomm-02
 * Appendix F).
 */
export function changesAnything(
  { role, resources }: { readonly role: Role; readonly resources: Resources },
  { code, options, payload }: Inner,
): boolean {
  if (code === GET) return false;
  const { luminaire, settings } = role.face;
  if (luminaire === undefined || code !== POST || payload === undefined) return true;
  const isLight = options === LIGHT_OPTIONS || resources.find(options) === LIGHT_COMMAND;
  if (!isLight) return true;
  const command = decodeCommand(payload);
  return command === undefined || changesLight(luminaire, settings, command);
}

function changesLight(luminaire: Luminaire, settings: Settings, command: Command): boolean {
  const state = luminaire.state();
  // A fade begins anew, or becomes another one.
  if (state.leftMs > 0) return true;
  const wanted = command.scene === undefined ? command : luminaire.scenes.get(command.scene);
  if (wanted === undefined) return false;
  return changesColour(state, wanted) || changesLevel(state, settings, wanted);
}

function changesColour(state: LightState, { mired, x, y }: Command): boolean {
  if (mired !== undefined) return state.x !== undefined || mired !== state.mired;
  return x !== undefined && (x !== state.x || y !== state.y);
}

function changesLevel(state: LightState, settings: Settings, { on, level }: Command): boolean {
  const lit = level !== undefined && level > 0;
  // What is off may be told what to return to.
  if (on === false) return state.on || lit;
  if (lit) return settings.clampLevel(level) !== state.level;
  if (level === 0) return state.on;
  return on === true && !state.on;
}
