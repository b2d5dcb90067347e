/**
 * Cuts the power at every flash operation while a fresh device is joined and starts as what it is
 * from then on, in every way, and once more while it starts after that. Whenever it was, the device
 * is fresh or joined, and stays so: one with half a blob, or with its label still readable, would
 * be neither.
 */
import { toHex } from "../../modules/bytes/hex.js";
import { labelAfter } from "../../modules/commission/label.js";
import { TsCrypto } from "../../modules/crypto/crypto.js";
import { KIND } from "../../modules/store/keys.js";
import { FAULTS, type FlashOperation, NorFlash } from "./flash.js";
import { blobFor, Joiner, LABEL_FILL, Newcomer, printed } from "./newcomer.js";
import { opened } from "./partition.js";
import { SeededRandom } from "./random.js";
import { eui64, Room } from "./rig.js";
import { cutAgain, torn } from "./tear.js";

export interface JoiningCutOptions {
  readonly programBytes: number;
  /** Probability of a second cut after a first one. */
  readonly secondCuts: number;
  /** Of what the start writes only every n-th flash operation is cut; 1 when absent. */
  readonly every?: number;
  /** It was joined and reset before: another label counts. */
  readonly isAgain?: boolean;
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
/** Four bytes of the printed label. */
const PRINTED = toHex(new Uint8Array(4).fill(LABEL_FILL));

/** Throws an Error that says after which cut the device is neither. */
export function cutJoining(options: JoiningCutOptions): JoiningCuts {
  return new Cutter(options).run();
}

class Cutter {
  readonly #options: JoiningCutOptions;
  readonly #lot = new SeededRandom(1);
  readonly #flash: NorFlash;
  readonly #cuts: JoiningCuts = { fresh: 0, joined: 0, secondCuts: 0 };
  /** Of the label that a fresh device has. */
  readonly #label: string;

  constructor(options: JoiningCutOptions) {
    this.#options = options;
    const { programBytes } = options;
    this.#flash = new NorFlash({ size: PARTITION_BYTES, programBytes });
    this.#label = options.isAgain ? toHex(secondLabel()) : PRINTED;
  }

  run(): JoiningCuts {
    const flash = this.#flash;
    const room = new Room();
    const lamp = new Newcomer(room, { number: LAMP, flash });
    const joiner = this.#options.isAgain ? resetOnce(room, lamp) : new Joiner(room);
    lamp.press();
    flash.operations = 0;
    flash.onOperation = (operation) => this.#cutHere(operation);
    const said = joiner.join(LAMP, blobFor(LAMP));
    if (said !== "2.04") throw new Error(`not joined: ${said}`);
    lamp.restart();
    return this.#cuts;
  }

  #cutHere(operation: FlashOperation): void {
    const at = this.#flash.operations + 1;
    const isJoin = at <= JOIN_OPERATIONS;
    if (!isJoin && at % (this.#options.every ?? 1) !== 0) return;
    for (const fault of FAULTS) {
      const flash = torn(this.#flash, operation, fault);
      const where = `cut at operation ${at} (${fault})`;
      const isTwice = this.#lot.chance(this.#options.secondCuts);
      if (isTwice && cutAgain(flash, this.#lot, startOn)) this.#cuts.secondCuts++;
      const life = lifeOn(flash, this.#label, where);
      if (lifeOn(flash, this.#label, where) !== life)
        throw new Error(`${where}: ${life}, and then not`);
      this.#cuts[life]++;
    }
  }
}

/** Joined, reset, and fresh again; who joins it now has made a step. */
function resetOnce(room: Room, lamp: Newcomer): Joiner {
  lamp.press();
  const said = new Joiner(room).join(LAMP, blobFor(LAMP));
  lamp.restart();
  const isAsked = lamp.device?.role.face.upkeep?.system.factoryReset();
  if (said !== "2.04" || isAsked !== true) throw new Error(`not joined and reset: ${said}`);
  lamp.restart();
  room.clock.advance(60_000_000);
  const joiner = new Joiner(room, 201);
  joiner.label = { printed: printed(), n: 1 };
  return joiner;
}

function secondLabel(): Uint8Array {
  const label = labelAfter(new TsCrypto(), eui64(LAMP), { printed: printed(), n: 1 });
  if (label === undefined) throw new Error("no second label");
  return label;
}

function startOn(flash: NorFlash): Newcomer {
  return new Newcomer(new Room(), { number: LAMP, flash });
}

/** What the device is after a start. */
function lifeOn(flash: NorFlash, label: string, where: string): Life {
  const { device } = startOn(flash);
  const pieces = opened(flash, STORE_KEYS).keys(KIND.JOINED).length;
  const image = toHex(flash.snapshot());
  const holdsLabel = image.includes(label);
  const isPrinted = label !== PRINTED && image.includes(PRINTED);
  if (isPrinted) throw new Error(`${where}: the printed label is back`);
  const isFresh = device === undefined && pieces === 0 && holdsLabel;
  const isJoined = device?.channels !== undefined && pieces > 1 && !holdsLabel;
  if (isFresh || isJoined) return isFresh ? "fresh" : "joined";
  const found = `device: ${device !== undefined}, pieces: ${pieces}, label: ${holdsLabel}`;
  throw new Error(`${where}: neither fresh nor joined (${found})`);
}
