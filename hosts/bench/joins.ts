/**
 * npm run bench -- --joins: how many devices one KDC process lets in a second, and how long each
 * waits. A join is all of it: a DTLS-PSK handshake over UDP, AT-KDC from `/token`, AT-R and the
 * group's key from `/keys`, the rows committed to SQLite, the log entries signed.
 *
 * First as many as it can (64 under way at a time), then others as they come, at half that rate and
 * at half of what is wanted: there waiting is measured from when a device wanted to begin, not from
 * when it was let. The devices are a process of their own, on the other core where there is
 * one. Seconds are those of a machine that others use, too; processor time is the KDC's own, with
 * all its threads and with what it takes to begin.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { ROOT } from "../root.js";
import type { Burst } from "./joiners.js";

const GROUP_DEVICES = 100;
const RATE_MIN = 100;
const P99_MAX_MS = 100;
const CPU_MAX_MS = 4;
const AUTHORITY = join(ROOT, "build/node/hosts/authority/main.js");
const JOINERS = join(ROOT, "build/node/hosts/bench/joiners.js");

/** Its exit code: 1 when a join failed. Missing a target is no failure, but is said. */
export async function reportJoins({ devices, json }: { devices: number; json: boolean }) {
  const folder = mkdtempSync(join(tmpdir(), "lumicast-joins-"));
  const started: ChildProcess[] = [];
  try {
    furnish(folder, 3 * devices);
    const { child, at } = await start(folder);
    started.push(child);
    const measured = async (first: number, rate: number): Promise<Measured> => {
      const before = cpuSeconds(child.pid);
      const burst = await joined(at, { first, count: devices, rate });
      const kdcCpuMs = ((cpuSeconds(child.pid) - before) * 1000) / devices;
      return { ...burst, kdcCpuMs };
    };
    const full = await measured(0, 0);
    const half = await measured(devices, full.rate / 2);
    const calm = await measured(2 * devices, RATE_MIN / 2);
    const result = { devices, full, half, calm, load: loadavg()[0] };
    if (json) console.log(JSON.stringify(result));
    else for (const line of linesOf(result)) console.log(line);
    return full.failed + half.failed + calm.failed === 0 ? 0 : 1;
  } finally {
    for (const child of started) await ended(child);
    rmSync(folder, { recursive: true });
  }
}

function ended(child: ChildProcess): Promise<unknown> {
  child.removeAllListeners("close");
  const over = new Promise((resolve) => child.once("close", resolve));
  child.kill("SIGINT");
  return over;
}

interface Measured extends Burst {
  /** Processor time of the KDC's process, for each join. */
  readonly kdcCpuMs: number;
}

interface Result {
  readonly devices: number;
  /** As many as it can; half of that; half of RATE_MIN. */
  readonly full: Measured;
  readonly half: Measured;
  readonly calm: Measured;
  readonly load: number;
}

function linesOf({ devices, full, half, calm, load }: Result): string[] {
  const verdict = (isMet: boolean) => (isMet ? "met" : "MISSED");
  const of = ({ rate, p50, p99, failed, kdcCpuMs, cpuMs }: Measured) =>
    `${round(rate)} joins/s, p50 ${round(p50)} ms, p99 ${round(p99)} ms, ${failed} failed; ` +
    `processor time a join: KDC ${round(kdcCpuMs)} ms, device ${round(cpuMs)} ms`;
  return [
    `${devices} devices, one KDC process, SQLite; load of this machine ${round(load)}`,
    `as many as it can     ${of(full)}`,
    `half as many          ${of(half)}`,
    `half of what must be  ${of(calm)}`,
    `at least ${RATE_MIN} a second: ${verdict(full.rate >= RATE_MIN)}`,
    `p99 under ${P99_MAX_MS} ms at half of that: ${verdict(calm.p99 < P99_MAX_MS)}`,
    `KDC at most ${CPU_MAX_MS} ms of processor a join: ${verdict(full.kdcCpuMs <= CPU_MAX_MS)}`,
  ];
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

/** An authority with so many luminaires, a hundred to a group. */
function furnish(folder: string, count: number): void {
  const lamps = Array.from({ length: count }, (_, at) => ({
    eui64: (at + 1).toString(16).padStart(16, "0"),
    name: `lamp-${at}`,
    psk: (at + 1).toString(16).padStart(32, "0"),
  }));
  const file = join(folder, "lamps.json");
  writeFileSync(file, JSON.stringify(lamps), { mode: 0o600 });
  lumicast(folder, "authority", "init", "--domain", "bench");
  lumicast(folder, "device", "add", "--from", file);
  for (let group = 0; group * GROUP_DEVICES < count; group++) {
    const name = `group-${group}`;
    const address = `ff35::${(group + 1).toString(16)}`;
    const number = `${group + 1}`;
    lumicast(folder, "group", "create", name, "--address", address, "--number", number);
    const own = lamps.slice(group * GROUP_DEVICES, (group + 1) * GROUP_DEVICES);
    const names = own.map((lamp) => lamp.name);
    lumicast(folder, "group", "add", name, ...names, "--role", "receiver");
  }
}

function lumicast(folder: string, ...args: readonly string[]): void {
  const options = { encoding: "utf8" } as const;
  const state = ["--state", join(folder, "state")];
  const done = spawnSync(process.execPath, [AUTHORITY, ...args, ...state], options);
  if (done.status !== 0) throw new Error(`lumicast ${args.join(" ")}: ${done.stderr}`);
}

function start(folder: string): Promise<{ child: ChildProcess; at: string }> {
  const args = [AUTHORITY, "authority", "start", "--listen", "[::1]:0"];
  const child = spawned(0, [...args, "--state", join(folder, "state")]);
  let said = "";
  return new Promise((resolve, reject) => {
    child.stderr?.on("data", (chunk: Buffer) => {
      said += chunk.toString();
      const [, at] = /runs on (\S+);/.exec(said) ?? [];
      if (at !== undefined) resolve({ child, at });
    });
    child.on("close", () => reject(new Error(`the authority ended: ${said}`)));
  });
}

function joined(
  at: string,
  { first, count, rate }: { first: number; count: number; rate: number },
): Promise<Burst> {
  const child = spawned(1, [JOINERS, at, `${first}`, `${count}`, `${rate}`]);
  let said = "";
  return new Promise((resolve, reject) => {
    child.stdout?.on("data", (chunk: Buffer) => {
      said += chunk.toString();
    });
    child.stderr?.on("data", (chunk: Buffer) => process.stderr.write(chunk));
    child.on("close", (code) => {
      if (code === 0) resolve(JSON.parse(said) as Burst);
      else reject(new Error(`the devices' process ended with ${code}`));
    });
  });
}

/** On a core of its own, where the system has a word for that. */
function spawned(core: number, args: readonly string[]): ChildProcess {
  const isPinned = availableParallelism() > 1 && spawnSync("taskset", ["--version"]).status === 0;
  const words = [process.execPath, ...args];
  const [program, ...rest] = isPinned ? ["taskset", "-c", `${core}`, ...words] : words;
  return spawn(program, rest, { stdio: ["ignore", "pipe", "pipe"] });
}

/** What a process has used of a processor so far; 0 where the system has no /proc. */
function cpuSeconds(pid: number | undefined): number {
  const path = `/proc/${pid}/stat`;
  if (!existsSync(path)) return 0;
  // proc(5): utime and stime, in hundredths, are the 14th and 15th; the name may have blanks.
  const fields = readFileSync(path, "utf8")
    .replace(/^.*\) /, "")
    .split(" ");
  return (Number(fields[11]) + Number(fields[12])) / 100;
}
