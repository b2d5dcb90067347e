/**
 * How a device process is started: the headless host with this device's files, in a private folder.
 */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { toHex } from "../../modules/bytes/hex.js";
import { deriveSeed } from "../installation/chance.js";
import { borderPart, provisioning } from "../installation/provisioning.js";
import type { MeshNode } from "../installation/topology.js";
import { BORDER, type Installation } from "../installation/types.js";
import type { Link } from "../radio/types.js";
import { ROOT } from "../root.js";
import { MediumError } from "./error.js";
import type { Command } from "./process.js";

export const ENGINES = ["release", "debug", "m32"] as const;
export type Engine = (typeof ENGINES)[number];

/** What a test may want otherwise for one device. */
export interface DeviceOptions {
  /** Bytes of the flash partition. Default 65536. */
  readonly flashBytes?: number;
  /** Bytes of a program unit. Default 4. */
  readonly program?: 4 | 16;
  /** Hard ceiling of the heap in bytes. */
  readonly heapBytes?: number;
  /**
   * Power cuts by flash operation, each OPERATION:MODE:SEED (see platforms/headless), for the first
   * start; `restart` takes its own.
   */
  readonly faults?: readonly string[];
}

/** Makes the command from the arguments after `run IMAGE`: other hosts, and tests. */
export type CommandOf = (args: readonly string[], device: MeshNode) => Command;

/** What a device is provisioned with, made of what the installation says. */
export type BlobOf = (blob: Uint8Array, device: MeshNode) => Uint8Array;

const FLASH_BYTES = 65_536;
/** Of the value stack, where `lowlatency` is all a device speaks: what small boards have. */
const PLAIN_STACK_SLOTS = 448;
/** Where it is not: 480 were seen used. With DTLS and tokens in it, it has what `run` gives. */
const SCHEME_STACK_SLOTS = 640;
/** Where TypeScript signs, in place of libsodium: noble builds tables when it is first used. */
export const NOBLE: readonly string[] = ["--no-preload", "--stack", "4096"];
/** Made where the host is built without libsodium (hosts/prepare.mjs). */
const SIGNING = join(ROOT, "build/firmware/signing.xsb");

/** The private temporary folder of one medium. */
export class Workspace {
  readonly folder: string;
  readonly #room: Installation;
  readonly #seed: number;
  readonly #flashFolder: string;
  readonly #blobOf: BlobOf | undefined;

  /** `flashFolder`: where the flash files are, to keep them; else here. */
  constructor(input: {
    room: Installation;
    seed: number;
    flashFolder: string | undefined;
    blobOf?: BlobOf;
  }) {
    this.folder = mkdtempSync(join(tmpdir(), "lumicast-"));
    this.#room = input.room;
    this.#seed = input.seed;
    this.#flashFolder = input.flashFolder ?? this.folder;
    this.#blobOf = input.blobOf;
  }

  get socketPath(): string {
    return join(this.folder, "medium.sock");
  }

  /** Holds the device's keys: for its owner only. */
  provision(device: MeshNode, links: readonly Link[]): void {
    const known = this.#room.devices.find(({ name }) => name === device.name);
    const blob = known ? provisioning(this.#room, known, links) : borderPart(this.#room, links);
    const own = known ? (this.#blobOf?.(blob, device) ?? blob) : blob;
    writeFileSync(this.#path(device, "cbor"), own, { mode: 0o600 });
  }

  /** `boots` counts the starts: a restarted device must not draw the same numbers again. */
  args(device: MeshNode, boots: number, options: DeviceOptions): string[] {
    if (device.name === BORDER) return this.#borderArgs(device);
    const flash = join(this.#flashFolder, `${toHex(device.eui64)}.flash`);
    const seed = deriveSeed(this.#seed, "device", device.name, boots);
    const args = ["--control", this.socketPath, "--provision", this.#path(device, "cbor")];
    args.push("--flash", flash, "--flash-size", `${options.flashBytes ?? FLASH_BYTES}`);
    args.push("--program", `${options.program ?? 4}`);
    args.push("--seed", `${seed}`, "--eui64", toHex(device.eui64));
    const isPlain = this.#room.securityGroups.every(({ profile }) => profile === "lowlatency");
    const slots = isPlain ? PLAIN_STACK_SLOTS : SCHEME_STACK_SLOTS;
    if (this.#blobOf === undefined) args.push("--stack", `${slots}`);
    if (options.heapBytes !== undefined) args.push("--heap", `${options.heapBytes}`);
    for (const fault of options.faults ?? []) args.push("--fault", fault);
    return args;
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  #borderArgs(device: MeshNode): string[] {
    return ["--control", this.socketPath, "--place", this.#path(device, "cbor")];
  }

  #path(device: MeshNode, kind: string): string {
    return join(this.folder, `${toHex(device.eui64)}.${kind}`);
  }
}

/** Throws an Error that says what to build. */
export function headless(engine: Engine): CommandOf {
  const file = join(ROOT, "build/headless", engine, "lumicast");
  const image = existsSync(SIGNING) ? SIGNING : join(ROOT, "build/firmware/lumicast.xsb");
  const build = engine === "release" ? "npm run build" : `npm run build -- ${engine}`;
  for (const path of [file, image]) {
    if (!existsSync(path)) throw new MediumError(`${path} is missing; make it: ${build}`);
  }
  const own = image === SIGNING ? NOBLE : [];
  return (args) => ({ file, args: ["run", image, ...args, ...own] });
}

/** Whether its devices can sign: Debian has no libsodium for 32 bits beside the one for 64. */
export function canSign(engine: Engine): boolean {
  return engine !== "m32" || existsSync(SIGNING);
}
