/**
 * Where dialogues come into the path of a request. In images without them dialogue.small.ts stands
 * in its place (hosts/bundle.mjs).
 */
import type { Level } from "../access/level.js";
import { Id64 } from "../bytes/id64.js";
import type { Outcome } from "../bytes/outcome.js";
import { GET } from "../coap/options.js";
import type { Groups } from "../groups/groups.js";
import { open } from "../groups/open.js";
import type { Datagram } from "../ports/datagram.js";
import type { Inner } from "../profiles/profile.js";
import type { Reply, Request, Resource } from "../resources/resource.js";
import type { Asked, Begun, Header, Parts } from "./parts.js";
import { levelWithin } from "./within.js";

/** A request that is being answered. */
export interface Answering {
  readonly inner: Inner;
  readonly reply: Reply;
  readonly token: Uint8Array;
  /** Builds a protected answer when its time has come. */
  readonly protect: (header: Header, inner: Inner) => Uint8Array | undefined;
}

/** The answer to a GET that begins an observation; undefined when it does not. */
function begun(device: Parts, { from }: Datagram, asked: Answering): Begun {
  const { dialogues, resources } = device;
  const { inner, reply, token, protect } = asked;
  if (dialogues === undefined || inner.code !== GET) return undefined;
  const resource = resources.find(inner.options);
  const needed = resource?.levels.get;
  if (resource === undefined || needed === undefined) return undefined;
  const permitted = stillGranted(device, needed);
  const { arriving, schemes } = device.groups;
  const party = { context: arriving.association.security, id: arriving.binding(schemes).kid };
  const common = { from, token, party, resource, request: inner };
  const leisureMicros = arriving.multicast ? () => device.leisureMicros : undefined;
  const watcher = { ...common, reply, permitted, leisureMicros, make: protect };
  return dialogues.observe(device, watcher);
}

/** Asks the rights again that the request which is being answered was granted by. */
function stillGranted({ access, groups, rights }: Parts, needed: Level): () => boolean {
  const { arriving, directory } = groups;
  const { appGroup, multicast } = arriving;
  const { kid } = arriving.binding(groups.schemes);
  const client = new Id64().read(kid, 0, kid.length);
  if (access.scope === "device") return () => rights.level(null, client) >= needed;
  const { security } = appGroup;
  if (security.profile.namesGroup) return () => rights.level(appGroup.id, client) >= needed;
  // Its messages do not name the application group: where it was sent to does.
  const { address, port } = arriving.to;
  const to = multicast ? { address: address.slice(), port } : undefined;
  return () => levelWithin({ rights, directory }, client, { security, to }) >= needed;
}

/** Runs a request that is permitted; in blocks where this build has them. */
function carryOut(device: Parts, resource: Resource, request: Request): Reply {
  const { dialogues, resources } = device;
  if (dialogues === undefined) return resources.run(resource, request);
  return dialogues.run(device, resource, request);
}

/** An answer that belongs to an earlier request under its token; undefined when it does not. */
function again(groups: Groups, { others }: Asked): Outcome<Inner> | undefined {
  const { arriving } = groups;
  for (const { request } of others?.(arriving.from) ?? []) {
    const opened = request && open(groups, arriving, request);
    if (opened?.ok === true) return opened;
  }
  return undefined;
}

interface Dialogue {
  readonly begun: typeof begun;
  readonly carryOut: typeof carryOut;
  readonly again: typeof again;
}

export const dialogue: Dialogue | undefined = Object.freeze({ begun, carryOut, again });
