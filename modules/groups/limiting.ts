/**
 * Ends for a key that is here already: somebody's AT-R may bring a group's key before the KDC says
 * how long it holds. They only come sooner, or who shows old tokens would make keys last.
 */
import { Reader } from "../bytes/reader.js";
import { Writer } from "../bytes/writer.js";
import { KIND, key } from "../store/keys.js";
import type { Store } from "../store/store.js";
import type { Association } from "./directory.js";
import type { Groups } from "./groups.js";
import { Lifetime } from "./lifetime.js";

// Of a key's record (keyring.ts): its group, then these two.
const ENDS_AT = 4;
const TERMS_BYTES = 8;
const NONE = 0xffffffff;
/** What is said again and again is a second more or less each time, and flash wears. */
const SOONER_SECONDS = 60;

/** False when flash refuses. */
export function limitKey(
  { directory, uptime }: Groups,
  store: Store,
  association: Association,
  terms: { readonly validitySeconds: number | undefined; readonly messages: number | undefined },
): boolean {
  const place = key(KIND.GROUP_KEY, association.index);
  const record = store.get(place);
  if (record === undefined) return true;
  const reader = new Reader(record.subarray(ENDS_AT, ENDS_AT + TERMS_BYTES));
  const [ends, budget] = [reader.u32(), reader.u32()];
  const { validitySeconds, messages = NONE } = terms;
  const said = validitySeconds === undefined ? NONE : uptime.seconds() + validitySeconds;
  let endsAt = Math.min(said, NONE);
  if (endsAt + SOONER_SECONDS >= ends && ends !== NONE) endsAt = ends; // check: key-sooner
  const most = Math.min(messages, budget);
  const isSame = endsAt === ends && most === budget;
  const writer = new Writer(TERMS_BYTES);
  writer.u32(endsAt);
  writer.u32(most);
  record.set(writer.finish(), ENDS_AT);
  const isStored = isSame || store.put(place, record);
  record.fill(0);
  if (!isStored || isSame) return isStored;
  association.lifetime = new Lifetime(
    store,
    association.index,
    { endsAtSeconds: known(endsAt), messages: known(most) },
    association.lifetime?.retiresAtSeconds,
  );
  directory.revision++;
  return true;
}

function known(value: number): number | undefined {
  return value === NONE ? undefined : value;
}
