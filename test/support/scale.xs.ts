/** The XS variant of scale.ts. */
export const SCALE = 0.02;
