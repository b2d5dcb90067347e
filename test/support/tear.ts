/** Flash as a loss of power leaves it, for whatever cuts at every operation. */
import { FAULTS, type Fault, type FlashOperation, type NorFlash, PowerCut } from "./flash.js";
import type { SeededRandom } from "./random.js";

/** A copy, as a cut at this operation leaves it, which is about to be done there. */
export function torn(flash: NorFlash, { offset, bytes }: FlashOperation, fault: Fault): NorFlash {
  const copy = flash.copy(flash.operations + 1);
  copy.cutAt(1, fault);
  try {
    if (bytes === undefined) copy.erase(offset);
    else copy.program(offset, bytes);
  } catch (error) {
    if (!(error instanceof PowerCut)) throw error;
  }
  copy.restart();
  return copy;
}

/** Cuts the power at an operation, drawn by lot, of what a start does; false: it does nothing. */
export function cutAgain(
  flash: NorFlash,
  lot: SeededRandom,
  start: (flash: NorFlash) => void,
): boolean {
  const trial = flash.copy(1);
  start(trial);
  if (trial.operations === 0) return false;
  const at = 1 + lot.below(trial.operations);
  flash.cutAt(flash.operations + at, FAULTS[lot.below(FAULTS.length)]);
  try {
    start(flash);
  } catch (error) {
    if (!(error instanceof PowerCut)) throw error;
  }
  flash.restart();
  return true;
}
