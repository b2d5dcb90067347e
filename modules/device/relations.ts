/**
 * How the bounds of the firmware hang together: a table that is too small for another one's worst
 * case is found when an image is built, not in a ceiling. In images where ROM is short
 * relations.small.ts stands in its place: the same bounds were looked at here.
 */
import { MEMBER_PAGES_MAX } from "../groups/bounds.js";
import { ISSUED_MAX } from "../groups/issued.js";
import { COMMANDERS } from "../groups/open.js";
import { DERIVED_EACH } from "../groups/places.js";
import { SCENES_MAX } from "../lighting/scenes.js";
import { PARAMETERS } from "../lighting/settings.js";
import { SEQUENCE_MAX } from "../oscore/option.js";
import { ANSWER_ROW_MASK } from "../ports/intake.js";
import { LIMITS } from "./limits.js";

/** Sequence number, uptime, light state, two of provisioning. */
const SINGLE_RECORDS = 5;

/** Clients that command one luminaire. */
const SENDERS = 50;

/** DTLS sessions kept (channels.ts). */
const SESSIONS = 4;

/** A derived context and its counter. */
const DERIVED_RECORDS = 2;

/**
 * Pages of members, own membership, a counter for each key and what is derived from it, in groups
 * that have them.
 */
const MEMBER_RECORDS =
  LIMITS.securityGroupsMax * (MEMBER_PAGES_MAX + 1) +
  LIMITS.keysMax * (1 + DERIVED_EACH * DERIVED_RECORDS);

/**
 * Where an authority is named: its tokens, what opens others', the newest of each client, the KDC
 * and the time, what the flash was made with, sessions.
 */
const AUTHORITY_RECORDS = 2 * LIMITS.securityGroupsMax + 1 + ISSUED_MAX + 3 + SESSIONS;

/**
 * Where somebody has a channel: position, groups told and taken out, a reset and its marks, four of
 * a firmware update.
 */
const UPKEEP_RECORDS = 1 + 2 * LIMITS.appGroupsMax + 2 + 4;

/** The factory's three; of a join a head, pieces, and that it started (commission). */
const COMMISSION_RECORDS = 3 + 1 + 4 + 1;

/** Records in the store at once. */
export const STORE_KEYS_MAX =
  LIMITS.storeKeysMax + MEMBER_RECORDS + AUTHORITY_RECORDS + UPKEEP_RECORDS + COMMISSION_RECORDS;

function assert(holds: boolean, what: string): void {
  if (!holds) throw new Error(`limits: ${what}`);
}

assert(LIMITS.keysMax >= 2 * LIMITS.securityGroupsMax, "a rekey needs room for old and new keys");
assert(LIMITS.recipientsMax >= LIMITS.keysMax, "every key can have a sender");
assert(
  LIMITS.recipientsMax >= 2 * SENDERS + COMMANDERS,
  "every sender has a row under the old key and one under the new",
);
assert(
  LIMITS.recipientsMax >= LIMITS.answersMax + COMMANDERS,
  "whoever may answer has a row beside those who command",
);
assert(LIMITS.recipientsMax <= ANSWER_ROW_MASK + 1, "native help can name every row");
assert(
  LIMITS.storeKeysMax >=
    2 * LIMITS.recipientsMax +
      LIMITS.rightsMax +
      2 * LIMITS.keysMax +
      LIMITS.securityGroupsMax +
      SCENES_MAX +
      PARAMETERS.length +
      SINGLE_RECORDS,
  "whatever fills up, a new sender still finds room for its replay state",
);
assert(ISSUED_MAX >= LIMITS.rightsMax, "every client with a right has a newest token");
assert(LIMITS.replyBytesMax >= LIMITS.datagramBytesMax, "the largest answer can be kept");
assert(SEQUENCE_MAX < Number.MAX_SAFE_INTEGER, "sequence numbers are exact");
