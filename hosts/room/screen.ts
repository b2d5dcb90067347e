/** The room as lines of text for a terminal: a pure function of what is shown. */
import { isLit, PATTERNS, type PatternName } from "../../modules/commission/patterns.js";

export interface Lamp {
  readonly name: string;
  /** 0 to 254. */
  readonly level: number;
  /** From the latest press's completing edge to this lamp's light port. */
  readonly latencyMicros: number | undefined;
  /** Of its status LED. */
  readonly pattern: PatternName;
}

export interface Commander {
  readonly name: string;
  /** The contact is closed, or motion is seen. */
  readonly active: boolean;
  readonly pattern: PatternName;
}

export interface View {
  readonly title: string;
  readonly nowMicros: number;
  readonly lamps: readonly Lamp[];
  readonly switches: readonly Commander[];
  readonly sensors: readonly Commander[];
  /** Newest first. */
  readonly presses: readonly string[];
  readonly drops: readonly string[];
  readonly dropCounts: ReadonlyMap<string, number>;
  readonly help: string;
}

export interface Size {
  readonly columns: number;
  readonly rows: number;
}

const CELL_COLUMNS = 36;
const BAR_COLUMNS = 8;
const NAME_COLUMNS = 10;
/** Lines kept for everything but the lamps, however small the terminal. */
const OTHER_ROWS = 9;
/** Dark to bright yellow-white, in xterm's 256 colours and in the 16 every terminal has. */
const WARM_256 = [236, 58, 100, 142, 178, 220, 221, 222, 229, 230].map((index) => `38;5;${index}`);
const WARM_16 = ["90", "33", "93", "97"];
const BOLD = "1";
const FAINT = "2";
/** What a status LED says: blue, as nothing else here. */
const LED = "94";

/** How many colours the terminal has. */
export type Colours = 0 | 16 | 256;

/** Exactly `rows` lines, none wider than `columns` once colours are taken away. */
export function render(view: View, size: Size, colours: Colours): string[] {
  const paint = painter(colours > 0);
  const warm = colours === 256 ? WARM_256 : WARM_16;
  const lines: Line[] = [
    line([view.title, BOLD], [`   ${clock(view.nowMicros)}`, FAINT]),
    line(),
    ...lampLines(view, size, warm),
    line(),
    commanderLine(view),
    ...patternLines(view),
    line(),
    ...view.presses.map((text) => line([text, ""])),
    ...dropLines(view),
  ];
  const shown = lines.slice(0, Math.max(0, size.rows - 1));
  while (shown.length < size.rows - 1) shown.push(line());
  shown.push(line([view.help, FAINT]));
  return shown.slice(-size.rows).map((one) => clip(one, size.columns).map(paint).join(""));
}

/** Text and its SGR parameters. */
type Span = readonly [text: string, style: string];
type Line = readonly Span[];

function line(...spans: Span[]): Line {
  return spans;
}

function painter(colour: boolean): (span: Span) => string {
  return ([text, style]) => (colour && style !== "" ? `\x1b[${style}m${text}\x1b[0m` : text);
}

function clip(spans: Line, columns: number): Line {
  let room = columns;
  return spans.map(([text, style]) => {
    const part = text.slice(0, Math.max(0, room));
    room -= text.length;
    return [part, style];
  });
}

function lampLines(
  { lamps, nowMicros }: View,
  { columns, rows }: Size,
  warm: readonly string[],
): Line[] {
  const across = Math.max(1, Math.floor(columns / CELL_COLUMNS));
  const room = across * Math.max(1, rows - OTHER_ROWS);
  const shown = lamps.slice(0, room);
  const lines: Line[] = [];
  for (let start = 0; start < shown.length; start += across) {
    lines.push(
      shown.slice(start, start + across).flatMap((lamp) => lampCell(lamp, nowMicros, warm)),
    );
  }
  const hidden = lamps.length - shown.length;
  if (hidden > 0) lines.push(line([`… and ${hidden} more: make the window larger`, FAINT]));
  return lines;
}

function lampCell(lamp: Lamp, nowMicros: number, warm: readonly string[]): Span[] {
  const { name, level, latencyMicros, pattern } = lamp;
  const filled = Math.ceil((BAR_COLUMNS * level) / 254);
  const style = warm[Math.ceil((level / 254) * (warm.length - 1))];
  const percent = `${Math.round((100 * level) / 254)}%`.padStart(5);
  const latency = latencyMicros === undefined ? "" : millis(latencyMicros);
  const width = CELL_COLUMNS - NAME_COLUMNS - BAR_COLUMNS - 6;
  const quick = latency.padStart(9).padEnd(width);
  // What it says goes before how quick it was.
  const told = ` ${ledText(pattern, nowMicros)}`.padEnd(width);
  return [
    [`${name.slice(0, NAME_COLUMNS).padEnd(NAME_COLUMNS)} `, ""],
    ["█".repeat(filled) + "░".repeat(BAR_COLUMNS - filled), style],
    [percent, level > 0 ? BOLD : FAINT],
    pattern === "off" ? [quick, FAINT] : [told, LED],
  ];
}

function commanderLine({ switches, sensors, nowMicros }: View): Line {
  const dots = (list: readonly Commander[], active: string): Span[] => {
    return list.flatMap(({ name, active: on, pattern }): Span[] => {
      const told = ledText(pattern, nowMicros);
      return [
        [`${on ? "●" : "○"} `, on ? active : FAINT],
        [name, on ? BOLD : ""],
        [told === "" ? "" : ` ${told}`, LED],
        ["   ", ""],
      ];
    });
  };
  return [...dots(switches, "32"), ...dots(sensors, "36")];
}

/** "● open" while it is lit, "○ open" while it is dark. */
function ledText(pattern: PatternName, nowMicros: number): string {
  if (pattern === "off") return "";
  return `${isLit(pattern, nowMicros) ? "●" : "○"} ${pattern}`;
}

/** What the blinks say that are to be seen now. */
function patternLines({ lamps, switches, sensors }: View): Line[] {
  const seen = new Set([...lamps, ...switches, ...sensors].map(({ pattern }) => pattern));
  const named = (Object.keys(PATTERNS) as PatternName[]).filter((name) => seen.has(name));
  return named
    .filter((name) => name !== "off")
    .map((name) => line([`${name}: ${PATTERNS[name].says}; ${PATTERNS[name].todo}`, LED]));
}

function dropLines({ drops, dropCounts }: View): Line[] {
  if (dropCounts.size === 0) return [line(), line(["nothing was dropped", FAINT])];
  const counts = [...dropCounts].map(([reason, count]) => `${reason} ${count}`).join(", ");
  return [line(), line([`dropped: ${counts}`, "33"]), ...drops.map((text) => line([text, FAINT]))];
}

export function millis(micros: number): string {
  return `${(micros / 1000).toFixed(1)} ms`;
}

export function clock(micros: number): string {
  const tenths = Math.floor(micros / 100_000);
  const minutes = Math.floor(tenths / 600);
  const seconds = ((tenths % 600) / 10).toFixed(1);
  return `${minutes}:${seconds.padStart(4, "0")}`;
}
