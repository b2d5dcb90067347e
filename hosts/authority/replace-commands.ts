/** `lumicast replace` and `lumicast reset`. */
import { readFileSync } from "node:fs";
import { type Command, FLAG, type Told } from "./command.js";
import { deliveryLines } from "./group-commands.js";
import type { Answer } from "./works.js";

const STDIN = 0;

const replace: Command = {
  words: "replace",
  usage: "OLD CODE|QR-TEXT|-|DEVICE [--yes]",
  about: "A broken device makes room for another, which gets its name, place, groups and rights.",
  help: `  --yes              without it, this only says what would be done

The new one is a device as it leaves the factory, pressed just now and named by its label (-: from
standard input), or one that is joined here already. The old one is lost then: none of its tokens
counts, and its groups get new keys; where the new one cannot be joined, nothing is changed. It is
safe to do it again at any time.
`,
  options: { yes: FLAG },
  operands: [2, 2],
  run: async ({ values, operands, work }) => {
    const [old, text] = operands;
    if (values.yes !== true) return wouldBe(await work("showDevice", { device: old }), "out");
    const by = text === "-" ? readFileSync(STDIN, "utf8").trim() : text;
    return replacedTold(await work("replace", { old, by }));
  },
};

function replacedTold(answer: Answer<"replace">): Told {
  const { ok, name, eui64, joining, groups, nodes } = answer;
  const { failure } = joining ?? {};
  if (!ok) {
    const why = [`failed at "${failure?.step}": ${failure?.why}`, `next: ${failure?.next}`];
    return { json: answer, lines: [...why, `${name} is as it was`], ok };
  }
  const count = groups.flatMap(({ members }) => members).length;
  const keys = groups.map(({ group }) => group).join(", ");
  return {
    json: answer,
    lines: [
      `${name} is ${eui64} now`,
      ...(keys === "" ? [] : [`new keys in security group ${keys}`]),
      ...(keys === "" ? [] : deliveryLines(nodes, count)),
    ],
  };
}

const reset: Command = {
  words: "reset",
  usage: "DEVICE [--by-hand] [--yes]",
  about: "A device wipes every key that it has, and is nobody's; the ledger forgets it.",
  help: `  --yes              without it, this only says what would be done
  --by-hand          its button was held for ten seconds, and pressed: it is not asked any more

Its groups get new keys. It can be joined again, here or elsewhere, by the same label.
`,
  options: { yes: FLAG, "by-hand": FLAG },
  operands: [1, 1],
  run: async ({ values, operands, work }) => {
    const [device] = operands;
    if (values.yes !== true) return wouldBe(await work("showDevice", { device }), "reset");
    const answer = await work("reset", { device, isByHand: values["by-hand"] === true });
    const { groups, nodes, eui64 } = answer;
    const keys = groups.map(({ group }) => group).join(", ");
    const count = groups.flatMap(({ members }) => members).length;
    const where = keys === "" ? "it was in no group" : `new keys in security group ${keys}`;
    return {
      json: { ...answer, done: true },
      lines: [
        `${answer.device} (${eui64}) is nobody's; ${where}`,
        ...(keys === "" ? [] : deliveryLines(nodes, count)),
      ],
    };
  },
};

function wouldBe(shown: Answer<"showDevice">, what: string): Told {
  const groups = shown.grants.map(({ group }) => group).join(", ") || "no group";
  const would = `${shown.name} would be ${what} for good; new keys in: ${groups}. Do it: --yes`;
  return { json: { device: shown.name, done: false }, lines: [would], ok: false };
}

export const REPLACE_COMMANDS: readonly Command[] = [replace, reset];
