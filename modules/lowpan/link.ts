/**
 * A node that belongs to no PAN yet, and whoever speaks with such ones. It hears what is sent to
 * PAN 0xffff, which every radio takes (IEEE 802.15.4-2006 §7.5.6.2), and its own EUI-64; its
 * address is link-local, made of that, and it reaches its neighbours alone.
 *
 * Rejected: a mesh prefix of fe80::/64 (context 0 of a newcomer would be another one than that of
 * whoever answers); the short address 0xfffe, which all of them would have.
 */
import { type Address, LINK_LOCAL, MESH } from "./address.js";
import { BROADCAST } from "./mac.js";
import { type LowpanConfig, LowpanStack } from "./stack.js";

const PREFIX = Object.freeze([0xfe, 0x80, 0, 0, 0, 0, 0, 0]);

export type LinkConfig = Pick<LowpanConfig, "radio" | "clock" | "random" | "trace" | "limits">;

export class LinkStack extends LowpanStack {
  constructor({ radio, clock, random, trace, limits }: LinkConfig) {
    super({
      ...{ radio, clock, random, trace, pan: BROADCAST, prefix: Uint8Array.from(PREFIX) },
      ...(limits && { limits }),
    });
    this.own.kind = LINK_LOCAL;
  }

  protected override setNextHop(destination: Address): boolean {
    const isNeighbour = super.setNextHop(destination);
    if (destination.kind === MESH) destination.kind = LINK_LOCAL;
    return isNeighbour;
  }
}
