/** Works that need devices at hand: joins, who is open, which one is which. */
import { isNamed } from "../../modules/authority/joiners.js";
import { devices } from "../../modules/authority/records.js";
import { utf8 } from "../../modules/bytes/utf8.js";
import { CHANGED, codeText, NOT_FOUND, PUT, TEXT_PLAIN } from "../../modules/coap/options.js";
import type { Authority } from "./authority.js";
import type { DevicePlace, DeviceSide } from "./device-side.js";
import { keyOf } from "./devices.js";
import { Fault } from "./fault.js";
import { Finder } from "./finding.js";
import { reachedAt } from "./interfaces.js";
import { type JoinArgs, joinByLabel } from "./join.js";
import type { Joining, JoinPlace } from "./join-flow.js";
import { type Opened, openWindow, type WindowArgs } from "./join-window.js";
import { checkName } from "./names.js";
import type { Found } from "./seek.js";

const LOOK_MS = 3000;

export async function joinDevice(place: DevicePlace, args: JoinArgs): Promise<Joining> {
  return joinByLabel(joinPlace(place), args);
}

/** Throws a Fault where no authority runs. */
export function joinPlace(place: DevicePlace): JoinPlace {
  const { authority, say } = place;
  const { side, at } = running(place);
  return { authority, side, at: reachedAt(at, side.network()), say };
}

/** Until its time is over, or whoever opened it has gone. */
export function openJoining(place: DevicePlace, args: WindowArgs): Promise<Opened> {
  const { ask = async () => undefined, left } = place;
  return openWindow({ ...joinPlace(place), ask, left }, args);
}

export interface Watched {
  readonly devices: readonly { readonly eui64: string; readonly role: string }[];
}

/** Fresh devices that are open, said as they come. */
export async function watchFresh(place: DevicePlace, args: { seconds: number }): Promise<Watched> {
  const { side } = running(place);
  const finder = await Finder.open(place.authority, side.network());
  const seen = new Map<string, Found>();
  const until = Date.now() + args.seconds * 1000;
  try {
    while (Date.now() < until) {
      const ms = Math.min(LOOK_MS, until - Date.now());
      for (const found of await finder.find(ms, () => false)) {
        if (!seen.has(found.eui64)) place.say(`${found.role} ${found.eui64} is open`);
        seen.set(found.eui64, found);
      }
    }
  } finally {
    finder.close();
  }
  return { devices: [...seen.values()].map(({ eui64, role }) => ({ eui64, role })) };
}

export interface Identified {
  readonly device: string;
  readonly seconds: number;
  /** What it says to that. */
  readonly said: string;
}

/** Lets a lamp blink; 0 seconds end it. */
export async function identify(
  place: DevicePlace,
  args: { device: string; seconds: number },
): Promise<Identified> {
  const { side } = running(place);
  const { name, clientId } = await place.authority.read((rows) =>
    devices.need(rows, keyOf(rows, args.device)),
  );
  const payload = utf8(`${args.seconds}`);
  const answer = await side.ask(clientId, {
    ...{ method: PUT, path: ["idn"], format: TEXT_PLAIN, payload },
  });
  if (!answer.ok) throw new Fault(`${name} does not answer (${answer.why}); has it power?`);
  const { code } = answer.response;
  if (code === NOT_FOUND) throw new Fault(`${name} has no lamp that could blink`);
  if (code === CHANGED) return { device: name, seconds: args.seconds, said: codeText(code) };
  throw new Fault(
    `${name} refuses with ${codeText(code)}: it was not joined here, and takes no orders from ` +
      "this authority",
  );
}

/** Another name for a device; nothing on the air changes. */
export function rename(
  authority: Authority,
  args: { device: string; name: string },
): Promise<{ eui64: string; before: string; name: string }> {
  const { name } = args;
  checkName(name);
  return authority.decide(`rename ${args.device} ${name}`, (rows) => {
    const eui64 = keyOf(rows, args.device);
    const device = devices.need(rows, eui64);
    if (isNamed(rows, name, eui64)) throw new Fault(`${name} is another device's name already`);
    devices.put(rows, eui64, { ...device, name });
    return { eui64, before: device.name, name };
  });
}

function running({ running }: DevicePlace): { side: DeviceSide; at: string } {
  if (running?.side === undefined) {
    throw new Fault("the authority does not run; first: lumicast authority start");
  }
  return { side: running.side, at: running.at };
}
