/** `npm run bench -- --rekeying --simulated`: new keys pushed to each, or said to all by a tree. */
import { type EvictionFigures, measureEviction } from "./eviction.js";
import { measureRekey, type RekeyFigures } from "./rekey.js";

const LOSS_PERCENT = 5;
const SEED = 7;
/** Members, the one that is lost among them. */
const TREES = [20, 50, 100];

/** Prints the figures; 1 when somebody has no new key, missed a press, or obeys who was lost. */
export async function reportSimulated(isJson: boolean): Promise<number> {
  const say = (line: string) => void process.stderr.write(`${line}\n`);
  const usual = { lossPercent: LOSS_PERCENT, seed: SEED, say };
  const pushed = await measureRekey({ ...usual, luminaires: 99 });
  if (!isJson) for (const line of pushedLines(pushed)) console.log(line);
  const trees: EvictionFigures[] = [];
  for (const members of TREES) {
    const tree = await measureEviction({ ...usual, luminaires: members - 2 });
    trees.push(tree);
    if (!isJson) for (const line of treeLines(tree)) console.log(line);
  }
  if (isJson) console.log(JSON.stringify({ pushed, trees }));
  const isDone = isWhole(pushed) && trees.every((tree) => isWhole(tree) && tree.obeyedLost === 0);
  return isDone ? 0 : 1;
}

function isWhole({ seconds, missed }: RekeyFigures | EvictionFigures): boolean {
  return seconds !== undefined && missed === 0;
}

function pushedLines(figures: RekeyFigures): string[] {
  const { members, lossPercent } = figures;
  return [
    `rekey of ${members} members at ${lossPercent} % frame loss, pushed: ${tookOf(figures)}`,
    pressesOf(figures),
  ];
}

function treeLines(figures: EvictionFigures): string[] {
  const { members, lossPercent, messages, frames, heard, late, obeyedLost } = figures;
  const took = tookOf(figures);
  return [
    `one lost of ${members} members at ${lossPercent} % frame loss, key tree: ${took}`,
    `${messages} messages, ${frames} frames of the authority; ${heard} took it from what was said`,
    `${pressesOf(figures)}; ${late} late; ${obeyedLost} obey the lost switch`,
  ];
}

function tookOf({ seconds }: RekeyFigures | EvictionFigures): string {
  return seconds === undefined ? "not over" : `${seconds.toFixed(2)} s of the medium's time`;
}

function pressesOf({ presses, missed, p99Ms, worstMs }: RekeyFigures | EvictionFigures): string {
  const times = `99 % of lamps within ${p99Ms} ms, all within ${worstMs} ms`;
  return `${presses} presses meanwhile: ${missed} missed, ${times}`;
}
