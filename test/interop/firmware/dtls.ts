/**
 * One end of DTLS to hold against others' (dtls.test.ts): a server that says back what it hears, or
 * a client that says one line and hears one, and does it again where it is told to resume. What
 * happens is one line of the log each.
 */
import { fromHex, toHex } from "../../../modules/bytes/hex.js";
import { fromUtf8, utf8 } from "../../../modules/bytes/utf8.js";
import { NobleP256 } from "../../../modules/crypto/noble-p256.js";
import type { Connection } from "../../../modules/dtls/connection.js";
import type { OwnKey, Trust } from "../../../modules/dtls/credentials.js";
import { type ConnectOptions, DtlsEndpoint } from "../../../modules/dtls/endpoint.js";
import type { Finished } from "../../../modules/dtls/handshake.js";
import type { PeerIdentity } from "../../../modules/dtls/session.js";
import { StoredSessions } from "../../../modules/dtls/stored-sessions.js";
import type { Board } from "../../../modules/ports/board.js";
import type { Crypto } from "../../../modules/ports/crypto.js";
import type { DatagramPort, Endpoint } from "../../../modules/ports/datagram.js";
import type { Flash } from "../../../modules/ports/flash.js";
import { Store } from "../../../modules/store/store.js";

/** Bytes are in hex. */
export interface DtlsEnd {
  readonly role: "server" | "client";
  readonly psk?: { readonly identity: string; readonly key: string };
  /** A private key of 32 bytes, and certificates in DER, or none. */
  readonly own?: { readonly secret: string; readonly chain: readonly string[] };
  readonly trust?: { readonly rawKeys?: readonly string[]; readonly anchors?: readonly string[] };
  readonly cidBytes?: number;
  readonly datagramBytes?: number;
  /** A client's: where the server is. */
  readonly to?: { readonly address: string; readonly port: number };
  /** A client's: waits to be asked by a HelloRequest first. A server's: asks this one. */
  readonly helloRequest?: { readonly address: string; readonly port: number };
  /** A client's: connects so many times, resuming where flash has a session. */
  readonly times?: number;
  /** A CoAP message of this text's hex in the place of a line, to hold against a CoAP server. */
  readonly say?: string;
}

export type DtlsBoard = Pick<Board, "clock" | "random" | "crypto" | "flash" | "log"> & {
  readonly datagram?: DatagramPort | undefined;
};

const PORT = 5683;
const PAUSE_MICROS = 300_000;
const SESSIONS = 8;
const SERVER = "server";

/** Begins at once; never ends of its own. */
export class DtlsProgram {
  readonly #board: DtlsBoard;
  readonly #end: DtlsEnd;
  readonly #port: DatagramPort;
  readonly #dtls: DtlsEndpoint;
  readonly #sessions: StoredSessions;
  #left: number;

  constructor(board: DtlsBoard, end: DtlsEnd) {
    this.#board = board;
    this.#end = end;
    this.#left = end.times ?? 1;
    this.#port = board.datagram as DatagramPort;
    this.#sessions = new StoredSessions(storeIn(board.flash), SESSIONS);
    const { clock, random } = board;
    const crypto = withP256(board.crypto);
    const { cidBytes, datagramBytes } = end;
    const options = {
      ...(end.role === "server" ? { server: this.#server(crypto), sessions: this.#sessions } : {}),
      ...(cidBytes === undefined ? {} : { cidBytes }),
      ...(datagramBytes === undefined ? {} : { datagramBytes }),
    };
    this.#dtls = new DtlsEndpoint({ clock, random, crypto }, options, {
      send: (to, bytes) => void this.#port.send({ to, fromPort: PORT, bytes }),
      opened: (connection, finished) => this.#opened(connection, finished),
      data: (connection, data) => this.#heard(connection, data),
      closed: (_, { reason, alert }) => {
        board.log(`ended ${reason}${alert === undefined ? "" : ` ${alert}`}`);
        if (end.role === "client" && reason === "closed") this.#again();
      },
      moved: ({ peer }) => board.log(`moved ${peer.port}`),
      helloRequested: () => {
        board.log("asked");
        return end.helloRequest === undefined ? undefined : this.#client(crypto);
      },
      dropped: (_, reason) => board.log(`dropped ${reason}`),
    });
    this.#port.onDatagram = ({ from, bytes }) => this.#dtls.receive(from, bytes);
    clock.after(PAUSE_MICROS, () => this.#begin(crypto));
  }

  #begin(crypto: Crypto): void {
    const { role, helloRequest } = this.#end;
    if (role === "client" && helloRequest === undefined) this.#connect(crypto);
    if (role === "server" && helloRequest !== undefined) {
      this.#dtls.requestHello(endpointOf(helloRequest));
    }
    this.#board.log("ready");
  }

