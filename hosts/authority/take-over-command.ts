/** `lumicast authority take-over`: a room without a computer comes to this authority. */
import { readFileSync } from "node:fs";
import { type Command, TEXT, type Told, textOf } from "./command.js";
import { counted } from "./fault.js";
import type { Answer } from "./works.js";

const STDIN = 0;

export const takeOver: Command = {
  words: "authority take-over",
  usage: "[CODE|QR-TEXT|-] [--eui64 EUI64] [--name GROUP]",
  about: "Takes over a room whose switch is its authority; no lamp is touched.",
  help: `  --eui64 EUI64      of the switch; QR-TEXT says it itself
  --name GROUP       what the room's group is called here; else as the switch calls it (room)

CODE or QR-TEXT is on the switch's label; - or nothing reads it from standard input, where no list
of programs shows it. Hold the switch for five seconds before: its window has to be open. Steps:
label, find, prove, list, enter, hand over, follow. Devices keep their client ids and the group its
number: where these are somebody's here already, nothing is changed. It is safe to do it again.
`,
  options: { eui64: TEXT, name: TEXT },
  operands: [0, 1],
  run: async ({ values, operands, work }) => {
    const [said = "-"] = operands;
    const label = said === "-" ? readFileSync(STDIN, "utf8").trim() : said;
    const [eui64, name] = [textOf(values, "eui64"), textOf(values, "name")];
    return told(await work("takeOver", { label, eui64, name }));
  },
};

function told(taken: Answer<"takeOver">): Told {
  const { ok, devices, failure } = taken;
  const lines =
    failure === undefined
      ? [`${counted(devices.length, "device")} of the room: ${devices.map(nameOf).join(", ")}`]
      : [`failed at "${failure.step}": ${failure.why}`, `next: ${failure.next}`];
  return { json: taken, lines, ok };
}

function nameOf({ name }: { name: string }): string {
  return name;
}
