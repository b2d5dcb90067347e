import { checkChecks } from "./checks.js";
import { checkImports } from "./imports.js";
import { checkState, checkWords } from "./portable.js";
import { checkCeilings, checkCharacters, checkPlaces, checkUnfinished } from "./shape.js";
import { type Finding, readTree, type Tree } from "./tree.js";

const checks: Readonly<Record<string, (tree: Tree) => Finding[]>> = {
  imports: checkImports,
  words: checkWords,
  state: checkState,
  ceilings: checkCeilings,
  places: checkPlaces,
  characters: checkCharacters,
  unfinished: checkUnfinished,
  checks: checkChecks,
};

export interface Tidied {
  readonly rule: string;
  readonly findings: readonly Finding[];
}

/** Applies every rule to the tree at `root`. */
export function tidy(root: string): Tidied[] {
  const tree = readTree(root);
  return Object.entries(checks).map(([rule, check]) => ({ rule, findings: check(tree) }));
}
