/**
 * Everything a device needs to open and seal group messages, in one object.
 *
 * It only holds the parts; what is done with them stands in `locate.ts`, `open.ts` and `seal.ts`,
 * one function each, in the order a message meets them.
 */

import { DISCOVERY, type Level } from "../access/level.js";
import { Id64 } from "../bytes/id64.js";
import type { Outcome } from "../bytes/outcome.js";
import { Workspace } from "../oscore/aad.js";
import { OscoreOption } from "../oscore/option.js";
import { Outer } from "../oscore/outer.js";
import type { Recipients } from "../oscore/recipients.js";
import type { Sequence } from "../oscore/sequence.js";
import type { Clock } from "../ports/clock.js";
import type { Datagram, Endpoint } from "../ports/datagram.js";
import type { Intake, IntakeState } from "../ports/intake.js";
import type { Inner, RequestBinding } from "../profiles/profile.js";
import type { Uptime } from "../store/uptime.js";
import type { AppGroup, Association, Directory } from "./directory.js";
import type { Keyring } from "./keyring.js";
import type { Schemes } from "./schemes.js";

/** The quick way in: intake.ts. */
export interface Quick {
  /**
   * The opened message, its window marked, or why there is none; undefined when the reference has
   * to look. Valid until the next call.
   */
  open(groups: Groups, datagram: Datagram): Outcome<Inner> | undefined;
  /** What other schemes' quick ways may use of it. */
  readonly help?: QuickHelp;
}

/** Native help, and what it reads and writes (ports/intake.ts). */
export interface QuickHelp {
  readonly native: Intake;
  readonly ports: readonly number[];
  readonly state: IntakeState;
  /** Number of the message opened last, in its first element. */
  readonly sequence: Float64Array;
  /** The message opened last, of which a light command of `size` bytes is told. */
  light(size: number): Outcome<Inner>;
}

export class Groups {
  readonly directory: Directory;
  readonly keyring: Keyring;
  readonly recipients: Recipients;
  readonly sequence: Sequence;
  readonly uptime: Uptime;
  readonly clock: Clock;
  /** Our own client id, minimal big-endian. */
  readonly clientId: Uint8Array;
  readonly ownId: Id64;
  /** The datagram being read; one at a time. */
  readonly arriving = new Arriving();
  readonly work = new Workspace();
  /** Where the board has native help for the receive path. */
  quick: Quick | undefined = undefined;
  /** Where there are groups of schemes with a key for each member. */
  schemes: Schemes | undefined = undefined;

  constructor(parts: {
    directory: Directory;
    keyring: Keyring;
    recipients: Recipients;
    sequence: Sequence;
    uptime: Uptime;
    clock: Clock;
    clientId: Uint8Array;
  }) {
    this.directory = parts.directory;
    this.keyring = parts.keyring;
    this.recipients = parts.recipients;
    this.sequence = parts.sequence;
    this.uptime = parts.uptime;
    this.clock = parts.clock;
    this.clientId = parts.clientId;
    this.ownId = new Id64().read(parts.clientId, 0, parts.clientId.length);
  }
}

/** The Application-Group-Id; more than four bytes name a group nobody can have. */
export function appGroupOf({ bytes, appGroupStart, appGroupLength }: Outer): number {
  if (appGroupLength > 4) return -1;
  let id = 0;
  for (let i = 0; i < appGroupLength; i++) id = id * 256 + bytes[appGroupStart + i];
  return id;
}

/** A datagram on its way in: where things stand in it, and what `locate` found for it. */
export class Arriving {
  readonly outer = new Outer();
  readonly option = new OscoreOption();
  to!: Endpoint;
  from!: Endpoint;
  appGroup!: AppGroup;
  association!: Association;
  /** Row of the sender in `Recipients`, -1 when it was never heard under this key. */
  row = -1;
  /** What was granted to the sender within the application group. */
  granted: Level = DISCOVERY;
  /** Sent to many. */
  multicast = false;
  /** No newer command of the sender was applied, nor may have been. */
  isNewest = false;
  /** Its number is the highest of its sender's, and `option` need not say which. */
  isTop = false;
  /**
   * Whether `outer` and `option` say where things stand; where native help found the sender they do
   * not, until somebody asks (`read`).
   */
  isRead = true;

  /** `outer` is being read by somebody else. */
  begin(datagram: Datagram): void {
    this.isRead = true;
    this.isTop = false;
    this.from = datagram.from;
    this.to = datagram.to;
  }

  /**
   * Sees to it that the positions in `outer` and `option`, and the group, are those of this
   * datagram.
   */
  read(directory: Directory): this {
    if (this.isRead) return this;
    this.isRead = true;
    const { outer, option, association } = this;
    const whole = outer.scan(outer.bytes);
    // A message that names no group was found to be of one.
    const { namesGroup } = association.security.profile;
    const found = namesGroup ? directory.named(appGroupOf(outer)) : this.appGroup;
    const appGroup = whole ? found : undefined;
    const parsed = option.parse(outer.bytes, outer.oscoreStart, outer.oscoreLength);
    if (appGroup === undefined || !parsed) {
      throw new Error("native intake: opened what does not parse");
    }
    this.appGroup = appGroup;
    return this;
  }

  /** The ids of this request, which its answers have to name. Copies. */
  binding(schemes?: Schemes): RequestBinding {
    const taken = schemes?.taken ?? schemes?.take?.();
    if (taken?.association === this.association) return taken;
    const { kidStart, kidLength, pivStart, pivLength } = this.option;
    const { bytes } = this.outer;
    return {
      kid: bytes.slice(kidStart, kidStart + kidLength),
      piv: bytes.slice(pivStart, pivStart + pivLength),
    };
  }
}
