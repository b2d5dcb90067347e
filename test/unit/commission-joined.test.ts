/** What a device keeps of its join: as much as its next start takes, and no more. */
import { JOIN_BYTES_MAX, joinedIn, keepJoined } from "../../modules/commission/joined.js";
import { TsCrypto } from "../../modules/crypto/crypto.js";
import { equal, test } from "../harness.js";
import { bytesOf, formatted, opened } from "../support/partition.js";

test("a blob that the next start would not take is none to keep", () => {
  const crypto = new TsCrypto();
  const flash = formatted(16);
  const store = opened(flash);
  const keep = (bytes: number) =>
    keepJoined(store, crypto, { blob: bytesOf(bytes), proof: "press", n: 0 });
  equal(keep(JOIN_BYTES_MAX + 1), false);
  equal(joinedIn(opened(flash), crypto), undefined);
  equal(keep(JOIN_BYTES_MAX), true);
  equal(joinedIn(opened(flash), crypto)?.blob.length, JOIN_BYTES_MAX);
});
