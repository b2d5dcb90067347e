/**
 * A room half on Wi-Fi, half on 802.15.4, on computers of its own network: two lamps and a switch
 * are headless devices with UDP/IPv6 multicast, two lamps and a switch are on the medium, one lamp
 * behind the other, and between them is a border router. Whoever presses which switch, all lamps
 * obey, and their reports come back; tshark sees which groups the border joined.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { borderCommand } from "../../hosts/border/room.js";
import type { Status } from "../../hosts/border/station.js";
import { formatIpv6, formatPrefix, parseIpv6 } from "../../hosts/installation/address.js";
import { formatInstallation } from "../../hosts/installation/file.js";
import { generate } from "../../hosts/installation/generate.js";
import { meshAddress } from "../../hosts/installation/members.js";
import { parseInstallation } from "../../hosts/installation/parse.js";
import { provisioning } from "../../hosts/installation/provisioning.js";
import {
  BORDER,
  type Device,
  type Installation,
  type Profile,
} from "../../hosts/installation/types.js";
import { Medium } from "../../hosts/medium/medium.js";
import { ROOT } from "../../hosts/root.js";
import { fromHex } from "../../modules/bytes/hex.js";
import { lacks } from "../support/skip.js";
import { type Lan, testOnLan } from "./lan.js";
import { device, Folder, lanAround, Program } from "./programs.js";

const test = testOnLan();
const skip = lacks("tshark");
/**
 * On Wi-Fi, a computer of the Lan each. On the mesh are lamp-3, and behind it lamp-2, which the
 * border does not hear.
 */
const WIFI: readonly string[] = ["lamp-1", "lamp-4", "switch-2"];
const BORDER_COMPUTER = 4;
const LAMPS = ["lamp-1", "lamp-2", "lamp-3", "lamp-4"];
const GROUP = "ff15::4c:1";
const REPORT_FIELDS = [
  "eth.src",
  "icmpv6.type",
  "icmpv6.mldr.mar.record_type",
  "icmpv6.mldr.mar.multicast_address",
];
/** RFC 3810 §5.2.12, without sources: to listen, and to leave. */
const TO_EXCLUDE = 4;
const TO_INCLUDE = 3;
const QUERY_SECONDS = 5;
const PATIENCE_SECONDS = 30;

const folder = new Folder();
let lan: Lan;

lanAround({ computers: BORDER_COMPUTER, folder }, (made) => {
  lan = made;
});

/** Through the text of a file, which checks it. */
function installation(profile: Profile): Installation {
  const made = generate({ luminaires: 4, switches: 2, sensors: 0, hops: 2, loss: 0, profile });
  const devices = made.devices.map((one) => {
    const place = WIFI.indexOf(one.name);
    return place < 0 ? one : { ...one, wifi: bytesOf(lan.address(place + 1)) };
  });
  const border = {
    eui64: fromHex("02124b00000000bb"),
    position: [0, 0, 2] as const,
    short: 0xbb,
  };
  const securityGroups = made.securityGroups.map((group) => {
    if (group.profile === "lowlatency") return group;
    return { ...group, policies: { ...group.policies, synchronisation: "challenge" as const } };
  });
  const room = {
    ...made,
    ...{ devices, securityGroups, network: { ...made.network, border } },
    settings: { ...made.settings, reports: 1, leisureMs: 300 },
  };
  return parseInstallation(formatInstallation(room), "border.test").installation;
}

function bytesOf(text: string): Uint8Array {
  const bytes = parseIpv6(text);
  if (bytes === undefined) throw new Error(`${text} is no address`);
  return bytes;
}

/** On a computer of the Lan, to its end; what it said. */
function run(number: number, ...words: readonly string[]): string {
  const [command, args] = lan.computer(number).command(...words);
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`${words.join(" ")}: ${stderr}`);
  return stdout;
}

/** A line of REPORT_FIELDS: of the border's computer, about the group. */
function reportOf(type: number): RegExp {
  const told = run(BORDER_COMPUTER, "ip", "-o", "link", "show", "dev", "eth0");
  const [, mac] = /link\/ether (\S+)/.exec(told)!;
  return new RegExp(`^${mac}\\t143\\t${type}\\t${GROUP}`);
}

/** The room, both halves of it. */
class Room {
  readonly medium: Medium;
  readonly wifi: ReadonlyMap<string, Program>;
  readonly statuses: Status[] = [];
  readonly #said: string[] = [];
  readonly #levels = new Map<string, number>();
  readonly #seen = new Map<string, number>();
  readonly #turned: string[] = [];
  readonly #running: Promise<void>;

