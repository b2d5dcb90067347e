/**
 * The CoAP face of a device: from options to a resource, its level, and a reply.
 *
 * Two steps, because between them stands the access policy: `find` and `levelOf` change nothing
 * and read nothing but the table, `handle` carries out. The table (table.ts) is frozen and lies in
 * ROM; a device holds only its role and what its resources show. Rejected: an object with closures
 * for each resource (35 of them are 5 KB of the 48), and a router over strings for `/l`, whose
 * path is one byte.
 */
import type { Level } from "../access/level.js";
import type { Option } from "../coap/message.js";
import {
  ACCEPT,
  DELETE,
  GET,
  POST,
  PUT,
  URI_HOST,
  URI_PATH,
  URI_PORT,
  URI_QUERY,
  unsupportedOption,
} from "../coap/options.js";
import { numberOf, pathOf } from "./path.js";
import { type Face, REPLY, type Reply, type Request, type Resource } from "./resource.js";
import { LIGHT_COMMAND, RESOURCES } from "./table.js";

/** "l" */
const LIGHT_SEGMENT = 0x6c;

/**
 * Critical options a request may have. Host and port say how we were reached, and choose nothing.
 */
const UNDERSTOOD: readonly number[] = Object.freeze([URI_HOST, URI_PORT, URI_PATH, ACCEPT]);
const UNDERSTOOD_BY_DISCOVERY: readonly number[] = Object.freeze([...UNDERSTOOD, URI_QUERY]);

export class Resources {
  readonly #role: number;
  readonly #face: Face;

  /** `role` is one of the bits in resource.ts. */
  constructor(role: number, face: Face) {
    this.#role = role;
    this.#face = face;
  }

  /** The resource a request is for; undefined when this device has none there. */
  find(options: readonly Option[]): Resource | undefined {
    if (options.length > 0) {
      const { number, value } = options[0];
      if (number === URI_PATH && value.length === 1 && value[0] === LIGHT_SEGMENT) {
        if (options.length === 1 || options[1].number !== URI_PATH) return LIGHT_COMMAND;
      }
    }
    const path = pathOf(options);
    if (path === undefined) return undefined;
    const slash = path.lastIndexOf("/");
    const family =
      numberOf(path.slice(slash + 1)) === undefined ? path : `${path.slice(0, slash)}/#`;
    for (const resource of RESOURCES) {
      if (resource.path !== path && resource.path !== family) continue;
      if ((resource.roles & this.#role) === 0) return undefined; // check: resource-role
      return resource;
    }
    return undefined;
  }

  /** Carries out a request that the access policy let through. */
  handle(resource: Resource, request: Request): Reply {
    const level = levelOf(resource, request.code);
    if (level === undefined) return REPLY.methodNotAllowed; // check: resource-method
    return this.run(resource, request);
  }

  /** POST /l with nothing else to it: whatever `run` looks at is known. */
  light(request: Request): Reply {
    return LIGHT_COMMAND.run(request, this.#face, this.#role);
  }

  /** The same for a method that the resource is known to have. */
  run(resource: Resource, request: Request): Reply {
    if (hasUnknown(resource, request.options)) {
      return REPLY.badOption; // check: resource-critical-option
    }
    return resource.run(request, this.#face, this.#role);
  }
}

/** The access level a method of a resource needs; undefined when there is no such method. */
export function levelOf(resource: Resource, code: number): Level | undefined {
  const { levels } = resource;
  if (code === POST) return levels.post;
  if (code === GET) return levels.get;
  if (code === PUT) return levels.put;
  return code === DELETE ? levels.delete : undefined;
}

/**
 * True when a critical option is there that we do not honour. Most requests have Uri-Path alone.
 */
function hasUnknown(resource: Resource, options: readonly Option[]): boolean {
  let plain = true;
  for (let i = 0; i < options.length; i++) {
    const { number } = options[i];
    if (number !== URI_PATH && (number & 1) === 1) plain = false;
  }
  if (plain) return false;
  const discovery = resource.levels.get === 0;
  return unsupportedOption(options, discovery ? UNDERSTOOD_BY_DISCOVERY : UNDERSTOOD) !== undefined;
}
