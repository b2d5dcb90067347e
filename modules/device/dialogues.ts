/**
 * Requests that take more than one message: block-wise transfer (RFC 7959) and observing (RFC
 * 7641), in front of the resources, which know of neither.
 *
 * A build has them or not (ARCHITECTURE: the Device takes services as arguments); without them a
 * block option is one that is not understood, and an Observe option is ignored, as RFC 7641 §2
 * wants it. What they keep is made when it is needed and gone when nobody is left; a light command
 * never comes by here.
 */

import { REPORTING } from "../access/level.js";
import { Bodies, slice } from "../coap/block.js";
import type { Option } from "../coap/message.js";
import { notification, Observers, REGISTER } from "../coap/observe.js";
import { ACCEPT, BLOCK1, BLOCK2, codeClass, findUint, GET, OBSERVE } from "../coap/options.js";
import { pathOf } from "../resources/path.js";
import { REPLY, type Reply, type Request, type Resource } from "../resources/resource.js";
import { LIMITS } from "./limits.js";
import type { Begun, Dialogues, Parts, Watcher } from "./parts.js";
import { watch } from "./watching.js";

/** 256 bytes: three frames of 802.15.4. A client may ask for less. */
const SZX = 4;
const BODY_LIMITS = Object.freeze({
  bodiesMax: LIMITS.bodiesMax,
  bodyBytesMax: LIMITS.bodyBytesMax,
  szxMax: SZX,
});

export const dialogues: Dialogues = Object.freeze({ run, observe, watch });

/** One request, permitted; `resource` has its method. */
function run(device: Parts, resource: Resource, request: Request): Reply {
  const { options } = request;
  if (count(options, BLOCK1) > 1) return REPLY.badOption;
  if (count(options, BLOCK2) > 1) return REPLY.badOption; // check: block-once
  const kept = options.filter(({ number }) => number !== BLOCK1 && number !== BLOCK2);
  if (count(options, BLOCK1) === 0)
    return cut(device, resource, { ...request, options: kept }, options);
  return collect(device, resource, request, kept);
}

/** Block1: an answer to each block, and to the last one the resource's. */
function collect(
  device: Parts,
  resource: Resource,
  request: Request,
  kept: readonly Option[],
): Reply {
  const { clock } = device;
  if (request.code === GET) return REPLY.badOption; // check: block1-method
  if (device.groups.arriving.multicast) return REPLY.badOption; // check: block1-unicast
  device.bodies ??= new Bodies({ clock, limits: BODY_LIMITS });
  const asker = { from: device.groups.arriving.from, sender: request.sender };
  const taken = device.bodies.take(request, asker);
  if (device.bodies.size === 0) device.bodies = undefined;
  if ("code" in taken) return { code: taken.code, options: taken.options, quiet: true };
  const { payload } = taken.whole;
  const reply = cut(device, resource, { ...request, options: kept, payload }, request.options);
  return taken.option === undefined ? reply : withOptions(reply, [taken.option]);
}

/** Block2: the part of the answer that was asked for, or the first one of a large answer. */
function cut(
  { resources }: Parts,
  resource: Resource,
  request: Request,
  asked: readonly Option[],
): Reply {
  const reply = resources.run(resource, request);
  const { payload, code } = reply;
  if (payload === undefined || codeClass(code) !== 2) return reply;
  const sliced = slice(asked, payload, SZX);
  if (sliced === undefined) return reply;
  if (!sliced.ok) return REPLY.badRequest;
  return { ...withOptions(reply, sliced.value.options), payload: sliced.value.payload };
}

function withOptions(reply: Reply, more: readonly Option[]): Reply {
  const options = [...(reply.options ?? []), ...more];
  options.sort((a, b) => a.number - b.number);
  return { ...reply, options };
}

function count(options: readonly Option[], number: number): number {
  let found = 0;
  for (const option of options) if (option.number === number) found++;
  return found;
}

/**
 * A GET that was answered by `reply`: begins or ends its observation, and returns the answer when
 * it is one to a registration. Only what reports is observable (ARCHITECTURE, data model).
 */
function observe(device: Parts, watcher: Watcher): Begun {
  const { request, reply, resource, from, token, party } = watcher;
  const wanted = findUint(request.options, OBSERVE);
  if (wanted === undefined) return undefined;
  device.observers?.remove(watcher);
  if (wanted !== REGISTER || codeClass(reply.code) !== 2) return undefined;
  if (resource.levels.get !== REPORTING) return undefined; // check: observable
  const observers = device.observers ?? begin(device);
  const again: Request = {
    code: request.code,
    options: copyOf(request.options),
    payload: undefined,
    sender: -1,
    prevails: false,
  };
  const read = () => {
    if (!watcher.permitted()) return undefined; // check: observe-permitted
    return run(device, resource, again);
  };
  const { make, leisureMicros } = watcher;
  const observed = { path: pathOf(request.options) ?? "", read, make, leisureMicros };
  const sequence = observers.add({ from, token, party, observed, first: reply });
  if (sequence === undefined) return undefined;
  return leisureMicros === undefined ? notification(reply, sequence) : "later";
}

function begin(device: Parts): Observers {
  const { clock, endpoint, exchanges } = device;
  const observers = new Observers({
    clock,
    random: exchanges.random,
    endpoint,
    limits: LIMITS,
    onEmpty: () => {
      device.observers = undefined;
      endpoint.onReset = undefined;
    },
    onChange: () => device.onObservation?.(),
  });
  device.observers = observers;
  endpoint.onReset = (from, mid) => observers.reset(from, mid);
  return observers;
}

/** What decides on a representation, apart from the buffer of the datagram that brought it. */
function copyOf(options: readonly Option[]): Option[] {
  const telling = options.filter(({ number }) => (number & 1) === 1 || number === ACCEPT);
  return telling.map(({ number, value }) => ({ number, value: value.slice() }));
}
