/**
 * Cuts the power at every flash operation of a workload, in every way, and once more while the
 * device recovers.
 *
 * The workload runs once. Before each of its flash operations the hook below takes a copy of the
 * flash as it is, applies the operation not at all, torn, or completely, starts a device on the
 * copy and checks it against the world (cut-world.ts); nothing is replayed from the beginning. Then
 * it lets that device work on and cuts the power a second time, at an operation drawn by lot, its
 * start included.
 */

import { Sequence } from "../../modules/oscore/sequence.js";
import { Store } from "../../modules/store/store.js";
import { type Boot, bootDevice, bootStore, rest, type Subject, turn, World } from "./cut-world.js";
import { FAULTS, type Fault, type FlashOperation, NorFlash, PowerCut } from "./flash.js";
import { SeededRandom } from "./random.js";

export interface CutOptions {
  readonly seed: number;
  readonly programBytes: number;
  /** Operations of the workload: messages sent and received, records put and deleted, pauses. */
  readonly operations: number;
  /** Second cuts for each first one: a fraction is a probability. */
  readonly secondCuts: number;
  /** Cuts after which the run ends, wherever it is. */
  readonly cutsMax?: number;
  /** Only every n-th flash operation is cut; 1 when absent. */
  readonly every?: number;
  /** A device with a mistake in it. */
  readonly boot?: Boot;
}

export interface CutReport {
  seed: number;
  programBytes: number;
  operations: number;
  flashOperations: number;
  /** First and second cuts. */
  cuts: number;
  secondCuts: number;
  tornPrograms: number;
  tornErases: number;
  /** Erases of the workload itself. */
  erases: number;
  /** Most numbers of one sender lost by a cut, and by a cut while idle. */
  lostMax: number;
  lostMaxIdle: number;
  /** What went wrong, with all that is needed to see it again; undefined when nothing did. */
  failure: string | undefined;
}

/** Ten sectors: small, so that the log goes round often. */
const PARTITION_BYTES = 40960;
/** Probability that one more cut follows a second one. */
const MORE_CUTS = 0.3;
/** Most steps of tidying that a device needs after a start. */
const TIDY_STEPS_MAX = 400;

export function cutPower(options: CutOptions): CutReport {
  return new Cutter(options).run();
}

class Finished extends Error {}

class Cutter {
  readonly #options: CutOptions;
  readonly #boot: Boot;
  readonly #flash: NorFlash;
  readonly #copy: NorFlash;
  readonly #second: NorFlash;
  /** Drives the workload. */
  readonly #random: SeededRandom;
  /** Draws second cuts: apart, so that more of them leave the workload as it is. */
  readonly #lot: SeededRandom;
  readonly #world: World;
  readonly #report: CutReport;

