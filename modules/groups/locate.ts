import { drop, type Outcome, ok } from "../bytes/outcome.js";
import { uniqueAssociation } from "./directory.js";
import { type Arriving, appGroupOf, type Groups } from "./groups.js";

/**
 * From the outside of a message to the one key that may open it and the sender's replay row.
 * No crypto, and nothing is allocated: most of what a lamp hears ends here.
 *
 * draft-somaraju §3.5: the application group names a sequence of associations, the key id one of
 * them.
 */
export function locate(groups: Groups, arriving: Arriving): Outcome<true> {
  const { outer, option } = arriving;
  if (outer.repeats) return drop("malformed"); // check: option-repeated
  // A missing OSCORE option reads as an empty one, which no group message has.
  if (outer.appGroupStart < 0) return drop("malformed"); // check: app-group-missing
  const appGroup = groups.directory.named(appGroupOf(outer));
  if (appGroup === undefined) return drop("unknownGroup");
  const { profile } = appGroup.security;
  if (!profile.identify(arriving, "request")) return drop("malformed"); // check: profile-form
  const { bytes } = outer;
  const association = uniqueAssociation(
    appGroup.security,
    bytes,
    option.contextStart,
    option.contextLength,
  );
  if (association === undefined) return drop("unknownKey");
  arriving.appGroup = appGroup;
  arriving.association = association;
  arriving.row = groups.recipients.find(association.index, option.kid);
  return FOUND;
}

const FOUND: Outcome<true> = ok(true);
