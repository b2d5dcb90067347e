import type { Signatures } from "../../modules/ports/crypto.js";

/**
 * None: a host without libsodium has signatures.noble.ts in the place of this (hosts/bundle.mjs).
 */
export function bundledSignatures(): Signatures | undefined {
  return undefined;
}
