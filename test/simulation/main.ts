/**
 * npm run year [-- --days N] [--cuts N] [--seed S] [--lamps N] [--presses N] [--json]
 *
 * A room of joined devices, every server gone, for a year (365 days, 100 cuts of power): what
 * test/support/year.ts tells. Prints what came of it, or one JSON object; exit 1 when a press was
 * missed or the room would not last for 20 years.
 */
import { parseArgs } from "node:util";
import { faultsOf, lastFor, type YearReport } from "../support/year.js";

const SHOWN_MAX = 8;

function main(): number {
  const { values } = parseArgs({
    options: {
      days: { type: "string", default: "365" },
      cuts: { type: "string", default: "100" },
      seed: { type: "string", default: "1" },
      lamps: { type: "string", default: "4" },
      presses: { type: "string", default: "6" },
      json: { type: "boolean", default: false },
    },
  });
  const report = lastFor({
    seed: whole("--seed", values.seed, 0, 2 ** 31),
    days: whole("--days", values.days, 1, 7300),
    cuts: whole("--cuts", values.cuts, 0, 100_000),
    lamps: whole("--lamps", values.lamps, 1, 6),
    pressesADay: whole("--presses", values.presses, 0, 1000),
  });
  const faults = faultsOf(report);
  if (values.json) console.log(JSON.stringify({ ...report, faults }, null, 2));
  else print(report, faults);
  return faults.length > 0 ? 1 : 0;
}

function print(report: YearReport, faults: readonly string[]): void {
  const { days, lamps, switches, presses, dims, firstPresses, unpowered, missed } = report;
  console.log(`${days} days of ${lamps} lamps and ${switches} switches without any server`);
  console.log(
    `${presses} presses (${dims} held), ${firstPresses} of them the first with power again: ` +
      `${missed.length} missed; ${unpowered} more at a switch without power`,
  );
  const { cutsOfOne, cutsOfRoom, torn, cutStarts } = report;
  console.log(
    `power lost ${cutsOfOne + cutsOfRoom} times, ${cutsOfRoom} of them the whole room; ` +
      `${torn} in the middle of a write, ${cutStarts} with a start cut off`,
  );
  const { messages, highestNumber, budget, yearsOfBudget, yearsOfNumbers } = report;
  console.log(`${messages} protected messages, no number and no nonce twice`);
  console.log(
    `highest number ${highestNumber}: the last one in ${yearsOfNumbers} years; ` +
      `the key's ${budget} messages last ${yearsOfBudget} years`,
  );
  for (const { device, flash, kilobytes, erases, most, years } of report.wear) {
    const worn = `${erases} erases, ${most} of one sector: worn out in ${years} years`;
    console.log(`device ${device}, ${flash}, ${kilobytes} KB: ${worn}`);
  }
  for (const fault of faults.slice(0, SHOWN_MAX)) console.log(`FAILED: ${fault}`);
  const more = faults.length - SHOWN_MAX;
  if (more > 0) console.log(`FAILED: and ${more} more; --json shows all`);
}

function whole(name: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (text !== "" && Number.isInteger(value) && value >= least && value <= most) return value;
  throw new Error(`${name} takes a whole number from ${least} to ${most}, not ${text}`);
}

process.exitCode = main();
