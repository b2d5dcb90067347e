/** Old and new side by side, for people and for programs. */
import type { Row } from "./budget.js";
import { FIGURES, TARGETS, type Target } from "./types.js";

const COLUMN = 12;

export function report(rows: readonly Row[]): string {
  const parts = (Object.keys(TARGETS) as Target[]).flatMap((target) => {
    const mine = rows.filter((row) => row.target === target);
    if (mine.length === 0) return [];
    const head = line(["figure", "limit", "before", "now", "change"]);
    return [[`${target}: ${TARGETS[target]}`, head, ...mine.map(rowLine)].join("\n")];
  });
  return `${parts.join("\n\n")}\n\n${verdict(rows)}\n`;
}

/** One object in one line. */
export function toJson(rows: readonly Row[], skipped: readonly Target[]): string {
  const figures = rows.map((row) => ({
    ...row,
    limit: row.limit ?? null,
    before: row.before ?? null,
    now: row.now ?? null,
    changePercent: change(row) ?? null,
  }));
  return `${JSON.stringify({ ok: rows.every(({ over }) => !over), skipped, figures })}\n`;
}

function rowLine(row: Row): string {
  const { figure, limit, before, now } = row;
  const percent = change(row);
  const difference = percent === undefined ? "" : `${percent < 0 ? "" : "+"}${percent} %`;
  const cells = [limit, before, now].map((value) => value?.toLocaleString("en") ?? "-");
  const mark = row.over ? "  OVER BUDGET" : "";
  return `${line([FIGURES[figure], ...cells, difference])}${mark}`;
}

function line([first, ...rest]: readonly string[]): string {
  return `  ${first.padEnd(32)}${rest.map((cell) => cell.padStart(COLUMN)).join("")}`;
}

/** Per cent, one decimal. */
function change({ before, now }: Row): number | undefined {
  if (before === undefined || now === undefined || before === 0) return undefined;
  return Math.round((1000 * (now - before)) / before) / 10;
}

function verdict(rows: readonly Row[]): string {
  const over = rows.filter((row) => row.over);
  if (over.length === 0) return "Within the budget of hosts/size/budget.json.";
  const names = over.map(({ target, figure }) => `${target}: ${FIGURES[figure]}`);
  return `Over the budget of hosts/size/budget.json: ${names.join("; ")}.`;
}