  #connect(crypto: Crypto): void {
    const { to } = this.#end;
    if (to !== undefined) this.#dtls.connect(endpointOf(to), this.#client(crypto));
  }

  #again(): void {
    if (--this.#left === 0) this.#board.log("done");
    else this.#board.clock.after(PAUSE_MICROS, () => this.#connect(withP256(this.#board.crypto)));
  }

  #client(crypto: Crypto): ConnectOptions {
    const { psk } = this.#end;
    const own = this.#own(crypto);
    const trust = this.#trust();
    const credentials = {
      ...(psk === undefined
        ? {}
        : { psk: { identity: utf8(psk.identity), key: fromHex(psk.key) } }),
      ...(own === undefined ? {} : { own }),
      ...(trust === undefined ? {} : { trust }),
    };
    const session = this.#sessions.with(utf8(SERVER));
    return { credentials, ...(session === undefined ? {} : { resume: session }) };
  }

  #server(crypto: Crypto) {
    const { psk } = this.#end;
    const own = this.#own(crypto);
    const trust = this.#trust();
    const keyOf = (identity: Uint8Array) =>
      fromUtf8(identity) === psk?.identity ? fromHex(psk?.key ?? "") : undefined;
    return {
      ...(psk === undefined ? {} : { psk: keyOf }),
      ...(own === undefined ? {} : { own }),
      ...(trust === undefined ? {} : { trust }),
    };
  }

  #own(crypto: Crypto): OwnKey | undefined {
    const { own } = this.#end;
    const { p256 } = crypto;
    if (own === undefined || p256 === undefined) return undefined;
    return { key: p256.keyPair(fromHex(own.secret)), chain: own.chain.map(fromHex) };
  }

  #trust(): Trust | undefined {
    const { trust } = this.#end;
    if (trust === undefined) return undefined;
    const { rawKeys, anchors } = trust;
    return {
      ...(rawKeys === undefined
        ? {}
        : { rawKey: (key: Uint8Array) => rawKeys.includes(toHex(key)) }),
      ...(anchors === undefined ? {} : { anchors: anchors.map(fromHex) }),
    };
  }

  #opened(connection: Connection, { peer, session, isResumed }: Finished): void {
    this.#board.log(`${isResumed ? "resumed" : "opened"} ${nameOf(peer)}`);
    if (this.#end.role !== "client") return;
    if (session !== undefined) this.#sessions.keep(utf8(SERVER), session);
    const { say } = this.#end;
    connection.send(say === undefined ? utf8("a line of ours\n") : fromHex(say));
  }

  #heard(connection: Connection, data: Uint8Array): void {
    const text = this.#end.say === undefined ? fromUtf8(data)?.trim() : toHex(data);
    this.#board.log(`heard ${text}`);
    if (this.#end.role === "server") connection.send(data);
    else connection.close();
  }
}

/** What flash holds; an empty store where it is blank. */
export function storeIn(flash: Flash): Store {
  const before = Store.open({ flash });
  if (before.ok) return before.store;
  if (!Store.format({ flash })) throw new Error("flash refuses");
  const opened = Store.open({ flash });
  if (!opened.ok) throw new Error(opened.error.message);
  return opened.store;
}

function nameOf(peer: PeerIdentity): string {
  if (peer.by === "psk") return `psk ${fromUtf8(peer.identity)}`;
  if (peer.by === "rawPublicKey") return `rawPublicKey ${toHex(peer.publicKey)}`;
  return peer.by === "certificate" ? `certificate ${peer.names.join(" ")}` : peer.by;
}

function endpointOf({ address, port }: { address: string; port: number }): Endpoint {
  return { address: fromHex(address), port };
}

/** The board's cryptography, and curves that no board has yet. */
function withP256(base: Crypto): Crypto {
  return {
    aeadKey: (algorithm, raw) => base.aeadKey(algorithm, raw),
    sha256: (data) => base.sha256(data),
    hmac: (input) => base.hmac(input),
    hkdf: (input) => base.hkdf(input),
    hkdfExpand: (input) => base.hkdfExpand(input),
    signatures: undefined,
    p256: new NobleP256(),
  };
}
