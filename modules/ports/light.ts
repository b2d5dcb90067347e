/** The lamp's driver: PWM, NeoPixel, or a line on the control socket. */
export interface Light {
  /**
   * Shows an output at once; fading is done above by calling this repeatedly. The object is the
   * caller's, and another output after the call.
   * `level` 0 (off) to 254, linear as in DALI's arc power 1-254; `mired` 1,000,000 / kelvin.
   */
  show(output: LightOutput): void;
  /** True when the driver reports a lamp failure (open or short load). */
  readonly failed: boolean;
}

export interface LightOutput {
  /** 0 (off) to 254. */
  readonly level: number;
  readonly mired: number;
  /** CIE xy in 1/65536, when the colour is set by coordinates. */
  readonly x?: number | undefined;
  readonly y?: number | undefined;
}
