/**
 * What a device shows to whoever maintains it, over a channel of two: levels 4 and 5, and the
 * blocks of an image, which every member of a group may repeat (level 2), for the manifest says
 * which are genuine. In images without channels upkeep.small.ts stands in its place.
 */
import { ADDRESSING, type Level, SOFTWARE, USE } from "../access/level.js";
import { CBOR } from "../coap/options.js";
import { pathOf } from "./path.js";
import {
  ANY_ROLE,
  accepts,
  content,
  type Face,
  isFormat,
  REPLY,
  type Reply,
  type Request,
  type Resource,
  row,
} from "./resource.js";

const PUT = 3;
const DELETE = 4;
const GET = 1;
const STRUCTURE_BYTES_MAX = 256;

function restart(_request: Request, { upkeep }: Face): Reply {
  if (upkeep === undefined) return REPLY.notFound;
  upkeep.system.restart();
  return REPLY.changed;
}

/** 2.04: it is written down that the device is to be reset, and nothing keeps it from that. */
function factoryReset(_request: Request, { upkeep }: Face): Reply {
  if (upkeep === undefined) return REPLY.notFound;
  return upkeep.system.factoryReset() ? REPLY.changed : REPLY.unavailable;
}

/** /loc and /grp/<application group>. */
function structure(request: Request, face: Face): Reply {
  const places = face.upkeep?.structure;
  const path = pathOf(request.options);
  if (places === undefined || path === undefined) return REPLY.notFound;
  if (request.code === DELETE) return places.delete(path) ? REPLY.deleted : REPLY.unavailable;
  if (request.code === GET) {
    const value = places.get(path);
    if (value === undefined) return REPLY.notFound;
    return accepts(request, CBOR) ? content(CBOR, value) : REPLY.notAcceptable;
  }
  const { payload } = request;
  if (!isFormat(request, CBOR)) return REPLY.unsupportedFormat;
  if (payload === undefined || payload.length > STRUCTURE_BYTES_MAX) return REPLY.badRequest;
  const done = places.put(path, payload);
  if (done === "refused") return REPLY.unavailable;
  if (done === "malformed") return REPLY.badRequest;
  return done === "created" ? REPLY.created : REPLY.changed;
}

/** /fw/… */
function firmware(request: Request, face: Face): Reply {
  const update = face.upkeep?.firmware;
  if (update === undefined) return REPLY.notFound;
  if (request.code === GET) {
    return accepts(request, CBOR) ? content(CBOR, update.state()) : REPLY.notAcceptable;
  }
  const { payload } = request;
  if (payload === undefined) return REPLY.badRequest;
  if (request.code === PUT) return update.install(payload);
  if (!isFormat(request, CBOR)) return REPLY.unsupportedFormat;
  return pathOf(request.options) === "fw/block" ? update.block(payload) : update.act(payload);
}

const at = (level: Level) => Object.freeze({ get: level, put: level, delete: level });

export const UPKEEP: readonly Resource[] = Object.freeze([
  row("3/0/4", ANY_ROLE, Object.freeze({ post: ADDRESSING }), restart),
  row("3/0/5", ANY_ROLE, Object.freeze({ post: ADDRESSING }), factoryReset),
  row("loc", ANY_ROLE, at(ADDRESSING), structure),
  row("grp/#", ANY_ROLE, at(ADDRESSING), structure),
  row("fw/manifest", ANY_ROLE, Object.freeze({ put: SOFTWARE }), firmware),
  row("fw/state", ANY_ROLE, Object.freeze({ get: SOFTWARE, post: SOFTWARE }), firmware),
  row("fw/block", ANY_ROLE, Object.freeze({ post: USE }), firmware),
]);
