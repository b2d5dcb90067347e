/** Datagrams made by hand for a device under test: any sender, any number, any key. */

import { uintBytes } from "../../modules/bytes/uint.js";
import { utf8 } from "../../modules/bytes/utf8.js";
import { NON, type Option } from "../../modules/coap/message.js";
import { POST, URI_PATH } from "../../modules/coap/options.js";
import { TsCrypto } from "../../modules/crypto/crypto.js";
import { Workspace } from "../../modules/oscore/aad.js";
import type { Datagram, Endpoint } from "../../modules/ports/datagram.js";
import { lowlatency } from "../../modules/profiles/lowlatency.js";
import type { RequestBinding } from "../../modules/profiles/profile.js";
import { deviceAddress } from "./addresses.js";
import { GROUP_ADDRESS, PORT } from "./rig.js";

export interface Craft {
  readonly sequence: number;
  /** Client id of one byte. */
  readonly sender?: number;
  readonly appGroup?: number;
  readonly keyId?: number;
  /** All 16 bytes of the key. */
  readonly fill?: number;
  readonly to?: Endpoint;
  readonly from?: Endpoint;
  readonly type?: number;
  readonly mid?: number;
  readonly token?: Uint8Array;
  readonly code?: number;
  readonly path?: string;
  readonly options?: readonly Option[];
  readonly clear?: readonly Option[];
  readonly payload?: Uint8Array | undefined;
  readonly request?: RequestBinding;
}

/** `{0: true}`: on. */
export const ON = Uint8Array.of(0xa1, 0x00, 0xf5);
/** `{0: false}`: off. */
export const OFF = Uint8Array.of(0xa1, 0x00, 0xf4);

export const GROUP: Endpoint = { address: GROUP_ADDRESS, port: PORT };

/** A genuine message: by default client 1 says "on" to group 1 under the rig's key 7. */
export function craft(wish: Craft): Datagram {
  const sender = wish.sender ?? 1;
  const to = wish.to ?? GROUP;
  const material = lowlatency.importKey(new TsCrypto(), {
    keyId: Uint8Array.of(wish.keyId ?? 7),
    raw: new Uint8Array(16).fill(wish.fill ?? 0xa1),
  });
  const bytes = lowlatency.seal(
    material,
    {
      header: {
        type: wish.type ?? NON,
        mid: wish.mid ?? wish.sequence % 0x10000,
        token: wish.token ?? new Uint8Array(0),
      },
      inner: {
        code: wish.code ?? POST,
        options: inOrder([...pathOptions(wish.path ?? "l"), ...(wish.options ?? [])]),
        payload: "payload" in wish ? wish.payload : ON,
      },
      clear: wish.clear ?? [],
      appGroup: { id: wish.appGroup ?? 1 },
      sender: Uint8Array.of(sender),
      piv: uintBytes(wish.sequence),
      to,
      request: wish.request,
    },
    new Workspace(),
  );
  return { from: wish.from ?? memberEndpoint(sender), to, bytes, atMicros: 0 };
}

/** Where the rig's device `number` lives. */
export function memberEndpoint(number: number): Endpoint {
  return { address: deviceAddress(number), port: PORT };
}

export function pathOptions(path: string): Option[] {
  return path.split("/").map((segment) => ({ number: URI_PATH, value: utf8(segment) }));
}

/** The same datagram with other bytes. */
export function withBytes(datagram: Datagram, change: (bytes: Uint8Array) => void): Datagram {
  const bytes = datagram.bytes.slice();
  change(bytes);
  return { ...datagram, bytes };
}

function inOrder(options: Option[]): Option[] {
  return options.sort((a, b) => a.number - b.number);
}
