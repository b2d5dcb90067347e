/** UDP datagrams. The destination address is always known: the security layer binds it. */

/** An IPv6 (16 bytes, no zone) or IPv4 (4 bytes) address and a UDP port. */
export interface Endpoint {
  readonly address: Uint8Array;
  readonly port: number;
}

export interface Datagram {
  readonly from: Endpoint;
  /** Where it was sent to: our unicast address, or the multicast group. */
  readonly to: Endpoint;
  readonly bytes: Uint8Array;
  /** When it arrived, on the clock port's time base. */
  readonly atMicros: number;
}

export interface DatagramPort {
  /** Our own unicast address (mesh-local or global; link-local where there is no other). */
  readonly address: Uint8Array;
  /** Subscribes to a multicast group. False when the network refused. */
  join(group: Uint8Array): boolean;
  leave(group: Uint8Array): void;
  /** Hands a datagram to the network; false when it cannot be queued. */
  send(datagram: { to: Endpoint; fromPort: number; bytes: Uint8Array }): boolean;
  /** Set by the owner; called once per datagram, never from inside `send`. */
  onDatagram: ((datagram: Datagram) => void) | undefined;
}
