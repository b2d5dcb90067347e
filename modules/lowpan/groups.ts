/** The multicast groups joined: a short list, compared as numbers. */
import { Address } from "./address.js";

export interface Group {
  readonly address: Address;
  readonly bytes: Uint8Array;
  /** Sum of its words for the UDP checksum. */
  readonly sum: number;
}

export class Groups {
  readonly #most: number;
  readonly #prefix: Uint8Array;
  #list: Group[] = [];

  constructor(most: number, prefix: Uint8Array) {
    this.#most = most;
    this.#prefix = prefix;
  }

  /** False when it is no multicast address or the list is full. */
  join(bytes: Uint8Array): boolean {
    if (bytes.length !== 16) return false;
    const address = new Address();
    address.setBytes(bytes, 0, this.#prefix);
    if (!address.isMulticast()) return false;
    if (this.find(address) !== undefined) return true;
    if (this.#list.length >= this.#most) return false;
    this.#list.push({ address, bytes: bytes.slice(), sum: address.sum(0) });
    return true;
  }

  leave(bytes: Uint8Array): void {
    if (bytes.length !== 16) return;
    const address = new Address();
    address.setBytes(bytes, 0, this.#prefix);
    this.#list = this.#list.filter((group) => !group.address.equals(address));
  }

  find(address: Address): Group | undefined {
    const list = this.#list;
    // By index: an iterator is an object, and this is asked for every frame on the air.
    for (let i = 0; i < list.length; i++) if (list[i].address.equals(address)) return list[i];
    return undefined;
  }
}
