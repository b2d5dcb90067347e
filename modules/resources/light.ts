/** Resources of a luminaire, and `/l` for whoever follows a group. */
import { CBOR, TEXT_PLAIN } from "../coap/options.js";
import {
  type Command,
  decodeCommand,
  decodeScene,
  encodeCommand,
  FADE_TENTHS_MAX,
  LEVEL_MAX,
  SCENE_MAX,
} from "../lighting/command.js";
import type { Luminaire, Result } from "../lighting/luminaire.js";
import { encodeReport } from "../lighting/report.js";
import { LIGHT_OPTIONS } from "../ports/intake.js";
import { lastNumber } from "./path.js";
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
import * as senml from "./senml.js";
import { parseTenths, parseWhole } from "./text.js";

const IDENTIFY_SECONDS_MAX = 65535;

/** POST /l: the hot path. Its Content-Format may be left out: two bytes of every command. */
export function postLight(request: Request, face: Face): Reply {
  const payload = request.payload;
  if (request.options !== LIGHT_OPTIONS && !isFormat(request, CBOR)) {
    return REPLY.unsupportedFormat; // check: light-format
  }
  if (payload === undefined) return REPLY.badRequest;
  const command = decodeCommand(payload);
  if (command === undefined) return REPLY.badRequest;
  const follower = face.follower;
  if (follower !== undefined) follower.heard(command, request.prevails);
  const luminaire = face.luminaire;
  if (luminaire === undefined) return REPLY.changed;
  const result = luminaire.apply(command, request.sender);
  if (command.report === undefined) return result === "failed" ? REPLY.notFound : REPLY.changed;
  const report = encodeReport(result, luminaire.state());
  return content(CBOR, report, REPLY.changed.code);
}

/** GET and PUT /3311/0: the whole state as one SenML pack. */
export function lightObject(request: Request, face: Face): Reply {
  const luminaire = face.luminaire as Luminaire;
  if (request.code === 3) return putLightObject(request, luminaire);
  const state = luminaire.state();
  const pack: senml.Pack = {
    base: "/3311/0/",
    records: [
      { name: "5850", value: state.on },
      { name: "5851", value: percentOf(state.level) },
      { name: "5537", value: luminaire.fadeTenths / 10 },
      { name: "5538", value: state.leftMs / 1000 },
    ],
  };
  return senml.reply(request, pack);
}

function putLightObject(request: Request, luminaire: Luminaire): Reply {
  const records = senml.parse(request, "/3311/0/");
  if (!Array.isArray(records)) return records;
  const command: { on?: boolean; level?: number; fadeTenths?: number } = {};
  for (const { name, value } of records) {
    if (name === "5850" && typeof value === "boolean") command.on = value;
    else if (name === "5851" && isPercent(value)) command.level = levelOf(value);
    else if (name === "5537" && isSeconds(value)) command.fadeTenths = Math.round(value * 10);
    else return REPLY.badRequest;
  }
  if (command.fadeTenths !== undefined) luminaire.fadeTenths = command.fadeTenths;
  return replyTo(luminaire.apply(command, request.sender));
}

function isPercent(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= 100;
}

function isSeconds(value: unknown): value is number {
  return typeof value === "number" && value >= 0 && value * 10 <= FADE_TENTHS_MAX;
}

/** 5850: on or off. */
export function onOff(request: Request, face: Face): Reply {
  const luminaire = face.luminaire as Luminaire;
  if (request.code === 1) return text(request, luminaire.state().on ? "1" : "0");
  return put(request, 1, (on) => luminaire.apply({ on: on === 1 }, request.sender));
}

/** 5851: percent. */
export function dimmer(request: Request, face: Face): Reply {
  const luminaire = face.luminaire as Luminaire;
  if (request.code === 1) return text(request, `${percentOf(luminaire.state().level)}`);
  return put(request, 100, (percent) =>
    luminaire.apply({ level: levelOf(percent) }, request.sender),
  );
}

/** 5706: colour as text, with its unit. */
export function colour(request: Request, face: Face): Reply {
  const { x, y, mired } = (face.luminaire as Luminaire).state();
  if (x === undefined || y === undefined) return text(request, `${Math.round(1e6 / mired)} K`);
  return text(request, `xy ${(x / 65536).toFixed(4)} ${(y / 65536).toFixed(4)}`);
}

/** 5537: fade of commands that name none, in seconds; until the next power cut. */
export function transition(request: Request, face: Face): Reply {
  const luminaire = face.luminaire as Luminaire;
  if (request.code === 1) return text(request, `${luminaire.fadeTenths / 10}`);
  if (!isFormat(request, TEXT_PLAIN)) return REPLY.unsupportedFormat;
  const tenths =
    request.payload === undefined ? undefined : parseTenths(request.payload, FADE_TENTHS_MAX);
  if (tenths === undefined) return REPLY.badRequest;
  luminaire.fadeTenths = tenths;
  return REPLY.changed;
}

/** 5538: seconds until the target is reached. */
export function remaining(request: Request, face: Face): Reply {
  return text(request, `${(face.luminaire as Luminaire).state().leftMs / 1000}`);
}

/** PUT /idn: blink for so many seconds. */
export function identify(request: Request, face: Face): Reply {
  return put(request, IDENTIFY_SECONDS_MAX, (seconds) => {
    (face.luminaire as Luminaire).identify(seconds);
    return "ok";
  });
}

/**
 * /scn/<0-254>. PUT without a payload stores what the lamp is set to: one message for a whole
 * group.
 */
export function scene(request: Request, face: Face): Reply {
  const luminaire = face.luminaire as Luminaire;
  const number = lastNumber(request.options);
  if (number === undefined) return REPLY.notFound;
  if (number > SCENE_MAX) return REPLY.notFound; // check: scene-number
  if (request.code === 4)
    return luminaire.scenes.delete(number) ? REPLY.deleted : REPLY.unavailable;
  const known = luminaire.scenes.get(number);
  if (request.code === 1) {
    if (known === undefined) return REPLY.notFound;
    return accepts(request, CBOR) ? content(CBOR, encodeCommand(known)) : REPLY.notAcceptable;
  }
  if (!isFormat(request, CBOR)) return REPLY.unsupportedFormat;
  let wanted: Command = luminaire.asScene();
  if (request.payload !== undefined) {
    const decoded = decodeScene(request.payload);
    if (!decoded.ok) return REPLY.badRequest;
    wanted = decoded.value;
  }
  if (luminaire.scenes.put(number, wanted) !== "stored") return REPLY.unavailable;
  return known === undefined ? REPLY.created : REPLY.changed;
}

/** A lamp failure is no failure of the request: the state is kept and shown once the lamp works. */
function replyTo(result: Result): Reply {
  return result === "failed" ? REPLY.notFound : REPLY.changed;
}

function put(request: Request, most: number, act: (value: number) => Result): Reply {
  if (!isFormat(request, TEXT_PLAIN)) return REPLY.unsupportedFormat; // check: text-format
  const value = parseWhole(request.payload, most);
  if (value === undefined) return REPLY.badRequest;
  return replyTo(act(value));
}

/** What is on is at least 1 %, and 1 % is on. */
function percentOf(level: number): number {
  return level === 0 ? 0 : Math.max(1, Math.round((level * 100) / LEVEL_MAX));
}

function levelOf(percent: number): number {
  return Math.round((percent * LEVEL_MAX) / 100);
}
