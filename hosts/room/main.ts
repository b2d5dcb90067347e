/**
 * npm start: a room of simulated devices, to look at and press, or to measure.
 *
 * Problem: the one thing this firmware is for (a press turns all lamps at once, and nothing else
 * does) has to be visible on any machine, from a fresh clone, without a board. Rejected: a drawing
 * of what should happen (proves nothing) and timing by the wall clock (says more about the machine
 * than about the firmware). Choice: every device is the real firmware on the real engine; the radio
 * is calculated, time is virtual. `live.ts` is the room at a terminal, `measure.ts` the one without
 * a person.
 */
import { randomInt } from "node:crypto";
import { someOnCortexM } from "../cortexm/launch.js";
import { formatInstallation, loadInstallation, saveInstallation } from "../installation/file.js";
import { generate } from "../installation/generate.js";
import { InstallationError, parseInstallation } from "../installation/parse.js";
import { SCHEMES } from "../installation/schemes.js";
import type { Installation } from "../installation/types.js";
import { MediumError } from "../medium/error.js";
import { type CommandOf, canSign, headless } from "../medium/launch.js";
import { WEB_FREE } from "../web/open.js";
import { pressable } from "./alone.js";
import { live } from "./begin.js";
import type { CommissionOptions } from "./commissioned.js";
import { fresh, managed, outOfReach, withoutKeys } from "./managed.js";
import { isLossy, type MeasureOptions, measure, switchesOf } from "./measure.js";
import {
  HELP,
  type KeySource,
  PRESSES_DEFAULT,
  parseOptions,
  type RoomOptions,
  UsageError,
} from "./options.js";
import { Progress } from "./progress.js";

const EXIT_MISSED = 1;
const EXIT_USAGE = 2;
/** More than that are not pressed one after the other within three minutes. */
const JOINED_MAX = 100;

async function main(args: readonly string[]): Promise<void> {
  const options = parseOptions(args);
  if (options.help) {
    process.stdout.write(HELP);
    return;
  }
  const installation = roomOf(options);
  checkSignatures(installation, options);
  if (options.save !== undefined) saveInstallation(options.save, installation);
  const keys = options.standalone ? "file" : keySource(installation, options);
  const isJoined = options.standalone || keys === "join";
  const joining = isJoined ? joiningBy(options) : undefined;
  const medium = {
    ...(keys === "file" ? { installation } : managedRoom(installation, options, keys)),
    ...(options.standalone && { blobOf: pressable(installation) }),
    engine: options.engine,
    ...(options.cortexm === 0 ? {} : { command: emulated(installation, options) }),
    ...(options.seed === undefined ? {} : { seed: options.seed }),
    ...(options.pcap === undefined ? {} : { pcap: options.pcap }),
  };
  const terminal = process.stdin.isTTY && process.stdout.isTTY;
  const isLive = !options.json && options.presses === undefined;
  const { web, openView } = options;
  if (web !== undefined && !isLive) {
    throw new UsageError(
      "--web: a room that is measured has no page; leave --presses or --json out",
    );
  }
  const at = web ?? (isLive && terminal ? WEB_FREE : undefined);
  const page = at && { at, isOpen: openView, hasTerminal: terminal };
  if (isLive && (terminal || page !== undefined)) await live(medium, { page, joining });
  else await measureRoom({ ...medium, joining }, options);
}

/** As it suits the room, where nobody says. */
function keySource(installation: Installation, options: RoomOptions): KeySource {
  const { keys, commission, cortexm, engine } = options;
  if (keys === "file" || keys === "authority") return keys;
  const far = outOfReach(installation);
  const { length } = installation.devices;
  const isAsked = keys === "join" || commission;
  if (!isAsked) return far.length === 0 && length <= JOINED_MAX ? "join" : "authority";
  if (cortexm > 0 || !canSign(engine) || far.length === 0) return "join";
  throw new UsageError(
    `${far[0]} is out of reach of the authority's radio, so it cannot be joined from there; ` +
      "add --keys authority",
  );
}

function joiningBy({ commission, standalone, json }: RoomOptions): CommissionOptions {
  const stream = json ? process.stderr : process.stdout;
  const say = (line: string) => void stream.write(`${line}\n`);
  return { ...(commission && { say }), ...(standalone && { isAlone: true }) };
}

function emulated(installation: Installation, { cortexm, engine }: RoomOptions): CommandOf {
  const lamps = installation.devices.filter(({ role }) => role === "luminaire").length;
  if (cortexm > lamps) {
    throw new UsageError(`--cortexm ${cortexm}: there are ${lamps} luminaires in this room`);
  }
  const other = installation.securityGroups.find(({ profile }) => profile !== "lowlatency");
  if (other !== undefined) {
    throw new UsageError(
      `--cortexm ${cortexm}: the emulated microcontroller's image has no profile ` +
        `${other.profile}, only lowlatency; leave one of the two out`,
    );
  }
  return someOnCortexM(installation, cortexm, headless(engine));
}

