/**
 * Frames on their way to the radio, one at a time: the next goes when the radio says what became
 * of the last, so that fragments keep their order although an unacknowledged one is sent again
 * (IEEE 802.15.4-2006 §7.5.6.4.3: up to macMaxFrameRetries times, same sequence number). A frame
 * nobody acknowledged takes the rest of its datagram with it.
 */
import type { Radio } from "../ports/radio.js";
import { FRAME_RETRIES } from "./limits.js";

interface Job {
  /** Not changed here: an MPL message comes again with the same frames. */
  readonly frames: readonly Uint8Array[];
  readonly wantsAck: boolean;
}

export class TransmitQueue {
  readonly #radio: Radio;
  readonly #most: number;
  readonly #jobs: Job[] = [];
  #waiting = 0;
  #sequence: number;
  /** The frame at the radio: of the first job, number `#index`. */
  #frame: Uint8Array | undefined = undefined;
  #id = 0;
  #index = 0;
  #attempts = 0;
  /**
   * Datagrams given up for want of an ACK or of a free channel; retries made; frames handed over.
   */
  undelivered = 0;
  retries = 0;
  frames = 0;

  /** Takes over `radio.onSent`. At most `most` frames wait; `firstSequence` is 0 to 255. */
  constructor(input: { radio: Radio; most: number; firstSequence: number }) {
    this.#radio = input.radio;
    this.#most = input.most;
    this.#sequence = input.firstSequence;
    input.radio.onSent = (sent) => this.onSent(sent);
  }

  /** Frames waiting, the one at the radio included. */
  get waiting(): number {
    return this.#waiting;
  }

  /** Queues the frames of one datagram; false when they do not all fit. */
  push(job: Job): boolean {
    if (this.#waiting + job.frames.length > this.#most) return false;
    this.#waiting += job.frames.length;
    this.#jobs.push(job);
    if (this.#frame === undefined) this.start();
    return true;
  }

  private start(): void {
    const job = this.#jobs[0];
    if (job === undefined) return;
    this.#sequence = (this.#sequence + 1) & 255;
    const frame = job.frames[this.#index].slice();
    frame[2] = this.#sequence;
    this.#attempts = 0;
    this.#frame = frame;
    this.hand(frame);
  }

  private hand(frame: Uint8Array): void {
    this.#attempts += 1;
    this.frames += 1;
    this.#id = this.#radio.send(frame);
  }

  private onSent(sent: { id: number; acked: boolean; transmitted: boolean }): void {
    const job = this.#jobs[0];
    const frame = this.#frame;
    if (frame === undefined || job === undefined || sent.id !== this.#id) return;
    const good = sent.transmitted && (sent.acked || !job.wantsAck);
    if (!good && this.#attempts <= FRAME_RETRIES) {
      this.retries += 1;
      this.hand(frame);
      return;
    }
    this.#frame = undefined;
    this.#index += 1;
    this.#waiting -= 1;
    if (!good) {
      this.undelivered += 1;
      this.#waiting -= job.frames.length - this.#index;
    }
    if (!good || this.#index === job.frames.length) {
      this.#index = 0;
      this.#jobs.shift();
    }
    this.start();
  }
}
