/** In place of counted.ts where ROM is short: `lowlatency` counts device-wide. */
export const counted = undefined;
