/**
 * The medium: device processes on one simulated radio channel, and the owner of their time.
 *
 * Problem: figures taken on sockets between processes are figures of the machine, and a run that
 * depends on the scheduler cannot be repeated. Rejected: all devices in one process (no power cut
 * is as honest as SIGKILL, and a device's heap must be its own); time in fixed ticks (either coarse
 * or a thousand empty grants a second). Choice: conservative discrete events. Global time goes from
 * event to event; a device runs only when it is granted time, and only as far as nothing can reach
 * it unseen: a frame handed to the channel has no effect on anybody for LOOKAHEAD_MICROS (CCA,
 * turnaround, the shortest frame), so whoever has work inside that window works at the same time as
 * the others, and the result is the same as one after the other. What a device does is sorted by
 * time, then place in the installation, before it counts. Same seed, same bytes.
 *
 *     const medium = await Medium.start({ installation, pacing: "fast", pcap: "out.pcap" });
 *     medium.on("light", ({ device, at, light }) => …);
 *     medium.button("switch-1", true, 1_000_000);
 *     await medium.run(2_000_000);
 *     await medium.stop();
 */
import { setTimeout as sleep } from "node:timers/promises";
import { toHex } from "../../modules/bytes/hex.js";
import { deriveSeed } from "../installation/chance.js";
import { meshNodes, radioLinks, radioNodes } from "../installation/topology.js";
import { BORDER, type Installation } from "../installation/types.js";
import { PcapWriter } from "../pcap/pcap.js";
import { Agenda } from "../radio/agenda.js";
import { RadioChannel } from "../radio/channel.js";
import * as timing from "../radio/timing.js";
import type { Link, NodeStatistics, RadioEvent } from "../radio/types.js";
import { atEnd } from "./cleanup.js";
import { MediumError } from "./error.js";
import { Hub } from "./hub.js";
import { type CommandOf, headless, Workspace } from "./launch.js";
import { FastPace, type Pace, RealPace } from "./pace.js";
import { DeviceProcess } from "./process.js";
import type { DeviceEvent, Output, Usage } from "./protocol.js";
import { rogueLinks, rogueNode, type Station, station } from "./station.js";
import type { MediumEvents, MediumOptions } from "./types.js";

type Listeners = { [K in keyof MediumEvents]: Set<(event: MediumEvents[K]) => void> };

/** No transmission can be felt by any device sooner than this: see hosts/radio/channel.ts. */
const LOOKAHEAD_MICROS = Math.min(
  timing.CCA_MICROS + timing.TURNAROUND_MICROS + timing.airtimeMicros(timing.FRAME_BYTES_MIN),
  timing.CCA_MICROS * (timing.MAX_CSMA_BACKOFFS + 1),
);
/** A radio without power filters for nobody: no device has this address. */
const DEAF = { pan: 0xffff, short: 0xfffe };
const WATCHDOG_MS = 20_000;
/** How long a grant under way may hold up `stop`. */
const STOP_MS = 2_000;
/** Grants in a row after which a device that wants to run at a time long past counts as stuck. */
const STUCK_GRANTS = 10_000;

interface Effect {
  readonly life: number;
  readonly output: Output;
}

