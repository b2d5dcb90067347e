import { drop, type Outcome, ok } from "../bytes/outcome.js";
import { uintBytes } from "../bytes/uint.js";
import type { Option } from "../coap/message.js";
import type { Endpoint } from "../ports/datagram.js";
import type { Inner, RequestBinding } from "../profiles/profile.js";
import type { AppGroup, Association } from "./directory.js";
import type { Groups } from "./groups.js";
import { isOver } from "./open.js";

/** What is to be sent, before it has a number or a key. */
export interface Outgoing {
  readonly header: { type: number; mid: number; token: Uint8Array };
  readonly inner: Inner;
  readonly clear: readonly Option[];
  readonly appGroup: AppGroup;
  readonly to: Endpoint;
  /**
   * Set in a response: the request it answers, and the key that opened it (the asker has that one).
   */
  readonly request: RequestBinding | undefined;
  readonly association: Association | undefined;
}

/**
 * Takes the next sequence number, durable before use, and protects a message: a request under the
 * newest key, a response under its request's. `expired` without a usable key, `storeFailed` without
 * a number that flash vouches for.
 */
export function seal(
  groups: Groups,
  outgoing: Outgoing,
): Outcome<{ bytes: Uint8Array; binding: RequestBinding }> {
  const association = outgoing.association ?? groups.keyring.current(outgoing.appGroup.security);
  const lifetime = association?.lifetime;
  const over = lifetime !== undefined && isOver(lifetime, groups.uptime.seconds());
  if (association === undefined || over) return drop("expired");
  const spent = lifetime?.spend();
  if (spent?.ok === false) return spent;
  const sequence = groups.sequence.next();
  if (sequence === undefined) return drop("storeFailed");
  const piv = uintBytes(sequence);
  const bytes = association.security.profile.seal(
    association,
    {
      header: outgoing.header,
      inner: outgoing.inner,
      clear: outgoing.clear,
      appGroup: outgoing.appGroup,
      sender: groups.clientId,
      piv,
      to: outgoing.to,
      request: outgoing.request,
    },
    groups.work,
  );
  return ok({ bytes, binding: { kid: groups.clientId, piv } });
}
