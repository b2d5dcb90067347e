/**
 * Answers to protected requests.
 *
 * To a group request most luminaires say nothing (RFC 7252 §8.2): errors never, and a command only
 * when a report was asked for. What is said is spread over the leisure time, and protected at the
 * moment it is sent, under the key that opened the request.
 */

import type { Level } from "../access/level.js";
import { Id64 } from "../bytes/id64.js";
import { suppresses } from "../coap/endpoint.js";
import { CON, type Option } from "../coap/message.js";
import { addUint, CONTENT_FORMAT, findUint, GET, NO_RESPONSE } from "../coap/options.js";
import { seal } from "../groups/seal.js";
import type { Outer } from "../oscore/outer.js";
import type { Datagram } from "../ports/datagram.js";
import type { Inner } from "../profiles/profile.js";
import type { Reply, Request, Resource } from "../resources/resource.js";
import type { Header, Parts } from "./parts.js";

export function respond(device: Parts, datagram: Datagram, inner: Inner, reply: Reply): void {
  const { endpoint, groups } = device;
  const arriving = groups.arriving.read(groups.directory);
  const { multicast } = arriving;
  const silent = suppresses(findUint(inner.options, NO_RESPONSE), reply.code);
  if (multicast && silent) return;
  const token = tokenOf(arriving.outer);
  const protect = protector(device, datagram);
  const answer = begun(device, datagram, { inner, reply, token, protect }) ?? innerOf(reply);
  const make = (header: Header) => protect(header, answer);
  if (multicast) {
    const { from } = datagram;
    const { leisureMicros } = device;
    if (!endpoint.replyLater({ to: from, token, make, leisureMicros }))
      device.trace.count("sendRefused");
    return;
  }
  const { type, code, mid } = arriving.outer;
  const request = { type, code, mid, token };
  if (type === CON) endpoint.remember(request, datagram.from);
  if (silent) endpoint.acknowledge(request, datagram.from);
  else endpoint.reply({ request, from: datagram.from, make });
}

type Protect = (header: Header, inner: Inner) => Uint8Array | undefined;

/** Builds a protected answer when its time has come; the datagram may be long gone by then. */
function protector(device: Parts, datagram: Datagram): Protect {
  const { groups, trace } = device;
  const { appGroup, association } = groups.arriving;
  const request = groups.arriving.binding(groups.schemes);
  const { address, port } = datagram.from;
  const to = { address: address.slice(), port };
  return (header, inner) => {
    const sealed = seal(groups, { header, inner, clear: [], appGroup, association, to, request });
    trace.count(sealed.ok ? "response" : "sendRefused");
    return sealed.ok ? sealed.value.bytes : undefined;
  };
}

/** The answer to a GET that begins an observation; undefined when it does not. */
function begun(
  device: Parts,
  { from }: Datagram,
  asked: { inner: Inner; reply: Reply; token: Uint8Array; protect: Protect },
): Inner | undefined {
  const { dialogues, resources } = device;
  const { inner, reply, token, protect } = asked;
  if (dialogues === undefined || inner.code !== GET) return undefined;
  const resource = resources.find(inner.options);
  const needed = resource?.levels.get;
  if (resource === undefined || needed === undefined) return undefined;
  const permitted = stillGranted(device, needed);
  const watcher = { from, token, resource, request: inner, reply, permitted, make: protect };
  return dialogues.observe(device, watcher);
}

/** Asks the rights again that the request which is being answered was granted by. */
function stillGranted({ access, groups, rights }: Parts, needed: Level): () => boolean {
  const { arriving, directory } = groups;
  const { appGroup } = arriving;
  const { kid } = arriving.binding(groups.schemes);
  const client = new Id64().read(kid, 0, kid.length);
  if (access.scope === "device") return () => rights.level(null, client) >= needed;
  const { security } = appGroup;
  if (security.profile.namesGroup) return () => rights.level(appGroup.id, client) >= needed;
  // Its messages do not name the application group: any of them will do (receive-member.ts).
  return () => {
    for (const { id, security: other } of directory.appGroups()) {
      if (other === security && rights.level(id, client) >= needed) return true;
    }
    return false;
  };
}

/** Runs a request that is permitted; in blocks where this build has them. */
export function carryOut(device: Parts, resource: Resource, request: Request): Reply {
  const { dialogues, resources } = device;
  if (dialogues === undefined) return resources.run(resource, request);
  return dialogues.run(device, resource, request);
}

/** A reply as what a message says. */
export function innerOf({ code, format, payload, options }: Reply): Inner {
  const own: Option[] = options?.slice() ?? [];
  if (format !== undefined) addUint(own, CONTENT_FORMAT, format);
  return { code, options: own, payload };
}

function tokenOf(outer: Outer): Uint8Array {
  return outer.bytes.slice(4, 4 + outer.tokenLength);
}
