/**
 * npm run bench [-- --samples N] [--quick] [--json]
 *
 * The receive path from datagram to light port (store write and trace included) and the send path,
 * on Node and on headless XS in a release build: medians of one run, ratios to plain AES-CCM and to
 * `coap-packet` parsing, and, where valgrind is installed, x86 instructions a message on XS. The
 * last line says which of the targets (targets.ts) this run met; missing one is no failure.
 *
 * These machines are noisy: compare the ratios of one run, or the instruction counts; not
 * microseconds.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import coapPacket from "coap-packet";
import { fromHex, toHex } from "../../modules/bytes/hex.js";
import { TsCrypto } from "../../modules/crypto/crypto.js";
import { generate } from "../installation/generate.js";
import { provisioning } from "../installation/provisioning.js";
import { need } from "../lacks.js";
import { ROOT } from "../root.js";
import { MemoryFlash } from "./flash.js";
import { measure, type Only, type Series, type Setup } from "./path.js";
import { judge, summary } from "./targets.js";

const SENDERS = 50;
const GROUPS = 10;
/** Messages a callgrind run handles; small, for each is run under simulation. */
const COUNTED = 100;
const HOST = join(ROOT, "build/headless/release/lumicast");
const WORK = join(ROOT, "build/bench");
const PATHS: readonly Only[] = [
  "ccm",
  "acceptedSparse",
  "acceptedBurst",
  "duplicate",
  "forged",
  "foreign",
  "send",
];
const USAGE = `usage: npm run bench -- [--samples N] [--quick] [--json]
  --samples N   messages of each kind (2000)
  --quick       300 messages, for CI
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
      json: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) {
    console.log(USAGE);
    return;
  }
  const samples = Number(values.samples ?? (values.quick ? 300 : 2000));
  if (!Number.isInteger(samples) || samples < SENDERS) {
    throw new UsageError(`--samples takes a whole number from ${SENDERS}`);
  }
  mkdirSync(WORK, { recursive: true });
  const setup = makeSetup();
  const node: EngineResult = { engine: "node", series: measure(nodeEngine(), setup, samples) };
  const xs: EngineResult = { engine: "xs", series: await onXs(setup, samples) };
  const coapParse = timeCoapPacket(samples);
  const counts = need("valgrind", "instruction counts of the bench")
    ? await instructionCounts(setup)
    : undefined;
  const results = [node, xs].map((result) => table(result, coapParse, counts));
  const targets = judge(xs.series, nodeEngine(), setup);
  if (values.json) {
    console.log(JSON.stringify({ samples, coapPacketParseMicros: coapParse, results, targets }));
  } else {
    results.forEach(print);
    console.log(`\n${summary(targets)}`);
  }
}

class UsageError extends Error {}

/** One luminaire in ten groups, fifty switches: the load a device is built for. */
function makeSetup(): Setup {
  const made = generate({
    luminaires: 1,
    switches: SENDERS,
    sensors: 0,
    hops: 1,
    loss: 0,
    seed: 1,
    groups: GROUPS,
  });
  const ids = made.applicationGroups.map(({ id }) => id);
  const devices = made.devices.map((device) =>
    device.role === "luminaire" ? { ...device, groups: ids } : device,
  );
  const room = { ...made, devices };
  const luminaire = devices.find(({ role }) => role === "luminaire");
  const switches = devices.filter(({ role }) => role === "switch");
  if (luminaire === undefined) throw new Error("an installation without a luminaire");
  return {
    luminaire: toHex(provisioning(room, luminaire)),
    wallSwitch: toHex(provisioning(room, switches[0])),
    senders: switches.map(({ clientId, target }) => ({
      clientId: toHex(clientId),
      appGroup: target as number,
    })),
    groups: room.applicationGroups.map(({ id, securityGroup, address, port }) => {
      const security = room.securityGroups.find((one) => one.id === securityGroup);
      if (security === undefined) throw new Error(`no security group ${securityGroup}`);
      const [{ keyId, key }] = security.keys;
      return {
        id,
        keyId: keyId.toString(16).padStart(2, "0"),
        key: toHex(key),
        address: toHex(address),
        port,
      };
    }),
  };
}

function nodeEngine() {
  return {
    crypto: new TsCrypto(),
    flash: () => new MemoryFlash(),
    nowMicros: () => Number(process.hrtime.bigint()) / 1000,
    collect: () => {},
  };
}

async function compileForXs(
  setup: Setup,
  samples: number,
  only?: Only,
  prepareOnly = false,
): Promise<string> {
  const { bundleText } = await import(join(ROOT, "hosts/bundle.mjs"));
  const name = join(WORK, `${only ?? "all"}${prepareOnly ? "-prepared" : ""}`);
  const wish = [setup, samples, only, prepareOnly]
    .map((one) => JSON.stringify(one) ?? "undefined")
    .join(", ");
  await bundleText(
    `${name}.js`,
    `import { run } from ${JSON.stringify(join(ROOT, "hosts/bench/xs.ts"))};
export default function () { return run(${wish}); }
`,
  );
  command(HOST, ["compile", `${name}.js`, `${name}.xsb`]);
  return `${name}.xsb`;
}

async function onXs(setup: Setup, samples: number): Promise<Series[]> {
  const image = await compileForXs(setup, samples);
  const { stdout } = command(HOST, ["test", image]);
  return JSON.parse(stdout.trim().split("\n").at(-1) as string) as Series[];
}

/** x86 instructions a message: with the messages used, less with everything but that. */
async function instructionCounts(setup: Setup): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  for (const only of PATHS) {
    const used = collected(await compileForXs(setup, COUNTED, only));
    const prepared = collected(await compileForXs(setup, COUNTED, only, true));
    counts.set(only, Math.round((used - prepared) / COUNTED));
  }
  return counts;
}

function collected(image: string): number {
  const { stderr } = command("valgrind", [
    "--tool=callgrind",
    "--callgrind-out-file=/dev/null",
    HOST,
    "test",
    image,
  ]);
  const found = /Collected\s*:\s*(\d+)/.exec(stderr);
  if (found === null) throw new Error(`callgrind said nothing of ${image}:\n${stderr}`);
  return Number(found[1]);
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

function command(file: string, args: string[]): { stdout: string; stderr: string } {
  const done = spawnSync(file, args, { encoding: "utf8", maxBuffer: 1 << 26 });
  if (done.error !== undefined || done.status !== 0) {
    throw new Error(`${file} ${args.join(" ")}: ${done.error?.message ?? `exit ${done.status}`}
${done.stderr}${done.stdout}`);
  }
  return done;
}

main().catch((error) => {
  console.error(error instanceof UsageError ? `${error.message}\n${USAGE}` : error);
  process.exitCode = error instanceof UsageError ? 2 : 1;
});
