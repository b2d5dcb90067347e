/** `lumicast scan`. */
import { type Command, TEXT, table, textOf, wholeOf } from "./command.js";

/** Devices spread their answers over five seconds, where nothing else was agreed. */
const SECONDS = "6";

export const scan: Command = {
  words: "scan",
  usage: "[--interface NAME] [--seconds N]",
  about: "Who is on the devices' network: devices, authorities and border routers.",
  help: `  --interface NAME   the network; else that of the authority that runs
  --seconds N        for so long (${SECONDS})

Fresh devices in their three minutes, others that answer everybody, and what announces itself by
DNS-SD (_lumicast._udp, _meshcop._udp). Everything here was said in the clear, and proves nothing.
`,
  options: { interface: TEXT, seconds: { ...TEXT, default: SECONDS } },
  operands: [0, 0],
  run: async ({ values, work }) => {
    const text = textOf(values, "seconds") ?? SECONDS;
    const seconds = wholeOf("seconds", text, { least: 1, most: 60 });
    const found = await work("scan", { network: textOf(values, "interface"), seconds });
    const { fresh, devices, authorities, borderRouters } = found;
    const rows = [
      ...authorities.map((one) => ["authority", one.name, placeOf(one)]),
      ...borderRouters.map((one) => ["border router", one.name, placeOf(one)]),
      ...devices.map(({ name, address }) => ["device", name ?? "not of this place", address]),
      ...fresh.map(({ role, eui64 }) => [`fresh ${role}`, eui64, "may be joined"]),
    ];
    const heads = ["what", "name", "where"];
    return { json: found, lines: rows.length === 0 ? ["nobody answered"] : table(heads, rows) };
  },
};

function placeOf({ address, port }: { address: string; port: number }): string {
  return `[${address}]:${port}`;
}
