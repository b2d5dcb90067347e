/**
 * Says new keys of key trees to their groups' addresses, once for all members: plain CoAP, for what
 * counts is the signature (modules/device/said.ts). It is said several times (saying.ts); who
 * missed all of them asks for keys, and is pushed them until he has said that he has them.
 */
import { createSocket, type Socket } from "node:dgram";
import { messagesOf } from "../../modules/authority/keytree.js";
import type { Rows } from "../../modules/authority/ledger.js";
import {
  applications,
  groups,
  numberKey,
  numberOf,
  policyOf,
  pushes,
} from "../../modules/authority/records.js";
import { emitSaying, sayings } from "../../modules/authority/saying.js";
import { formatIpv6 } from "../installation/address.js";
import { type Authority, random } from "./authority.js";
import { Fault } from "./fault.js";
import { networkOf } from "./interfaces.js";

/** Routers between floors; a link has none. */
const HOPS = 8;
const MS_MICROS = 1000;

/** What a group has not been told yet. */
interface Unsaid {
  readonly group: number;
  readonly name: string;
  readonly epoch: number;
  readonly address: string;
  readonly port: number;
  readonly messages: readonly Uint8Array[];
}

export interface Saying {
  /** Where we listen. */
  readonly address: string;
  /** The network that devices are on, by its name here. */
  readonly network?: string | undefined;
  /** A line for the operator. */
  readonly say?: ((line: string) => void) | undefined;
}

export class Announcer {
  readonly #authority: Authority;
  readonly #socket: Socket | undefined;
  readonly #say: (line: string) => void;
  /** Epochs, and what will be said again, by security group. */
  readonly #said = new Map<number, number>();
  readonly #timers = new Map<number, NodeJS.Timeout[]>();
  #mid: number;

  private constructor(authority: Authority, socket: Socket | undefined, { say }: Saying) {
    this.#authority = authority;
    this.#socket = socket;
    this.#say = say ?? (() => {});
    const start = new Uint8Array(2);
    random.fill(start);
    this.#mid = start[0] * 256 + start[1];
  }

  /** Throws a Fault where the network that was named is none. */
  static async open(authority: Authority, saying: Saying): Promise<Announcer> {
    const network = networkOf(saying);
    const socket = network === undefined ? undefined : await socketOn(network);
    return new Announcer(authority, socket, saying);
  }

  close(): void {
    for (const timer of [...this.#timers.values()].flat()) clearTimeout(timer);
    this.#timers.clear();
    this.#socket?.close();
  }

  /** Says what was not said yet. */
  async look(): Promise<void> {
    const all = await this.#authority.read((rows) => unsaidOf(rows, this.#said));
    for (const unsaid of all) {
      this.#said.set(unsaid.group, unsaid.epoch);
      if (this.#socket === undefined) this.#tellOnce(unsaid);
      else this.#begin(this.#socket, unsaid);
    }
  }

  /** What was to be said of an older key is of no use any more. */
  #begin(socket: Socket, unsaid: Unsaid): void {
    const { group, messages } = unsaid;
    for (const timer of this.#timers.get(group) ?? []) clearTimeout(timer);
    const timers = sayings(messages).flatMap(({ afterMicros, payload }) => {
      const send = () => this.#send(socket, unsaid, payload);
      if (afterMicros > 0) return [setTimeout(send, afterMicros / MS_MICROS)];
      send();
      return [];
    });
    this.#timers.set(group, timers);
  }

  #send(socket: Socket, { address, port }: Unsaid, payload: Uint8Array): void {
    socket.send(emitSaying(++this.#mid, payload), port, address, () => {});
  }

  #tellOnce({ group, name }: Unsaid): void {
    if (this.#timers.has(group)) return;
    this.#timers.set(group, []);
    this.#say(
      `${name}: new keys of its tree go to each member alone; to say them to all at once, start ` +
        "with the interface that its members are on: --interface eth0",
    );
  }
}

/** Newest keys that somebody still waits for, of groups with a tree, but for what was said. */
function unsaidOf(rows: Rows, said: ReadonlyMap<number, number>): Unsaid[] {
  const waiting = new Set(pushes.keys(rows).map(numberOf));
  return [...waiting].flatMap((group): Unsaid[] => {
    if (!policyOf(rows, group).hasTree) return [];
    const { epoch } = groups.need(rows, numberKey(group));
    // Its members are in the application group of its number, whatever others share its keys.
    const application = applications.get(rows, numberKey(group));
    if (said.get(group) === epoch || application === undefined) return [];
    const { name, port } = application;
    const address = formatIpv6(application.address);
    return [{ group, name, epoch, address, port, messages: messagesOf(rows, group) }];
  });
}

async function socketOn(network: string): Promise<Socket> {
  const socket = createSocket({ type: "udp6", ipv6Only: true });
  await new Promise<void>((resolve, reject) => {
    socket.once("error", reject);
    socket.bind(0, () => {
      socket.removeAllListeners("error");
      resolve();
    });
  });
  // Nobody there, no route yet: who misses it is pushed it.
  socket.on("error", () => {});
  try {
    socket.setMulticastInterface(`::%${network}`);
    socket.setMulticastTTL(HOPS);
  } catch (error) {
    socket.close();
    const { code } = error as NodeJS.ErrnoException;
    throw new Fault(`--interface: ${network} takes no multicast (${code}); name another one`);
  }
  return socket;
}
