import type { Button, Sensor } from "./button.js";
import type { Clock } from "./clock.js";
import type { Crypto } from "./crypto.js";
import type { DatagramPort } from "./datagram.js";
import type { Flash } from "./flash.js";
import type { Indicator } from "./indicator.js";
import type { Intake } from "./intake.js";
import type { Light } from "./light.js";
import type { MeshPlace } from "./radio.js";
import type { Random } from "./random.js";
import type { RoleName } from "./role.js";
import type { Slots } from "./slots.js";
import type { Status } from "./status.js";
import type { Trace } from "./trace.js";

/** Everything a board hands to the firmware. Exactly one of `mesh` and `datagram` is there. */
export interface Board {
  readonly clock: Clock;
  readonly random: Random;
  readonly crypto: Crypto;
  readonly flash: Flash;
  readonly trace: Trace;
  readonly light: Light;
  readonly button: Button;
  /** A lamp without one says by its light what it must. */
  readonly indicator?: Indicator;
  readonly sensor: Sensor;
  /**
   * Makes datagrams of the board's own 802.15.4 radio by way of `lowpan`. The board brings `lowpan`
   * in, so that an image for a board with an IPv6 stack does not hold ours besides.
   */
  readonly mesh?: (place: MeshPlace) => DatagramPort;
  /** Native help on the receive path. */
  readonly intake?: Intake;
  /** A datagram service of the operating system. */
  readonly datagram?: DatagramPort;
  /** Where the firmware's images are, if there is a place for a second one. */
  readonly slots?: Slots;
  /** What the image was built for; a device provisioned for something else does not start. */
  readonly role?: RoleName;
  /** Where a person sees what the device is, once it has started. */
  readonly status?: Status;
  /**
   * This device's part of the installation (CBOR, see modules/device/provision.ts); undefined when
   * none came.
   */
  provisioning(): Uint8Array | undefined;
  /** One line for a person: boot messages and refusals to start. Needs no board to be called on. */
  readonly log: (line: string) => void;
  /**
   * Ends the program (a process) or restarts the board after a fatal error. Needs no board to be
   * called on.
   */
  readonly fatal: (line: string) => never;
  /** Starts the firmware anew, on purpose; `fatal` does it where this is absent. */
  readonly restart?: (why: string) => void;
}
