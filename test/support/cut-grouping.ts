/**
 * Cuts the power at every flash operation while a lamp in use is told into a group, over to another
 * security group, and out again (level 4, `/grp`), in every way, and once more while it starts
 * after that. It is in the groups it was in before or in those it was told, with all they are made
 * of; what was answered with success holds whatever comes.
 */
import { toHex } from "../../modules/bytes/hex.js";
import { type Cbor, encode } from "../../modules/cbor/encode.js";
import { CBOR, DELETE, PUT } from "../../modules/coap/options.js";
import { address } from "./addresses.js";
import { Channel } from "./channel.js";
import { FAULTS, type FlashOperation, NorFlash } from "./flash.js";
import { SeededRandom } from "./random.js";
import { Rig, Room, type Spec } from "./rig.js";
import { cutAgain, torn } from "./tear.js";

export interface GroupingCutOptions {
  readonly programBytes: number;
  /** Probability of a second cut after a first one. */
  readonly secondCuts: number;
}

/** First cuts, by what the lamp was after them, and second ones. */
export interface GroupingCuts {
  before: number;
  after: number;
  secondCuts: number;
}

const MAINTENANCE = 4;
const PARTITION_BYTES = 65536;
const ELSEWHERE = address(0xff15, 0x0777);
/** In the installation beside the channel's: groups 1 and 2, of security groups 1 and 2. */
const MORE: Partial<Spec> = {
  appGroups: [
    [1, 1],
    [2, 2],
  ],
};

interface Told {
  readonly method: number;
  readonly path: string;
  readonly payload?: Uint8Array;
}

const TOLD: readonly Told[] = [
  { method: PUT, path: "grp/5", payload: groupIn(1) },
  { method: PUT, path: "grp/5", payload: groupIn(2) },
  { method: DELETE, path: "grp/2" },
  { method: PUT, path: "grp/2", payload: groupIn(1) },
  { method: DELETE, path: "grp/5" },
];

/** Throws an Error that says after which cut the lamp is in neither. */
export function cutGrouping(options: GroupingCutOptions): GroupingCuts {
  return new Cutter(options).run();
}

class Cutter {
  readonly #options: GroupingCutOptions;
  readonly #lot = new SeededRandom(1);
  readonly #channel: Channel;
  readonly #cuts: GroupingCuts = { before: 0, after: 0, secondCuts: 0 };

  constructor(options: GroupingCutOptions) {
    this.#options = options;
    const { programBytes } = options;
    const flash = new NorFlash({ size: PARTITION_BYTES, programBytes });
    this.#channel = new Channel(MAINTENANCE, MORE, flash);
  }

  run(): GroupingCuts {
    for (const told of TOLD) this.#tell(told);
    return this.#cuts;
  }

  #tell({ method, path, payload }: Told): void {
    const { lamp } = this.#channel;
    const { flash } = lamp;
    const before = this.#groupsOn(flash.copy(1));
    const seen: (FlashOperation & { readonly flash: NorFlash })[] = [];
    flash.onOperation = ({ offset, bytes }) => {
      seen.push({ offset, bytes: bytes?.slice(), flash: flash.copy(flash.operations) });
    };
    const code = this.#channel.code(method, path, payload, CBOR);
    flash.onOperation = undefined;
    if (code === undefined || code[0] !== "2") throw new Error(`${path}: ${code}`);
    const after = this.#groupsOn(flash.copy(1));
    if (after === before) throw new Error(`${path}: nothing changed`);
    for (const operation of seen) this.#cut(operation, { path, before, after });
  }

  #cut(
    operation: FlashOperation & { readonly flash: NorFlash },
    { path, before, after }: { path: string; before: string; after: string },
  ): void {
    for (const fault of FAULTS) {
      const flash = torn(operation.flash, operation, fault);
      const isTwice = this.#lot.chance(this.#options.secondCuts);
      const start = (on: NorFlash) => void this.#groupsOn(on);
      if (isTwice && cutAgain(flash, this.#lot, start)) this.#cuts.secondCuts++;
      const found = this.#groupsOn(flash);
      const where = `${path}: cut at ${operation.offset} (${fault})`;
      if (found !== before && found !== after) throw new Error(`${where}: ${found}`);
      this.#cuts[found === after ? "after" : "before"]++;
      if (this.#groupsOn(flash) !== found) throw new Error(`${where}: and then another one`);
    }
  }

  /** Groups, their addresses and keys, after a start. */
  #groupsOn(flash: NorFlash): string {
    const { directory } = new Rig(new Room(), this.#channel.lamp.spec, flash).device.groups;
    const groups = [...directory.appGroups()].map(({ id, address: at, port, security }) => {
      const keys = security.associations.map(({ keyId }) => toHex(keyId));
      return [id, security.id, toHex(at), port, keys.join()].join(" ");
    });
    return groups.sort().join("; ");
  }
}

function groupIn(security: number): Uint8Array {
  return encode(
    new Map<Cbor, Cbor>([
      [0, security],
      [1, ELSEWHERE],
    ]),
  );
}
