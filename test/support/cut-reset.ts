/**
 * Cuts the power at every flash operation while a lamp that was joined and keyed by a KDC is reset
 * by its button, from the press that does it to the end of the start after that; in every way, and
 * once more while it starts again. Flash is read back: of all the keys the lamp ever worked with no
 * byte is left, or the reset was never asked for and the lamp is what it was.
 */
import { toHex } from "../../modules/bytes/hex.js";
import { emitFactory } from "../../modules/commission/factory.js";
import type { Crypto } from "../../modules/ports/crypto.js";
import { FAULTS, type FlashOperation, NorFlash } from "./flash.js";
import { APPLICATION, GROUP } from "./grants.js";
import { credentialOf } from "./managed.js";
import { blobFor, factoryOf, Joiner, Newcomer } from "./newcomer.js";
import { Place, SWITCHES } from "./place.js";
import { SeededRandom } from "./random.js";
import { ROLE, Room } from "./rig.js";
import { cutAgain, torn } from "./tear.js";

export interface ResetCutOptions {
  readonly programBytes: number;
  /** Probability of a second cut after a first one. */
  readonly secondCuts: number;
  /** Only every n-th flash operation is cut; 1 when absent. */
  readonly every?: number;
}

/** First cuts, by what the lamp was after them, and second ones; keys that were in flash. */
export interface ResetCuts {
  joined: number;
  fresh: number;
  secondCuts: number;
  keys: number;
}

const LAMP = 1;
const PARTITION_BYTES = 32768;
const SECOND = 1_000_000;
const KEY_BYTES = 16;
/** Half a key is a key to whoever tries the other half. */
const PIECE_BYTES = 8;

/** Throws an Error that says after which cut something is left. */
export function cutReset(options: ResetCutOptions): ResetCuts {
  return new Cutter(options).run();
}

class Cutter {
  readonly #options: ResetCutOptions;
  readonly #lot = new SeededRandom(1);
  readonly #place = new Place();
  readonly #flash: NorFlash;
  readonly #lamp: Newcomer;
  /** Every key it was ever handed, as hex. */
  readonly #raw = new Set<string>();
  readonly #secrets: readonly string[];
  readonly #cuts: ResetCuts = { joined: 0, fresh: 0, secondCuts: 0, keys: 0 };

  constructor(options: ResetCutOptions) {
    this.#options = options;
    const { room } = this.#place;
    this.#flash = new NorFlash({ size: PARTITION_BYTES, programBytes: options.programBytes });
    this.#lamp = this.#joined();
    for (const number of SWITCHES) this.#place.device(number, ROLE.SWITCH);
    room.clock.advance(60 * SECOND);
    this.#raw.add(toHex(credentialOf(LAMP).key));
    const image = toHex(this.#flash.snapshot());
    this.#secrets = [...this.#raw].filter((raw) => image.includes(raw));
    this.#cuts.keys = this.#secrets.length;
  }

  run(): ResetCuts {
    const { room } = this.#place;
    const flash = this.#flash;
    const lamp = this.#lamp;
    this.#press(10.1);
    room.clock.advance(SECOND);
    flash.operations = 0;
    flash.onOperation = (operation) => this.#cutHere(operation);
    this.#press(0.1);
    room.clock.advance(3 * SECOND);
    if (lamp.restarts.at(-1) !== "factory reset asked for") throw new Error("it is not reset");
    lamp.restart();
    this.#judge(flash, "without a cut");
    return this.#cuts;
  }

  /** By its label; then it has its keys from the KDC. */
  #joined(): Newcomer {
    const { room } = this.#place;
    const blob = emitFactory(factoryOf(LAMP));
    const crypto = this.#listening(this.#place.kdc.crypto);
    const lamp = new Newcomer(room, { number: LAMP, blob, flash: this.#flash, crypto });
    lamp.press();
    const authority = this.#place.part(LAMP);
    const place = { appGroups: [[APPLICATION, GROUP]] as const, authority };
    const said = new Joiner(room, 201).join(LAMP, blobFor(LAMP, place));
    if (said !== "2.04") throw new Error(`not joined: ${said}`);
    room.clock.advance(2 * SECOND);
    lamp.restart();
    room.clock.advance(40 * SECOND);
    return lamp;
  }

  /** Keys of channels and groups, and what the former are derived from. */
  #listening(plain: Crypto): Crypto {
    const note = (raw: Uint8Array) => {
      if (raw.length >= KEY_BYTES) this.#raw.add(toHex(raw));
    };
    return {
      aeadKey: (algorithm, raw) => {
        note(raw);
        return plain.aeadKey(algorithm, raw);
      },
      sha256: (data) => plain.sha256(data),
      hmac: (input) => {
        note(input.key);
        return plain.hmac(input);
      },
      hkdf: (input) => {
        note(input.secret);
        return plain.hkdf(input);
      },
      hkdfExpand: (input) => plain.hkdfExpand(input),
      signatures: plain.signatures,
      p256: plain.p256,
    };
  }

  #press(seconds: number): void {
    const { clock } = this.#place.room;
    this.#lamp.button.onEdge?.(true, clock.micros());
    clock.advance(seconds * SECOND);
    this.#lamp.button.onEdge?.(false, clock.micros());
  }

  #cutHere(operation: FlashOperation): void {
    const at = this.#flash.operations + 1;
    if (at % (this.#options.every ?? 1) !== 0) return;
    for (const fault of FAULTS) {
      const flash = torn(this.#flash, operation, fault);
      const where = `cut at operation ${at} (${fault})`;
      const isTwice = this.#lot.chance(this.#options.secondCuts);
      if (isTwice && cutAgain(flash, this.#lot, startOn)) this.#cuts.secondCuts++;
      const life = this.#judge(flash, where);
      if (this.#judge(flash, where) !== life) throw new Error(`${where}: ${life}, and then not`);
      this.#cuts[life]++;
    }
  }

  /** What the lamp is after a start, and whether flash says the same. */
  #judge(flash: NorFlash, where: string): "joined" | "fresh" {
    const { device } = startOn(flash);
    const image = toHex(flash.snapshot());
    if (device !== undefined) {
      const isWhole = this.#secrets.every((secret) => image.includes(secret));
      if (!isWhole) throw new Error(`${where}: joined, with half of its keys`);
      return "joined";
    }
    for (const secret of this.#secrets) {
      for (let at = 0; at + 2 * PIECE_BYTES <= secret.length; at += 2 * PIECE_BYTES) {
        const isLeft = image.includes(secret.slice(at, at + 2 * PIECE_BYTES));
        if (isLeft) throw new Error(`${where}: fresh, and a key is left in flash`);
      }
    }
    return "fresh";
  }
}

function startOn(flash: NorFlash): Newcomer {
  return new Newcomer(new Room(), { number: LAMP, flash });
}
