/**
 * npm run powercut [-- --cuts N] [--seed S] [--second X] [--json]
 *
 * Cuts the power of a working device at every flash operation and checks what comes up again; how
 * is told in test/support/powercut.ts. Goes through whole workloads of 2,000 operations, one for
 * each program unit and then the next seed, until there were at least N cuts (20,000). --second:
 * second cuts for each first one (0.5). Prints counts, or one JSON object; exit 1 with the seed and
 * the operation of a failure.
 */
import { parseArgs } from "node:util";
import { type CutReport, cutPower } from "../support/powercut.js";

const UNITS = [4, 16];
const OPERATIONS = 2000;

interface Total {
  cuts: number;
  secondCuts: number;
  tornPrograms: number;
  tornErases: number;
  erases: number;
  operations: number;
  flashOperations: number;
  lostMax: number;
  lostMaxIdle: number;
  seeds: number[];
  seconds: number;
  failure: string | undefined;
}

function main(): number {
  const { values } = parseArgs({
    options: {
      cuts: { type: "string", default: "20000" },
      seed: { type: "string", default: "1" },
      second: { type: "string", default: "0.5" },
      json: { type: "boolean", default: false },
    },
  });
  const cuts = number("--cuts", values.cuts);
  const total = run(number("--seed", values.seed), cuts, number("--second", values.second));
  if (values.json) console.log(JSON.stringify(total, null, 2));
  else print(total);
  return total.failure === undefined ? 0 : 1;
}

function run(firstSeed: number, cuts: number, secondCuts: number): Total {
  const began = Date.now();
  const total: Total = {
    cuts: 0,
    secondCuts: 0,
    tornPrograms: 0,
    tornErases: 0,
    erases: 0,
    operations: 0,
    flashOperations: 0,
    lostMax: 0,
    lostMaxIdle: 0,
    seeds: [],
    seconds: 0,
    failure: undefined,
  };
  for (let seed = firstSeed; total.cuts < cuts && total.failure === undefined; seed++) {
    total.seeds.push(seed);
    for (const programBytes of UNITS) {
      if (total.failure !== undefined) break;
      add(total, cutPower({ seed, programBytes, operations: OPERATIONS, secondCuts }));
    }
  }
  total.seconds = (Date.now() - began) / 1000;
  return total;
}

function add(total: Total, report: CutReport): void {
  total.cuts += report.cuts;
  total.secondCuts += report.secondCuts;
  total.tornPrograms += report.tornPrograms;
  total.tornErases += report.tornErases;
  total.erases += report.erases;
  total.operations += report.operations;
  total.flashOperations += report.flashOperations;
  total.lostMax = Math.max(total.lostMax, report.lostMax);
  total.lostMaxIdle = Math.max(total.lostMaxIdle, report.lostMaxIdle);
  total.failure = report.failure;
}

function print(total: Total): void {
  const { cuts, secondCuts, tornPrograms, tornErases, erases, lostMax, lostMaxIdle } = total;
  console.log(`${cuts} cuts (${secondCuts} of them while recovering) in ${total.seconds} s`);
  console.log(`${tornPrograms} torn programs, ${tornErases} torn erases`);
  console.log(
    `${total.operations} operations, ${total.flashOperations} of flash, ${erases} erases; ` +
      `seeds ${total.seeds.join(", ")}`,
  );
  console.log(`numbers of one sender lost: ${lostMax} at most, ${lostMaxIdle} while idle`);
  if (total.failure === undefined)
    console.log("no number used twice, nothing replayed, nothing lost");
  else console.log(`FAILED: ${total.failure}`);
}

function number(name: string, text: string): number {
  const value = Number(text);
  if (text !== "" && Number.isFinite(value) && value >= 0) return value;
  throw new Error(`${name} takes a number, not ${text}`);
}

process.exitCode = main();
