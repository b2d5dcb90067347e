/** What a device is for, in the words that installations and builds use. */
export const ROLE_NAMES = Object.freeze(["luminaire", "switch", "presence", "daylight"] as const);

export type RoleName = (typeof ROLE_NAMES)[number];
