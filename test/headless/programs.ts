/**
 * What the headless host is made to run in its tests: one image, and the provisioning file names
 * the program. Bundled and compiled by lumicast.ts.
 */
import type { HostBoard } from "../../platforms/headless/board.js";
import { board as makeBoard } from "../../platforms/headless/board.js";
import { HostClock } from "../../platforms/headless/clock.js";
import { HostFlash } from "../../platforms/headless/flash.js";
import { host } from "../../platforms/headless/host.js";

declare function print(text: string): void;

function inner(value: number): number {
  if (value > 2) {
    throw new TypeError("too much"); // run.test.ts knows this line
  }
  return value;
}

async function later(): Promise<void> {
  await 1;
  throw new RangeError("nobody looks");
}

function deeper(depth: number): number {
  return deeper(depth + 1) + 1;
}

function hex(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += (byte < 16 ? "0" : "") + byte.toString(16);
  return text;
}

/** Reports every event as a log line, and answers as told by the frame's first byte. */
function echo(board: HostBoard): void {
  const { clock, radio, button, sensor } = board;
  if (radio === undefined) throw new Error("no radio");
  board.log(`boot ${clock.micros()} ${hex(radio.eui64)}`);
  radio.setAddress({ pan: 0x1234, short: 7 });
  radio.onFrame = (frame, atMicros) => {
    board.log(`frame ${hex(frame)} at ${atMicros} now ${clock.micros()}`);
    if (frame[0] === 1) board.log(`sent as ${radio.send(frame)}`);
    if (frame[0] === 2) board.light.show({ level: 254, mired: 153, x: 1, y: 2 });
    if (frame[0] === 3) board.trace.count("replayed");
    if (frame[0] === 4) clock.after(1000, () => board.log(`timer ${clock.micros()}`));
    if (frame[0] === 5) throw new Error("frame 5");
    if (frame[0] === 6) {
      const bytes = new Uint8Array(16);
      board.random.fill(bytes);
      board.log(hex(bytes));
    }
    if (frame[0] === 7) board.log(`lamp failed: ${board.light.failed}`);
    if (frame[0] === 8) board.log(`program ${board.flash.program(0, new Uint8Array(4))}`);
  };
  radio.onSent = (sent) => board.log(`sent ${sent.id} ${sent.acked} ${sent.transmitted}`);
  button.onEdge = (down, atMicros) => board.log(`button ${down} at ${atMicros}`);
  sensor.onMotion = (motion) => board.log(`motion ${motion}`);
  sensor.onLux = (lux) => board.log(`lux ${lux}`);
}

/** What one key does to a command's path: costs and garbage. */
function receive(board: HostBoard): void {
  const { clock, crypto, flash, light, radio, trace } = board;
  if (radio === undefined) throw new Error("no radio");
  const key = crypto.aeadKey(10, new Uint8Array(16));
  const nonce = new Uint8Array(13);
  const aad = new Uint8Array(20);
  const box = key.seal({ nonce, aad, plain: new Uint8Array(16) });
  let offset = 0;
  radio.onFrame = (frame) => {
    const begin = clock.micros();
    if (frame[0] === 9) return trace.count("duplicate");
    key.open({ nonce, aad, sealed: box });
    flash.program(offset, new Uint8Array(16));
    offset += 16;
    light.show({ level: 1, mired: 250 });
    trace.count("accepted");
    board.log(`spent ${clock.micros() - begin}`);
  };
}

/** A press becomes a sealed frame. */
function send(board: HostBoard): void {
  const key = board.crypto.aeadKey(30, new Uint8Array(16));
  const nonce = new Uint8Array(13);
  board.button.onEdge = () => {
    const box = key.seal({ nonce, aad: new Uint8Array(20), plain: new Uint8Array(16) });
    board.radio?.send(box);
  };
}

function flashRules(): void {
  const flash = new HostFlash();
  const unit = flash.programBytes;
  const bytes = new Uint8Array(unit).fill(0x5a);
  const tell = (what: string, outcome: unknown) => print(`${what}: ${String(outcome)}`);
  const thrown = (act: () => unknown) => {
    try {
      return act();
    } catch (error) {
      return (error as Error).name;
    }
  };
  tell("size", `${flash.size} ${flash.eraseBytes} ${unit}`);
  tell("program", flash.program(unit, bytes));
  tell("again", flash.program(unit, bytes));
  const read = new Uint8Array(unit * 3);
  flash.read(0, read);
  tell("read", hex(read));
  tell(
    "misaligned",
    thrown(() => flash.program(1, bytes)),
  );
  tell(
    "beyond",
    thrown(() => flash.program(flash.size, bytes)),
  );
  tell(
    "read beyond",
    thrown(() => flash.read(flash.size - 1, read)),
  );
  tell(
    "erase inside",
    thrown(() => flash.erase(5)),
  );
  tell("erase", flash.erase(0));
  tell("after erase", flash.program(unit, bytes));
}

