/** Cryptographic randomness, handed in; seeded by the medium or a test where a run must repeat. */
export interface Random {
  /** Overwrites every byte of `bytes`. */
  fill(bytes: Uint8Array): void;
}
