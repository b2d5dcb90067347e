/** The commands that every profile carries, and how they are sealed. Runs on Node and on XS. */
import { uintBytes } from "../../modules/bytes/uint.js";
import { emitMessage, NON } from "../../modules/coap/message.js";
import { POST, URI_PATH } from "../../modules/coap/options.js";
import { type Command, encodeCommand } from "../../modules/lighting/command.js";
import { Workspace } from "../../modules/oscore/aad.js";
import type { Crypto } from "../../modules/ports/crypto.js";
import type { Endpoint } from "../../modules/ports/datagram.js";
import type { Departure, Inner } from "../../modules/profiles/profile.js";
import { GROUP_ADDRESS, LAMP_ADDRESS, type Party, PORT, type Variant } from "./variants.js";

/** ARCHITECTURE.md, `/l`: a level; a scene with a fade, in as many bytes as they can take. */
export const COMMANDS = Object.freeze({
  level: { on: true, level: 200 } as Command,
  full: { fadeTenths: 600, scene: 200 } as Command,
});
export type CommandName = keyof typeof COMMANDS;
export const COMMAND_NAMES: readonly CommandName[] = Object.freeze(["level", "full"]);

const HEADER = Object.freeze({ type: NON, mid: 0x1234 });
const APP_GROUP = 1;

/** POST /l; no Content-Format, as in modules/device/send.ts. */
export function innerOf(name: CommandName, code = POST): Inner {
  return {
    code,
    options: [{ number: URI_PATH, value: Uint8Array.of(0x6c) }],
    payload: encodeCommand(COMMANDS[name]),
  };
}

/** The same message without any security: no token, for nothing is answered. */
export function unprotected(name: CommandName): Uint8Array {
  const { code, options, payload } = innerOf(name);
  return emitMessage({ ...HEADER, token: new Uint8Array(0), code, options: [...options], payload });
}

export function destinationOf({ unicast, pairwise }: Variant): Endpoint {
  const toOne = unicast === true || pairwise === true;
  return { address: Uint8Array.from(toOne ? LAMP_ADDRESS : GROUP_ADDRESS), port: PORT };
}

export interface Wish {
  readonly name: CommandName;
  /** 1 to 255, so that it takes one byte. */
  readonly sequence: number;
  /** POST unless said otherwise. */
  readonly code?: number;
}

/** What `seal` is given. `to` is the receiver's recipient context, where one alone is meant. */
export function departureOf(
  variant: Variant,
  { own }: Party,
  wish: Wish & { readonly peer: unknown },
): Departure {
  const toOne = variant.unicast === true || variant.pairwise === true;
  return {
    header: { ...HEADER, token: new Uint8Array(0) },
    inner: innerOf(wish.name, wish.code),
    clear: [],
    appGroup: { id: APP_GROUP },
    sender: own.id,
    piv: uintBytes(wish.sequence),
    to: destinationOf(variant),
    request: undefined,
    ...(toOne ? { peer: wish.peer } : {}),
  };
}

/** The protected datagram. */
export function protectedBy(
  variant: Variant,
  crypto: Crypto,
  parties: { sender: Party; receiver: Party },
  wish: Wish,
): Uint8Array {
  const { sender, receiver } = parties;
  const peer = variant.profile.peer?.(crypto, sender.key, receiver.member);
  const departure = departureOf(variant, sender, { ...wish, peer });
  return variant.profile.seal(sender.key, departure, new Workspace());
}
