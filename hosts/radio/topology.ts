/**
 * Who hears whom: links from positions, and the static next hops a multi-hop installation needs.
 */
import type { Link, Position, RadioNode } from "./types.js";

export function distanceMetres(a: Position, b: Position): number {
  return Math.hypot(a.x - b.x, a.y - b.y, (a.z ?? 0) - (b.z ?? 0));
}

/**
 * Links both ways between all nodes at most `rangeMetres` apart; all of them when it is undefined.
 * Strength falls by 30 dB a decade (path loss exponent 3, indoors), 0 dB at one metre.
 */
export function linksInRange(nodes: readonly RadioNode[], rangeMetres?: number): Link[] {
  const links: Link[] = [];
  for (const [from, a] of nodes.entries()) {
    for (const [to, b] of nodes.entries()) {
      if (from === to) continue;
      if (a.position === undefined || b.position === undefined) {
        if (rangeMetres !== undefined) {
          const node = a.position === undefined ? from : to;
          throw new RangeError(`radio node ${node} has no position, but a range is given`);
        }
        links.push({ from, to });
        continue;
      }
      const metres = distanceMetres(a.position, b.position);
      if (rangeMetres !== undefined && metres > rangeMetres) continue;
      links.push({ from, to, strengthDb: -30 * Math.log10(Math.max(metres, 0.1)) });
    }
  }
  return links;
}

/** The same links in both directions, for lists that name each pair once. */
export function bothWays(links: readonly Link[]): Link[] {
  return links.flatMap((link) => [link, { ...link, from: link.to, to: link.from }]);
}

/**
 * For `node`: the neighbour on a way with the fewest hops to every node it can reach; neighbours
 * lead to themselves. Only links that work in both directions carry unicast (the ACK comes back).
 * Only nodes with `routers[n]` true pass frames on; all do when it is absent. Ties go to the
 * lowest node number.
 */
export function nextHops(input: {
  count: number;
  links: readonly Link[];
  node: number;
  routers?: readonly boolean[];
}): Map<number, number> {
  const usable = input.links.filter((link) => (link.lossPercent ?? 0) < 100);
  const known = new Set(usable.map((link) => link.from * input.count + link.to));
  const neighbours: number[][] = Array.from({ length: input.count }, () => []);
  for (const { from, to } of usable) {
    if (known.has(to * input.count + from)) neighbours[from]?.push(to);
  }
  for (const list of neighbours) list.sort((a, b) => a - b);
  const via = new Map<number, number>();
  let frontier = [...(neighbours[input.node] ?? [])];
  for (const next of frontier) via.set(next, next);
  while (frontier.length > 0) {
    const further: number[] = [];
    for (const hop of frontier) {
      if (input.routers !== undefined && input.routers[hop] !== true) continue;
      for (const to of neighbours[hop] ?? []) {
        if (to === input.node || via.has(to)) continue;
        via.set(to, via.get(hop) as number);
        further.push(to);
      }
    }
    frontier = further;
  }
  return via;
}
