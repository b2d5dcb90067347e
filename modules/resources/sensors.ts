/** What sensors and switches see. */

import { type Face, REPLY, type Reply, type Request, text } from "./resource.js";

/** /3302/0/5500: the detector's output. */
export function presence(request: Request, face: Face): Reply {
  return text(request, face.presence?.motion === true ? "1" : "0");
}

/** /3301/0/5700: lux; not there before the first reading. */
export function illuminance(request: Request, face: Face): Reply {
  const lux = face.daylight?.lux;
  return lux === undefined ? REPLY.notFound : text(request, `${lux}`);
}

/** /3347/0/5500: the button, bounce removed. */
export function button(request: Request, face: Face): Reply {
  return text(request, face.wallSwitch?.pressed === true ? "1" : "0");
}
