/** In place of relations.ts where ROM is short. */
import { LIMITS } from "./limits.js";

/** Records in the store at once. */
export const STORE_KEYS_MAX = LIMITS.storeKeysMax;
