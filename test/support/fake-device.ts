/**
 * The device's end of the control protocol with the simplest behaviour there can be, for the suites
 * of the medium: a released button is a frame to all, a frame switches the lamp, and every 50 to
 * 100 ms something is traced. The first argument is how it misbehaves, the rest is what the medium
 * gives every device.
 *
 *   node fake-device.js MODE --control PATH --eui64 HEX --seed N …
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { connect } from "node:net";

const [mode, ...args] = process.argv.slice(2);
const option = (name: string): string => args[args.indexOf(name) + 1];
const eui64 = Buffer.from(option("--eui64"), "hex");
const short = eui64[4] * 256 + eui64[7];
const flash = option("--flash");
const PAN = 0x4c55;
const WORK_MICROS = 2_000;
const LOCKOUT_MICROS = 15_000;

let seed = Number(option("--seed"));
let next: number | undefined;
let level = 0;
let grants = 0;
let id = 0;
let dead = false;
let boots = 0;
let lockedUntil = 0;

const socket = connect(option("--control"));
if (mode !== "silent")
  say({ hello: { eui64: option("--eui64"), engine: "fake 1", pid: process.pid } });
let rest = "";
socket.setEncoding("utf8").on("data", (text: string) => {
  const lines = (rest + text).split("\n");
  rest = lines.pop() as string;
  for (const line of lines) take(JSON.parse(line));
});
socket.on("end", () => process.exit(0));
socket.on("error", () => process.exit(0));

interface Message {
  grant?: number;
  events?: { at: number; frame?: string; button?: boolean; sent?: number; acked?: boolean }[];
  usage?: true;
  stop?: true;
}

function take(message: Message): void {
  if (message.usage) say({ usage: { liveBytes: 1000 + grants, peakBytes: 2000 } });
  if (message.stop) process.exit(0);
  if (message.grant !== undefined) grant(message.grant, message.events ?? []);
}

function grant(until: number, events: Message["events"] & object): void {
  grants += 1;
  if (grants === 3) misbehave();
  if (mode === "hang" && grants >= 3) return;
  if (next === undefined) {
    say({ at: until, address: { pan: PAN, short } });
    boots = countBoots();
    say({ at: until, log: `boot ${boots}` });
    next = until + tick();
  }
  for (const event of events) {
    tickUntil(event.at);
    if (event.button !== undefined) onEdge(event.button, event.at);
    if (event.frame !== undefined) {
      level = 254 - level;
      say({ at: event.at + WORK_MICROS, light: { level, mired: 250 } });
      say({ at: event.at + WORK_MICROS, trace: "accepted" });
    }
    if (event.sent !== undefined) say({ at: event.at, trace: `sent ${event.sent}` });
  }
  tickUntil(until);
  say({ done: until, next });
}

function tickUntil(until: number): void {
  while (next !== undefined && next <= until) {
    say({ at: next, trace: "tick" });
    next += tick();
  }
}

/** The first edge counts, the bounce after it does not. */
function onEdge(down: boolean, at: number): void {
  if (at < lockedUntil) return;
  lockedUntil = at + LOCKOUT_MICROS;
  if (!down) transmit(at + WORK_MICROS);
}

/** IEEE 802.15.4-2006 §7.2.1: a data frame to everybody in the PAN, short addresses. */
function transmit(at: number): void {
  const head = [0x41, 0x88, id & 0xff, PAN & 0xff, PAN >> 8, 0xff, 0xff, short & 0xff, short >> 8];
  const frame = Buffer.from([...head, ...Buffer.from(`frame ${id}`)]);
  say({ at, tx: frame.toString("hex"), id: id++ });
}

/** Numerical Recipes' generator: enough to show that the seed decides. */
function tick(): number {
  seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
  return 50_000 + (seed % 50_000);
}

/** Counts the starts in the flash file. */
function countBoots(): number {
  const count = existsSync(flash) ? Number(readFileSync(flash, "utf8")) + 1 : 1;
  writeFileSync(flash, `${count}`);
  return count;
}

function misbehave(): void {
  if (mode === "die") {
    say({ fatal: "heap full at 48 KB" });
    process.stderr.write("first line\nlast words of the device\n", () => process.exit(71));
    dead = true;
  }
  if (mode === "cut" && boots === 1) {
    dead = true;
    process.exit(73);
  }
  if (mode === "garbage") socket.write("{not json\n");
  if (mode === "past") say({ at: 0, trace: "tick" });
}

function say(line: object): void {
  if (!dead) socket.write(`${JSON.stringify(line)}\n`);
}
