/** Facts of the device itself. */
import { type Face, type Reply, type Request, text } from "./resource.js";

/** LwM2M object 3, resource 11 (error code): none, and "peripheral malfunction". */
const NO_ERROR = "0";
const LAMP_FAILURE = "8";

export function manufacturer(request: Request, face: Face): Reply {
  return text(request, face.facts.manufacturer);
}

export function model(request: Request, face: Face): Reply {
  return text(request, face.facts.model);
}

export function serial(request: Request, face: Face): Reply {
  return text(request, face.facts.serial);
}

export function firmware(request: Request, face: Face): Reply {
  return text(request, face.facts.firmware);
}

export function errorCode(request: Request, face: Face): Reply {
  const failed = face.luminaire?.state().lampFailure === true;
  return text(request, failed ? LAMP_FAILURE : NO_ERROR);
}
