/** In place of dialogue.ts where ROM is short: requests of one message, answered once. */
import type { Inner } from "../profiles/profile.js";
import type { Reply, Request, Resource } from "../resources/resource.js";
import type { Parts } from "./parts.js";

export function begun(): Inner | undefined {
  return undefined;
}

export function carryOut(device: Parts, resource: Resource, request: Request): Reply {
  return device.resources.run(resource, request);
}
