import { NobleSignatures } from "../../modules/crypto/noble.js";
import type { Signatures } from "../../modules/ports/crypto.js";

/** Thirty times slower than libsodium, and in its place where the host was built without it. */
export function bundledSignatures(): Signatures | undefined {
  return new NobleSignatures();
}
