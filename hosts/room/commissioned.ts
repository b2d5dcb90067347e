/** What an installer is told to do in a simulated room, and what came of it. */

export interface Failure {
  readonly device: string;
  readonly step: string;
  readonly why: string;
}

export interface Commissioned {
  readonly devices: number;
  readonly joined: number;
  /** Of the medium, from the first press to the last word of the last join. */
  readonly seconds: number;
  readonly beganMicros: number;
  readonly failures: readonly Failure[];
}

export interface CommissionOptions {
  /** After each device. */
  readonly onProgress?: (joined: number, of: number) => void;
  /** One after the other, with a line for everything that is done or seen. */
  readonly say?: ((line: string) => void) | undefined;
  /** There is no authority but the one that its first switch becomes. */
  readonly isAlone?: boolean;
}
