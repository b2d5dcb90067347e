/** The border router's part of an installation: CBOR of hosts/installation/provisioning.ts. */
import { CborReader } from "../../modules/cbor/reader.js";
import { Fields } from "../../modules/device/fields.js";
import { FORMAT_VERSION } from "../../modules/device/provision.js";

export interface Place {
  readonly eui64: Uint8Array;
  readonly pan: number;
  readonly short: number;
  /** First 8 bytes of the mesh's addresses. */
  readonly prefix: Uint8Array;
  readonly routes: ReadonlyMap<number, number>;
  /** Short addresses of those whose datagrams pass. */
  readonly devices: readonly number[];
}

/** Throws an Error that names the field. */
export function readPlace(bytes: Uint8Array): Place {
  const root = new Fields(new CborReader(bytes), "border");
  root.enter();
  const version = root.uint(0, "version", 0xffff);
  if (version !== FORMAT_VERSION) {
    throw new Error(`border.version: ${version}, this program reads ${FORMAT_VERSION}`);
  }
  const eui64 = root.bytes(1, "eui64", 8, 8);
  const network = root.fields(2, "network");
  const place = {
    eui64,
    pan: network.uint(0, "pan", 0xfffe),
    short: network.uint(1, "short", 0xfffd),
    prefix: network.bytes(2, "prefix", 8, 8),
    routes: network.has(3) ? network.numbers(3, "routes") : new Map<number, number>(),
  };
  network.isTrue(4);
  network.leave();
  const devices = root.uints(3, "devices", 0xfffd);
  root.leave();
  return { ...place, devices };
}

/** prefix, then 0000:00ff:fe00:XXXX. */
export function addressOf({ prefix }: Pick<Place, "prefix">, short: number): Uint8Array {
  const address = new Uint8Array(16);
  address.set(prefix);
  address.set([0, 0, 0, 0xff, 0xfe, 0, short >> 8, short & 0xff], 8);
  return address;
}
