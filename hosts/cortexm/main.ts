/**
 * npm run cortexm [-- --counts | --signatures] [--json]: what measure.ts or signatures.ts find out,
 * for a person or a program.
 */
import { parseArgs } from "node:util";
import { FIGURES, type Figure } from "../size/types.js";
import { makeProgram } from "./build.js";
import { lacking } from "./emulator.js";
import { counts, measureCortexM } from "./measure.js";
import { signatureCounts } from "./signatures.js";

const USAGE = `usage: npm run cortexm -- [--counts | --signatures] [--json]
  --counts      instructions only
  --signatures  those of Ed25519 and X25519 with libsodium, whose source Debian's archive gives
  --json        one JSON object`;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      counts: { type: "boolean", default: false },
      signatures: { type: "boolean", default: false },
      json: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) {
    console.log(USAGE);
    return;
  }
  const missing = lacking();
  if (missing !== undefined) throw new Error(missing);
  if (values.signatures) {
    const found = await signatureCounts();
    if (values.json) console.log(JSON.stringify(found));
    else console.table(found);
    return;
  }
  if (values.counts) makeProgram();
  const figures = values.counts ? await counts() : await measureCortexM();
  if (values.json) {
    console.log(JSON.stringify(figures));
    return;
  }
  for (const [figure, value] of Object.entries(figures ?? {})) {
    console.log(`${FIGURES[figure as Figure].padEnd(32)}${String(value).padStart(12)}`);
  }
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
