/** An implementation of a port on some engine, as the suite that judges it sees it. */
import type { Crypto } from "../../modules/ports/crypto.js";
import type { Flash } from "../../modules/ports/flash.js";
import type { Intake } from "../../modules/ports/intake.js";

export interface Provider {
  readonly name: string;
  readonly crypto: Crypto;
  /** AEAD algorithms it has. */
  readonly algorithms: readonly number[];
}

export interface IntakeProvider {
  readonly name: string;
  crypto(): Crypto;
  intake(): Intake;
  /** A fresh, erased partition that it can write to. */
  flash(): Flash;
  /** From now on the program unit at `position` refuses. */
  refuse(flash: Flash, position: number): void;
}
