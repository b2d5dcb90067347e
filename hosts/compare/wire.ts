/** What each variant puts on the air for the same commands, and whether that is as documented. */
import { PUT } from "../../modules/coap/options.js";
import { TsCrypto } from "../../modules/crypto/crypto.js";
import { NobleSignatures } from "../../modules/crypto/noble.js";
import { airtimeMicros, FCS_BYTES } from "../radio/timing.js";
import { framesOf } from "./air.js";
import { anatomyOf, type Part, total } from "./anatomy.js";
import {
  COMMAND_NAMES,
  type CommandName,
  destinationOf,
  protectedBy,
  unprotected,
} from "./command.js";
import { provenBy, type Readable, readableIn } from "./facts.js";
import { deviations, LIMITS } from "./figures.js";
import { receiverOf, senderOf, type Variant } from "./variants.js";

/** One command on its way. */
export interface OnAir {
  readonly unprotectedBytes: number;
  readonly protectedBytes: number;
  readonly overheadBytes: number;
  /** Of the 802.15.4 frames, FCS and link-layer security counted; 127 at most. */
  readonly frames: readonly number[];
  /** Of these frames, without what comes between them. */
  readonly airtimeMicros: number;
}

export interface Wire {
  readonly name: string;
  readonly profile: string;
  /** To one lamp: as many datagrams as lamps. */
  readonly unicast: boolean;
  readonly provenBy: "group" | "member" | "pair";
  readonly readable: Readable;
  readonly overheadBytes: number;
  readonly limitBytes: number;
  readonly breakdown: readonly Part[];
  readonly commands: Readonly<Record<CommandName, OnAir>>;
  /** In words; none when all is as documented. */
  readonly deviations: readonly string[];
}

export function wireOf(variant: Variant): Wire {
  const crypto = new TsCrypto(new NobleSignatures());
  const parties = { sender: senderOf(variant, crypto), receiver: receiverOf(variant, crypto) };
  const sealed = (name: CommandName, code?: number) => {
    const wish = { name, sequence: 1, ...(code === undefined ? {} : { code }) };
    return protectedBy(variant, crypto, parties, wish);
  };
  const [post, put, plain] = [sealed("level"), sealed("level", PUT), unprotected("level")];
  const breakdown = anatomyOf(variant, post, plain);
  const entries = COMMAND_NAMES.map((name) => [name, onAir(variant, sealed(name), name)] as const);
  const commands = Object.fromEntries(entries) as Record<CommandName, OnAir>;
  const overheadBytes = total(breakdown);
  return {
    name: variant.name,
    profile: variant.profile.name,
    unicast: isUnicast(variant),
    provenBy: provenBy(variant),
    readable: readableIn(variant, { post, put, plain }, breakdown),
    overheadBytes,
    limitBytes: LIMITS[variant.name],
    breakdown,
    commands,
    deviations: [
      ...deviations(variant.name, breakdown),
      ...unlike(variant, commands, overheadBytes),
    ],
  };
}

function isUnicast({ unicast, pairwise }: Variant): boolean {
  return unicast === true || pairwise === true;
}

function onAir(variant: Variant, bytes: Uint8Array, name: CommandName): OnAir {
  const unprotectedBytes = unprotected(name).length;
  const frames = framesOf(bytes, destinationOf(variant));
  return {
    unprotectedBytes,
    protectedBytes: bytes.length,
    overheadBytes: bytes.length - unprotectedBytes,
    frames,
    airtimeMicros: frames.reduce((sum, frame) => sum + airtimeMicros(frame - FCS_BYTES), 0),
  };
}

/** Where a command shows something else than the parts add up to, or outgrows its frame. */
function unlike(
  variant: Variant,
  commands: Readonly<Record<CommandName, OnAir>>,
  expected: number,
): string[] {
  const { name } = variant;
  const wrong = COMMAND_NAMES.flatMap((command) => {
    const { overheadBytes } = commands[command];
    const words = `${name}: ${command} grows by ${overheadBytes} bytes, its parts are ${expected}`;
    return overheadBytes === expected ? [] : [words];
  });
  const frames = commands.full.frames.length;
  const isSymmetric = provenBy(variant) !== "member";
  if (isSymmetric && frames > 1) wrong.push(`${name}: a scene with a fade takes ${frames} frames`);
  return wrong;
}
