/** `/par/…`: the settings, one resource each, as whole numbers in text. */
import { TEXT_PLAIN } from "../coap/options.js";
import { PARAMETERS } from "../lighting/settings.js";
import { pathOf } from "./path.js";
import { type Face, isFormat, REPLY, type Reply, type Request, text } from "./resource.js";
import { parseWhole } from "./text.js";

export function parameter(request: Request, face: Face): Reply {
  const path = pathOf(request.options) ?? "";
  const name = path.slice(path.lastIndexOf("/") + 1);
  const id = PARAMETERS.findIndex((row) => row.name === name);
  if (request.code === 1) return text(request, `${face.settings.get(id)}`);
  if (!isFormat(request, TEXT_PLAIN)) return REPLY.unsupportedFormat;
  const value = parseWhole(request.payload, PARAMETERS[id].most);
  if (value === undefined) return REPLY.badRequest;
  if (!face.settings.fits(id, value)) return REPLY.badRequest; // check: parameter-bounds
  return face.settings.set(id, value) ? REPLY.changed : REPLY.unavailable;
}
