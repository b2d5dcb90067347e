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
import type { Endpoint } from "../ports/datagram.js";
import type { RequestBinding } from "../profiles/profile.js";
import type { Uptime } from "../store/uptime.js";
import type { AppGroup, Association, Directory } from "./directory.js";
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

  /** The ids of this request, which its answers have to name. Copies. */
  binding(): RequestBinding {
    const { kidStart, kidLength, pivStart, pivLength } = this.option;
    const { bytes } = this.outer;
    return {
      kid: bytes.slice(kidStart, kidStart + kidLength),
      piv: bytes.slice(pivStart, pivStart + pivLength),
    };
  }
}
