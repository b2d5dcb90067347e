/**
 * Who hears whom in an installation, as the radio channel and the devices' route tables need it.
 */
import { linksInRange, nextHops } from "../radio/topology.js";
import type { Link, RadioNode } from "../radio/types.js";
import { BORDER, type Device, type Installation } from "./types.js";

/** Who has a radio on the mesh. */
export type MeshNode = Pick<Device, "name" | "eui64" | "short" | "position" | "router">;

/** The devices of the mesh in the order of the file, then the border router. */
export function meshNodes({ devices, network: { border } }: Installation): MeshNode[] {
  const nodes: MeshNode[] = devices.filter(({ wifi }) => wifi === undefined);
  return border === undefined ? nodes : [...nodes, { name: BORDER, router: true, ...border }];
}

/** One radio node each, in the order of `meshNodes`. */
export function radioNodes(room: Installation): RadioNode[] {
  return meshNodes(room).map(({ eui64, position: [x, y, z] }) => {
    return { eui64, position: { x, y, z } };
  });
}

/**
 * The links of range and list together; node numbers are places in `meshNodes`. A listed link's
 * loss stands in place of the network's; a loss of 1 is no link at all.
 */
export function radioLinks(room: Installation): Link[] {
  const { rangeMetres, links: listed } = room.network;
  const near = rangeMetres === undefined ? [] : linksInRange(radioNodes(room), rangeMetres);
  const lossPercent = 100 * room.network.loss;
  const links = new Map(near.map((link) => [`${link.from} ${link.to}`, { ...link, lossPercent }]));
  const nodes = meshNodes(room);
  const place = (name: string) => nodes.findIndex((node) => node.name === name);
  for (const { from: sender, to: receiver, loss } of listed) {
    const [from, to] = [place(sender), place(receiver)];
    const key = `${from} ${to}`;
    if (loss >= 1) links.delete(key);
    else links.set(key, { ...links.get(key), from, to, lossPercent: 100 * loss });
  }
  return [...links.values()];
}

/** Of `LowpanConfig.routes`: what is not on the mesh. */
const OUTSIDE = 0xffff;

/**
 * Destination short address -> next hop's, for every destination that is no neighbour; and where
 * what is not on the mesh goes.
 */
export function routesOf(
  room: Installation,
  node: MeshNode,
  links: readonly Link[],
): Map<number, number> {
  const nodes = meshNodes(room);
  const hops = nextHops({
    count: nodes.length,
    links,
    node: nodes.findIndex(({ name }) => name === node.name),
    routers: nodes.map(({ router }) => router),
  });
  const distant = [...hops].filter(([to, via]) => to !== via);
  const routes = new Map(distant.map(([to, via]) => [nodes[to].short, nodes[via].short]));
  const { border } = room.network;
  if (border !== undefined && node.name !== BORDER) routes.set(OUTSIDE, border.short);
  return routes;
}
