import { drop, type Outcome, ok } from "../bytes/outcome.js";
import { uintBytes } from "../bytes/uint.js";
import type { Groups } from "./groups.js";
import { isOver } from "./open.js";
import type { Outgoing, Sealed } from "./outgoing.js";

/**
 * Takes the next sequence number, durable before use, and protects a message: a request under the
 * newest key, a response under its request's. `expired` without a usable key, `storeFailed` without
 * a number that flash vouches for.
 */
export function seal(groups: Groups, outgoing: Outgoing): Outcome<Sealed> {
  const { schemes } = groups;
  const { namesGroup } = outgoing.appGroup.security.profile;
  if (schemes !== undefined && namesGroup !== true) return schemes.seal(outgoing);
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
  return ok({ bytes, binding: { kid: groups.clientId, piv }, association });
}
