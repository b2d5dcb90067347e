/** A device's place on the medium, and the places of strangers. */
import { type MeshNode, meshNodes } from "../installation/topology.js";
import type { Installation } from "../installation/types.js";
import type { Link, RadioNode } from "../radio/types.js";
import type { DeviceProcess } from "./process.js";
import type { DeviceEvent } from "./protocol.js";

export interface Station {
  readonly index: number;
  readonly device: MeshNode;
  /** Undefined: no power. */
  process: DeviceProcess | undefined;
  /** When it wants to run. */
  next: number | undefined;
  granted: number;
  booted: boolean;
  inbox: DeviceEvent[];
  /** Counts the starts. */
  life: number;
  /** What this life and those before it had not finished is void: the power was cut first. */
  voidLife: number;
  stuck: number;
}

export function station(device: MeshNode, index: number): Station {
  const idle = {
    next: undefined,
    granted: 0,
    booted: false,
    inbox: [],
    life: 0,
    voidLife: 0,
    stuck: 0,
  };
  return { index, device, process: undefined, ...idle };
}

export function rogueNode(index: number): RadioNode {
  return { eui64: Uint8Array.of(0x02, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, index) };
}

export function rogueLinks(room: Installation, index: number): Link[] {
  const nodes = meshNodes(room);
  const rogue = nodes.length + index;
  return nodes.flatMap((_, device) => [
    { from: rogue, to: device },
    { from: device, to: rogue },
  ]);
}
