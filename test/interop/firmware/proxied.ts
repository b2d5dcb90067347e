/**
 * A client of a luminaire that it reaches by a forward proxy (RFC 7252 §5.7): OSCORE from end to
 * end, DTLS to the proxy. The proxy learns whom a request is for (RFC 8613 §4.1.3.3: outside stands
 * a Proxy-Uri without path and query) and nothing else.
 */
import { fromHex, toHex } from "../../../modules/bytes/hex.js";
import { utf8 } from "../../../modules/bytes/utf8.js";
import { emitMessage, type Option, parseMessage } from "../../../modules/coap/message.js";
import { isRequest, PROXY_URI } from "../../../modules/coap/options.js";
import type { Connection } from "../../../modules/dtls/connection.js";
import { DtlsEndpoint } from "../../../modules/dtls/endpoint.js";
import { derivePair } from "../../../modules/oscore/pair-context.js";
import { Recipients } from "../../../modules/oscore/recipients.js";
import type { DatagramPort } from "../../../modules/ports/datagram.js";
import { OscoreChannels, oscoreId } from "../../../modules/secure/oscore.js";
import type { SecureResponse } from "../../../modules/secure/request.js";
import { type DtlsBoard, storeIn } from "./dtls.js";

/** Bytes are in hex. */
export interface Proxied {
  readonly psk: { readonly identity: string; readonly key: string };
  readonly proxy: { readonly address: string; readonly port: number };
  /** Of the luminaire, without a path, as the proxy is told. */
  readonly uri: string;
  readonly pair: Readonly<Record<"secret" | "salt" | "own" | "peer", string>>;
  readonly asks: readonly ProxiedAsk[];
}

export interface ProxiedAsk {
  readonly method: number;
  readonly path: readonly string[];
  readonly payload?: string;
}

const PORT = 5683;
const PAUSE_MICROS = 300_000;

/** Asks one after the other and says what came of each; never ends of its own. */
export class ProxiedProgram {
  readonly #board: DtlsBoard;
  readonly #what: Proxied;
  readonly #dtls: DtlsEndpoint;
  readonly #channels: OscoreChannels;
  readonly #asks: ProxiedAsk[];
  #connection: Connection | undefined = undefined;

  constructor(board: DtlsBoard, what: Proxied) {
    this.#board = board;
    this.#what = what;
    this.#asks = what.asks.slice();
    const { clock, random, crypto } = board;
    const port = board.datagram as DatagramPort;
    this.#channels = this.#context();
    // The peer is where the proxy says that he is: nothing of that is seen here.
    const at = { from: peerAt(what), to: peerAt(what) };
    this.#dtls = new DtlsEndpoint(
      { clock, random, crypto },
      {},
      {
        send: (to, bytes) => void port.send({ to, fromPort: PORT, bytes }),
        opened: (connection) => {
          board.log("opened");
          this.#connection = connection;
          this.#next();
        },
        data: (_, bytes) => {
          const taken = this.#channels.receive({ ...at, bytes });
          if (!taken.ok) board.log(`dropped ${taken.drop}`);
        },
        closed: (_, { reason }) => board.log(`ended ${reason}`),
        moved: () => {},
        helloRequested: () => undefined,
        dropped: (_, reason) => board.log(`dropped ${reason}`),
      },
    );
    port.onDatagram = ({ from, bytes }) => this.#dtls.receive(from, bytes);
    clock.after(PAUSE_MICROS, () => this.#connect());
    board.log("ready");
  }

  #connect(): void {
    const { psk, proxy } = this.#what;
    const credentials = { psk: { identity: utf8(psk.identity), key: fromHex(psk.key) } };
    const { address, port } = proxy;
    this.#dtls.connect({ address: fromHex(address), port }, { credentials });
  }

  #context(): OscoreChannels {
    const { clock, random, crypto, flash } = this.#board;
    const { secret, salt, own, peer } = this.#what.pair;
    const store = storeIn(flash);
    OscoreChannels.install(store, 0);
    const ids = { ownId: fromHex(own), peerId: fromHex(peer) };
    const names = { idContext: null, keyId: new Uint8Array(0) };
    const secrets = { ...ids, secret: fromHex(secret), salt: fromHex(salt) };
    const channels = new OscoreChannels({
      ...{ clock, random, crypto, store, recipients: new Recipients({ store, capacity: 1 }) },
      handler: undefined,
      send: (_, bytes) => this.#connection?.send(this.#outward(bytes)) === true,
    });
    const context = derivePair(crypto, secrets, names);
    channels.add({ context, index: 0, at: peerAt(this.#what) });
    return channels;
  }

  /** What the proxy has to know, outside of what is protected. */
  #outward(bytes: Uint8Array): Uint8Array {
    const parsed = parseMessage(bytes);
    if (!parsed.ok || !isRequest(parsed.value.code)) return bytes;
    // The only other option outside is 9, OSCORE's.
    const uri: Option = { number: PROXY_URI, value: utf8(this.#what.uri) };
    return emitMessage({ ...parsed.value, options: [...parsed.value.options, uri] });
  }

  #next(): void {
    const ask = this.#asks.shift();
    const { log } = this.#board;
    if (ask === undefined) {
      log("done");
      return;
    }
    const { method, path, payload } = ask;
    const said = payload === undefined ? {} : { payload: fromHex(payload) };
    const peer = oscoreId(this.#board.crypto, fromHex(this.#what.pair.peer));
    this.#channels.ask(peer, { method, path, ...said }, (answered) => {
      if (!answered.ok) log(`answer ${answered.why}`);
      else log(`answer ${answered.response.code} ${hexOf(answered.response)}`);
      this.#next();
    });
  }
}

function hexOf({ payload }: SecureResponse): string {
  return payload === undefined ? "" : toHex(payload);
}

function peerAt({ proxy }: Proxied) {
  return { address: fromHex(proxy.address), port: PORT };
}
