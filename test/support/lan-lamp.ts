/** Lamps of a lan: the firmware as it is sold, on XS, and their keys from an authority. */
import { writeFileSync } from "node:fs";
import { ROOT } from "../../hosts/root.js";
import { provisioningOf, readSender } from "../../hosts/sender/file.js";
import { ROLE } from "../../modules/device/provision.js";
import type { Lan } from "../interop/lan.js";
import { HOST, Program } from "../interop/programs.js";
import { type Desk, euiOf } from "./lumicast.js";

const PRODUCT = `${ROOT}/build/firmware/lumicast.xsb`;
const SECONDS = 60;

export interface LampSpec {
  readonly desk: Desk;
  readonly lan: Lan;
  /** The authority's, as words of `lumicast`. */
  readonly state: readonly string[];
  /** Where the authority is, if it does not know that itself. */
  readonly at?: string;
}

/** Lamp `number` on computer `number + 1`, with its factory credential alone; it has its keys. */
export async function lampOn(spec: LampSpec, number: number): Promise<Program> {
  const { desk, lan, state, at } = spec;
  const path = desk.path(`lamp-${number}.json`);
  const where = at === undefined ? [] : ["--at", at];
  await desk.json("sender", `lamp-${number}`, path, ...where, ...state);
  const told = readSender(path);
  const blob = desk.path(`lamp-${number}.cbor`);
  writeFileSync(blob, provisioningOf(told, { role: ROLE.LUMINAIRE, groups: told.groups }));
  const files = ["--provision", blob, "--flash", desk.path(`lamp-${number}.flash`)];
  const more = ["--eui64", euiOf(number), "--port", "5684"];
  const { command } = lan.computer(number + 1);
  const program = new Program(command, HOST, "run", PRODUCT, ...files, ...more);
  await program.line(/keys: resting/, SECONDS);
  return program;
}
