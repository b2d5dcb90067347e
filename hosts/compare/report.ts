/** Everything that is compared, in one object: what `--json` prints. */
import { toHex } from "../../modules/bytes/hex.js";
import type { Profile, SignaturePolicy } from "../installation/types.js";
import { COMMAND_NAMES, COMMANDS, innerOf } from "./command.js";
import { type Costs, type Counts, countCortexM, countX86, type Work } from "./counts.js";
import { FACTS, type Facts } from "./facts.js";
import { type Reboot, rebootsOf } from "./reboot.js";
import { hasPolicies, roomOf } from "./rooms.js";
import { VARIANTS } from "./variants.js";
import { type Wire, wireOf } from "./wire.js";

export interface Row extends Wire, Facts {
  /** Undefined where this machine cannot count. */
  readonly x86: Costs | undefined;
  readonly cortexM4: Costs | undefined;
  /** On 32 bits. */
  readonly heapBytes: { readonly association: number; readonly recipient: number } | undefined;
  /** Of the variant that is installed; Gids of 10 bytes, as installations have them. */
  readonly reboots: readonly Reboot[] | undefined;
}

/** Something to be reached; missing it is no failure. */
export interface Target {
  readonly name: string;
  readonly limit: number;
  readonly value: number | undefined;
  readonly met: boolean | undefined;
}

export interface Report {
  /** The commands, and their payloads in hex. */
  readonly commands: Readonly<Record<string, { readonly says: object; readonly payload: string }>>;
  /** Whose signatures were counted. */
  readonly library: { readonly x86: string | undefined; readonly cortexM4: string | undefined };
  /** When signatures were verified on the way from the ring to the light. */
  readonly ringPolicy: SignaturePolicy;
  readonly rows: readonly Row[];
  readonly targets: readonly Target[];
  /** In words; any makes the command fail. */
  readonly deviations: readonly string[];
}

export interface Wanted {
  readonly profiles: readonly Profile[];
  /** Of everything that is counted. */
  readonly samples: number;
  /** Without the emulated Cortex-M4. */
  readonly x86Only: boolean;
  readonly progress: (line: string) => void;
}

const RING_POLICY = "defer";
const OPEN_RATIO = 1.5;

/** What the process ends with. */
export function exitCodeOf({ deviations }: Report): 0 | 1 {
  return deviations.length > 0 ? 1 : 0;
}

export async function compare({ profiles, samples, x86Only, progress }: Wanted): Promise<Report> {
  progress("datagrams and frames ...");
  const variants = VARIANTS.filter(({ profile }) => profiles.includes(profile.name as Profile));
  const wires = variants.map(wireOf);
  progress("restarts ...");
  const reboots = new Map(profiles.map((profile) => [profile, rebootsOf(profile)]));
  const names = variants.map(({ name }) => name);
  const work: Work = {
    program: "work",
    wish: { variants: names, samples, heap: true },
    signatures: true,
  };
  const rooms = profiles.map((profile) => roomOf(profile, ringPolicy(profile)));
  const ring: Work = { program: "ring-work", wish: { rooms, samples }, signatures: true };
  progress("x86 instructions ...");
  const x86 = both(await countX86(work), await countX86(ring));
  if (!x86Only) progress("Cortex-M4 instructions and heap ...");
  const cortexM4 = x86Only ? undefined : both(await countCortexM(work), await countCortexM(ring));
  const rows = wires.map((wire, at): Row => {
    const installed = variants[at].installed === true;
    const profile = wire.profile as Profile;
    return {
      ...wire,
      ...FACTS[profile],
      x86: costsOf(x86, wire, installed),
      cortexM4: costsOf(cortexM4, wire, installed),
      heapBytes: heapOf(cortexM4, wire.name),
      reboots: installed ? reboots.get(profile) : undefined,
    };
  });
  return {
    commands: commandsOf(),
    library: { x86: x86?.library, cortexM4: cortexM4?.library },
    ringPolicy: RING_POLICY,
    rows,
    targets: targetsOf(rows),
    deviations: rows.flatMap(({ deviations, name, reboots: seen }) => [
      ...deviations,
      ...(seen ?? []).flatMap((one) => replayed(name, one)),
    ]),
  };
}

function ringPolicy(profile: Profile) {
  const signs = VARIANTS.some(
    (one) => one.profile.name === profile && one.profile.proof === "member",
  );
  return signs && hasPolicies(profile)
    ? ({ signatures: RING_POLICY, acceptUnverified: true } as const)
    : {};
}

function both(work: Counts | undefined, ring: Counts | undefined): Counts | undefined {
  if (work === undefined || ring === undefined) return undefined;
  return { ...work, costs: { ...work.costs, ...prefixed(ring.costs) } };
}

const RING = "ring of ";

function prefixed(costs: Counts["costs"]): Counts["costs"] {
  return Object.fromEntries(Object.entries(costs).map(([name, cost]) => [RING + name, cost]));
}

function costsOf(counts: Counts | undefined, wire: Wire, installed: boolean): Costs | undefined {
  if (counts === undefined) return undefined;
  const ring = installed ? counts.costs[RING + wire.profile] : undefined;
  return { ...counts.costs[wire.name], ...ring };
}

function heapOf(counts: Counts | undefined, name: string): Row["heapBytes"] {
  const found = counts?.heap.find(({ of }) => of === name);
  if (found === undefined) return undefined;
  // Where the association holds the other end, too, nothing is added but the measuring's slack.
  return { association: found.association, recipient: Math.max(0, found.recipient) };
}

function commandsOf(): Report["commands"] {
  return Object.fromEntries(
    COMMAND_NAMES.map((name) => {
      const { payload } = innerOf(name);
      return [name, { says: COMMANDS[name], payload: toHex(payload ?? new Uint8Array(0)) }];
    }),
  );
}

function targetsOf(rows: readonly Row[]): Target[] {
  const of = (name: string) => rows.find((row) => row.name === name)?.cortexM4;
  const [group, low] = [of("group-oscore alg 30"), of("lowlatency")];
  const hasBoth = group?.open !== undefined && low?.open !== undefined;
  const ratio = hasBoth ? (group.open as number) / (low.open as number) : undefined;
  return [target("group-oscore open / lowlatency open, Cortex-M4", OPEN_RATIO, ratio)];
}

function target(name: string, limit: number, value: number | undefined): Target {
  return { name, limit, value, met: value === undefined ? undefined : value <= limit };
}

/** A recording is never obeyed, whatever was switched off; a genuine sender always is. */
function replayed(name: string, { policy, replay, sender }: Reboot): string[] {
  const wrong: string[] = [];
  if (replay !== "replayed") wrong.push(`${name}, ${policy}: a recording is ${replay}`);
  if (sender !== "accepted") wrong.push(`${name}, ${policy}: a restarted switch is ${sender}`);
  return wrong;
}
