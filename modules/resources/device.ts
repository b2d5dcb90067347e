/** The device itself: facts, restart, factory reset, position and membership. */
import { CBOR } from "../coap/options.js";
import { pathOf } from "./path.js";
import {
  accepts,
  content,
  type Face,
  isFormat,
  REPLY,
  type Reply,
  type Request,
  text,
} from "./resource.js";

/** LwM2M object 3, resource 11 (error code): none, and "peripheral malfunction". */
const NO_ERROR = "0";
const LAMP_FAILURE = "8";
const STRUCTURE_BYTES_MAX = 256;

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

export function restart(_request: Request, face: Face): Reply {
  face.system.restart();
  return REPLY.changed;
}

export function factoryReset(_request: Request, face: Face): Reply {
  face.system.factoryReset();
  return REPLY.changed;
}

/** /loc and /grp/<application group>. */
export function structure(request: Request, face: Face): Reply {
  const store = face.structure;
  const path = pathOf(request.options);
  if (store === undefined || path === undefined) return REPLY.notFound;
  if (request.code === 4) return store.delete(path) ? REPLY.deleted : REPLY.unavailable;
  if (request.code === 1) {
    const value = store.get(path);
    if (value === undefined) return REPLY.notFound;
    return accepts(request, CBOR) ? content(CBOR, value) : REPLY.notAcceptable;
  }
  const { payload } = request;
  if (!isFormat(request, CBOR)) return REPLY.unsupportedFormat;
  if (payload === undefined || payload.length > STRUCTURE_BYTES_MAX) return REPLY.badRequest;
  const done = store.put(path, payload);
  if (done === "refused") return REPLY.unavailable;
  if (done === "malformed") return REPLY.badRequest;
  return done === "created" ? REPLY.created : REPLY.changed;
}
