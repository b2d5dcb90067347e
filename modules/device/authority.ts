/**
 * The installation's word on who gives this device its keys: field 21 of provisioning, read by
 * nobody in images without channels.
 */
import { CborReader } from "../cbor/reader.js";
import type { KdcChannel, Trusted } from "../groups/trusted.js";
import type { Endpoint } from "../ports/datagram.js";
import { Fields } from "./fields.js";

/** With the factory credential; no `server` where it was there for commissioning alone. */
export interface Authority extends KdcChannel {
  readonly kdc: Trusted;
  /** As whom the one with the same credential commands this device; absent: as nobody. */
  readonly manager: Uint8Array | undefined;
  /** Of the server's signed time; absent: it is not asked for any. */
  readonly timeKey: Uint8Array | undefined;
  /** Tokens have to end, and others' wait until the time was told (groups/trust.ts). */
  readonly isStrict: boolean;
}

/** Undefined without the field; throws an Error that names what is wrong in it. */
export function authorityIn(blob: Uint8Array): Authority | undefined {
  const root = new Fields(new CborReader(blob), "provisioning");
  root.enter();
  if (!root.has(21)) return undefined;
  const fields = root.fields(21, "authority");
  const authority = {
    kdc: {
      issuer: fields.text(0, "issuer"),
      kid: fields.bytes(1, "kid", 1, 16),
      publicKey: fields.bytes(2, "publicKey", 32, 32),
      audience: fields.text(3, "audience"),
    },
    identity: fields.bytes(4, "identity", 1, 64),
    psk: fields.bytes(5, "psk", 16, 64),
    center: endpoint(fields.fields(6, "center")),
    server: fields.has(7) ? endpoint(fields.fields(7, "server")) : undefined,
    manager: fields.has(8) ? fields.minimal(8, "manager") : undefined,
    timeKey: fields.has(9) ? fields.bytes(9, "timeKey", 32, 32) : undefined,
    isStrict: fields.has(10) && fields.isTrue(10),
  };
  fields.leave();
  return authority;
}

function endpoint(fields: Fields): Endpoint {
  const address = fields.bytes(0, "address", 4, 16);
  const port = fields.uint(1, "port", 0xffff);
  fields.leave();
  return { address, port };
}
