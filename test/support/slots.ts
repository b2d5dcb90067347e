/** Two slots in memory, and a boot loader that starts one of them as platforms' do. */
import { equalBytes } from "../../modules/bytes/equal.js";
import { TsCrypto } from "../../modules/crypto/crypto.js";
import type { SlotImage, Slots } from "../../modules/ports/slots.js";
import { NorFlash } from "./flash.js";

export class TestSlots {
  readonly kind = "test";
  readonly flashes: readonly [NorFlash, NorFlash];
  /** What the next start is of. */
  next: 0 | 1 = 0;
  /** Of the image to come, and of the one that runs. */
  #trial: "none" | "next" | "now" = "none";
  #image: SlotImage | undefined;
  /** What the loader refused. */
  activations = 0;

  constructor(size = 8192, programBytes = 16) {
    const flash = (seed: number) => new NorFlash({ size, programBytes, seed });
    this.flashes = [flash(1), flash(2)];
  }

  get other(): 0 | 1 {
    return this.next === 0 ? 1 : 0;
  }

  /** A start: of the old image, when the new one was not confirmed or is not whole. */
  boot(): Slots {
    const isBad = this.#trial === "next" && !this.#isWhole();
    if (this.#trial === "now" || isBad) {
      this.next = this.other;
      this.#trial = "none";
    }
    const onTrial = this.#trial === "next";
    this.#trial = onTrial ? "now" : "none";
    const running = this.next;
    return {
      kind: this.kind,
      running,
      onTrial,
      spare: this.flashes[running === 0 ? 1 : 0],
      activate: (image) => {
        this.activations++;
        this.next = running === 0 ? 1 : 0;
        this.#trial = "next";
        this.#image = { size: image.size, digest: image.digest.slice() };
        return true;
      },
      confirm: () => {
        this.#trial = "none";
        return true;
      },
    };
  }

  #isWhole(): boolean {
    const { size, digest } = this.#image as SlotImage;
    const bytes = this.flashes[this.next].snapshot().subarray(0, size);
    return equalBytes(new TsCrypto().sha256(bytes), digest);
  }
}
