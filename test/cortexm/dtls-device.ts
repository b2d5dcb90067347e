/** A device that does nothing but DTLS with a pre-shared key: one end of dtls.test.ts. */
import { utf8 } from "../../modules/bytes/utf8.js";
import { parseProvisioning } from "../../modules/device/provision.js";
import { DtlsEndpoint } from "../../modules/dtls/endpoint.js";
import type { Endpoint } from "../../modules/ports/datagram.js";
import { board } from "../../platforms/headless/board.js";

const PORT = 5684;
const KEY = "sixteen letters.";
const PAUSE_MICROS = 100_000;

/** `peer`: the short address of the server that a client connects to; a server has none. */
export function start(peer?: number): void {
  const { clock, random, crypto, mesh, provisioning, log } = board();
  const place = parseProvisioning(provisioning() ?? new Uint8Array(0)).network;
  if (place === undefined || mesh === undefined) throw new Error("not on a medium");
  const net = mesh(place);
  const psk = { identity: utf8("lamp"), key: utf8(KEY) };
  const options = peer === undefined ? { server: { psk: () => utf8(KEY) } } : {};
  const dtls = new DtlsEndpoint({ clock, random, crypto }, options, {
    send: (to, bytes) => void net.send({ to, fromPort: PORT, bytes }),
    opened: (connection, { isResumed }) => {
      log(isResumed ? "resumed" : "opened");
      if (peer !== undefined) connection.send(utf8("on"));
    },
    data: (connection, data) => {
      log(`heard ${data.length}`);
      if (peer === undefined) connection.send(data);
    },
    closed: (_, { reason }) => log(`ended ${reason}`),
  });
  net.onDatagram = ({ from, bytes }) => dtls.receive(from, bytes);
  if (peer === undefined) return;
  const to: Endpoint = { address: net.address.slice(), port: PORT };
  to.address[14] = peer >> 8;
  to.address[15] = peer;
  clock.after(PAUSE_MICROS, () => {
    log("connects");
    dtls.connect(to, { credentials: { psk } });
  });
}
