/**
 * `npm run firmware`: keys and packages for firmware updates. How they get to devices is the
 * business of whoever has a channel to them: the manifest is PUT to /fw/manifest, each block POSTed
 * to /fw/block (to a group, or to one), /fw/state says what is missing.
 */
import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { fromHex, toHex } from "../../modules/bytes/hex.js";
import { pack, publicKeyOf } from "./pack.js";

const HELP = `usage: npm run firmware -- key FILE
         a new signing key; its public key goes into the installation as "firmwareKey"
       npm run firmware -- pack IMAGE --key FILE --sequence N --version TEXT --out FOLDER
         FOLDER/manifest.cbor, and FOLDER/blocks/00000.cbor and so on
options of pack:
  --block BYTES    of the image in each block: 64 to 1024, a power of two; default 512
  --kind TEXT      what the image is made for: headless-xs13 (default); an ESP32's chip, esp32c6 say
  --replaces N     may follow images up to this sequence number, to go back
`;

class Usage extends Error {}

function newKey(file: string): number {
  const seed = randomBytes(32);
  writeFileSync(file, `${seed.toString("hex")}\n`, { mode: 0o600, flag: "wx" });
  console.log(`"firmwareKey": "${toHex(publicKeyOf(new Uint8Array(seed)))}"`);
  return 0;
}

const OPTIONS = {
  key: { type: "string" },
  sequence: { type: "string" },
  version: { type: "string" },
  out: { type: "string" },
  block: { type: "string", default: "512" },
  kind: { type: "string", default: "headless-xs13" },
  replaces: { type: "string" },
} as const;

function packed(words: string[]): number {
  const { values, positionals } = parseArgs({
    args: words,
    options: OPTIONS,
    allowPositionals: true,
  });
  const [image] = positionals;
  const { key, sequence, version, out, block, kind, replaces } = values;
  if (image === undefined || !key || !sequence || !version || !out) throw new Usage(HELP);
  const { manifest, blocks } = pack({
    image: new Uint8Array(readFileSync(image)),
    seed: fromHex(readFileSync(key, "utf8").trim()),
    sequence: whole("--sequence", sequence),
    version,
    blockBytes: whole("--block", block),
    kind,
    replaces: replaces === undefined ? undefined : whole("--replaces", replaces),
  });
  mkdirSync(join(out, "blocks"), { recursive: true });
  writeFileSync(join(out, "manifest.cbor"), manifest);
  for (const [index, bytes] of blocks.entries()) {
    writeFileSync(join(out, "blocks", `${String(index).padStart(5, "0")}.cbor`), bytes);
  }
  console.log(`${out}: a manifest of ${manifest.length} bytes and ${blocks.length} blocks`);
  return 0;
}

function whole(name: string, text: string): number {
  if (!/^\d{1,10}$/.test(text)) throw new Usage(`${name} takes a whole number, not "${text}"`);
  return Number(text);
}

function main([command, ...words]: string[]): number {
  if (command === "key" && words.length === 1) return newKey(words[0]);
  if (command === "pack") return packed(words);
  throw new Usage(HELP);
}

try {
  process.exitCode = main(process.argv.slice(2));
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = error instanceof Usage || error instanceof TypeError ? 2 : 1;
}
