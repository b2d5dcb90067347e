/** Instructions of Ed25519 and X25519 on the emulated Cortex-M4, as TypeScript calls for them. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { command, HOST } from "../bench/count.js";
import { ROOT } from "../root.js";
import { makeProgram, makeRom } from "./build.js";
import { runProgram } from "./emulator.js";
import { RUN } from "./handover.js";

export interface SignatureCounts {
  readonly verify: number;
  readonly sign: number;
  /** X25519 with another's Ed25519 key, its check included. */
  readonly agree: number;
  readonly isPublicKey: number;
}

const FOLDER = join(ROOT, "build/cortexm/signatures");
/** -icount shift=0: a nanosecond of the emulator's is an instruction. */
const PROGRAM = `
import { HostCrypto } from ${JSON.stringify(join(ROOT, "platforms/headless/crypto.ts"))};
export default function () {
  const { signatures } = new HostCrypto();
  const signer = signatures.signer(new Uint8Array(32).fill(7));
  const { publicKey } = signatures.signer(new Uint8Array(32).fill(8));
  const data = new Uint8Array(120).fill(3);
  const input = { data, signature: signer.sign(data), publicKey: signer.publicKey };
  const count = (act) => {
    const begin = lumicastHost.nanos();
    act();
    return lumicastHost.nanos() - begin;
  };
  const nothing = count(() => {});
  print(JSON.stringify({
    verify: count(() => signatures.verify(input)) - nothing,
    sign: count(() => signer.sign(data)) - nothing,
    agree: count(() => signer.agree(publicKey)) - nothing,
    isPublicKey: count(() => signatures.isPublicKey(publicKey)) - nothing,
  }));
  return 0;
}
`;

/** Throws an Error where libsodium's source cannot be had: it says so. */
export async function signatureCounts(): Promise<SignatureCounts> {
  const { bundleText } = await import(join(ROOT, "hosts/bundle.mjs"));
  makeProgram({ signatures: true });
  mkdirSync(FOLDER, { recursive: true });
  const file = join(FOLDER, "counted.js");
  await bundleText(file, PROGRAM);
  command(HOST, ["compile", file, `${file}.xsb`]);
  const rom = makeRom(`${file}.xsb`, FOLDER, { signatures: true });
  return JSON.parse(runProgram(rom, { run: RUN.test })) as SignatureCounts;
}
