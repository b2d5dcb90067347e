/**
 * How far a room is whose devices come without keys: who has his, and knows what each sender of his
 * groups may do. Told by what devices log (modules/device/channels.ts).
 */
import { toHex } from "../../modules/bytes/hex.js";
import type { Device, Installation } from "../installation/types.js";

const KEYED = "keys: resting";
const RIGHTS = "rights of ";

export class Readiness {
  /** By device: client ids in hex of senders whose rights it has still to learn, and "keys". */
  readonly #left = new Map<string, Set<string>>();

  constructor(room: Installation) {
    for (const device of room.devices) {
      const senders = sendersTo(room, device).map(({ clientId }) => toHex(clientId));
      this.#left.set(device.name, new Set([KEYED, ...senders]));
    }
  }

  /** True when it was news. */
  heard({ device, text }: { readonly device: string; readonly text: string }): boolean {
    const left = this.#left.get(device);
    const what = text.startsWith(RIGHTS) ? text.slice(RIGHTS.length) : text;
    if (left?.delete(what) !== true) return false;
    return left.size === 0;
  }

  /** Whether a line is about this and nothing else. */
  static isMeant(text: string): boolean {
    return text.startsWith("keys: ") || text.startsWith(RIGHTS);
  }

  get isDone(): boolean {
    return this.waiting.length === 0;
  }

  /** Devices that are not ready. */
  get waiting(): string[] {
    return [...this.#left].filter(([, left]) => left.size > 0).map(([name]) => name);
  }

  get text(): string {
    const { size } = this.#left;
    return `${size - this.waiting.length} of ${size} devices have their keys`;
  }
}

/** Who may send to it. */
function sendersTo(room: Installation, device: Device): Device[] {
  const { name, groups } = device;
  const clients = room.rights.filter((right) => {
    const isMember = right.groups.some((id) => groups.includes(id));
    return right.level > 0 && (isMember || right.devices.includes(name));
  });
  return room.devices.filter((other) => {
    return other !== device && clients.some(({ client }) => client === other.name);
  });
}
