/** The device that is measured, and everybody it hears. */
import { toHex } from "../../modules/bytes/hex.js";
import { generate } from "../installation/generate.js";
import { provisioning } from "../installation/provisioning.js";
import type { Setup } from "./path.js";

export const SENDERS = 50;
const GROUPS = 10;

/** One luminaire in ten groups, fifty switches: the load a device is built for. */
export function makeSetup(): Setup {
  const made = generate({
    luminaires: 1,
    switches: SENDERS,
    sensors: 0,
    hops: 1,
    loss: 0,
    seed: 1,
    groups: GROUPS,
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
      if (security === undefined) throw new Error(`no security group ${securityGroup}`);
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
