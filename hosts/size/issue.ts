/**
 * The most a luminaire with 10 groups and 50 senders may take, as issue 3 has it. budget.json may
 * be tighter, never looser.
 */
import type { PerTarget } from "./types.js";

const KB = 1024;

export const ISSUE_LIMITS = {
  m32: { ramDay: 48 * KB },
  cortexm: {
    image: 640 * KB,
    ramDay: 64 * KB,
    ramReports: 64 * KB,
    boot: 4_000_000,
    accepted: 60_000,
    // Issue 4: with a signature that waits.
    acceptedGroupOscore: 90_000,
    native: 18_000,
    duplicate: 12_000,
    ccm: 11_000,
    gcOnPath: 0,
  },
} as const satisfies PerTarget;
