/**
 * A switch that is its room's authority, as those know it who start devices (device/lives.ts). What
 * it is stands in standalone.ts, which main.ts hands over: a device does not know of authorities.
 */
import type { Board } from "../ports/board.js";
import type { DatagramPort } from "../ports/datagram.js";
import type { Store } from "../store/store.js";
import type { Factory } from "./factory.js";

type OnEdge = (down: boolean, atMicros: number) => void;

/** What it needs of the device that it lives in. */
export interface Host {
  readonly store: Store;
  /** Seconds that only rise, over restarts. */
  readonly seconds: () => number;
  /** The highest number that it has sent under; negative: none yet. */
  readonly used: () => number;
  /** Edges of the button without bounces. */
  readonly debounced: (onEdge: OnEdge) => OnEdge;
  /** Shows receivers the device's own right, who may be new. */
  readonly present: () => void;
}

/** One that was founded, before and after its device has started. */
export interface Founded {
  /** Its own part of the room, as an installation has it. */
  readonly blob: Uint8Array;
  /** The device's network: what is for the authority does not come through. */
  net(inner: DatagramPort): DatagramPort;
  begin(host: Host): void;
}

export interface StandaloneService {
  /**
   * Makes the switch the authority of a room, durably; a start later it is that. Undefined, or why
   * not.
   */
  found(board: Board, store: Store, factory: Factory): string | undefined;
  /** Undefined: this switch is no authority. */
  foundedIn(board: Board, store: Store, factory: Factory): Founded | undefined;
}