export class Medium {
  readonly #options: MediumOptions;
  readonly #room: Installation;
  readonly #links: readonly Link[];
  readonly #workspace: Workspace;
  readonly #command: CommandOf;
  readonly #stations: readonly Station[];
  readonly #channel: RadioChannel;
  readonly #pcap: PcapWriter | undefined;
  readonly #forget: () => void;
  readonly #listeners: Listeners = {
    light: new Set(),
    indicator: new Set(),
    trace: new Set(),
    log: new Set(),
    air: new Set(),
    power: new Set(),
  };
  /** What people and the mains do, by time. */
  readonly #inputs = new Agenda<() => void | Promise<void>>();
  /** What devices did, by time: a device's work may end after the time it was granted. */
  readonly #effects = new Agenda<Effect>();
  /** By the channel's number of a frame: whose it is. */
  readonly #sending = new Map<number, { readonly id: number; readonly life: number }>();
  #hub: Hub | undefined;
  #pace: Pace | undefined;
  #pacing: "fast" | "real";
  #now = 0;
  #frames = 0;
  #running: Promise<void> | undefined;
  #stopping = false;
  #removed = false;
  #failure: Error | undefined;
  #errands: (() => Promise<void>)[] = [];

  private constructor(options: MediumOptions) {
    const room = options.installation;
    if (options.border !== undefined && options.pacing !== "real") {
      throw new RangeError("beyond a border time is real: give pacing real");
    }
    this.#options = options;
    this.#pacing = options.pacing ?? "fast";
    this.#room = room;
    this.#command = options.command ?? headless(options.engine ?? "release");
    this.#stations = meshNodes(room).map((node, index) => station(node, index));
    this.#links = radioLinks(room);
    const rogues = Array.from({ length: options.rogues ?? 0 }, (_, index) => index);
    this.#channel = new RadioChannel({
      seed: deriveSeed(this.#seed, "radio"),
      nodes: [...radioNodes(room), ...rogues.map(rogueNode)],
      links: [...this.#links, ...rogues.flatMap((index) => rogueLinks(room, index))],
    });
    this.#pcap = options.pcap === undefined ? undefined : new PcapWriter(options.pcap);
    const { flashFolder, blobOf } = options;
    this.#workspace = new Workspace({
      ...{ room, seed: this.#seed, flashFolder },
      ...(blobOf && { blobOf }),
    });
    this.#forget = atEnd(() => this.#remove());
  }

  /** Starts every device process; none has run yet when this resolves. */
  static async start(options: MediumOptions): Promise<Medium> {
    const medium = new Medium(options);
    try {
      medium.#hub = await Hub.listen(medium.#workspace.socketPath);
      for (const { device } of medium.#stations) medium.#workspace.provision(device, medium.#links);
      await Promise.all(medium.#stations.map((one) => medium.#powerOn(one)));
      return medium;
    } catch (error) {
      await medium.stop();
      throw error;
    }
  }

  /** Virtual microseconds since the start; with `real` pacing what the wall clock allows. */
  get now(): number {
    return this.#pace instanceof RealPace ? Math.max(this.#now, this.#pace.limit()) : this.#now;
  }

  /** The engine of the first device, as it names itself. */
  get engine(): string {
    return this.#stations[0].process?.engine ?? "";
  }

  /** How many devices run on each engine. */
  get engines(): Record<string, number> {
    const counts: Record<string, number> = {};
    for (const { process } of this.#stations) {
      if (process !== undefined) counts[process.engine] = (counts[process.engine] ?? 0) + 1;
    }
    return counts;
  }

  /** Process ids of the devices that have power. */
  get pids(): number[] {
    return this.#stations.flatMap(({ process }) => process?.pid ?? []);
  }

  /** Returns what ends it. Called in order of time. */
  on<K extends keyof MediumEvents>(
    kind: K,
    listener: (event: MediumEvents[K]) => void,
  ): () => void {
    this.#listeners[kind].add(listener);
    return () => this.#listeners[kind].delete(listener);
  }

  /** A contact closes or opens. Times of this and the following: not before `now`, the default. */
  button(device: string, down: boolean, at = this.now): void {
    this.#stimulate(device, at, { at, button: down });
  }

  motion(device: string, motion: boolean, at = this.now): void {
    this.#stimulate(device, at, { at, motion });
  }

  lux(device: string, lux: number, at = this.now): void {
    this.#stimulate(device, at, { at, lux });
  }

  /** An operator has the authority do something; it says in log lines what came of it. */
  command(command: string, at = this.now): void {
    this.#stimulate(BORDER, at, { at, command });
  }

  /** The power of a device goes: SIGKILL. Its flash file stays as it is. */
  kill(device: string, at = this.now): void {
    const station = this.#station(device);
    this.#plan(station.index, at, () => this.#powerOff(station));
  }

  /** The power is back, with other faults of the flash if wanted. Nothing while the device runs. */
  restart(device: string, at = this.now, faults: readonly string[] = []): void {
    const station = this.#station(device);
    this.#plan(station.index, at, () => this.#powerOn(station, faults));
  }

  /** A rogue (0 the first) sends a frame, without FCS. */
  inject(frame: Uint8Array, at = this.now, rogue = 0): void {
    const node = this.#stations.length + rogue;
    this.#plan(node, at, () => {
      this.#channel.transmit({ node, id: this.#frames++, frame, atMicros: at });
    });
  }

  /** From the next `run` on; between runs. */
  set pacing(pacing: "fast" | "real") {
    this.#pacing = pacing;
    this.#pace = undefined;
  }

  /**
   * Resolves when all that happens up to and including `untilMicros` has happened, or after `stop`.
   */
  run(untilMicros: number): Promise<void> {
    if (this.#running !== undefined) throw new Error("the medium runs already");
    if (this.#pacing === "real") this.#pace ??= new RealPace(this.#now);
    this.#pace ??= new FastPace();
    this.#running = this.#loop(untilMicros, this.#pace).finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  /** The memory of a device, now; between grants when the medium runs. */
  usage(device: string): Promise<Usage> {
    const station = this.#station(device);
    const ask = () =>
      station.process?.usage() ?? Promise.reject(new MediumError(`${device} has no power`));
    if (this.#running === undefined) return ask();
    return new Promise((resolve, reject) => {
      this.#errands.push(() => ask().then(resolve, reject));
      this.#pace?.wake();
    });
  }

  /** What the radio of a device did and missed. */
  statistics(device: string): Readonly<NodeStatistics> {
    return this.#channel.statistics(this.#station(device).index);
  }

  /** Ends every process and removes every trace of the run but the capture and kept flash files. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#pace?.wake();
    const running = this.#running?.catch(() => {});
    // A grant under way is finished, unless its device hangs.
    await Promise.race([running, sleep(STOP_MS, undefined, { ref: false })]);
    await Promise.all(this.#stations.map(({ process }) => process?.stop()));
    await running;
    await this.#hub?.close();
    this.#remove();
    this.#forget();
  }

  get #seed(): number {
    return this.#options.seed ?? this.#room.seed;
  }

  async #loop(untilMicros: number, pace: Pace): Promise<void> {
    while (!this.#stopping) {
      if (this.#failure !== undefined) throw this.#failure;
      for (const errand of this.#errands.splice(0)) await errand();
      const at = this.#earliest();
      const target = Math.min(at ?? Number.POSITIVE_INFINITY, untilMicros);
      if (target === Number.POSITIVE_INFINITY && pace instanceof FastPace) return;
      if (!(await pace.reach(target))) continue;
      if (at === undefined || at > untilMicros) {
        this.#now = untilMicros;
        this.#pcap?.flush();
        return;
      }
      await this.#step(at, Math.min(untilMicros, pace.limit()));
    }
  }

  #earliest(): number | undefined {
    let at = this.#inputs.first ?? Number.POSITIVE_INFINITY;
    at = Math.min(at, this.#effects.first ?? at, this.#channel.next() ?? at);
    for (const { next } of this.#stations) if (next !== undefined && next < at) at = next;
    if (at === Number.POSITIVE_INFINITY) return undefined;
    return Math.max(at, this.#now);
  }

  /** Everything that happens at `at`, then the devices' part up to the horizon. */
  async #step(at: number, limit: number): Promise<void> {
    this.#now = at;
    for (let due = this.#effects.first; due !== undefined && due <= at; due = this.#effects.first) {
      const entry = this.#effects.take();
      if (entry !== undefined) this.#apply(this.#stations[entry.node], entry.what);
    }
    for (const event of this.#channel.advance(at)) this.#onRadio(event);
    for (let due = this.#inputs.first; due !== undefined && due <= at; due = this.#inputs.first) {
      await this.#inputs.take()?.what();
    }
    const horizon = this.#horizon(at, limit);
    const due = this.#stations.filter(({ process, inbox, next }) => {
      return process !== undefined && (inbox.length > 0 || (next !== undefined && next <= horizon));
    });
    await Promise.all(due.map((station) => this.#grant(station, horizon)));
  }

  /**
   * How far devices may run now: nothing that happens from now on can reach them before its end.
   */
  #horizon(at: number, limit: number): number {
    // A device takes the first time it is granted for the moment of its boot.
    if (this.#stations.some(({ process, booted }) => process !== undefined && !booted)) return at;
    const radio = this.#channel.next() ?? Number.POSITIVE_INFINITY;
    const input = this.#inputs.first ?? Number.POSITIVE_INFINITY;
    return Math.max(at, Math.min(at + LOOKAHEAD_MICROS - 1, radio - 1, input - 1, limit));
  }

  async #grant(station: Station, untilMicros: number): Promise<void> {
    const { process, life, index } = station;
    if (process === undefined) return;
    const events = station.inbox;
    station.inbox = [];
    const granted = await process.grant(untilMicros, events);
    const { outputs, next, powerLost, startsAnew } = granted;
    if (powerLost) this.#goDark(station);
    if (startsAnew) this.#plan(station.index, untilMicros, () => this.#powerOn(station));
    station.granted = untilMicros;
    station.booted = true;
    station.next = next;
    station.stuck = next !== undefined && next <= untilMicros ? station.stuck + 1 : 0;
    if (station.stuck > STUCK_GRANTS) {
      throw new MediumError(`${process.name}: wants to run at ${next} µs again and again`);
    }
    for (const output of outputs) {
      if (output.at < this.#now) {
        throw new MediumError(
          `${process.name}: did something at ${output.at} µs, before ${this.#now} µs`,
        );
      }
      this.#effects.add({ at: output.at, rank: 0, node: index, what: { life, output } });
    }
  }

  #apply(station: Station, { life, output }: Effect): void {
    // The power went before the work was done.
    if (life <= station.voidLife) return;
    const device = station.device.name;
    const { at } = output;
    if (output.kind === "tx") this.#transmit(station, output.frame, output.id);
    else if (output.kind === "address") this.#channel.setAddress(station.index, output);
    else if (output.kind === "light") this.#tell("light", { device, at, light: output.light });
    else if (output.kind === "indicator") {
      this.#tell("indicator", { device, at, pattern: output.pattern });
    } else if (output.kind === "trace") this.#tell("trace", { device, at, event: output.event });
    else this.#tell("log", { device, at, text: output.text });
  }

  #transmit(station: Station, frame: Uint8Array, id: number): void {
    const number = this.#frames++;
    this.#sending.set(number, { id, life: station.life });
    const transmission = { node: station.index, id: number, frame, atMicros: this.#now };
    this.#channel.transmit(transmission);
  }

  #onRadio(event: RadioEvent): void {
    const station = this.#stations[event.node];
    if (event.kind === "air") {
      this.#pcap?.write(event.at, event.frame);
      const { at, frame, ack } = event;
      this.#tell("air", { device: station?.device.name, at, frame, ack });
      return;
    }
    if (station === undefined) return;
    const at = Math.max(event.at, station.granted);
    if (event.kind === "frame") {
      if (station.process !== undefined) station.inbox.push({ at, frame: toHex(event.frame) });
      return;
    }
    const sending = this.#sending.get(event.id);
    this.#sending.delete(event.id);
    const alive = station.process !== undefined && sending?.life === station.life;
    if (sending === undefined || !alive) return;
    const { acked, transmitted } = event;
    station.inbox.push({ at, sent: sending.id, acked, transmitted });
  }

  #tell<K extends keyof MediumEvents>(kind: K, event: MediumEvents[K]): void {
    for (const listener of this.#listeners[kind]) listener(event);
  }

  #stimulate(device: string, at: number, event: DeviceEvent): void {
    const station = this.#station(device);
    this.#plan(station.index, at, () => {
      if (station.process !== undefined) station.inbox.push(event);
    });
  }

  #plan(node: number, at: number, act: () => void | Promise<void>): void {
    if (!Number.isSafeInteger(at) || at < this.#now) {
      throw new RangeError(`${at} µs is in the past, or no time at all; it is ${this.#now} µs`);
    }
    this.#inputs.add({ at, rank: 0, node, what: act });
    this.#pace?.wake();
  }

  #station(name: string): Station {
    const found = this.#stations.find(({ device }) => device.name === name);
    if (found === undefined)
      throw new RangeError(`there is no device ${name} in ${this.#room.name}`);
    return found;
  }

  async #powerOn(station: Station, faults?: readonly string[]): Promise<void> {
    if (station.process !== undefined || this.#hub === undefined) return;
    const { device } = station;
    const { border, authority = border } = this.#options;
    const command = device.name === BORDER ? authority : this.#command;
    if (command === undefined) return;
    const { faults: first = [], ...rest } = this.#options.devices?.[device.name] ?? {};
    const options = { ...rest, faults: faults ?? first };
    station.life += 1;
    const args = this.#workspace.args(device, station.life, options);
    station.process = new DeviceProcess({
      name: device.name,
      command: command(args, device),
      watchdogMs: this.#options.watchdogMs ?? WATCHDOG_MS,
      onWake: () => {
        // Something came from beyond the medium: its time is now.
        this.#plan(station.index, this.now, () => {
          if (station.process !== undefined) station.next = this.#now;
        });
      },
      onFailed: (error) => {
        this.#failure ??= error;
        this.#pace?.wake();
      },
    });
    this.#hub.expect(toHex(device.eui64), station.process);
    const started = await station.process.hello();
    station.next = this.#now;
    station.granted = this.#now;
    station.booted = false;
    this.#tell("power", { device: device.name, at: this.#now, on: true });
    if (!started) this.#goDark(station);
  }

  async #powerOff(station: Station): Promise<void> {
    const { process } = station;
    if (process === undefined) return;
    station.voidLife = station.life;
    this.#goDark(station);
    await process.powerCut();
  }

  #goDark(station: Station): void {
    station.process = undefined;
    station.next = undefined;
    station.inbox = [];
    this.#channel.setAddress(station.index, DEAF);
    this.#tell("power", { device: station.device.name, at: this.#now, on: false });
  }

  #remove(): void {
    if (this.#removed) return;
    this.#removed = true;
    for (const { process } of this.#stations) process?.killNow();
    this.#pcap?.close();
    this.#workspace.remove();
  }
}
