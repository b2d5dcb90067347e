/** Of this firmware, for a person; hosts/bundle.mjs puts another one here: --version. */
export const VERSION = "0.1.0";
