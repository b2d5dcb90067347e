import { equalBytes } from "../../modules/bytes/equal.js";
import { toHex } from "../../modules/bytes/hex.js";
import type { Clock } from "../../modules/ports/clock.js";
import type { Datagram, DatagramPort, Endpoint } from "../../modules/ports/datagram.js";

type Outgoing = Parameters<DatagramPort["send"]>[0];

/** One datagram as it was handed to the network. */
export interface Sent {
  readonly from: Endpoint;
  readonly to: Endpoint;
  readonly bytes: Uint8Array;
  readonly atMicros: number;
}

/**
 * What becomes of a datagram on its way to one receiver: a delay in microseconds for each copy that
 * arrives. `[]` loses it, `[1000, 5000]` duplicates it; a longer delay than the next one's
 * reorders.
 */
export type Fate = (sent: Sent, receiver: NetPort, index: number) => number[];

/**
 * Datagrams between ports in memory. A datagram is known to the whole net by its `index`, counted
 * from 0 in the order of sending; `sent` keeps every one of them.
 */
export class Net {
  readonly sent: Sent[] = [];
  /** Replace it to script loss, duplicates and order. */
  fate: Fate;
  readonly #clock: Clock;
  readonly #ports: NetPort[] = [];

  constructor(clock: Clock, delayMicros = 1000) {
    this.#clock = clock;
    this.fate = () => [delayMicros];
  }

  /** A new host on the net. `address` is 16 bytes (or 4). */
  port(address: Uint8Array): NetPort {
    const port = new NetPort(address, (sent) => this.#carry(port, sent));
    this.#ports.push(port);
    return port;
  }

  #carry(sender: NetPort, datagram: Outgoing): void {
    const sent: Sent = {
      from: { address: sender.address.slice(), port: datagram.fromPort },
      to: { address: datagram.to.address.slice(), port: datagram.to.port },
      bytes: datagram.bytes.slice(),
      atMicros: this.#clock.micros(),
    };
    const index = this.sent.push(sent) - 1;
    for (const receiver of this.#ports) {
      if (receiver === sender || !receiver.hears(sent.to.address)) continue;
      for (const delayMicros of this.fate(sent, receiver, index)) {
        this.#clock.after(delayMicros, () => this.#arrive(receiver, sent));
      }
    }
  }

  #arrive(receiver: NetPort, sent: Sent): void {
    const { from, to } = sent;
    receiver.onDatagram?.({ from, to, bytes: sent.bytes.slice(), atMicros: this.#clock.micros() });
  }
}

export class NetPort implements DatagramPort {
  readonly address: Uint8Array;
  onDatagram: ((datagram: Datagram) => void) | undefined = undefined;
  /** Set it to make `send` refuse, as a full queue does. */
  refuses = false;
  readonly #groups = new Set<string>();
  readonly #carry: (datagram: Outgoing) => void;

  constructor(address: Uint8Array, carry: (datagram: Outgoing) => void) {
    this.address = address;
    this.#carry = carry;
  }

  join(group: Uint8Array): boolean {
    this.#groups.add(toHex(group));
    return true;
  }

  leave(group: Uint8Array): void {
    this.#groups.delete(toHex(group));
  }

  send(datagram: Outgoing): boolean {
    if (this.refuses) return false;
    this.#carry(datagram);
    return true;
  }

  /** True when a datagram to `address` is for this host. */
  hears(address: Uint8Array): boolean {
    return equalBytes(address, this.address) || this.#groups.has(toHex(address));
  }
}
