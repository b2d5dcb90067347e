/** The command line of `npm run simulator`. */
import { parseArgs } from "node:util";

export interface SimulatorOptions {
  readonly help: boolean;
  readonly luminaires: number;
  readonly switches: number;
  readonly file: string | undefined;
  readonly keep: string | undefined;
  readonly interface: string | undefined;
  readonly debug: boolean;
  readonly json: boolean;
}

/** A command line that cannot be used; shown without a stack. */
export class UsageError extends Error {}

export const HELP = `npm run simulator [-- OPTIONS]

Builds the firmware with the Moddable SDK at $MODDABLE and opens one simulator window a device,
side by side: lamps, and switches to click on. They talk IPv6 multicast over a network interface
of this computer (not lo, which has none). What happens is printed, a line each. Ctrl-C, or
closing the windows, ends it.

  --luminaires N    lamps (default 3)
  --switches N      wall switches (default 1)
  --file FILE       the luminaires and switches of an installation file instead
  --keep DIR        keeps the installation and every device's flash there, for the next time
  --interface NAME  network interface (default: the first that carries IPv6 multicast)
  --debug           debug build; xsbug shows it, if it runs
  --json            prints JSON lines: {"name":"lamp-1","at":micros,...}
  --help            this text

Without the SDK it says how to get it. Exit code 1 when it cannot start, 2 if the command line is
wrong.
`;

const TEXT = { type: "string" } as const;
const FLAG = { type: "boolean" } as const;
const SPECIFICATION = {
  luminaires: TEXT,
  switches: TEXT,
  file: TEXT,
  keep: TEXT,
  interface: TEXT,
  debug: FLAG,
  json: FLAG,
  help: { type: "boolean", short: "h" },
} as const;

/** Windows beyond this are more than a screen holds. */
const DEVICES_MAX = 24;

/** Throws UsageError. */
export function parseOptions(args: readonly string[]): SimulatorOptions {
  const values = read(args);
  const made = values.luminaires !== undefined || values.switches !== undefined;
  if (values.file !== undefined && made) {
    throw new UsageError("--file: the file says which devices there are; leave the numbers out");
  }
  return {
    help: values.help === true,
    luminaires: whole("luminaires", values.luminaires) ?? 3,
    switches: whole("switches", values.switches) ?? 1,
    file: values.file,
    keep: values.keep,
    interface: values.interface,
    debug: values.debug === true,
    json: values.json === true,
  };
}

function read(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: SPECIFICATION, strict: true }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function whole(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (/^[0-9]+$/.test(text) && value <= DEVICES_MAX) return value;
  throw new UsageError(`--${name} ${text}: give a whole number from 0 to ${DEVICES_MAX}`);
}
