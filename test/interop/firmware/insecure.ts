/**
 * Plain CoAP with security off, to hold the CoAP of the firmware against that of others: the
 * headless host's Device, whose datagrams meet no security at all and whose resources are
 * everybody's.
 *
 * It stands in test/, which no module imports, and hosts/bundle.mjs makes an image of anything in
 * test/ only when told `insecure`.
 */
import type { Level } from "../../../modules/access/level.js";
import { isMulticast } from "../../../modules/coap/addresses.js";
import {
  emitMessage,
  type Inner,
  type Message,
  parseMessage,
} from "../../../modules/coap/message.js";
import {
  CHANGED,
  CONTENT,
  GET,
  METHOD_NOT_ALLOWED,
  NOT_FOUND,
  OCTET_STREAM,
} from "../../../modules/coap/options.js";
import { Device } from "../../../modules/device/device.js";
import { innerOf } from "../../../modules/device/respond.js";
import { services } from "../../../modules/device/services.js";
import type { Datagram } from "../../../modules/ports/datagram.js";
import { pathOf } from "../../../modules/resources/path.js";
import type { Reply, Request, Resource } from "../../../modules/resources/resource.js";
import { levelOf } from "../../../modules/resources/resources.js";
import { board as bootBoard } from "../../../platforms/headless/board.js";

type Header = { type: number; mid: number; token: Uint8Array };

/** Nobody's sender number: requests of one client are one sender's. */
const ANYBODY = 0;

export default function main(): void {
  const board = bootBoard();
  try {
    board.log("SECURITY IS OFF: a test program that obeys everybody");
    const device = Device.start(board, services);
    const store = new Store();
    device.net.onDatagram = (datagram) => obey(device, store, datagram);
  } catch (error) {
    board.fatal(error instanceof Error ? error.message : String(error));
  }
}

/** `/store`: whatever was put there, of any size the firmware takes. */
class Store implements Resource {
  readonly path = "store";
  readonly roles = -1;
  readonly levels = { get: 1 as Level, put: 2 as Level };
  #value = new Uint8Array(0);

  run = (request: Request): Reply => {
    if (request.code === GET) {
      return { code: CONTENT, format: OCTET_STREAM, payload: this.#value, quiet: false };
    }
    this.#value = request.payload?.slice() ?? new Uint8Array(0);
    return { code: CHANGED, quiet: true };
  };
}

function obey(device: Device, store: Store, datagram: Datagram): void {
  const { endpoint, groups } = device;
  const parsed = parseMessage(datagram.bytes);
  if (!parsed.ok) return;
  const message = parsed.value;
  const { from } = datagram;
  groups.arriving.begin(datagram);
  groups.arriving.multicast = isMulticast(datagram.to.address);
  if (endpoint.check(message, from) !== "new" || message.code >= 64) return;
  endpoint.remember(message, from);
  const answer = answerTo(device, store, message, datagram);
  endpoint.reply({ request: message, from, make: (header) => emit(header, answer) });
}

function answerTo(device: Device, store: Store, message: Message, { from }: Datagram): Inner {
  const { dialogues, resources } = device;
  const { code, options, payload, token } = message;
  const resource = pathOf(options) === store.path ? store : resources.find(options);
  if (resource === undefined) return { code: NOT_FOUND, options: [], payload: undefined };
  if (levelOf(resource, code) === undefined) {
    return { code: METHOD_NOT_ALLOWED, options: [], payload: undefined };
  }
  const request = { code, options, payload, sender: ANYBODY, prevails: false };
  const reply = (dialogues as NonNullable<typeof dialogues>).run(device, resource, request);
  const watcher = { from, token, resource, request: message, reply, permitted: () => true };
  const begun = code === GET ? dialogues?.observe(device, { ...watcher, make: emit }) : undefined;
  return begun === undefined || begun === "later" ? innerOf(reply) : begun;
}

function emit({ type, mid, token }: Header, inner: Inner): Uint8Array {
  return emitMessage({ type: type as 0 | 1 | 2, mid, token, ...inner });
}
