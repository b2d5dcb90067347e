import type { Crypto } from "../../modules/ports/crypto.js";
import type { Flash } from "../../modules/ports/flash.js";

/** What the engine brings. */
export interface Engine {
  readonly crypto: Crypto;
  /** A fresh, erased partition of 64 KB with 16-byte units. */
  flash(): Flash;
  /** Wall time; fractions of a microsecond count. */
  nowMicros(): number;
  /** Releases garbage between series, where the engine can. */
  collect(): void;
}
