/**
 * npm run bench [-- --samples N] [--quick] [--rekeying [--simulated] | --dtls | --joins |
 *   --commissioning] [--json]
 *
 * The receive path from datagram to light port (store write and trace included) and the send path,
 * on Node and on headless XS in a release build: medians of one run, ratios to plain AES-CCM and to
 * `coap-packet` parsing, and, where valgrind is installed, x86 instructions a message on XS. The
 * last line says which of the targets (targets.ts) this run met; missing one is no failure.
 *
 * These machines are noisy: compare the ratios of one run, or the instruction counts; not
 * microseconds.
 */
import { parseArgs } from "node:util";
import coapPacket from "coap-packet";
import { fromHex } from "../../modules/bytes/hex.js";
import { TsCrypto } from "../../modules/crypto/crypto.js";
import { need } from "../lacks.js";
import { reportFirstLight } from "../room/first-light.js";
import { reportSimulated } from "../room/report.js";
import { command, compileForXs, HOST, instructionCounts } from "./count.js";
import { reportDtls } from "./dtls.js";
import { MemoryFlash } from "./flash.js";
import { reportJoins } from "./joins.js";
import { measure, type Only, type Series, type Setup } from "./path.js";
import { reportRekeying } from "./rekeying.js";
import { makeSetup, SENDERS } from "./setup.js";
import { judge, summary } from "./targets.js";

const PATHS: readonly Only[] = [
  "ccm",
  "acceptedSparse",
  "acceptedBurst",
  "duplicate",
  "forged",
  "foreign",
  "send",
  "openLowlatency",
  "openGroupOscore",
];
const USAGE = `usage: npm run bench -- [--samples N] [--quick] [--json]
                         [--rekeying [--simulated]|--dtls|--joins|--commissioning]
  --samples N   messages of each kind (2000)
  --quick       300 messages, for CI
  --rekeying    only this: what one member more or less costs a group of 2 to 1,000
  --simulated   with --rekeying, instead: real devices on a simulated radio that loses 5 % of frames
                get a new key while a switch is pressed once a second: 100 of them one by one, and
                20, 50 and 100 that one is lost of by key trees; some minutes
  --dtls        only this: what a DTLS handshake costs in time, instructions and memory
  --joins       only this: 1,000 devices (--samples N) join one KDC process
  --commissioning
                only this: 50 fresh luminaires on a simulated radio are joined, grouped and lit; how
                long after the first press, in the time of the medium
  --json        one JSON object`;

interface EngineResult {
  readonly engine: "node" | "xs";
  readonly series: readonly Series[];
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      samples: { type: "string" },
      quick: { type: "boolean", default: false },
      rekeying: { type: "boolean", default: false },
      simulated: { type: "boolean", default: false },
      dtls: { type: "boolean", default: false },
      joins: { type: "boolean", default: false },
      commissioning: { type: "boolean", default: false },
      json: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) {
    console.log(USAGE);
    return;
  }
  if (values.rekeying) {
    process.exitCode = values.simulated
      ? await reportSimulated(values.json)
      : reportRekeying(values.json);
    return;
  }
  if (values.dtls) {
    await reportDtls(values.json);
    return;
  }
  if (values.commissioning) {
    process.exitCode = await reportFirstLight(values.json);
    return;
  }
  if (values.joins) {
    const devices = Number(values.samples ?? (values.quick ? 100 : 1000));
    if (!(devices >= 10 && devices <= 2000)) throw new UsageError("--samples takes 10 to 2000");
    process.exitCode = await reportJoins({ devices, json: values.json });
    return;
  }
  const samples = Number(values.samples ?? (values.quick ? 300 : 2000));
  if (!Number.isInteger(samples) || samples < SENDERS) {
    throw new UsageError(`--samples takes a whole number from ${SENDERS}`);
  }
  const setup = makeSetup();
  const node: EngineResult = { engine: "node", series: measure(nodeEngine(), setup, samples) };
  const xs: EngineResult = { engine: "xs", series: await onXs(setup, samples) };
  const coapParse = timeCoapPacket(samples);
  const counts = need("valgrind", "instruction counts of the bench")
    ? await instructionCounts(HOST, PATHS, setup)
    : undefined;
  const results = [node, xs].map((result) => table(result, coapParse, counts));
  const targets = await judge(xs.series, nodeEngine(), setup);
  if (values.json) {
    console.log(JSON.stringify({ samples, coapPacketParseMicros: coapParse, results, targets }));
  } else {
    results.forEach(print);
    console.log(`\n${summary(targets)}`);
  }
}

class UsageError extends Error {}

function nodeEngine() {
  return {
    crypto: new TsCrypto(),
    flash: () => new MemoryFlash(),
    nowMicros: () => Number(process.hrtime.bigint()) / 1000,
    collect: () => {},
  };
}

async function onXs(setup: Setup, samples: number): Promise<Series[]> {
  const image = await compileForXs(setup, samples);
  const { stdout } = command(HOST, ["test", image]);
  return JSON.parse(stdout.trim().split("\n").at(-1) as string) as Series[];
}

/** The parser most Node programs use, on a datagram of the same size. Median. */
function timeCoapPacket(samples: number): number {
  const datagram = Buffer.from(
    fromHex("52021001a1a2951905010711e1fcd301ff9b60cdd373e9a3b9df5a37becf7106bd4dff2f"),
  );
  const times: number[] = [];
  for (let i = 0; i < samples; i++) {
    const start = process.hrtime.bigint();
    coapPacket.parse(datagram);
    times.push(Number(process.hrtime.bigint() - start) / 1000);
  }
  return times.sort((a, b) => a - b)[times.length >> 1];
}

function table(result: EngineResult, coapParse: number, counts: Map<string, number> | undefined) {
  const ccm = result.series.find(({ name }) => name === "ccm")?.medianMicros ?? Number.NaN;
  const accepted =
    result.series.find(({ name }) => name === "acceptedSparse")?.medianMicros ?? Number.NaN;
  return {
    engine: result.engine,
    series: result.series.map((series) => ({
      ...series,
      toCcm: series.medianMicros / ccm,
      toAccepted: series.medianMicros / accepted,
      ...(result.engine === "node" ? { toCoapPacket: series.medianMicros / coapParse } : {}),
      ...(result.engine === "xs" && counts !== undefined
        ? { x86Instructions: counts.get(series.name) }
        : {}),
    })),
  };
}

function print(result: ReturnType<typeof table>): void {
  console.log(`\n${result.engine}: median and 95th percentile in µs; ratios of this run`);
  for (const row of result.series) {
    const cells = [
      row.name.padEnd(16),
      row.medianMicros.toFixed(2).padStart(9),
      row.p95Micros.toFixed(2).padStart(9),
      `${row.toCcm.toFixed(1)} x CCM`.padStart(13),
      `${row.toAccepted.toFixed(2)} x accepted`.padStart(16),
    ];
    if (row.toCoapPacket !== undefined) {
      cells.push(`${row.toCoapPacket.toFixed(1)} x coap-packet parse`.padStart(26));
    }
    if (row.x86Instructions !== undefined) {
      cells.push(`${row.x86Instructions} x86 instructions`.padStart(26));
    }
    console.log(cells.join("  "));
  }
}

main().catch((error) => {
  console.error(error instanceof UsageError ? `${error.message}\n${USAGE}` : error);
  process.exitCode = error instanceof UsageError ? 2 : 1;
});
