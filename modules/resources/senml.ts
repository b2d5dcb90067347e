/**
 * SenML (RFC 8428) as far as LwM2M objects need it: one pack of records with a name and a number
 * or a boolean. A pack to be written is strict: nothing is skipped, so that nobody believes a
 * value was taken that was not.
 */
import { fromUtf8, utf8 } from "../bytes/utf8.js";
import { type Cbor, decode } from "../cbor/decode.js";
import { encode } from "../cbor/encode.js";
import { SENML_CBOR, SENML_JSON } from "../coap/options.js";
import { accepts, content, isFormat, REPLY, type Reply, type Request } from "./resource.js";

export interface Entry {
  readonly name: string;
  readonly value: number | boolean;
}

export interface Pack {
  /** Put before every name. */
  readonly base: string;
  readonly records: readonly Entry[];
}

const PAYLOAD_MAX = 256;
const RECORDS_MAX = 8;

// CBOR labels of RFC 8428 §6, beside their JSON names.
const BASE_NAME = -2;
const NAME = 0;
const VALUE = 2;
const BOOLEAN = 4;

/** A pack in the format the client takes, SenML CBOR if it does not say. */
export function reply(request: Request, pack: Pack): Reply {
  if (accepts(request, SENML_CBOR)) return content(SENML_CBOR, toCbor(pack));
  if (accepts(request, SENML_JSON)) return content(SENML_JSON, utf8(toJson(pack)));
  return REPLY.notAcceptable;
}

function toCbor({ base, records }: Pack): Uint8Array {
  const list = records.map(({ name, value }, i) => {
    const entry = new Map<Cbor, Cbor>();
    if (i === 0) entry.set(BASE_NAME, base);
    entry.set(NAME, name);
    entry.set(typeof value === "boolean" ? BOOLEAN : VALUE, value);
    return entry;
  });
  return encode(list);
}

function toJson({ base, records }: Pack): string {
  const list = records.map(({ name, value }, i) => {
    const entry: Record<string, string | number | boolean> = i === 0 ? { bn: base } : {};
    entry.n = name;
    entry[typeof value === "boolean" ? "vb" : "v"] = value;
    return entry;
  });
  return JSON.stringify(list);
}

/**
 * The records a request brings, names without `base`; or the reply that says what is wrong with
 * it.
 */
export function parse(request: Request, base: string): Entry[] | Reply {
  const { payload } = request;
  if (payload === undefined || payload.length > PAYLOAD_MAX) return REPLY.badRequest;
  const isCbor = isFormat(request, SENML_CBOR);
  const isJson = isFormat(request, SENML_JSON);
  if (!isCbor && !isJson) return REPLY.unsupportedFormat; // check: senml-format
  const entries = isCbor ? fromCbor(payload) : fromJson(payload);
  if (entries === undefined || entries.length < 1 || entries.length > RECORDS_MAX) {
    return REPLY.badRequest;
  }
  let prefix = "";
  const records: Entry[] = [];
  for (const fields of entries) {
    prefix = fields.base ?? prefix;
    if (prefix !== "" && prefix !== base) return REPLY.badRequest; // check: senml-base
    const { name, value } = fields;
    if (name === undefined || value === undefined) return REPLY.badRequest;
    if (records.some((record) => record.name === name)) return REPLY.badRequest;
    records.push({ name, value });
  }
  return records;
}

interface Fields {
  base?: string;
  name?: string;
  value?: number | boolean;
}

function fromCbor(payload: Uint8Array): Fields[] | undefined {
  const decoded = decode(payload);
  if (!decoded.ok || !Array.isArray(decoded.value)) return undefined;
  const list: Fields[] = [];
  for (const item of decoded.value) {
    if (!(item instanceof Map)) return undefined;
    const fields: Fields = {};
    for (const [label, value] of item) {
      if (label === BASE_NAME && typeof value === "string") fields.base = value;
      else if (label === NAME && typeof value === "string") fields.name = value;
      else if (label === VALUE && typeof value === "number") fields.value = value;
      else if (label === BOOLEAN && typeof value === "boolean") fields.value = value;
      else return undefined;
    }
    if (item.has(VALUE) && item.has(BOOLEAN)) return undefined;
    list.push(fields);
  }
  return list;
}

function fromJson(payload: Uint8Array): Fields[] | undefined {
  const parsed = isFlat(payload) ? parseJson(payload) : undefined;
  if (!Array.isArray(parsed)) return undefined;
  const list: Fields[] = [];
  for (const item of parsed) {
    if (typeof item !== "object" || item === null) return undefined;
    const fields: Fields = {};
    const entries: [string, unknown][] = Object.entries(item);
    for (const [label, value] of entries) {
      if (label === "bn" && typeof value === "string") fields.base = value;
      else if (label === "n" && typeof value === "string") fields.name = value;
      else if (label === "v" && typeof value === "number") fields.value = value;
      else if (label === "vb" && typeof value === "boolean") fields.value = value;
      else return undefined;
    }
    if (entries.some(([label]) => label === "v") && entries.some(([label]) => label === "vb")) {
      return undefined;
    }
    list.push(fields);
  }
  return list;
}

/**
 * One array of objects, nothing deeper: XS parses JSON by recursion in C and ends the program, not
 * the call, when the stack is full.
 */
function isFlat(payload: Uint8Array): boolean {
  let arrays = 0;
  let objects = 0;
  for (const byte of payload) {
    if (byte === 0x5b && ++arrays > 1) return false;
    if (byte === 0x7b && ++objects > 1) return false;
    if (byte === 0x7d) objects--;
  }
  return true;
}

function parseJson(payload: Uint8Array): unknown {
  const text = fromUtf8(payload);
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
