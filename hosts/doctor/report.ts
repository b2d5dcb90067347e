/** What the doctor found, for people and for programs. */
import { type Check, type Purpose, TARGETS, type Target } from "./types.js";

const TITLES: Readonly<Record<Purpose, string>> = {
  base: "npm start and npm test",
  suites: "checks that skip without it",
  simulator: "desktop simulator (npm run simulator)",
  "test:sdk": "the simulators' tests (npm run test:sdk)",
  esp32: "ESP32 (npm run flash -- esp32/...)",
  nrf52840: "nRF52840 (npm run flash -- zephyr/nrf52840dk)",
  cortexm: "Cortex-M4 in QEMU (npm start -- --cortexm 1)",
};

const NAME_COLUMNS = 26;

/** Whether everything is there that has to be. */
export function isWell(checks: readonly Check[], targets: readonly Target[]): boolean {
  return checks.every((check) => check.found !== undefined || !isRequired(check, targets));
}

export function report(checks: readonly Check[], targets: readonly Target[]): string {
  const purposes: readonly Purpose[] = ["base", "suites", ...TARGETS];
  const parts = purposes.map((purpose) => {
    const needed = checks.filter((check) => check.purposes.includes(purpose));
    return [TITLES[purpose], ...needed.flatMap((check) => lines(check, targets))].join("\n");
  });
  return `${parts.join("\n\n")}\n\n${verdict(checks, targets)}\n`;
}

/** One object in one line. */
export function toJson(checks: readonly Check[], targets: readonly Target[]): string {
  const rows = checks.map(({ name, purposes, found, mend }) => {
    const required = isRequired({ purposes }, targets);
    return { name, purposes, required, found: found ?? null, mend: found ? null : mend };
  });
  return `${JSON.stringify({ ok: isWell(checks, targets), for: targets, checks: rows })}\n`;
}

function isRequired({ purposes }: Pick<Check, "purposes">, targets: readonly Target[]): boolean {
  return purposes.some((one) => one === "base" || targets.some((target) => target === one));
}

function lines(check: Check, targets: readonly Target[]): string[] {
  const name = check.name.padEnd(NAME_COLUMNS);
  if (check.found !== undefined) return [`  ok       ${name}${check.found}`];
  const word = isRequired(check, targets) ? "MISSING" : "missing";
  return [`  ${word}  ${name}${check.mend}`];
}

function verdict(checks: readonly Check[], targets: readonly Target[]): string {
  const what = ["npm start", "npm test", ...targets].join(", ");
  const missing = checks.filter((check) => {
    return check.found === undefined && isRequired(check, targets);
  });
  if (missing.length === 0) return `Everything is there for ${what}.`;
  return `Missing for ${what}: ${missing.map(({ name }) => name).join(", ")}.`;
}
