/**
 * Two places for the firmware's image, and the program that starts one of them: MCUboot, ESP-IDF's
 * boot loader, the headless runner. It, and not the firmware, goes back to the old image when the
 * new one does not come up.
 */
import type { Flash } from "./flash.js";

export interface Slots {
  /** What an image must be made for to run here, as manifests name it. */
  readonly kind: string;
  /** The slot this firmware runs from. */
  readonly running: 0 | 1;
  /** This is the trial of a new image: unless it is confirmed, the next start is of the old one. */
  readonly onTrial: boolean;
  /** The slot that does not run. */
  readonly spare: Flash;
  /** The next start is the trial of the other slot's image. False when that cannot be. */
  activate(image: SlotImage): boolean;
  /** The image that runs stays. False when flash refuses. */
  confirm(): boolean;
}

/** What the boot loader compares before it starts it. */
export interface SlotImage {
  readonly size: number;
  /** SHA-256 of its bytes. */
  readonly digest: Uint8Array;
}
