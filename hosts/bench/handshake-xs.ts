/** handshake.ts on XS, run by `lumicast test`. */
import { fromHex } from "../../modules/bytes/hex.js";
import { HostCrypto } from "../../platforms/headless/crypto.js";
import { host } from "../../platforms/headless/host.js";
import { alone, type Heard, handshakes } from "./handshake.js";

/** What is to be done, in JSON. */
export type HandshakeWish =
  /** So many handshakes, timed; both ends. */
  | { readonly count: number }
  /** One, of one end; or all but that. */
  | { readonly side: keyof Heard; readonly heard: readonly string[]; readonly isIdle: boolean };

export function run(wish: HandshakeWish): number {
  const { nanos, print, gc, usage } = host();
  const engine = { crypto: new HostCrypto(), nowMicros: () => nanos() / 1000, collect: () => gc() };
  if ("count" in wish) {
    print(JSON.stringify(handshakes(engine, wish.count)));
    return 0;
  }
  const shake = alone(engine, wish.side, wish.heard.map(fromHex));
  if (!wish.isIdle) shake();
  print(JSON.stringify(usage()));
  return 0;
}
