/**
 * What a restart does: a lamp that was without power hears a recording and then a new command,
 * under each policy of synchronisation its profile can have; and a switch that was without power
 * sends one. Whole devices over memory flash, every datagram between them counted.
 */

import { equalBytes } from "../../modules/bytes/equal.js";
import { fromHex } from "../../modules/bytes/hex.js";
import { isMulticast } from "../../modules/coap/addresses.js";
import { TsCrypto } from "../../modules/crypto/crypto.js";
import { NobleSignatures } from "../../modules/crypto/noble.js";
import { Device } from "../../modules/device/device.js";
import { services } from "../../modules/device/services.js";
import { MemoryFlash } from "../bench/flash.js";
import {
  type Profile,
  SYNCHRONISATION_POLICIES,
  type SynchronisationPolicy,
} from "../installation/types.js";
import { LabBoard, type Sent } from "./lab.js";
import { hasPolicies, type Place, roomOf } from "./rooms.js";

export interface Exchanged {
  readonly from: "switch" | "lamp";
  readonly multicast: boolean;
  readonly bytes: number;
}

export interface Reboot {
  readonly policy: SynchronisationPolicy;
  /** What the recorded command comes to. */
  readonly replay: string;
  /** What the first new one comes to as it arrives. */
  readonly first: string;
  /** Whether the lamp shows it in the end, and by what datagrams; else it takes another command. */
  readonly obeyed: boolean;
  readonly exchanged: readonly Exchanged[];
  /** What the first command of a restarted switch comes to. */
  readonly sender: string;
}

const STEP_MICROS = 50_000;
const SETTLED_MICROS = 20_000_000;
/** First contact included. */
const ATTEMPTS = 3;

export function rebootsOf(profile: Profile): Reboot[] {
  const policies = hasPolicies(profile) ? SYNCHRONISATION_POLICIES : (["best-effort"] as const);
  return policies.map((policy) => reboot(profile, policy));
}

/** Throws an Error when the two do not come together at all. */
function reboot(profile: Profile, policy: SynchronisationPolicy): Reboot {
  const { lamp, wall } = roomOf(profile, { synchronisation: policy });
  const pair = new Pair(new Node("lamp", lamp), new Node("switch", wall));
  const recorded = pair.until(profile);
  pair.lamp.restart();
  pair.lamp.hear(pair.wall, recorded);
  const replay = pair.lamp.board.last;
  const { first, obeyed, exchanged } = pair.press(101);
  if (!obeyed) pair.until(profile);
  pair.wall.restart();
  const sender = pair.press(102).first;
  return { policy, replay, first, obeyed, exchanged, sender };
}

class Node {
  readonly name: "lamp" | "switch";
  readonly #place: Place;
  readonly #flash = new MemoryFlash();
  board: LabBoard;
  device: Device;

  constructor(name: "lamp" | "switch", place: Place) {
    this.name = name;
    this.#place = place;
    this.board = this.#newBoard();
    this.device = Device.start(this.board, services);
  }

  /** Power off and on: what is not in flash is gone. */
  restart(): void {
    this.board = this.#newBoard();
    this.device = Device.start(this.board, services);
  }

  hear(from: Node, { to, fromPort, bytes }: Sent): void {
    const address = from.board.net.address;
    const atMicros = this.board.clock.micros();
    this.board.net.onDatagram?.({ from: { address, port: fromPort }, to, bytes, atMicros });
  }

  #newBoard(): LabBoard {
    const { blob, address } = this.#place;
    return new LabBoard({
      blob: fromHex(blob),
      address: fromHex(address),
      crypto: new TsCrypto(new NobleSignatures()),
      flash: this.#flash,
    });
  }
}

interface Press {
  readonly first: string;
  readonly obeyed: boolean;
  readonly exchanged: readonly Exchanged[];
  readonly command: Sent;
}

class Pair {
  readonly lamp: Node;
  readonly wall: Node;
  #level = 10;

  constructor(lamp: Node, wall: Node) {
    this.lamp = lamp;
    this.wall = wall;
  }

  /** Commands until one is obeyed; that one. */
  until(profile: Profile): Sent {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const { obeyed, command } = this.press(this.#level++);
      if (obeyed) return command;
    }
    throw new Error(`${profile}: the lamp obeys none of ${ATTEMPTS} commands`);
  }

  /** A command, and all that comes of it. */
  press(level: number): Press {
    const { lamp, wall } = this;
    const exchanged: Exchanged[] = [];
    if (!wall.device.command({ on: true, level })) throw new Error("no command was sent");
    const [command] = wall.board.net.outbox;
    this.#carry(wall, lamp, exchanged);
    const first = lamp.board.last;
    for (let passed = 0; passed < SETTLED_MICROS; passed += STEP_MICROS) {
      for (const { board } of [lamp, wall]) board.clock.advance(STEP_MICROS);
      this.#carry(lamp, wall, exchanged);
      this.#carry(wall, lamp, exchanged);
    }
    return { first, obeyed: lamp.board.light.level === level, exchanged, command };
  }

  #carry(from: Node, to: Node, exchanged: Exchanged[]): void {
    for (const sent of from.board.net.take()) {
      const multicast = isMulticast(sent.to.address);
      exchanged.push({ from: from.name, multicast, bytes: sent.bytes.length });
      const reaches = multicast || equalBytes(sent.to.address, to.board.net.address);
      if (reaches) to.hear(from, sent);
    }
  }
}
