/**
 * Who hears whom in an installation, as the radio channel and the devices' route tables need it.
 */
import { linksInRange, nextHops } from "../radio/topology.js";
import type { Link, RadioNode } from "../radio/types.js";
import type { Device, Installation } from "./types.js";

/** One radio node a device, in the order of the file. */
export function radioNodes(room: Installation): RadioNode[] {
  return room.devices.map(({ eui64, position: [x, y, z] }) => ({ eui64, position: { x, y, z } }));
}

/**
 * The links of range and list together; node numbers are places in the list of devices. A listed
 * link's loss stands in place of the network's; a loss of 1 is no link at all.
 */
export function radioLinks(room: Installation): Link[] {
  const { rangeMetres, links: listed } = room.network;
  const near = rangeMetres === undefined ? [] : linksInRange(radioNodes(room), rangeMetres);
  const lossPercent = 100 * room.network.loss;
  const links = new Map(near.map((link) => [`${link.from} ${link.to}`, { ...link, lossPercent }]));
  const place = (name: string) => room.devices.findIndex((device) => device.name === name);
  for (const { from: sender, to: receiver, loss } of listed) {
    const [from, to] = [place(sender), place(receiver)];
    const key = `${from} ${to}`;
    if (loss >= 1) links.delete(key);
    else links.set(key, { ...links.get(key), from, to, lossPercent: 100 * loss });
  }
  return [...links.values()];
}

/** Destination short address -> next hop's, for every destination that is no neighbour. */
export function routesOf(
  room: Installation,
  device: Device,
  links: readonly Link[],
): Map<number, number> {
  const { devices } = room;
  const hops = nextHops({
    count: devices.length,
    links,
    node: devices.indexOf(device),
    routers: devices.map((device) => device.router),
  });
  const distant = [...hops].filter(([to, via]) => to !== via);
  return new Map(distant.map(([to, via]) => [devices[to].short, devices[via].short]));
}
