/**
 * npm run reproduce [-- --json] [COMMIT]
 *
 * Problem: who flashes an image has to know that it is the source's. Rejected: to trust the one
 * machine that builds releases. Choice: anybody can build a commit again and gets the same bytes;
 * this does it twice, in places that differ in all a build must not depend on.
 */
import { parseArgs } from "node:util";
import { buildTwice } from "./twice.js";

const USAGE = `usage: npm run reproduce -- [--json] [COMMIT]
  builds COMMIT (HEAD unless named) twice, in different folders, and compares the bytes
exit code: 0 when everything is the same, otherwise 1
`;

function main(): void {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      json: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) {
    process.stdout.write(USAGE);
    return;
  }
  const artefacts = buildTwice(positionals[0] ?? "HEAD", (line) => console.error(line));
  const ok = artefacts.every(({ same }) => same);
  if (values.json) console.log(JSON.stringify({ ok, artefacts }));
  else {
    for (const { file, hashes, same } of artefacts) {
      console.log(
        `${same ? "same     " : "DIFFERENT"}  ${file}\n  ${[...new Set(hashes)].join("\n  ")}`,
      );
    }
  }
  if (!ok) process.exitCode = 1;
}

main();
