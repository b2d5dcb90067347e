/**
 * The access levels of draft-somaraju-ace-multicast-01, Appendix A. A level includes those below
 * it.
 */

/**
 * 0 discovery, 1 reporting, 2 everyday use, 3 parameters, 4 addressing and factory reset, 5
 * software.
 */
export type Level = 0 | 1 | 2 | 3 | 4 | 5;

/** Service detection only: all that plain CoAP ever reaches. */
export const DISCOVERY: Level = 0;
/** Sensor data, operational data, error status; nothing can be influenced. */
export const REPORTING: Level = 1;
/** All operational features. The highest level that group material or multicast ever reaches. */
export const USE: Level = 2;
/** Parameters that change the day-to-day operation, no structure. */
export const PARAMETERS: Level = 3;
/** Structure: position, addresses, membership, factory reset. */
export const ADDRESSING: Level = 4;
/** Software update. */
export const SOFTWARE: Level = 5;

/** For values that come from a file or a record. */
export function isLevel(value: unknown): value is Level {
  return Number.isInteger(value) && (value as number) >= DISCOVERY && (value as number) <= SOFTWARE;
}
