/**
 * Cuts the power at every flash operation while a fresh device is joined and starts as what it is
 * from then on, in every way, and once more while it starts after that. Whenever it was, the device
 * is fresh or joined, and stays so: one with half a blob, or with its label still readable, would
 * be neither.
 */
import { toHex } from "../../modules/bytes/hex.js";
import { KIND } from "../../modules/store/keys.js";
import { FAULTS, type Fault, type FlashOperation, NorFlash, PowerCut } from "./flash.js";
import { blobFor, Joiner, LABEL_FILL, Newcomer } from "./newcomer.js";
import { opened } from "./partition.js";
import { SeededRandom } from "./random.js";
import { Room } from "./rig.js";

export interface JoiningCutOptions {
  readonly programBytes: number;
  /** Probability of a second cut after a first one. */
  readonly secondCuts: number;
  /** Of what the start writes only every n-th flash operation is cut; 1 when absent. */
  readonly every?: number;
}

/** First cuts, by what the device was after them, and second ones. */
export interface JoiningCuts {
  fresh: number;
  joined: number;
  secondCuts: number;
}

type Life = "fresh" | "joined";

const LAMP = 20;
const PARTITION_BYTES = 32768;
const STORE_KEYS = 700;
/** The last of them makes it joined, or the one before. */
const JOIN_OPERATIONS = 8;
/** Four bytes of the label. */
const LABEL = toHex(new Uint8Array(4).fill(LABEL_FILL));

/** Throws an Error that says after which cut the device is neither. */
export function cutJoining(options: JoiningCutOptions): JoiningCuts {
  return new Cutter(options).run();
}

class Cutter {
  readonly #options: JoiningCutOptions;
  readonly #lot = new SeededRandom(1);
  readonly #flash: NorFlash;
  readonly #cuts: JoiningCuts = { fresh: 0, joined: 0, secondCuts: 0 };

  constructor(options: JoiningCutOptions) {
    this.#options = options;
    const { programBytes } = options;
    this.#flash = new NorFlash({ size: PARTITION_BYTES, programBytes });
  }

  run(): JoiningCuts {
    const flash = this.#flash;
    const room = new Room();
    const lamp = new Newcomer(room, { number: LAMP, flash });
    lamp.press();
    flash.operations = 0;
    flash.onOperation = (operation) => this.#cutHere(operation);
    const said = new Joiner(room).join(LAMP, blobFor(LAMP));
    if (said !== "2.04") throw new Error(`not joined: ${said}`);
    lamp.restart();
    return this.#cuts;
  }

  #cutHere(operation: FlashOperation): void {
    const at = this.#flash.operations + 1;
    const isJoin = at <= JOIN_OPERATIONS;
    if (!isJoin && at % (this.#options.every ?? 1) !== 0) return;
    for (const fault of FAULTS) {
      const torn = this.#torn(operation, fault);
      const where = `cut at operation ${at} (${fault})`;
      if (this.#lot.chance(this.#options.secondCuts)) this.#cutAgain(torn);
      const life = lifeOn(torn, where);
      if (lifeOn(torn, where) !== life) throw new Error(`${where}: ${life}, and then not`);
      this.#cuts[life]++;
    }
  }

  /** The flash as the cut leaves it. */
  #torn({ offset, bytes }: FlashOperation, fault: Fault): NorFlash {
    const torn = this.#flash.copy(this.#flash.operations + 1);
    torn.cutAt(1, fault);
    try {
      if (bytes === undefined) torn.erase(offset);
      else torn.program(offset, bytes);
    } catch (error) {
      if (!(error instanceof PowerCut)) throw error;
    }
    torn.restart();
    return torn;
  }

  #cutAgain(flash: NorFlash): void {
    const trial = flash.copy(1);
    startOn(trial);
    if (trial.operations === 0) return;
    const at = 1 + this.#lot.below(trial.operations);
    flash.cutAt(flash.operations + at, FAULTS[this.#lot.below(FAULTS.length)]);
    try {
      startOn(flash);
    } catch (error) {
      if (!(error instanceof PowerCut)) throw error;
    }
    flash.restart();
    this.#cuts.secondCuts++;
  }
}

function startOn(flash: NorFlash): Newcomer {
  return new Newcomer(new Room(), { number: LAMP, flash });
}

/** What the device is after a start. */
function lifeOn(flash: NorFlash, where: string): Life {
  const { device } = startOn(flash);
  const pieces = opened(flash, STORE_KEYS).keys(KIND.JOINED).length;
  const holdsLabel = toHex(flash.snapshot()).includes(LABEL);
  const isFresh = device === undefined && pieces === 0 && holdsLabel;
  const isJoined = device?.channels !== undefined && pieces > 1 && !holdsLabel;
  if (isFresh || isJoined) return isFresh ? "fresh" : "joined";
  const found = `device: ${device !== undefined}, pieces: ${pieces}, label: ${holdsLabel}`;
  throw new Error(`${where}: neither fresh nor joined (${found})`);
}
