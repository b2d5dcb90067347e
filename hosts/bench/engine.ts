import type { Crypto } from "../../modules/ports/crypto.js";
import type { Flash } from "../../modules/ports/flash.js";
import type { Intake } from "../../modules/ports/intake.js";

/** What the engine brings. */
export interface Engine {
  readonly crypto: Crypto;
  /** Native help on the receive path, where there is some. */
  readonly intake?: Intake;
  /** A fresh, erased partition of 64 KB with 16-byte units. */
  flash(): Flash;
  /** Wall time; fractions of a microsecond count. */
  nowMicros(): number;
  /** Releases garbage between series, where the engine can. */
  collect(): void;
}
