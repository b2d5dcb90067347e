import type { IntakeProvider, Provider } from "./provider.js";

/** Where an engine is all there is: the SDK's xst (hosts/bundle.mjs). */
export function natives(): Provider[] {
  return [];
}

export function nativeIntakes(): IntakeProvider[] {
  return [];
}
