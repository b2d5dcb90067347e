/**
 * npm run doctor [-- --for TARGET] [--json]
 *
 * Problem: what this machine lacks shows as a skipped suite here, a failing build there. Rejected:
 * a list of packages in README.md, which nobody compares with what he has. Choice: everything is
 * tried, as the suites try it (hosts/tools.ts), and what is missing is told with the one command
 * that mends it. Only what `npm start` and `npm test` need can fail this, and what --for names.
 */
import { parseArgs } from "node:util";
import { examine } from "./checks.js";
import { isWell, report, toJson } from "./report.js";
import { TARGETS, type Target } from "./types.js";

const USAGE = `usage: npm run doctor -- [--for TARGET] [--json]
  --for TARGET   also fails without what that target needs; several may be given:
                 ${TARGETS.join(", ")}
  --json         one JSON object
exit code: 0 when everything for npm start and npm test (and --for) is there, otherwise 1
`;

async function main(): Promise<void> {
  const { json, help, targets } = options();
  if (help) {
    process.stdout.write(USAGE);
    return;
  }
  const checks = await examine();
  process.stdout.write(json ? toJson(checks, targets) : report(checks, targets));
  if (!isWell(checks, targets)) process.exitCode = 1;
}

class UsageError extends Error {}

function options(): { json: boolean; help: boolean; targets: Target[] } {
  const { values } = parse();
  const unknown = values.for.find((name) => !TARGETS.some((target) => target === name));
  if (unknown !== undefined) {
    throw new UsageError(`there is no target ${unknown}; there are ${TARGETS.join(", ")}`);
  }
  return { json: values.json, help: values.help, targets: values.for as Target[] };
}

function parse() {
  try {
    return parseArgs({
      options: {
        for: { type: "string", multiple: true, default: [] },
        json: { type: "boolean", default: false },
        help: { type: "boolean", short: "h", default: false },
      },
    });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

main().catch((error: unknown) => {
  const usage = error instanceof UsageError;
  console.error(usage ? `${error.message}\n${USAGE}` : error);
  process.exitCode = usage ? 2 : 1;
});
