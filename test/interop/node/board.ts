/**
 * A board that is a Node program: the same firmware on V8, with Node's sockets and TypeScript's
 * cryptography, as the second engine of the interop suites. It speaks as the headless host does:
 * one line of JSON for what it shows and logs, "down" and "up" on standard input for its button.
 */
import { randomFillSync } from "node:crypto";
import { createSocket, type Socket } from "node:dgram";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { networkInterfaces } from "node:os";
import { createInterface } from "node:readline";
import { NodeClock } from "../../../hosts/authority/clock.js";
import { toHex } from "../../../modules/bytes/hex.js";
import { TsCrypto } from "../../../modules/crypto/crypto.js";
import { NobleSignatures } from "../../../modules/crypto/noble.js";
import type { Board } from "../../../modules/ports/board.js";
import type { Button } from "../../../modules/ports/button.js";
import type { Clock } from "../../../modules/ports/clock.js";
import type { Datagram, DatagramPort } from "../../../modules/ports/datagram.js";
import type { Flash } from "../../../modules/ports/flash.js";
import type { LightOutput } from "../../../modules/ports/light.js";
import { addressBytes } from "../world.js";

const PORT = 5683;
const FLASH_BYTES = 65_536;
const SECTOR_BYTES = 4096;
const PROGRAM_BYTES = 4;

/** A partition in a file. Bits go from 1 to 0 until their sector is erased. */
class FileFlash implements Flash {
  readonly size = FLASH_BYTES;
  readonly eraseBytes = SECTOR_BYTES;
  readonly programBytes = PROGRAM_BYTES;
  readonly #path: string;
  readonly #bytes: Uint8Array;

  constructor(path: string) {
    this.#path = path;
    this.#bytes = existsSync(path)
      ? new Uint8Array(readFileSync(path))
      : new Uint8Array(FLASH_BYTES).fill(0xff);
  }

  read(offset: number, into: Uint8Array): void {
    into.set(this.#bytes.subarray(offset, offset + into.length));
  }

  program(offset: number, bytes: Uint8Array): boolean {
    for (let i = 0; i < bytes.length; i++) this.#bytes[offset + i] &= bytes[i];
    writeFileSync(this.#path, this.#bytes);
    return true;
  }

  erase(offset: number): boolean {
    this.#bytes.fill(0xff, offset, offset + SECTOR_BYTES);
    writeFileSync(this.#path, this.#bytes);
    return true;
  }
}

/** One socket for each address: Node does not tell where a datagram was sent to. */
class NodeDatagrams implements DatagramPort {
  readonly address: Uint8Array;
  onDatagram: ((datagram: Datagram) => void) | undefined = undefined;
  readonly #clock: Clock;
  /** By their ports. */
  readonly #unicast = new Map<number, Socket>();
  readonly #groups = new Map<string, Socket>();
  readonly #interface: string;
  readonly #ready: () => void;
  /** Sockets that are not bound yet. */
  #pending = 0;

  /**
   * `network`: an interface, or "" for the first that reaches others. `ready` is called when it
   * hears on all its addresses.
   */
  constructor(clock: Clock, network: string, ports: readonly number[], ready: () => void) {
    this.#clock = clock;
    this.#ready = ready;
    const { address, name } = ownAddress(network);
    this.#interface = `::%${name}`;
    this.address = addressBytes(address);
    for (const port of ports) {
      const socket = this.#listen({ address, port }, () =>
        socket.setMulticastInterface(this.#interface),
      );
      this.#unicast.set(port, socket);
    }
  }

  join(group: Uint8Array): boolean {
    const address = textOf(group);
    const at = { address, port: PORT };
    const socket = this.#listen(at, () => socket.addMembership(address, this.#interface));
    this.#groups.set(toHex(group), socket);
    return true;
  }

  leave(group: Uint8Array): void {
    this.#groups.get(toHex(group))?.close();
    this.#groups.delete(toHex(group));
  }

  send({ to, fromPort, bytes }: Parameters<DatagramPort["send"]>[0]): boolean {
    // A group's own port is no socket of ours: what we say to it comes from CoAP's.
    const socket = this.#unicast.get(fromPort) ?? this.#unicast.get(PORT);
    socket?.send(bytes.slice(), to.port, textOf(to.address));
    return socket !== undefined;
  }

  #listen({ address, port }: { address: string; port: number }, ready: () => void): Socket {
    const socket = createSocket({ type: "udp6", reuseAddr: true, ipv6Only: true });
    socket.on("message", (bytes, from) => {
      this.onDatagram?.({
        from: { address: addressBytes(from.address), port: from.port },
        to: { address: addressBytes(address), port },
        bytes: new Uint8Array(bytes),
        atMicros: this.#clock.micros(),
      });
    });
    this.#pending++;
    socket.bind(port, address, () => {
      ready();
      if (--this.#pending === 0) this.#ready();
    });
    return socket;
  }
}

/** Of the interface that is named; unnamed, of the first that reaches others. */
function ownAddress(wanted: string): { address: string; name: string } {
  for (const [name, entries = []] of Object.entries(networkInterfaces())) {
    for (const { internal, family, address } of entries) {
      const isIt = wanted === "" ? !internal : name === wanted;
      if (isIt && family === "IPv6" && !address.startsWith("fe80")) return { address, name };
    }
  }
  throw new Error("no interface with an IPv6 address");
}

function textOf(address: Uint8Array): string {
  const words = toHex(address).match(/.{4}/g) ?? [];
  return words.map((word) => word.replace(/^0{1,3}/, "")).join(":");
}

/** `ports`: besides 5683. */
export function nodeBoard(files: {
  provisioning: string;
  flash: string;
  network?: string;
  ports?: readonly number[];
}): Board {
  const clock = new NodeClock();
  const button: Button = { onEdge: undefined };
  const tell = (what: object) => console.log(JSON.stringify({ at: clock.micros(), ...what }));
  createInterface({ input: process.stdin }).on("line", (line) => {
    button.onEdge?.(line === "down", clock.micros());
  });
  return {
    clock,
    random: { fill: (bytes) => void randomFillSync(bytes) },
    crypto: new TsCrypto(new NobleSignatures()),
    flash: new FileFlash(files.flash),
    trace: { count: (event) => tell({ trace: event }) },
    light: { failed: false, show: (light: LightOutput) => tell({ light: { ...light } }) },
    button,
    sensor: { onMotion: undefined, onLux: undefined },
    datagram: new NodeDatagrams(clock, files.network ?? "", [PORT, ...(files.ports ?? [])], () =>
      tell({ log: "listening" }),
    ),
    provisioning: () => new Uint8Array(readFileSync(files.provisioning)),
    log: (line) => tell({ log: line }),
    fatal: (line) => {
      console.error(line);
      process.exit(1);
    },
  };
}