function managedRoom(
  installation: Installation,
  { cortexm, engine }: RoomOptions,
  keys: "join" | "authority",
) {
  if (cortexm > 0) {
    throw new UsageError(
      `--cortexm ${cortexm}: the emulated microcontroller's image has no DTLS to get keys over; ` +
        "add --keys file",
    );
  }
  if (!canSign(engine)) {
    throw new UsageError(
      `--engine ${engine}: built without signatures, which an authority's tokens have; ` +
        "add --keys file",
    );
  }
  return keys === "join" ? fresh(installation) : managed(installation);
}

function checkSignatures({ securityGroups }: Installation, { engine }: RoomOptions): void {
  const signed = securityGroups.find(({ profile }) => {
    return profile !== "lowlatency" && SCHEMES[profile].signs;
  });
  if (signed === undefined || canSign(engine)) return;
  throw new UsageError(
    `--engine ${engine}: it is built without signatures, which ${signed.profile} needs; ` +
      "leave one of the two out",
  );
}

function roomOf(options: RoomOptions): Installation {
  if (options.file !== undefined) {
    const { installation, notes } = loadInstallation(options.file);
    for (const note of notes) process.stderr.write(`note: ${note}\n`);
    const wifi = installation.devices.find((device) => device.wifi !== undefined);
    if (wifi === undefined) return keyedRoom(installation, options);
    const right = "this room is all 802.15.4; run its half with npm run border -- --file";
    throw new UsageError(`${options.file}: ${wifi.name} is on Wi-Fi, and ${right}`);
  }
  const { luminaires, switches, sensors, hops, profile, seed, lossPercent } = options;
  const room = { luminaires, switches, sensors, hops, profile, loss: lossPercent / 100 };
  // Random keys and a random run; the seed is in the file that --save writes.
  const made =
    seed === undefined
      ? { ...generate(room), seed: randomInt(2 ** 32) }
      : generate({ ...room, seed });
  const kept = options.keys === "file" ? made : withoutKeys(made);
  // Devices have room for so many keys and members; a file would be told the same.
  return parseInstallation(formatInstallation(kept), `--profile ${profile}`).installation;
}

/** A file's room, with its keys where those are wanted, or without. */
function keyedRoom(installation: Installation, { file, keys }: RoomOptions): Installation {
  const { securityGroups } = installation;
  const without = securityGroups.find((group) => group.keys.length === 0);
  if (keys === "file" && without !== undefined) {
    const right = "leave --keys file out, or write its keys into the file";
    throw new UsageError(`${file}: security group ${without.id} has no keys; ${right}`);
  }
  if (keys === "file") return installation;
  if (securityGroups.some((group) => group.keys.length > 0)) {
    process.stderr.write(`note: ${file}: its keys are not used; --keys file uses them\n`);
  }
  return withoutKeys(installation);
}

async function measureRoom(
  medium: Omit<MeasureOptions, "presses">,
  options: RoomOptions,
): Promise<void> {
  const { installation } = medium;
  if (switchesOf(installation).length === 0) {
    throw new UsageError("there is no switch to press; give --switches 1, or a file with a switch");
  }
  const presses = options.presses ?? PRESSES_DEFAULT;
  const progress = new Progress(presses, process.stderr);
  if (medium.authority === undefined) progress.show(0);
  const onProgress = (done: number) => progress.show(done);
  const onKeys = (text: string) => progress.say(text);
  const summary = await measure({ ...medium, presses, onProgress, onKeys });
  process.stdout.write(`${JSON.stringify(summary)}\n`);
  if (summary.missed === 0 || isLossy(installation)) return;
  const seed = medium.seed ?? installation.seed;
  process.stderr.write(`lamps missed ${summary.missed} commands although nothing is lost on the `);
  process.stderr.write(`radio; the seed was ${seed}\n`);
  process.exitCode = EXIT_MISSED;
}

main(process.argv.slice(2)).catch((error: unknown) => {
  const usage = error instanceof UsageError;
  const known = usage || error instanceof InstallationError || error instanceof MediumError;
  const text = error instanceof Error ? (known ? error.message : error.stack) : String(error);
  process.stderr.write(`${text}\n${usage ? "npm start -- --help tells the options.\n" : ""}`);
  process.exitCode = usage || error instanceof InstallationError ? EXIT_USAGE : 1;
});
