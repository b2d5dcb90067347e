/** The device that is measured, and everybody it hears. */
import { toHex } from "../../modules/bytes/hex.js";
import { generate } from "../installation/generate.js";
import { provisioning } from "../installation/provisioning.js";
import type { Setup } from "./path.js";

export const SENDERS = 50;

export interface Load {
  readonly senders: number;
  readonly groups: number;
}

/** The load a device is built for. */
export const FULL: Load = { senders: SENDERS, groups: 10 };
/** A luminaire of an ordinary room: its group, two switches and a sensor. */
export const ROOM: Load = { senders: 3, groups: 1 };

/** One luminaire in all groups, and switches for them. */
export function makeSetup({ senders, groups }: Load = FULL): Setup {
  const made = generate({
    luminaires: 1,
    switches: senders,
    sensors: 0,
    hops: 1,
    loss: 0,
    seed: 1,
    groups,
  });
  const ids = made.applicationGroups.map(({ id }) => id);
  const devices = made.devices.map((device) =>
    device.role === "luminaire" ? { ...device, groups: ids } : device,
  );
  const room = { ...made, devices };
  const luminaire = devices.find(({ role }) => role === "luminaire");
  const switches = devices.filter(({ role }) => role === "switch");
  if (luminaire === undefined) throw new Error("an installation without a luminaire");
  return {
    luminaire: toHex(provisioning(room, luminaire)),
    wallSwitch: toHex(provisioning(room, switches[0])),
    senders: switches.map(({ clientId, target }) => ({
      clientId: toHex(clientId),
      appGroup: target as number,
    })),
    groups: room.applicationGroups.map(({ id, securityGroup, address, port }) => {
      const security = room.securityGroups.find((one) => one.id === securityGroup);
      if (security?.profile !== "lowlatency") throw new Error(`no such group ${securityGroup}`);
      const [{ keyId, key }] = security.keys;
      return {
        id,
        keyId: keyId.toString(16).padStart(2, "0"),
        key: toHex(key),
        address: toHex(address),
        port,
      };
    }),
  };
}