  private constructor(medium: Medium, wifi: ReadonlyMap<string, Program>) {
    this.medium = medium;
    this.wifi = wifi;
    medium.on("light", ({ device: name, at, light }) => {
      this.#levels.set(name, light.level);
      this.#turned.push(`${name} ${light.level} at ${at}`);
    });
    medium.on("log", ({ device: name, text }) => {
      if (name === BORDER) this.statuses.push(JSON.parse(text) as Status);
      else if (text.startsWith("reports:")) this.#said.push(text);
    });
    this.#running = medium.run(Number.MAX_SAFE_INTEGER);
    this.#running.catch(() => {});
  }

  static async start(room: Installation, name: string): Promise<Room> {
    for (let number = 1; number <= WIFI.length; number++) {
      const prefix = formatPrefix(room.network.prefix);
      run(number, "ip", "-6", "route", "replace", prefix, "dev", "eth0");
    }
    const wifi = new Map<string, Program>();
    for (const [index, which] of WIFI.entries()) {
      const one = room.devices.find((known) => known.name === which)!;
      const provisioned = { name: `${name}-${which}`, eui64: one.eui64 };
      const blob = provisioning(room, one);
      const { command } = lan.computer(index + 1);
      wifi.set(which, await device("XS", command, { ...provisioned, blob }, folder));
    }
    const { command } = lan.computer(BORDER_COMPUTER);
    const main = join(ROOT, "build/node/hosts/border/main.js");
    const options = { link: "eth0", ports: [5683], querySeconds: QUERY_SECONDS };
    const medium = await Medium.start({
      installation: room,
      pacing: "real",
      border: borderCommand(options, main, (file, args) => {
        const [entered, rest] = command(file, ...args);
        return { file: entered, args: rest };
      }),
    });
    return new Room(medium, wifi);
  }

  /** Whether the border has joined the group outside since `count` statuses ago. */
  async joined(count = 0): Promise<void> {
    await until("the border joins the group", () => {
      return this.statuses.slice(count).some(({ groups }) => groups?.includes(GROUP));
    });
  }

  async press(name: string): Promise<void> {
    const wall = this.wifi.get(name);
    if (wall === undefined) {
      const now = this.medium.now;
      this.medium.button(name, true, now);
      this.medium.button(name, false, now + 120_000);
      return;
    }
    wall.say("down");
    await pause(120);
    wall.say("up");
  }

  level(name: string): number {
    const lamp = this.wifi.get(name);
    if (lamp === undefined) return this.#levels.get(name) ?? 0;
    const told = lamp.lines.filter((line) => line.includes('"light":'));
    const last = told.at(-1);
    return last === undefined ? 0 : (JSON.parse(last) as { light: { level: number } }).light.level;
  }

  all(on: boolean): Promise<void> {
    const lit = () => LAMPS.filter((name) => this.level(name) > 0);
    const wanted = on ? LAMPS.length : 0;
    return until(`all lamps ${on ? "on" : "off"}`, () => lit().length === wanted);
  }

  /** What a switch says next of its reports. */
  async reports(name: string): Promise<string> {
    const lines = this.wifi.get(name)?.lines ?? this.#said;
    const told = () => lines.filter((line) => line.includes("reports:"));
    const before = this.#seen.get(name) ?? 0;
    await until(`reports of ${name}`, () => told().length > before);
    this.#seen.set(name, told().length);
    return told().at(-1)!;
  }

