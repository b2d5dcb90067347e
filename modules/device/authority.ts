/**
 * The installation's word on who gives this device its keys: field 21 of provisioning, read by
 * nobody in images without channels.
 */
import { CborReader } from "../cbor/reader.js";
import type { KdcChannel, Trusted } from "../groups/trusted.js";
import type { Endpoint } from "../ports/datagram.js";
import { type FactoryKey, factoryKeyIn } from "./factory.js";
import { Fields } from "./fields.js";

/** With the factory credential; no `server` where it was there for commissioning alone. */
export interface Authority {
  readonly kdc: Trusted;
  readonly center: Endpoint;
  readonly server: Endpoint | undefined;
  /** Shared with the KDC, or the device's own. */
  readonly factory: Pick<KdcChannel, "identity" | "psk"> | FactoryKey;
  /** As whom the KDC, or whoever has the same credential, commands this device; absent: nobody. */
  readonly manager: Uint8Array | undefined;
  /** Of the server's signed time; absent: it is not asked for any. */
  readonly timeKey: Uint8Array | undefined;
  /** Tokens have to end, and others' wait until the time was told (groups/trust.ts). */
  readonly isStrict: boolean;
}

export function hasAuthority(blob: Uint8Array): boolean {
  return rootOf(blob).has(21);
}

/** Undefined without the field; throws an Error that names what is wrong in it. */
export function authorityIn(blob: Uint8Array): Authority | undefined {
  const root = rootOf(blob);
  if (!root.has(21)) return undefined;
  const fields = root.fields(21, "authority");
  const kdc = {
    issuer: fields.text(0, "issuer"),
    kid: fields.bytes(1, "kid", 1, 16),
    publicKey: fields.bytes(2, "publicKey", 32, 32),
    audience: fields.text(3, "audience"),
  };
  const shared = fields.has(4)
    ? { identity: fields.bytes(4, "identity", 1, 64), psk: fields.bytes(5, "psk", 16, 64) }
    : undefined;
  const rest = {
    center: endpoint(fields.fields(6, "center")),
    server: fields.has(7) ? endpoint(fields.fields(7, "server")) : undefined,
    manager: fields.has(8) ? fields.minimal(8, "manager") : undefined,
    timeKey: fields.has(9) ? fields.bytes(9, "timeKey", 32, 32) : undefined,
    isStrict: fields.has(10) && fields.isTrue(10),
  };
  const own = factoryKeyIn(fields);
  fields.leave();
  const factory = shared ?? own;
  const isOne = factory !== undefined && (shared === undefined || own === undefined);
  if (!isOne) throw new Error("provisioning.authority: a pre-shared key or a key of its own");
  return { kdc, factory, ...rest };
}

function rootOf(blob: Uint8Array): Fields {
  const root = new Fields(new CborReader(blob), "provisioning");
  root.enter();
  return root;
}

function endpoint(fields: Fields): Endpoint {
  const address = fields.bytes(0, "address", 4, 16);
  const port = fields.uint(1, "port", 0xffff);
  fields.leave();
  return { address, port };
}
