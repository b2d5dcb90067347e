/**
 * One that joins: opens a channel to an authority, asks its AS for a token and its KDC for keys,
 * and takes the keys that are pushed to it. What a device does, for programs of a computer.
 */

import { ACE_CBOR, emitTokenAsk, parseTokenAnswer } from "../../modules/access/ace.js";
import {
  emitQuestion,
  INCARNATION_BYTES,
  type KeyDelivery,
  parseDelivery,
} from "../../modules/access/delivery.js";
import { CBOR_FORMAT, CONTENT, CREATED, POST } from "../../modules/authority/answers.js";
import { codeText } from "../../modules/coap/options.js";
import type { ClientCredentials } from "../../modules/dtls/credentials.js";
import type { Clock } from "../../modules/ports/clock.js";
import type { Crypto } from "../../modules/ports/crypto.js";
import type { Endpoint } from "../../modules/ports/datagram.js";
import { DtlsChannels, type KeptSessions } from "../../modules/secure/dtls.js";
import type { Answered, Ask, Asker, SecureHandler } from "../../modules/secure/request.js";
import { random } from "./authority.js";
import { Fault } from "./fault.js";

const NONE = new Uint8Array(0);

export interface GuestParts {
  readonly clock: Clock;
  readonly crypto: Crypto;
  readonly send: (to: Endpoint, datagram: Uint8Array) => void;
  readonly credentials: () => ClientCredentials;
  /** What the authority asks of it; absent: it is not found. */
  readonly handler?: SecureHandler;
  /** Sessions to go on with; absent: each connection begins anew. */
  readonly kept?: KeptSessions;
  /** The connection is over. */
  readonly closed?: () => void;
  /** As old as the numbers that it keeps; absent: it keeps none, and each run begins anew. */
  readonly incarnation?: Uint8Array;
}

function incarnationOf(): Uint8Array {
  const made = new Uint8Array(INCARNATION_BYTES);
  random.fill(made);
  return made;
}

export class Guest {
  readonly #incarnation: Uint8Array;
  readonly channels: DtlsChannels;
  /** The authority's end of the open channel. */
  asker: Asker | undefined;

  constructor(parts: GuestParts) {
    const { clock, crypto, send, credentials, handler, kept, closed } = parts;
    this.#incarnation = parts.incarnation ?? incarnationOf();
    this.channels = new DtlsChannels(
      {
        clock,
        random,
        crypto,
        send,
        handler,
        opened: (asker) => {
          this.asker = asker;
        },
        ...(closed && { closed }),
      },
      { client: credentials, cidBytes: 0, ...(kept && { kept }) },
    );
  }

  /** AT-KDC. Throws a Fault that says why there is none. */
  async token(as: Endpoint, audience: string): Promise<Uint8Array> {
    const payload = emitTokenAsk({ audience });
    const asked = { method: POST, path: ["token"], format: ACE_CBOR, payload };
    const answer = await this.#ask(as, asked, CREATED, "a token");
    const { token } = parseTokenAnswer(answer) ?? {};
    if (token === undefined) throw new Fault("the authority's answer is no token");
    return token;
  }

  /** Keys of application groups. Throws a Fault that says why there are none. */
  async keys(
    kdc: Endpoint,
    token: Uint8Array,
    wanted: readonly number[],
    credential = NONE,
  ): Promise<KeyDelivery> {
    const payload = emitQuestion({ token, wanted, credential, incarnation: this.#incarnation });
    const asked = { method: POST, path: ["keys"], format: CBOR_FORMAT, payload };
    const delivery = parseDelivery(await this.#ask(kdc, asked, CONTENT, "keys"));
    if (delivery === undefined) throw new Fault("the authority's answer brings no keys");
    return delivery;
  }

  stop(): void {
    this.channels.stop();
  }

  async #ask(to: Endpoint, ask: Ask, code: number, what: string): Promise<Uint8Array> {
    const answered = await new Promise<Answered>((resolve) => {
      this.channels.ask(to, ask, resolve);
    });
    if (!answered.ok) throw new Fault(`no ${what.replace(/^a /, "")}: ${answered.why}`);
    const { response } = answered;
    if (response.code === code) return response.payload ?? NONE;
    const text = codeText(response.code);
    throw new Fault(`the authority refuses ${what} (${text}); its log says why: lumicast log`);
  }
}