/** Reads the first 16 bytes, programs them, erases; one operation each. */
function flashSteps(): void {
  const flash = new HostFlash();
  const bytes = new Uint8Array(16);
  flash.read(0, bytes);
  print(`found ${hex(bytes)}`);
  for (let i = 0; i < 16; i++) bytes[i] = i * 17;
  print(`program ${flash.program(0, bytes)}`);
  print(`erase ${flash.erase(0)}`);
}

function random(): void {
  const bytes = new Uint8Array(40);
  host().random(bytes);
  print(hex(bytes));
}

function timers(): void {
  const clock = new HostClock();
  const seen: string[] = [];
  const note = (name: string) => () => {
    seen.push(name);
    if (name === "late") print(seen.join(" "));
  };
  clock.after(20_000, note("late"));
  clock.after(1000, note("b"));
  clock.after(1000, note("c"));
  clock.after(0, note("a"));
  const cancelled = clock.after(500, note("never"));
  clock.cancel(cancelled);
  clock.cancel(cancelled);
  const again = clock.after(700, note("reused"));
  clock.cancel(cancelled);
  if (again === cancelled) throw new Error("a handle that was cancelled came back");
}

function readBeyond(): void {
  const flash = new HostFlash();
  flash.read(flash.size, new Uint8Array(1));
}

function manyTimers(): void {
  const clock = new HostClock();
  for (;;) clock.after(1000, () => {});
}

/** Multicast between stand-alone processes. */
function udp(board: HostBoard): void {
  const { datagram, clock } = board;
  if (datagram === undefined) throw new Error("no datagrams");
  const group = new Uint8Array(16);
  group.set([0xff, 0x15, 0x6c, 0x75]);
  group[15] = 1;
  print(`address ${hex(datagram.address)}`);
  print(`join ${datagram.join(group)}`);
  datagram.onDatagram = ({ from, to, bytes }) => {
    print(
      `got ${hex(bytes)} from ${hex(from.address)} ${from.port} to ${hex(to.address)} ${to.port}`,
    );
    if (bytes[0] !== 1) return;
    datagram.send({ to: from, fromPort: 5683, bytes: new Uint8Array([2]) });
    datagram.leave(group);
  };
  board.button.onEdge = (down) => {
    if (!down) return;
    const bytes = new Uint8Array([1, 2, 3]);
    const to = { address: group, port: 5683 };
    print(`send ${datagram.send({ to, fromPort: 5683, bytes })}`);
  };
  clock.after(20_000_000, () => board.fatal("nothing ended this in 20 s"));
}

function preloaded(): void {
  const made: string[] = [];
  for (let i = 0; i < 500; i++) made.push(`${NAMES[i % NAMES.length]} ${i}`);
  host().gc();
  const text = NAMES.join(",");
  host().gc();
  print(`${text} ${made[499]} ${hex(TABLE)}`);
}

const NAMES = ["one", "two", "three"];
const TABLE = new Uint8Array([1, 2, 3]);

let counter = 0;

function writes(): void {
  const attempts: Record<string, () => void> = {
    variable: () => {
      counter++;
    },
    array: () => {
      NAMES[0] = "zero";
    },
    push: () => {
      NAMES.push("four");
    },
    prototype: () => {
      Object.assign(HostClock.prototype, { micros: 1 });
    },
    property: () => {
      Object.assign(writes, { property: 1 });
    },
  };
  for (const name of Object.keys(attempts)) {
    try {
      attempts[name]();
      print(`${name} done`);
    } catch (error) {
      print(`${name} ${(error as Error).name}`);
    }
  }
  print(`${NAMES.join()} ${counter}`);
}

function usage(): void {
  const { liveBytes, peakBytes, keys, reservedBytes, stackPeak, rootBytes } = host().usage();
  print(JSON.stringify({ liveBytes, peakBytes, keys, reservedBytes, stackPeak, rootBytes }));
}

const programs: Record<string, (board: HostBoard) => void> = {
  echo,
  receive,
  send,
  udp,
  fatal: (board) => board.fatal("no installation"),
};

const bare: Record<string, () => unknown> = {
  throw: () => inner(1) + inner(5),
  reject: later,
  recurse: () => deeper(0),
  value: () => {
    throw "a string";
  },
  slots: () => {
    const all: object[] = [];
    for (;;) all.push({ a: 1 });
  },
  chunks: () => {
    const all: Uint8Array[] = [];
    for (;;) all.push(new Uint8Array(500));
  },
  keys: () => {
    const all: Record<string, number> = {};
    for (let i = 0; ; i++) all[`key${i}`] = i;
  },
  flashRules,
  flashSteps,
  random,
  timers,
  manyTimers,
  readBeyond,
  preloaded,
  writes,
  usage,
  hello: () => print("hello"),
  failures: () => 2,
  none: () => 0,
  text: () => "no number",
};

export default function main(): unknown {
  const bytes = lumicastHost.provisioning();
  let name = "";
  for (const byte of bytes ?? []) name += String.fromCharCode(byte);
  const program = programs[name];
  if (program !== undefined) return program(makeBoard());
  return (bare[name] as () => unknown)();
}
