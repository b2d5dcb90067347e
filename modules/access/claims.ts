/**
 * The claims of our tokens (RFC 8392 §3, RFC 8747 §3, WIRE.md "Tokens and keys").
 *
 * AT-KDC is what an Authorization Server gives a device, for the Key Distribution Center; AT-R is
 * what that one gives it, for receivers. Both are one map: AT-R has the last two claims besides.
 * Integers are integers (a date with a fraction, or below zero, is no date), the client id is the
 * minimal byte string it is on the air, and claims we do not know are refused: what an issuer means
 * by one, a lamp cannot find out.
 */
import { decodeMap } from "../cbor/containers.js";
import type { Cbor } from "../cbor/decode.js";
import { encode } from "../cbor/encode.js";
import { emitScope, parseScope, type Scope } from "./scope.js";

const ISS = 1;
const SUB = 2;
const AUD = 3;
const EXP = 4;
const IAT = 6;
const CTI = 7;
const CNF = 8;
const SCOPE = 9;
/** Ours, from the range for private use. */
const SECURITY_GROUP = -70001;
const KEY_ENVELOPE = -70002;

/** RFC 8747 §3.1. */
const CNF_COSE_KEY = 1;
const CNF_KID = 3;

const LIMITS = { depthMax: 5, itemsMax: 64 };
const CLIENT_BYTES_MAX = 8;
const NAME_CHARS_MAX = 64;
const ID_BYTES_MAX = 16;

/** Whom a token belongs to: who shows that he has this key. */
export type Confirmation =
  | { readonly key: Map<Cbor, Cbor> }
  /** The key that this name stands for between issuer and audience. */
  | { readonly kid: Uint8Array };

export interface Claims {
  readonly issuer: string;
  /** The client id: 1 to 8 bytes, no leading zero. */
  readonly subject: Uint8Array;
  readonly audience: string;
  /** Unix seconds; undefined: never. */
  readonly expiresAt?: number;
  /** Unix seconds, or whatever the issuer counts where there is no clock: it only rises. */
  readonly issuedAt: number;
  /** Unlike that of any other token of the issuer; 1 to 16 bytes. */
  readonly id: Uint8Array;
  /** Undefined: who bears the token has its rights. */
  readonly confirmation?: Confirmation;
  readonly scope: Scope;
  /** AT-R alone: the security group, and its key in a COSE_Encrypt0. */
  readonly securityGroup?: Uint8Array;
  readonly envelope?: Cbor;
}

export function emitClaims(claims: Claims): Uint8Array {
  const map = new Map<Cbor, Cbor>([
    [ISS, claims.issuer],
    [SUB, claims.subject],
    [AUD, claims.audience],
    [IAT, claims.issuedAt],
    [CTI, claims.id],
    [SCOPE, emitScope(claims.scope)],
  ]);
  if (claims.expiresAt !== undefined) map.set(EXP, claims.expiresAt);
  const { confirmation } = claims;
  if (confirmation !== undefined) map.set(CNF, confirmationValue(confirmation));
  if (claims.securityGroup !== undefined) map.set(SECURITY_GROUP, claims.securityGroup);
  if (claims.envelope !== undefined) map.set(KEY_ENVELOPE, claims.envelope);
  return encode(map);
}

/** Undefined for anything but what `emitClaims` writes. */
export function parseClaims(bytes: Uint8Array): Claims | undefined {
  const map = decodeMap(bytes, LIMITS);
  if (map === undefined) return undefined;
  const taken = new Taken(map);
  const claims: Claims = {
    issuer: taken.text(ISS, NAME_CHARS_MAX),
    subject: taken.minimal(SUB, CLIENT_BYTES_MAX),
    audience: taken.text(AUD, NAME_CHARS_MAX),
    ...(map.has(EXP) ? { expiresAt: taken.date(EXP) } : {}),
    issuedAt: taken.date(IAT),
    id: taken.bytes(CTI, 1, ID_BYTES_MAX),
    ...(map.has(CNF) ? { confirmation: taken.read(CNF, confirmationOf) } : {}),
    scope: taken.read(SCOPE, (value) =>
      value instanceof Uint8Array ? parseScope(value) : undefined,
    ),
    ...(map.has(SECURITY_GROUP)
      ? { securityGroup: taken.bytes(SECURITY_GROUP, 1, ID_BYTES_MAX) }
      : {}),
    ...(map.has(KEY_ENVELOPE) ? { envelope: taken.read(KEY_ENVELOPE, arrayOf) } : {}),
  };
  const isWhole = taken.count === map.size;
  if (!isWhole) return undefined; // check: claims-extra
  return taken.failed ? undefined : claims;
}

/** Takes claim after claim out of a map and notes whether one was not what it has to be. */
class Taken {
  readonly #map: Map<Cbor, Cbor>;
  failed = false;
  count = 0;

  constructor(map: Map<Cbor, Cbor>) {
    this.#map = map;
  }

  read<T>(label: number, parse: (value: Cbor) => T | undefined): T {
    const parsed = parse(this.#map.get(label));
    this.count++;
    if (parsed === undefined) this.failed = true;
    return parsed as T;
  }

  text(label: number, charsMax: number): string {
    return this.read(label, (value) => {
      return typeof value === "string" && value !== "" && value.length <= charsMax
        ? value
        : undefined;
    });
  }

  bytes(label: number, least: number, most: number): Uint8Array {
    return this.read(label, (value) => {
      if (!(value instanceof Uint8Array)) return undefined;
      return value.length >= least && value.length <= most ? value : undefined;
    });
  }

  /** A client id as it is on the air. */
  minimal(label: number, most: number): Uint8Array {
    const value = this.bytes(label, 1, most);
    if (!this.failed && value.length > 1 && value[0] === 0) this.failed = true; // check: claims-sub
    return value;
  }

  /** NumericDate (RFC 8392 §2), whole seconds. */
  date(label: number): number {
    return this.read(label, (value) => {
      if (typeof value !== "number") return undefined;
      const isDate = Number.isInteger(value) && value >= 0;
      if (!isDate) return undefined; // check: claims-date
      return value;
    });
  }
}

function confirmationValue(confirmation: Confirmation): Cbor {
  return "key" in confirmation
    ? new Map<Cbor, Cbor>([[CNF_COSE_KEY, confirmation.key]])
    : new Map<Cbor, Cbor>([[CNF_KID, confirmation.kid]]);
}

function confirmationOf(value: Cbor): Confirmation | undefined {
  // Two ways to confirm would be two holders.
  if (!(value instanceof Map)) return undefined;
  if (value.size !== 1) return undefined; // check: claims-cnf-one
  const key = value.get(CNF_COSE_KEY);
  if (key instanceof Map) return { key };
  const kid = value.get(CNF_KID);
  return kid instanceof Uint8Array && kid.length > 0 ? { kid } : undefined;
}

function arrayOf(value: Cbor): Cbor | undefined {
  return Array.isArray(value) ? value : undefined;
}
