/**
 * Everything a device needs to open and seal group messages, in one object.
 *
 * It only holds the parts; what is done with them stands in `locate.ts`, `open.ts` and `seal.ts`,
 * one function each, in the order a message meets them.
 */

import { Id64 } from "../bytes/id64.js";
import { Workspace } from "../oscore/aad.js";
import { OscoreOption } from "../oscore/option.js";
import { Outer } from "../oscore/outer.js";
import type { Recipients } from "../oscore/recipients.js";
import type { Sequence } from "../oscore/sequence.js";
import type { Clock } from "../ports/clock.js";
import type { Datagram, Endpoint } from "../ports/datagram.js";
import type { RequestBinding } from "../profiles/profile.js";
import type { Uptime } from "../store/uptime.js";
import type { AppGroup, Association, Directory } from "./directory.js";
import type { QuickIntake } from "./intake.js";
import type { Keyring } from "./keyring.js";

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
  quick: QuickIntake | undefined = undefined;

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
  /** Whether `outer` and `option` say where things stand. */
  #isRead = true;

  /** What native help found; where the rest stands is read when somebody asks (`read`). */
  found(datagram: Datagram, appGroup: AppGroup, association: Association, row: number): void {
    this.#isRead = false;
    this.from = datagram.from;
    this.to = datagram.to;
    this.outer.bytes = datagram.bytes;
    this.appGroup = appGroup;
    this.association = association;
    this.row = row;
  }

  /** `outer` is being read by somebody else. */
  begin(datagram: Datagram): void {
    this.#isRead = true;
    this.from = datagram.from;
    this.to = datagram.to;
  }

  /** Sees to it that the positions in `outer` and `option` are those of this datagram. */
  read(): this {
    if (this.#isRead) return this;
    this.#isRead = true;
    const { outer, option } = this;
    const whole = outer.scan(outer.bytes);
    if (!whole || !option.parse(outer.bytes, outer.oscoreStart, outer.oscoreLength)) {
      throw new Error("native intake: opened what does not parse");
    }
    return this;
  }

  /** The ids of this request, which its answers have to name. Copies. */
  binding(): RequestBinding {
    const { kidStart, kidLength, pivStart, pivLength } = this.read().option;
    const { bytes } = this.outer;
    return {
      kid: bytes.slice(kidStart, kidStart + kidLength),
      piv: bytes.slice(pivStart, pivStart + pivLength),
    };
  }
}
