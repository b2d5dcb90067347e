/**
 * Two programs on one network address: a device, and the authority that lives in it. The device
 * asks its authority as every other device does, by DTLS; datagrams to `homeAddress`, from either
 * of them to the other, never reach the network.
 */
import { equalBytes } from "../bytes/equal.js";
import type { Clock } from "../ports/clock.js";
import type { Datagram, DatagramPort, Endpoint } from "../ports/datagram.js";

export const SECURE_PORT = 5684;
/** RFC 4291 §2.5.3: the loopback address, which no network carries. */
export function homeAddress(): Uint8Array {
  const address = new Uint8Array(16);
  address[15] = 1;
  return address;
}

function isHome(address: Uint8Array): boolean {
  return equalBytes(address, homeAddress());
}

/** Of the network that a device and its authority share. */
export class HomePort implements DatagramPort {
  onDatagram: DatagramPort["onDatagram"] = undefined;
  /** Takes what is for the authority; false: it is the device's. */
  authority: ((datagram: Datagram) => boolean) | undefined = undefined;
  readonly #net: DatagramPort;
  readonly #clock: Clock;
  /** Authorities elsewhere that the device has turned to. */
  #others: Uint8Array[] = [];

  constructor(net: DatagramPort, clock: Clock) {
    this.#net = net;
    this.#clock = clock;
    net.onDatagram = (datagram) => {
      const isDevices = this.#isDevices(datagram);
      if (isDevices || this.authority?.(datagram) !== true) this.onDatagram?.(datagram);
    };
  }

  get address(): Uint8Array {
    return this.#net.address;
  }

  join(group: Uint8Array): boolean {
    return this.#net.join(group);
  }

  leave(group: Uint8Array): void {
    this.#net.leave(group);
  }

  /** The device's. */
  send(datagram: Parameters<DatagramPort["send"]>[0]): boolean {
    const { to, fromPort, bytes } = datagram;
    if (isHome(to.address)) {
      return this.#within(fromPort, to.port, bytes, (said) => this.authority?.(said));
    }
    if (fromPort === SECURE_PORT && !this.#knows(to.address)) {
      // The latest: a device has one authority at a time, and is handed over seldom.
      this.#others = [to.address.slice(), ...this.#others].slice(0, 4);
    }
    return this.#net.send(datagram);
  }

  /** The authority's. */
  say(to: Endpoint, fromPort: number, bytes: Uint8Array): boolean {
    if (!isHome(to.address)) return this.#net.send({ to, fromPort, bytes });
    return this.#within(fromPort, to.port, bytes, (said) => this.onDatagram?.(said));
  }

  #within(
    fromPort: number,
    port: number,
    said: Uint8Array,
    hears: (datagram: Datagram) => unknown,
  ): boolean {
    const bytes = said.slice();
    this.#clock.after(0, () => {
      const [from, to] = [fromPort, port].map((one) => ({ address: homeAddress(), port: one }));
      hears({ from, to, bytes, atMicros: this.#clock.micros() });
    });
    return true;
  }

  #isDevices({ from, to }: Datagram): boolean {
    return to.port === SECURE_PORT && this.#knows(from.address);
  }

  #knows(address: Uint8Array): boolean {
    return this.#others.some((one) => equalBytes(one, address));
  }
}
