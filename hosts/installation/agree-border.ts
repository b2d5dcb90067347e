/** What has to agree where some devices are on Wi-Fi and some on the mesh. */
import { toHex } from "../../modules/bytes/hex.js";
import { mayCross } from "../../modules/lowpan/mld.js";
import type { Faults } from "./faults.js";
import { BORDER, type Device, type Installation } from "./types.js";

export function checkBorder(room: Installation, faults: Faults): void {
  const { devices, network } = room;
  checkWifi(room, faults);
  const isMixed = new Set(devices.map(({ wifi }) => wifi === undefined)).size === 2;
  if (network.border !== undefined) checkOwn(room, faults);
  else if (isMixed) {
    const right = 'give "border": { "eui64": …, "position": [x, y, z] }, or take "wifi" away';
    faults.add("network.border", `is missing, and some devices are on Wi-Fi; ${right}`);
  }
  if (isMixed) checkScopes(room, faults);
}

function checkWifi({ devices, network }: Installation, faults: Faults): void {
  const addresses = new Map<string, number>();
  devices.forEach(({ wifi }, index) => {
    if (wifi === undefined) return;
    const path = `devices[${index}].wifi`;
    const address = toHex(wifi);
    const first = addresses.get(address);
    if (first !== undefined) faults.add(path, `is the same as in devices[${first}]; one each`);
    else addresses.set(address, index);
    if (address.startsWith(toHex(network.prefix))) {
      faults.add(path, "is an address of the mesh; give one of the network outside");
    }
  });
  network.links.forEach((link, index) => {
    for (const end of ["from", "to"] as const) {
      if (devices.find(({ name }) => name === link[end])?.wifi === undefined) continue;
      const path = `network.links[${index}].${end}`;
      faults.add(path, `${link[end]} is on Wi-Fi and has no link on the mesh; leave the link out`);
    }
  });
}

function checkOwn({ devices, network }: Installation, faults: Faults): void {
  const { border } = network;
  const same = (is: (device: Device) => boolean) => devices.find(is)?.name;
  const byLabel = same(({ eui64 }) => toHex(eui64) === toHex(border?.eui64 ?? eui64));
  if (byLabel !== undefined) {
    faults.add("network.border.eui64", `is the same as that of ${byLabel}; give it its own`);
  }
  const byShort = same(({ short }) => short === border?.short);
  if (byShort !== undefined) {
    faults.add("network.border.short", `is the same as that of ${byShort}; give it its own`);
  }
  const named = devices.findIndex(({ name }) => name === BORDER);
  if (named >= 0) {
    faults.add(`devices[${named}].name`, `"${BORDER}" is the border router's; give another`);
  }
}

/** A group whose address ends at the border would reach only half of its members. */
function checkScopes({ applicationGroups, devices }: Installation, faults: Faults): void {
  applicationGroups.forEach(({ id, address }, index) => {
    const members = devices.filter(({ groups, target }) => target === id || groups.includes(id));
    const sides = new Set(members.map(({ wifi }) => wifi === undefined));
    if (sides.size < 2 || mayCross(address)) return;
    const right = "give one of scope 4 or more, for example ff15::4c:1 or ff35:...";
    const fault = `does not cross the border, which has members on both sides; ${right}`;
    faults.add(`applicationGroups[${index}].address`, fault);
  });
}
