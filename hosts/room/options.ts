/** The command line of `npm start`. */
import { parseArgs } from "node:util";
import { PROFILES, type Profile } from "../installation/types.js";
import { ENGINES, type Engine } from "../medium/launch.js";
import { parseWebAt, WEB_DEFAULT } from "../web/open.js";
import type { WebAt } from "../web/server.js";

export interface RoomOptions {
  readonly help: boolean;
  /** Presses to measure; undefined where the command line names none. */
  readonly presses: number | undefined;
  readonly luminaires: number;
  readonly switches: number;
  readonly sensors: number;
  readonly lossPercent: number;
  readonly hops: number;
  readonly profile: Profile;
  readonly seed: number | undefined;
  readonly pcap: string | undefined;
  readonly json: boolean;
  readonly file: string | undefined;
  readonly save: string | undefined;
  readonly engine: Engine;
  /** So many of the luminaires are emulated microcontrollers. */
  readonly cortexm: number;
  /** Where devices have their keys from; undefined: as it suits the room. */
  readonly keys: KeySource | undefined;
  /** Joins one device after the other, and says what there is to do and to see. */
  readonly commission: boolean;
  /** Its first switch is the room's authority. */
  readonly standalone: boolean;
  /** Where its page is; undefined: it has none. */
  readonly web: WebAt | undefined;
  /** Whether the page is shown to whoever asks for it. */
  readonly openView: boolean;
}

/**
 * `join`: from an authority on the medium, which joins them first, by their labels; `authority`:
 * from one that each knows from the start; `file`: the installation's.
 */
const KEY_SOURCES = ["join", "authority", "file"] as const;
export type KeySource = (typeof KEY_SOURCES)[number];

/** A command line that cannot be used; shown without a stack. */
export class UsageError extends Error {}

export const PRESSES_DEFAULT = 20;

export const HELP = `npm start [-- OPTIONS]

A room of simulated devices, each one process of the headless XS engine running the firmware.
At a terminal: a live view whose keys press the switches. Otherwise, or with --presses or --json:
presses the switches in turn, then prints one JSON object.

  --luminaires N   lamps (default 12)
  --switches N     wall switches (default 2)
  --sensors N      presence sensors (default 1)
  --hops N         layers of lamps that hear only their neighbours (default 1: all hear all)
  --profile NAME   what secures the commands (default lowlatency): oscoap-00, multicast-oscore-04,
                   group-oscore-02, dtls-record, group-oscore; oscore: lamp by lamp, by unicast
  --loss PERCENT   frames lost on every link, 0 to 100 (default 0)
  --file FILE      an installation file instead of a made-up room
  --save FILE      writes the room's installation file, for its owner only: with --keys file the
                   keys, otherwise what the devices' makers gave them to show who they are
  --seed N         decides everything random, keys too; the same seed gives the same run
  --pcap FILE      every frame on the air, for Wireshark (link type 802.15.4 with FCS)
  --presses N      presses to measure (default ${PRESSES_DEFAULT}), 1 to 4 s apart, bounce included
  --json           measure, also at a terminal
  --engine NAME    ${ENGINES.join(", ")} (default release)
  --cortexm N      N of the lamps are emulated Cortex-M4 microcontrollers, in QEMU (default 0)
  --keys WHENCE    join (default): every device is fresh; an installer presses each, an authority
                   on the medium joins it by its label, and gives it keys, over DTLS; authority
                   (default above 100 devices, and where one is out of reach of the authority's
                   radio): each knows that authority from the start; file: keys are in the
                   installation file or made up
  --commission     joins one device after the other, and says what is pressed, what it shows and
                   what the authority does; at a terminal in real time
  --standalone     no authority at all: one switch is held for ten seconds and is it from then on;
                   each lamp comes in by a press there and one at the switch
  --web [AT]       a page of the room, too; AT: [ADDRESS:]PORT (default 127.0.0.1:8780). A terminal
                   has one in any case, at a free port; without one the room goes on until Ctrl-C
  --open-view      the page is shown to who has not logged in; to press and to change, one has to
  --help           this text

The JSON: profile is what secures the commands, delivery how they travel. latencyMs is the time
from a press's completing edge (the first opening of the contact at its release, so debouncing is
included) to the light port of the last lamp, over all presses;
firstToLastMs the time between the first and the last lamp. missed counts (press, lamp) pairs in
which the lamp did not turn the way it had to within 1 s. drops counts what devices discarded, by
reason. joined says how many devices were joined first, and how long that took from the first press
of a button, in the medium's time. heapBytes is the largest of all luminaires, engines
counts the devices by the engine they run on. Exit code 1 if a lamp missed a press although
nothing was lost, 2 if the command line is wrong.
`;

const WHOLE = {
  presses: [1, 100_000],
  luminaires: [1, 500],
  switches: [0, 9],
  sensors: [0, 50],
  hops: [1, 10],
  seed: [0, 0xffff_ffff],
  cortexm: [0, 500],
} as const;
type Whole = keyof typeof WHOLE;

/** What a room out of a file brings along itself. */
const ROOM_ONLY = ["luminaires", "switches", "sensors", "hops", "profile", "loss"] as const;

