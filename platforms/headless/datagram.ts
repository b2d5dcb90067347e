import type { Datagram, DatagramPort, Endpoint } from "../../modules/ports/datagram.js";

/** The computer's own UDP over IPv6, for a device without a medium. The host calls onDatagram. */
export class HostDatagrams implements DatagramPort {
  readonly address = lumicastHost.udpAddress();
  onDatagram: ((datagram: Datagram) => void) | undefined = undefined;

  join(group: Uint8Array): boolean {
    return lumicastHost.udpJoin(group);
  }

  leave(group: Uint8Array): void {
    lumicastHost.udpLeave(group);
  }

  send(datagram: { to: Endpoint; fromPort: number; bytes: Uint8Array }): boolean {
    const { address, port } = datagram.to;
    return lumicastHost.udpSend(address, port, datagram.fromPort, datagram.bytes);
  }
}