  constructor(options: CutOptions) {
    const { seed, programBytes } = options;
    this.#options = options;
    this.#boot = options.boot ?? bootDevice;
    const geometry = { size: PARTITION_BYTES, programBytes };
    this.#flash = new NorFlash({ ...geometry, seed });
    this.#copy = new NorFlash({ ...geometry, seed: seed + 1 });
    this.#second = new NorFlash({ ...geometry, seed: seed + 2 });
    this.#random = new SeededRandom(seed);
    this.#lot = new SeededRandom(seed + 3);
    this.#world = World.create(this.#random);
    this.#report = {
      seed,
      programBytes,
      operations: 0,
      flashOperations: 0,
      cuts: 0,
      secondCuts: 0,
      tornPrograms: 0,
      tornErases: 0,
      erases: 0,
      lostMax: 0,
      lostMaxIdle: 0,
      failure: undefined,
    };
  }

  run(): CutReport {
    const report = this.#report;
    const flash = this.#flash;
    if (!Store.format({ flash }) || !Sequence.create(bootStore(flash))) throw new Error("format");
    try {
      const subject = this.#boot(flash);
      this.#warmUp(subject);
      flash.operations = 0;
      flash.onOperation = (operation) => this.#cutHere(operation);
      while (report.operations < this.#options.operations) {
        report.operations += turn(this.#world, subject, this.#random);
      }
    } catch (error) {
      if (!(error instanceof Finished)) report.failure ??= this.#describe("", error);
    }
    report.flashOperations = flash.operations;
    report.tornPrograms = this.#copy.tornPrograms + this.#second.tornPrograms;
    report.tornErases = this.#copy.tornErases + this.#second.tornErases;
    report.erases = flash.wear.reduce((sum, count) => sum + count, 0);
    return report;
  }

  /**
   * Works until every sector was erased once: from then on flash is as it is for the next 20 years.
   */
  #warmUp(subject: Subject): void {
    const { wear } = this.#flash;
    while (wear.includes(0)) turn(this.#world, subject, this.#random);
    wear.fill(0);
  }

  #cutHere(operation: FlashOperation): void {
    const { every = 1, cutsMax = Number.POSITIVE_INFINITY, secondCuts } = this.#options;
    if (this.#flash.operations % every !== 0) return;
    for (const fault of FAULTS) {
      if (this.#report.cuts >= cutsMax) throw new Finished();
      this.#first(operation, fault);
      const wanted = Math.floor(secondCuts) + (this.#lot.chance(secondCuts % 1) ? 1 : 0);
      if (wanted > 0) this.#secondCuts(operation, fault, wanted);
    }
  }

  /** `#copy` becomes the flash as the cut leaves it. */
  #tear(operation: FlashOperation, fault: Fault): void {
    const copy = this.#copy;
    copy.become(this.#flash);
    copy.cutAt(1, fault);
    try {
      if (operation.bytes === undefined) copy.erase(operation.offset);
      else copy.program(operation.offset, operation.bytes);
    } catch (error) {
      if (!(error instanceof PowerCut)) throw error;
    }
    copy.restart();
  }

  #first(operation: FlashOperation, fault: Fault): void {
    this.#report.cuts++;
    this.#tear(operation, fault);
    const second = this.#second;
    second.become(this.#copy);
    const world = this.#world.clone();
    const { isQuiet } = world;
    try {
      this.#note(world.check(this.#boot(second)), isQuiet);
    } catch (error) {
      this.#fail(fault, error);
    }
  }

  /** Cuts again at operations drawn by lot while the device starts and works on. */
  #secondCuts(operation: FlashOperation, fault: Fault, wanted: number): void {
    this.#tear(operation, fault);
    const second = this.#second;
    second.become(this.#copy);
    let where = "";
    try {
      this.#workOn(this.#world.clone(), second);
      const { operations } = second;
      for (let i = 0; i < wanted && operations > 0; i++) {
        const at = 1 + this.#lot.below(operations);
        const again = FAULTS[this.#lot.below(FAULTS.length)];
        where = `, second cut at operation ${at} of the recovery (${again})`;
        this.#cutAgain(at, again);
      }
    } catch (error) {
      this.#fail(`${fault}${where}`, error);
    }
  }

  /** A second cut, now and then a third, a fourth and so on, before the device may come to rest. */
  #cutAgain(first: number, fault: Fault): void {
    const second = this.#second;
    const world = this.#world.clone();
    second.become(this.#copy);
    let at = first;
    let how = fault;
    do {
      this.#report.cuts++;
      this.#report.secondCuts++;
      second.cutAt(second.operations + at, how);
      try {
        this.#workOn(world, second);
      } catch (error) {
        if (!(error instanceof PowerCut)) throw error;
      }
      second.restart();
      at = 1 + this.#lot.below(first);
      how = FAULTS[this.#lot.below(FAULTS.length)];
    } while (this.#lot.chance(MORE_CUTS));
    const { isQuiet } = world;
    this.#note(world.check(this.#boot(second)), isQuiet);
  }

  /** What a device does after a start; that it can is part of the promise. */
  #workOn(world: World, flash: NorFlash): void {
    const subject = this.#boot(flash);
    world.check(subject);
    world.inFlight = undefined;
    const refusals = world.refusals;
    const sender = world.senders[0];
    // Beyond anything a bound may have skipped.
    sender.next += 40;
    for (let i = 0; i < 7; i++) world.receiveNext(subject, sender);
    world.put(subject, 1, new Uint8Array(20).fill(7));
    rest(world, subject, 0);
    settle(subject);
    world.send(subject);
    world.put(subject, 2, undefined);
    if (world.refusals > refusals) throw new Error("a record is refused after a restart");
  }

  #note(lost: number, isQuiet: boolean): void {
    const report = this.#report;
    report.lostMax = Math.max(report.lostMax, lost);
    if (isQuiet) report.lostMaxIdle = Math.max(report.lostMaxIdle, lost);
  }

  #fail(how: string, error: unknown): never {
    this.#report.failure = this.#describe(how, error);
    throw new Finished();
  }

  #describe(how: string, error: unknown): string {
    const { seed, programBytes } = this.#options;
    const at = `operation ${this.#flash.operations + 1}`;
    return `seed ${seed}, program unit ${programBytes}, ${at} (${how}): ${String(error)}`;
  }
}

function settle(subject: Subject): void {
  for (let step = 0; subject.store.needsTidy; step++) {
    if (step === TIDY_STEPS_MAX) throw new Error("tidying does not come to an end");
    subject.store.tidy();
  }
}
