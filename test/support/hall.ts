/**
 * A hall for tests of joins: an authority that runs on a network of its own, and devices there as
 * they leave the factory, which are the firmware as it is sold on XS.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { NodeCrypto } from "../../hosts/authority/crypto.js";
import { ROOT } from "../../hosts/root.js";
import { fromHex } from "../../modules/bytes/hex.js";
import { emitFactory, type Factory } from "../../modules/commission/factory.js";
import { labelText } from "../../modules/commission/label.js";
import { Lan } from "../interop/lan.js";
import { HOST, Program, stopPrograms } from "../interop/programs.js";
import { Desk, type Ran as Done } from "./lumicast.js";
import { factoryOf } from "./newcomer.js";
import { PROGRAM, type Programs, type Ran } from "./running.js";

const PRODUCT = `${ROOT}/build/firmware/lumicast.xsb`;
const PRESS_MS = 60;
export const NEWCOMERS = 20;

export interface Joined {
  readonly ok: boolean;
  readonly device?: { readonly eui64: string; readonly name: string; readonly clientId: string };
  readonly steps: readonly { readonly step: string; readonly said: string }[];
  readonly failure?: { readonly step: string; readonly why: string; readonly next: string };
}

export class Hall {
  readonly desk = new Desk();
  readonly crypto = new NodeCrypto();
  readonly state = ["--state", this.desk.path("hall")];
  readonly lan: Lan;
  readonly #programs: Programs;
  readonly #numbers: number[] = [];
  authority: Ran;

  private constructor(lan: Lan, programs: Programs) {
    this.lan = lan;
    this.#programs = programs;
    this.authority = undefined as unknown as Ran;
  }

  /** With room for so many devices. */
  static async open(programs: Programs, devices: number): Promise<Hall> {
    const hall = new Hall(await Lan.start(devices + 1), programs);
    await hall.desk.json("authority", "init", "--domain", "hall", ...hall.state);
    await hall.desk.json("group", "create", "hall", "--address", "ff35::4c:1", ...hall.state);
    await hall.start();
    return hall;
  }

  async start(): Promise<void> {
    const { address, command } = this.lan.computer(1);
    this.authority = await this.#programs.start(this.state, `[${address}]:5684`, command);
  }

  kill(): Promise<void> {
    return this.#programs.kill(this.authority);
  }

  close(): void {
    stopPrograms();
    this.lan.stop();
    this.desk.remove();
  }

  /** The device of this number, of which only the first start counts what it is made with. */
  device(number: number, more: Partial<Factory> = {}): Program {
    if (!this.#numbers.includes(number)) this.#numbers.push(number);
    const factory = factoryOf(number, { label: printedOf(number), ...more });
    const blob = this.desk.path(`${number}.cbor`);
    if (!existsSync(blob)) writeFileSync(blob, emitFactory(factory));
    const files = ["--provision", blob, "--flash", this.flash(number)];
    const words = [...files, "--eui64", euiOf(number), "--port", "5684", "--stack", "1024"];
    const { command } = this.lan.computer(2 + this.#numbers.indexOf(number));
    return new Program(command, HOST, "run", PRODUCT, ...words);
  }

  /** Where the device of this number is; it was started once. */
  addressOf(number: number): string {
    return this.lan.address(2 + this.#numbers.indexOf(number));
  }

  flash(number: number): string {
    return this.desk.path(`${number}.flash`);
  }

  /** Where bytes lie in its flash; -1: nowhere. */
  inFlash(number: number, bytes: Uint8Array): number {
    return readFileSync(this.flash(number)).indexOf(bytes);
  }

  /** One that is nobody's, and was pressed. */
  async pressed(number: number, more: Partial<Factory> = {}): Promise<Program> {
    const device = this.device(number, more);
    await device.line(/belongs to nobody/);
    await press(device);
    await device.line(/fresh: may be joined/);
    return device;
  }

  /** The command, as a program of its own. */
  command(...words: readonly string[]): Program {
    const here = (...all: readonly string[]): [string, string[]] => [all[0], all.slice(1)];
    return new Program(here, process.execPath, PROGRAM, ...words, ...this.state);
  }

  run(...words: readonly string[]): Promise<Done> {
    return this.desk.run(...words, ...this.state);
  }

  async join(...words: readonly string[]): Promise<Joined & { code: number; err: string }> {
    const { code, out, err } = await this.run("join", "code", ...words, "--json");
    if (out === "") throw new Error(err);
    return { ...(JSON.parse(out) as Joined), code, err };
  }

  qrOf(number: number): string {
    return labelText(this.crypto, fromHex(euiOf(number)), printedOf(number));
  }

  async pending(): Promise<string[]> {
    const { pending } = await this.desk.json<{ pending: { name: string }[] }>(
      ...["status", ...this.state],
    );
    return pending.map(({ name }) => name);
  }
}

export async function press(program: Program): Promise<void> {
  program.say("down");
  await new Promise((resolve) => setTimeout(resolve, PRESS_MS));
  program.say("up");
}

export const euiOf = (number: number) => `02000000000000${number.toString(16)}`;

/** Its first label, of which no four bytes lie in a flash file by chance. */
export const printedOf = (number: number) => fromHex(`c3a10f5e77d2496b8e1290bb34fd6a${number}`);
