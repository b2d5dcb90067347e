/** In place of membership.ts where ROM is short: no group of those can be made. */
export const membership = undefined;
