import type { IntakeProvider, Provider } from "./provider.js";

/** Node has none; natives.xs.ts and natives.sdk.ts take over (hosts/bundle.mjs). */
export function natives(): Provider[] {
  return [];
}

/** Nor native help on the receive path. */
export function nativeIntakes(): IntakeProvider[] {
  return [];
}
