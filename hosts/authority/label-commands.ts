/** `lumicast labels ...`: what is printed, and what factories write into devices. */
import { ROLE_NAMES } from "../../modules/ports/role.js";
import { type Command, FLAG, TEXT, textOf } from "./command.js";
import { NodeCrypto } from "./crypto.js";
import { counted, UsageError } from "./fault.js";
import { LABELS_MAX, makeLabels, readLabels, writeSheet } from "./labels.js";

const make: Command = {
  words: "labels make",
  usage: "N DIR [--role ROLE] [--first EUI64] [--trust-presses]",
  about: "Makes what a factory gives N new devices, the list of their labels, and a sheet of them.",
  help: `  --role ROLE        ${ROLE_NAMES.join(", ")}; luminaire unless told otherwise
  --first EUI64      of the first one, the others follow; else a drawn one that is nobody's
  --trust-presses    each gets a key of its own, too, and may be joined by a press alone

In DIR, for its owner's eyes only: EUI64.cbor for each device (its factory record, for --provision),
labels.txt (for: lumicast join open --labels) and labels.html (to print). No secret is said.
`,
  options: { role: { ...TEXT, default: "luminaire" }, first: TEXT, "trust-presses": FLAG },
  operands: [2, 2],
  run: async ({ values, operands }) => {
    const [text, folder] = operands;
    const count = Number(text);
    const isCount = /^\d{1,4}$/.test(text) && count >= 1 && count <= LABELS_MAX;
    if (!isCount) throw new UsageError(`N: ${text} is no number from 1 to ${LABELS_MAX}`);
    const role = ROLE_NAMES.find((one) => one === textOf(values, "role"));
    if (role === undefined) throw new UsageError(`--role: say ${ROLE_NAMES.join(", ")}`);
    const first = textOf(values, "first")?.toLowerCase();
    if (first !== undefined && !/^[0-9a-f]{16}$/.test(first)) {
      throw new UsageError(`--first: ${first} is no EUI-64; write 16 hex digits`);
    }
    const trustsPresses = values["trust-presses"] === true;
    const made = makeLabels(new NodeCrypto(), { count, role, first, folder, trustsPresses });
    const { devices, list, sheet } = made;
    const lines = [
      ...devices.map(({ eui64, blob }) => `${eui64}  ${blob}`),
      `${counted(devices.length, "label")} in ${list}; to print: ${sheet}`,
    ];
    return { json: made, lines };
  },
};

const labels: Command = {
  words: "labels",
  usage: "LIST SHEET",
  about: "Writes a sheet with the QR code and the typed code of each label, to print.",
  help: `LIST is what \`labels make\` wrote, one line a device: the text of its QR code, its role,
and a name to print with it if you like. SHEET is HTML, for its owner's eyes only.
`,
  options: {},
  operands: [2, 2],
  run: async ({ operands }) => {
    const [list, sheet] = operands;
    const crypto = new NodeCrypto();
    const read = readLabels(crypto, list);
    writeSheet(crypto, read, sheet);
    const devices = read.map(({ eui64, role, name }) => ({ eui64, role, name }));
    const written = counted(read.length, "label");
    const lines = [`${written} in ${sheet}; print it, and then delete it`];
    return { json: { devices, sheet }, lines };
  },
};

export const LABEL_COMMANDS: readonly Command[] = [make, labels];
