/**
 * How much of a long test is run here: all of it on Node, a part on XS (scale.xs.ts), 60 times
 * slower.
 */
export const SCALE = 1;
