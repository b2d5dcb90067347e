import type { Datagram, DatagramPort, Endpoint } from "../../modules/ports/datagram.js";
import { netOpen, netSend } from "./bound.js";

/** The board's UDP over IPv6. C calls onDatagram. */
export class SdkDatagrams implements DatagramPort {
  onDatagram: ((datagram: Datagram) => void) | undefined = undefined;

  /** `ports` besides 5683. Throws an Error that says what is wrong and what mends it. */
  constructor(ports: readonly number[]) {
    const wrong = netOpen(this, ...ports);
    if (wrong !== undefined) throw new Error(`network: ${wrong}`);
  }

  get address(): Uint8Array {
    return native<Uint8Array>("xs_lumicast_net_address").call(this);
  }

  join(group: Uint8Array): boolean {
    return native<boolean>("xs_lumicast_net_join").call(this, group);
  }

  leave(group: Uint8Array): undefined {
    return native<undefined>("xs_lumicast_net_leave").call(this, group);
  }

  send(datagram: { to: Endpoint; fromPort: number; bytes: Uint8Array }): boolean {
    const { to, fromPort, bytes } = datagram;
    return netSend(to.address, to.port, fromPort, bytes);
  }
}
