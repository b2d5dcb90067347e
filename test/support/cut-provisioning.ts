/**
 * Cuts the power at every flash operation while a device that is in use takes a second
 * installation, in every way, and starts it again: by the new blob, or by the old one because
 * somebody gave up. Either way it has to be wholly the one or wholly the other; a lamp whose
 * members are those of one and whose rights are those of the other obeys whom nobody meant.
 */

import { toHex } from "../../modules/bytes/hex.js";
import { Id64 } from "../../modules/bytes/id64.js";
import { ROLE } from "../../modules/device/provision.js";
import { FAULTS, type Fault, NorFlash, PowerCut } from "./flash.js";
import { Guild } from "./guild.js";
import { SeededRandom } from "./random.js";
import { Rig, Room, type Spec } from "./rig.js";

export interface ProvisioningCuts {
  /** First cuts: while the new installation was taken. */
  readonly cuts: number;
  /** While the device started after one. */
  readonly secondCuts: number;
}

export interface ProvisioningCutOptions {
  readonly programBytes: number;
  /** Probability of a second cut after a first one. */
  readonly secondCuts: number;
  /** Only every n-th flash operation is cut; 1 when absent. */
  readonly every?: number;
}

const NUMBER = 20;
const PARTITION_BYTES = 32768;
const GROUP = "group-oscore";

/** Another room's lamp: member 1 is no more, 3 is new, and the rights are others. */
const OLD: Spec = {
  number: NUMBER,
  role: ROLE.LUMINAIRE,
  guilds: [new Guild({ profile: GROUP, id: 5, members: [1, 2, NUMBER] })],
  rights: [
    [1, 1, 2],
    [2, 1, 1],
    [1, 105, 2],
    [2, 105, 1],
  ],
};
const NEW: Spec = {
  ...OLD,
  graceSeconds: 30,
  guilds: [
    new Guild({ profile: GROUP, id: 5, members: [2, 3, NUMBER], moreGroups: [6] }),
    new Guild({ profile: "oscoap-00", id: 8, members: [3, NUMBER] }),
  ],
  rights: [
    [2, 1, 2],
    [2, 105, 2],
    [3, 6, 2],
    [3, 108, 1],
  ],
};

/** Throws an Error that says after which cut the device is neither the old nor the new one. */
export function cutProvisioning(options: ProvisioningCutOptions): ProvisioningCuts {
  return new Cutter(options).run();
}

class Cutter {
  readonly #options: ProvisioningCutOptions;
  readonly #lot = new SeededRandom(1);
  /** With the old installation on it. */
  readonly #before: NorFlash;
  readonly #old: string;
  readonly #new: string;
  readonly #operations: number;
  #secondCuts = 0;

  constructor(options: ProvisioningCutOptions) {
    const { programBytes } = options;
    this.#options = options;
    this.#before = new NorFlash({ size: PARTITION_BYTES, programBytes });
    this.#old = start(this.#before, OLD);
    const whole = this.#before.copy(2);
    this.#new = start(whole, NEW);
    this.#operations = whole.operations;
    if (this.#old === this.#new) throw new Error("the two installations do not differ");
  }

  run(): ProvisioningCuts {
    const { every = 1 } = this.#options;
    let cuts = 0;
    for (let at = every; at <= this.#operations; at += every) {
      for (const fault of FAULTS) {
        this.#cut(at, fault);
        cuts++;
      }
    }
    return { cuts, secondCuts: this.#secondCuts };
  }

  #cut(at: number, fault: Fault): void {
    const torn = this.#before.copy(at);
    cutAt(torn, at, fault, NEW);
    const where = `cut at operation ${at} (${fault})`;
    for (const [again, other] of [
      [OLD, NEW],
      [NEW, OLD],
    ]) {
      const flash = torn.copy(at + 1);
      if (this.#lot.chance(this.#options.secondCuts)) this.#cutAgain(flash, again);
      this.#expect(flash, again, where);
      this.#expect(flash, again, `${where}, started once more`);
      this.#expect(flash, other, `${where}, then the other`);
    }
  }

  /** While it starts by `spec`; this blob or the other is what comes next. */
  #cutAgain(flash: NorFlash, spec: Spec): void {
    const trial = flash.copy(1);
    start(trial, spec);
    if (trial.operations === 0) return;
    const fault = FAULTS[this.#lot.below(FAULTS.length)];
    cutAt(flash, 1 + this.#lot.below(trial.operations), fault, spec);
    this.#secondCuts++;
  }

  #expect(flash: NorFlash, spec: Spec, where: string): void {
    const wanted = spec === OLD ? this.#old : this.#new;
    const found = start(flash, spec);
    if (found === wanted) return;
    const name = spec === OLD ? "old" : "new";
    throw new Error(`${where}: not wholly the ${name} installation\n${found}\n${wanted}`);
  }
}

/** Starts a device until the power goes. */
function cutAt(flash: NorFlash, at: number, fault: Fault, spec: Spec): void {
  flash.cutAt(flash.operations + at, fault);
  try {
    start(flash, spec);
  } catch (error) {
    if (!(error instanceof PowerCut)) throw error;
  }
  flash.restart();
}

/** What a device is after its start: keys, groups, members, rights. */
function start(flash: NorFlash, spec: Spec): string {
  const { device } = new Rig(new Room(), spec, flash);
  const { rights, groups } = device;
  const { directory, schemes } = groups;
  const appGroups = [...directory.appGroups()];
  const client = new Id64();
  const granted = [1, 2, 3].flatMap((number) =>
    appGroups.map(({ id }) => rights.level(id, client.read(Uint8Array.of(number), 0, 1))),
  );
  return JSON.stringify({
    securities: directory.securities().map(({ id, profile, graceSeconds, own, associations }) => ({
      name: [id, profile.name, graceSeconds],
      own: own && [toHex(own.id), toHex(own.credential)],
      keys: associations.map(({ keyId }) => toHex(keyId)),
      members: schemes?.members.of(id).map((one) => [toHex(one.id), toHex(one.credential)]),
    })),
    appGroups: appGroups.map(({ id, security, address }) => [id, security.id, toHex(address)]),
    rights: [rights.count, ...granted],
  });
}
