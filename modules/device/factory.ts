/**
 * A factory credential that is a key of the device's own, on P-256: shown raw (RFC 7250), or by an
 * X.509 chain where there is one. With it come the keys, or the names, of those whom it believes:
 * under one anchor there are other devices too, so a name always goes with it.
 */
import type { Fields } from "./fields.js";

/** A raw public key, 65 bytes, or a name that certificates give. */
export type Whom = { readonly publicKey: Uint8Array } | { readonly name: string };

export interface FactoryKey {
  /** 32 bytes, wiped when it is imported. */
  readonly secret: Uint8Array;
  /** X.509 in DER, its own first; empty: it is shown raw. */
  readonly chain: readonly Uint8Array[];
  /** X.509 in DER; empty: raw keys are believed. */
  readonly anchors: readonly Uint8Array[];
  readonly center: Whom;
  readonly server: Whom;
  /** Who commands this device over a channel of their own, and as which client. */
  readonly operators: readonly { readonly client: Uint8Array; readonly is: Whom }[];
}

const SECRET = 11;
const CHAIN = 12;
const ANCHORS = 13;
const CENTER = 14;
const SERVER = 15;
const OPERATORS = 16;
const POINT_BYTES = 65;
const CERTIFICATE_BYTES_MAX = 1024;

/** Undefined without the field; throws an Error that names what is wrong in it. */
export function factoryKeyIn(fields: Fields): FactoryKey | undefined {
  if (!fields.has(SECRET)) return undefined;
  const secret = fields.bytes(SECRET, "key", 32, 32);
  const chain = fields.has(CHAIN) ? certificates(fields, CHAIN, "chain") : [];
  const anchors = fields.has(ANCHORS) ? certificates(fields, ANCHORS, "anchors") : [];
  const whom = (inner: Fields, key: number, name: string): Whom =>
    anchors.length > 0
      ? { name: inner.text(key, name) }
      : { publicKey: inner.bytes(key, name, POINT_BYTES, POINT_BYTES) };
  const center = whom(fields, CENTER, "centerIs");
  return {
    ...{ secret, chain, anchors, center },
    server: fields.has(SERVER) ? whom(fields, SERVER, "serverIs") : center,
    operators: fields.has(OPERATORS)
      ? fields.items(OPERATORS, "operators", (one) => ({
          client: one.minimal(0, "client"),
          is: whom(one, 1, "is"),
        }))
      : [],
  };
}

/** A list of `[certificate]`. */
function certificates(fields: Fields, key: number, name: string): Uint8Array[] {
  return fields.items(key, name, (one) => one.bytes(0, "certificate", 1, CERTIFICATE_BYTES_MAX));
}
