/** The report for people: a table in Markdown, and each overhead byte by byte. */
import type { Part } from "./anatomy.js";
import type { What } from "./measured.js";
import type { Exchanged, Reboot } from "./reboot.js";
import type { Report, Row, Target } from "./report.js";
import type { OnAir } from "./wire.js";

const NOTHING = "–";
type Cell = (row: Row) => string;

const MEASURES: readonly (readonly [string, Cell])[] = [
  ["standing", ({ standing }) => standing],
  ["datagrams for N lamps", ({ unicast }) => (unicast ? "**N**" : "1")],
  ["proves the sender to be", ({ provenBy }) => PROVEN[provenBy]],
  ["code hidden", ({ readable }) => yes(!readable.code)],
  ["path and payload hidden", ({ readable }) => yes(!readable.content)],
  ["bytes that security adds", ({ overheadBytes }) => String(overheadBytes)],
  ["datagram with a level", ({ commands }) => String(commands.level.protectedBytes)],
  ["... with scene and fade", ({ commands }) => String(commands.full.protectedBytes)],
  ["its 802.15.4 frames", ({ commands }) => commands.full.frames.join(" + ")],
  ["on air, ms", ({ commands }) => onAir(commands.full)],
  ["Cortex-M4: seal, unsigned", cost("cortexM4", ["seal"])],
  ["... signed", cost("cortexM4", ["seal", "sign"])],
  ["... open, not verified", cost("cortexM4", ["open"])],
  ["... verified", cost("cortexM4", ["open", "signed", "verify"])],
  ["... agree on a key, once", cost("cortexM4", ["agree"])],
  ["... ring to light port, not verified", cost("cortexM4", ["ring"])],
  ["... whole receive path", cost("cortexM4", ["ring", "after"])],
  ["x86: seal, unsigned", cost("x86", ["seal"])],
  ["... signed", cost("x86", ["seal", "sign"])],
  ["... open, not verified", cost("x86", ["open"])],
  ["... verified", cost("x86", ["open", "signed", "verify"])],
  ["... ring to light port, not verified", cost("x86", ["ring"])],
  ["... whole receive path", cost("x86", ["ring", "after"])],
  ["heap of an association, bytes", ({ heapBytes }) => number(heapBytes?.association)],
  ["... of each sender", ({ heapBytes }) => number(heapBytes?.recipient)],
  [
    "recording after a lamp's restart",
    rebooted(({ replay }) => (replay === "replayed" ? "dropped" : replay)),
  ],
  ["first command then: best effort", rebooted(first, "best-effort")],
  ["... baseline", rebooted(first, "baseline")],
  ["... challenge", rebooted(first, "challenge")],
  ["... of a restarted switch", rebooted(({ sender }) => sender)],
];

const PROVEN = { group: "anyone in it", member: "one member", pair: "the other" } as const;

/** Markdown; padded, so that it can be read as it is. */
export function tableOf(report: Report): string {
  const { rows } = report;
  const lines = [
    ["", ...rows.map(({ name }) => name)],
    ...MEASURES.map(([label, cell]) => [label, ...rows.map(cell)]),
  ];
  const widths = lines[0].map((_, at) => Math.max(...lines.map((line) => line[at].length), 3));
  const text = lines.map((line) => {
    return `| ${line.map((cell, at) => padded(cell, widths[at], at)).join(" | ")} |`;
  });
  const rules = widths.map((width, at) => {
    return at === 0 ? "-".repeat(width + 2) : `${"-".repeat(width + 1)}:`;
  });
  return [text[0], `|${rules.join("|")}|`, ...text.slice(1)].join("\n");
}

/** Each overhead by its parts, whose document, what is readable on the way. */
export function breakdownOf({ rows }: Report): string {
  return rows
    .map(({ name, document, overheadBytes, breakdown, readable }) => {
      const sum = breakdown.map(({ name: part, bytes }: Part) => `${part} ${bytes}`).join(", ");
      const all = [
        ...(readable.code ? ["code"] : []),
        ...(readable.content ? ["path", "payload"] : []),
        ...readable.also,
      ];
      return `- **${name}** (${document}) ${overheadBytes}: ${sum}; readable: ${all.join(", ")}`;
    })
    .join("\n");
}

export function targetLine(targets: readonly Target[]): string {
  const parts = targets.map(({ name, limit, value, met }) => {
    if (value === undefined) return `${name}: not measured`;
    const rounded = Number(value.toFixed(2)).toLocaleString("en-US");
    return `${name}: ${rounded} of ${limit.toLocaleString("en-US")} ${met ? "met" : "NOT MET"}`;
  });
  return `targets: ${parts.join("; ")}`;
}

function padded(cell: string, width: number, at: number): string {
  return at === 0 ? cell.padEnd(width) : cell.padStart(width);
}

function yes(is: boolean): string {
  return is ? "yes" : "**no**";
}

function number(value: number | undefined): string {
  return value === undefined ? NOTHING : value.toLocaleString("en-US");
}

function onAir({ airtimeMicros }: OnAir): string {
  return (airtimeMicros / 1000).toFixed(1);
}

/** All of them, in thousands: what is below differs from one compiler to the next. */
function cost(target: "x86" | "cortexM4", parts: readonly What[]): Cell {
  return (row) => {
    const found = parts.map((what) => row[target]?.[what] ?? Number.NaN);
    const sum = found.reduce((all, one) => all + one, 0);
    return Number.isNaN(sum) ? NOTHING : `${number(Math.round(sum / 1000))} k`;
  };
}

function rebooted(word: (reboot: Reboot) => string, policy?: Reboot["policy"]): Cell {
  return ({ reboots }) => {
    const found = reboots?.filter((one) => policy === undefined || one.policy === policy) ?? [];
    const words = new Set(found.map(word));
    return words.size === 0 ? NOTHING : [...words].join(", ");
  };
}

/** What the first command after a restart comes to, and what is sent besides it. */
function first({ first: verdict, obeyed, exchanged }: Reboot): string {
  const besides = exchanged.slice(1);
  const bytes = besides.reduce((sum, one: Exchanged) => sum + one.bytes, 0);
  const more = besides.length === 0 ? "" : `, ${besides.length} more (${bytes} B)`;
  if (verdict === "accepted") return `obeyed${more}`;
  return `${obeyed ? "obeyed" : "dropped"}${more}`;
}