/** Throws UsageError. */
export function parseOptions(args: readonly string[]): RoomOptions {
  const values = read(args);
  if (values.file !== undefined) {
    for (const name of ROOM_ONLY) {
      if (values[name] === undefined) continue;
      throw new UsageError(`--${name} and --file: the file says that already; leave one out`);
    }
  }
  const options: RoomOptions = {
    help: values.help === true,
    presses: whole(values, "presses"),
    luminaires: whole(values, "luminaires") ?? 12,
    switches: whole(values, "switches") ?? (values.standalone === true ? 1 : 2),
    sensors: whole(values, "sensors") ?? (values.standalone === true ? 0 : 1),
    lossPercent: percent(values.loss),
    hops: whole(values, "hops") ?? 1,
    profile: oneOf("profile", values.profile, PROFILES) ?? "lowlatency",
    seed: whole(values, "seed"),
    pcap: values.pcap,
    json: values.json === true,
    file: values.file,
    save: values.save,
    engine: oneOf("engine", values.engine, ENGINES) ?? "release",
    cortexm: whole(values, "cortexm") ?? 0,
    keys: oneOf("keys", values.keys, KEY_SOURCES),
    commission: values.commission === true,
    standalone: values.standalone === true,
    web: values.web === undefined ? undefined : webAt(values.web),
    openView: values["open-view"] === true,
  };
  const { keys, commission } = options;
  if (commission && keys !== undefined && keys !== "join") {
    throw new UsageError(`--commission and --keys ${keys}: nobody is joined then; leave one out`);
  }
  if (options.standalone) checkStandalone(options);
  if (options.hops > options.luminaires) {
    const { hops, luminaires } = options;
    throw new UsageError(`--hops ${hops}: ${luminaires} luminaires cannot fill ${hops} layers`);
  }
  return options;
}

/** What such a room cannot have yet. */
function checkStandalone(options: RoomOptions): void {
  const { file, keys, switches, sensors, profile, cortexm, hops, save } = options;
  const wrong = [
    ...(file === undefined ? [] : ["--file"]),
    ...(keys === undefined ? [] : ["--keys"]),
    ...(switches === 1 ? [] : [`--switches ${switches}`]),
    ...(sensors === 0 ? [] : [`--sensors ${sensors}`]),
    ...(profile === "lowlatency" ? [] : [`--profile ${profile}`]),
    ...(cortexm === 0 ? [] : [`--cortexm ${cortexm}`]),
    ...(hops === 1 ? [] : [`--hops ${hops}`]),
    ...(save === undefined ? [] : ["--save"]),
  ];
  if (wrong.length === 0) return;
  throw new UsageError(
    `--standalone and ${wrong[0]}: one switch and its luminaires make such a room, and its keys; ` +
      "leave one of the two out",
  );
}

const TEXT = { type: "string" } as const;
const FLAG = { type: "boolean" } as const;
const SPECIFICATION = {
  presses: TEXT,
  luminaires: TEXT,
  switches: TEXT,
  sensors: TEXT,
  hops: TEXT,
  profile: TEXT,
  loss: TEXT,
  seed: TEXT,
  pcap: TEXT,
  file: TEXT,
  save: TEXT,
  engine: TEXT,
  cortexm: TEXT,
  keys: TEXT,
  commission: FLAG,
  standalone: FLAG,
  json: FLAG,
  web: TEXT,
  "open-view": FLAG,
  help: { type: "boolean", short: "h" },
} as const;

function read(args: readonly string[]) {
  try {
    const all = args.flatMap((arg, at) => (isBareWeb(args, at) ? [`--web=${WEB_ANY}`] : [arg]));
    return parseArgs({ args: all, options: SPECIFICATION, strict: true }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

const WEB_ANY = `${WEB_DEFAULT.address}:${WEB_DEFAULT.port}`;

/** `--web` with nothing behind it. */
function isBareWeb(args: readonly string[], at: number): boolean {
  return args[at] === "--web" && (args[at + 1]?.startsWith("-") ?? true);
}

function webAt(text: string): WebAt {
  const at = parseWebAt(text);
  if (at !== undefined) return at;
  throw new UsageError(`--web ${text}: give [ADDRESS:]PORT, such as 8780 or [::1]:8780`);
}

function whole(values: Partial<Record<Whole, string>>, name: Whole): number | undefined {
  const text = values[name];
  if (text === undefined) return undefined;
  const [least, most] = WHOLE[name];
  const value = Number(text);
  if (/^[0-9]+$/.test(text) && value >= least && value <= most) return value;
  throw new UsageError(`--${name} ${text}: give a whole number from ${least} to ${most}`);
}

function percent(text: string | undefined): number {
  if (text === undefined) return 0;
  const value = Number(text);
  if (/^[0-9.]+$/.test(text) && value >= 0 && value <= 100) return value;
  throw new UsageError(`--loss ${text}: give a percentage from 0 to 100, without the sign`);
}

function oneOf<T extends string>(
  name: string,
  text: string | undefined,
  words: readonly T[],
): T | undefined {
  const found = words.find((word) => word === text);
  if (found !== undefined || text === undefined) return found;
  throw new UsageError(`--${name} ${text}: give one of ${words.join(", ")}`);
}
