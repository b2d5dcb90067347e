/** A server and a client with a pre-shared key on a network of their own. */
import { fromHex } from "../../modules/bytes/hex.js";
import { utf8 } from "../../modules/bytes/utf8.js";
import { equal } from "../harness.js";
import { DtlsNet, DtlsPeer } from "./dtls.js";

const KEY = "000102030405060708090a0b0c0d0e0f";
export const IDENTITY = utf8("switch 7");

export function psk() {
  return { psk: { identity: IDENTITY, key: fromHex(KEY) } };
}

export const pskOf = () => fromHex(KEY);

export function pair(server = {}, client = {}) {
  const net = new DtlsNet();
  const one = new DtlsPeer(net, 1, { server: { psk: pskOf }, ...server });
  const two = new DtlsPeer(net, 2, client);
  const connect = (more = {}) => two.dtls.connect(one.address, { credentials: psk(), ...more });
  return { net, server: one, client: two, connect };
}

/** An open connection. */
export function opened(server = {}) {
  const all = pair(server);
  all.connect();
  all.net.settle();
  all.client.connection.send(utf8("on"));
  all.net.settle();
  equal(all.server.data.length, 1);
  return { ...all, since: all.net.sent.length };
}

/** The connection still carries data both ways. */
export function lives({ net, server, client }: ReturnType<typeof pair>): void {
  const [heard, answered] = [server.data.length, client.data.length];
  client.connection.send(utf8("still on"));
  server.connection.send(utf8("still here"));
  net.settle();
  equal([server.data.length, client.data.length], [heard + 1, answered + 1]);
}
