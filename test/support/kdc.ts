/** A KDC with one group, devices that have tokens for it, and what they say to it. */
import { RECEIVER, type Scope, SENDER } from "../../modules/access/scope.js";
import type { Reply } from "../../modules/authority/answers.js";
import type { Center } from "../../modules/authority/distribution.js";
import { answerKdc } from "../../modules/authority/kdc-face.js";
import type { Rows } from "../../modules/authority/ledger.js";
import { MemoryLedger } from "../../modules/authority/memory.js";
import {
  type Group,
  groups,
  NONE,
  numberKey,
  type Policy,
  policies,
  USUAL,
} from "../../modules/authority/records.js";
import { enrol, grantToken } from "../../modules/authority/server.js";
import { fromHex, toHex } from "../../modules/bytes/hex.js";
import { uintBytes } from "../../modules/bytes/uint.js";
import { type Cbor, decode } from "../../modules/cbor/decode.js";
import { encode } from "../../modules/cbor/encode.js";
import type { EnvelopeKey } from "../../modules/cose/envelope.js";
import { AES_CCM_16_64_128, type Signer } from "../../modules/ports/crypto.js";
import type { SecureRequest } from "../../modules/secure/request.js";
import { APPLICATION, ask, centerOf, furnish, GROUP, parties, TERMS } from "./authority.js";

export const NOW = 1_790_000_000;

/** May be anything in the group. */
export const ALL: Scope = [{ appGroup: APPLICATION, level: 2, roles: SENDER | RECEIVER }];

/** Application/ace-groupcomm+cbor. */
const GROUPCOMM = 261;

export type Said = Partial<Omit<SecureRequest, "from" | "path">> & { by?: "dtls" | "oscore" };

export class Kdc {
  readonly ledger = new MemoryLedger();
  readonly center: Center;
  now = NOW;

  constructor(terms: Partial<typeof TERMS> = {}, center: Partial<Center> = {}) {
    this.center = { ...centerOf(), ...center };
    this.run((rows) => furnish(rows, this.center, { ...TERMS, ...terms }));
  }

  run<T>(decide: (rows: Rows) => T): T {
    return this.ledger.run(decide);
  }

  set(policy: Partial<Policy>): void {
    this.run((rows) => policies.put(rows, numberKey(GROUP), { ...USUAL, ...policy }));
  }

  get group(): Group {
    return this.run((rows) => groups.need(rows, numberKey(GROUP)));
  }

  /** A token for the device whose channel shows `c1`, `c2`, ... */
  token(at: number, scope: Scope = ALL, seconds = NONE): Uint8Array {
    const { as } = parties();
    return this.run((rows) => {
      const credential = fromHex(askerOf(at));
      const device = { name: `device ${at}`, credential, scope, tokenSeconds: seconds };
      enrol(rows, uintBytes(0x1000 + at), device);
      const granted = grantToken(rows, as, { credential, audience: "kdc", now: this.now });
      if (!granted.ok) throw new Error(granted.fault);
      return granted.value;
    });
  }

  say(at: number, path: string, said: Said = {}): Reply {
    const parts = { center: this.center, now: () => this.now };
    const request = ask({ path, from: askerOf(at), format: GROUPCOMM, ...said });
    const from = { ...request.from, pairwise: pairwise() };
    return this.run((rows) => answerKdc(rows, parts, { ...request, from }));
  }

  /** Presents the token; what has to be signed then. */
  admit(at: number, scope: Scope = ALL, seconds = NONE): Uint8Array {
    const token = this.token(at, scope, seconds);
    const { response } = this.say(at, "authz-info", { format: 61, payload: token });
    const challenge = mapIn(response.payload)?.get(46);
    if (!(challenge instanceof Uint8Array)) throw new Error(`no challenge: ${response.code}`);
    return challenge;
  }

  get(at: number, path: string): Reply {
    return this.say(at, path, { method: 1 });
  }
}

/** What the channel of a device shows: c1, c2, ... */
function askerOf(at: number): string {
  return toHex(uintBytes(0xc0 + at));
}

export function pairwise(): EnvelopeKey {
  const raw = fromHex("000102030405060708090a0b0c0d0e0f");
  return { kid: fromHex("01"), key: parties().crypto.aeadKey(AES_CCM_16_64_128, raw) };
}

export function mapIn(payload: Uint8Array | undefined): Map<Cbor, Cbor> | undefined {
  const decoded = decode(payload ?? new Uint8Array(0));
  return decoded.ok && decoded.value instanceof Map ? decoded.value : undefined;
}

export function cborMap(...entries: readonly [number, Cbor][]): Uint8Array {
  return encode(new Map<Cbor, Cbor>(entries));
}

/** "4.03 scope", and RFC 9594's error where there is one. */
export function outcome({ response, refused }: Reply): string {
  const code = `${response.code >> 5}.${`${response.code & 31}`.padStart(2, "0")}`;
  const error = response.format === 257 ? mapIn(response.payload)?.get(0) : undefined;
  const id = error instanceof Map ? ` error ${error.get(0)}` : "";
  return `${code}${refused === undefined ? "" : ` ${refused}`}${id}`;
}

/** A key pair of a member. */
export function memberSigner(at: number): Signer {
  const { signatures } = parties().crypto;
  if (signatures === undefined) throw new Error("the first provider signs");
  return signatures.signer(new Uint8Array(32).fill(at));
}