  /** Every level any lamp was set to, one line each. */
  get lights(): string[] {
    const wifi = [...this.wifi].flatMap(([name, { lines }]) => {
      return lines.filter((line) => line.includes('"light":')).map((line) => `${name} ${line}`);
    });
    return [...this.#turned, ...wifi];
  }

  async stop(): Promise<void> {
    for (const program of this.wifi.values()) program.stop();
    await this.medium.stop();
    await this.#running.catch(() => {});
    for (const program of this.wifi.values()) await program.over();
  }
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

async function until(what: string, holds: () => boolean): Promise<void> {
  const end = performance.now() + PATIENCE_SECONDS * 1000;
  while (!holds()) {
    if (performance.now() > end) throw new Error(`${what}: not within ${PATIENCE_SECONDS} s`);
    await pause(50);
  }
}

/** tshark on the Lan's bridge: one line a packet, the values of `fields`. */
async function capture(filter: string, ...fields: readonly string[]): Promise<Program> {
  const words = ["tshark", "-i", "bridge", "-l", "-n", "-f", filter, "-T", "fields"];
  for (const field of fields) words.push("-e", field);
  const program = new Program(lan.hub.command, ...words);
  await until("tshark captures", () => program.errors.includes("Capturing on"));
  await pause(500);
  return program;
}

/** From switch-2's own address and port. */
const AGAIN = `
const socket = require("node:dgram").createSocket("udp6");
socket.bind(5683, process.argv[1], () => {
  socket.setMulticastInterface("::%eth0");
  socket.setMulticastTTL(16);
  socket.send(Buffer.from(process.argv[2], "hex"), 5683, "${GROUP}", () => socket.close());
});
`;

/** All on by the switch on Wi-Fi, all off by the one on the mesh; what they hear of it. */
async function both(room: Room, reports: RegExp): Promise<void> {
  await room.press("switch-2");
  await room.all(true);
  assert.match(await room.reports("switch-2"), reports);
  await room.press("switch-1");
  await room.all(false);
  assert.match(await room.reports("switch-1"), reports);
}

/** The border is cut off and comes back: its listeners are asked anew. */
async function restart(room: Room): Promise<void> {
  room.medium.kill(BORDER);
  await pause(300);
  const before = room.statuses.length;
  room.medium.restart(BORDER);
  await room.joined(before);
  // A new start of the same seed: its first message may count as a copy, until it is repeated.
  await both(room, /reports: [1-4] ok, 0 failed/);
}

/** Somebody outside sends as fast as it can; the border keeps the mesh's air for others. */
async function flood(room: Room): Promise<void> {
  run(1, process.execPath, "-e", FLOOD);
  await until("the border holds back", () => room.statuses.at(-1)!.held[0] > 100);
  await both(room, /reports: 4 ok, 0 failed/);
}

/** What switch-2 sent, said again from its own address, as whoever listens on the Lan can. */
async function replay(room: Room, datagrams: readonly string[]): Promise<void> {
  const place = WIFI.indexOf("switch-2") + 1;
  const from = `${lan.address(place)}\t`;
  const recorded = datagrams.filter((line) => line.startsWith(from));
  assert.ok(recorded.length >= 2, datagrams.join("\n"));
  const wall = room.wifi.get("switch-2")!;
  wall.stop();
  await wall.over();
  // Repeats of the last commands, 0.25 and 2 s after them, are no replays.
  await pause(3000);
  const { inward } = room.statuses.at(-1)!;
  const lights = room.lights;
  for (const line of recorded) {
    run(place, process.execPath, "-e", AGAIN, lan.address(place), line.slice(from.length));
  }
  // They cross the border, which can tell them from no others.
  await until("what is said again crosses", () => {
    return room.statuses.at(-1)!.inward >= inward + recorded.length;
  });
  await pause(500);
  assert.deepEqual(
    room.lights.filter((line) => !lights.includes(line)),
    [],
  );
  assert.deepEqual(
    LAMPS.map((name) => room.level(name)),
    [0, 0, 0, 0],
  );
}

/** The mesh loses its power: after two intervals the border leaves the group outside. */
async function silence(room: Room, joins: Program): Promise<void> {
  const left = reportOf(TO_INCLUDE);
  const told = () => joins.lines.filter((line) => left.test(line)).length;
  // When it was cut off, its computer's kernel left for it.
  const before = told();
  const { medium } = room;
  for (const name of ["lamp-2", "lamp-3", "switch-1"]) medium.kill(name);
  await until("the border leaves the group", () => told() > before);
  assert.deepEqual(room.statuses.at(-1)?.groups, []);
}

const FLOOD = `
const socket = require("node:dgram").createSocket("udp6");
socket.bind(40000, () => {
  socket.setMulticastInterface("::%eth0");
  socket.setMulticastTTL(16);
  let left = 2000;
  const next = () => {
    if (left-- === 0) return socket.close();
    socket.send(Buffer.alloc(40, left), 5683, "${GROUP}", next);
  };
  next();
});
`;

for (const profile of ["lowlatency", "group-oscore"] as const) {
  test(`a room half on Wi-Fi, half on 802.15.4, is one room (${profile})`, { skip }, async () => {
    const joins = await capture("dst host ff02::16", ...REPORT_FIELDS);
    const datagrams = await capture(`udp and dst host ${GROUP}`, "ipv6.src", "udp.payload");
    const told = installation(profile);
    const room = await Room.start(told, profile);
    try {
      await room.joined();
      await joins.line(reportOf(TO_EXCLUDE));
      // Under group-oscore lamps first challenge whom they do not know: across the border, too.
      if (profile !== "lowlatency") await both(room, /reports: [1-4] ok/);
      await both(room, /reports: 4 ok, 0 failed/);
      // From the mesh with the source it has there.
      const address = formatIpv6(meshAddress(told, told.devices.find(isSwitch)!));
      await datagrams.line(new RegExp(`^${address}\\t`));
      await restart(room);
      if (profile === "lowlatency") await flood(room);
      await replay(room, datagrams.lines);
      if (profile === "lowlatency") await silence(room, joins);
    } finally {
      await room.stop();
      for (const program of [joins, datagrams]) program.stop();
    }
    run(BORDER_COMPUTER, "sh", "-c", "! ip -6 -o addr show dev eth0 | grep -q /128");
  });
}

function isSwitch({ role, wifi }: Device): boolean {
  return role === "switch" && wifi === undefined;
}
