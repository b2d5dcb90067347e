/**
 * What a verified signature costs on the headless host, as TypeScript calls for it, beside what of
 * that is libsodium's own: x86 instructions of one run, so the machine's load does not matter.
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { need } from "../lacks.js";
import { ROOT } from "../root.js";
import { collected, command, HOST } from "./count.js";

const LIBRARY = "crypto_sign_ed25519_verify_detached";
const VERIFIED = 20;
/** About what is signed of a lighting command: external AAD and ciphertext. */
const DATA_BYTES = 120;

export interface SignatureCost {
  /** x86 instructions a verify, everything included. */
  readonly verify: number;
  /** Those inside libsodium. */
  readonly library: number;
  readonly sign: number;
  readonly agree: number;
}

/** Undefined where there is no libsodium or nothing to count with. */
export async function signatureCost(): Promise<SignatureCost | undefined> {
  const what = "instructions of signatures";
  if (!need("libsodium-dev", what) || !need("valgrind", what)) return undefined;
  const idle = collected(HOST, await image("idle", ""));
  const each = async (name: string, body: string) =>
    Math.round((collected(HOST, await image(name, body)) - idle) / VERIFIED);
  const verify = "if (!signatures.verify({ data, signature, publicKey })) return 1;";
  return {
    verify: await each("verify", verify),
    library: Math.round(collected(HOST, await image("verify", verify), LIBRARY) / VERIFIED),
    sign: await each("sign", "signer.sign(data);"),
    agree: await each("agree", "if (signer.agree(publicKey) === undefined) return 1;"),
  };
}

/** A verify from TypeScript divided by libsodium's own. */
export async function verifyRatio(): Promise<number | undefined> {
  const cost = await signatureCost();
  return cost === undefined ? undefined : cost.verify / cost.library;
}

async function image(name: string, body: string): Promise<string> {
  const { bundleText } = await import(join(ROOT, "hosts/bundle.mjs"));
  const folder = join(ROOT, "build/bench");
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `signatures-${name}.js`);
  await bundleText(
    file,
    `import { HostCrypto } from ${JSON.stringify(join(ROOT, "platforms/headless/crypto.ts"))};
export default function () {
  const { signatures } = new HostCrypto();
  const signer = signatures.signer(new Uint8Array(32).fill(7));
  const { publicKey } = signer;
  const data = new Uint8Array(${DATA_BYTES}).fill(3);
  const signature = signer.sign(data);
  for (let i = 0; i < ${VERIFIED}; i++) { ${body} }
  return 0;
}
`,
  );
  command(HOST, ["compile", file, `${file}.xsb`]);
  return `${file}.xsb`;
}
