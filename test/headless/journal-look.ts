/**
 * The store on the host's flash, run by journal.test.ts. The provisioning bytes say what to do: a
 * seed of four bytes is worked with; one byte opens the store, 1 with native help and 0 without,
 * and prints all that opening found.
 */
import { toHex } from "../../modules/bytes/hex.js";
import { Store } from "../../modules/store/store.js";
import { HostFlash } from "../../platforms/headless/flash.js";
import { host } from "../../platforms/headless/host.js";
import { plain } from "../support/plain-flash.js";
import { SeededRandom } from "../support/random.js";

const KEYS = 60;
const KINDS = 6;
const STEPS = 700;

function work(seed: number): void {
  const random = new SeededRandom(seed);
  const flash = new HostFlash();
  let opened = Store.open({ flash, keys: KEYS });
  if (!opened.ok && Store.format({ flash })) opened = Store.open({ flash, keys: KEYS });
  if (!opened.ok) throw new Error(opened.error.message);
  const { store } = opened;
  for (let step = 0; step < STEPS; step++) {
    const key = (1 + random.below(KINDS)) * 0x1000000 + random.below(random.chance(0.05) ? 400 : 9);
    const length = random.chance(0.03) ? random.below(300) : random.below(12);
    if (random.chance(0.06)) store.delete(key);
    else store.put(key, new Uint8Array(length).fill(random.below(256)));
    if (random.chance(0.2)) store.tidy();
  }
}

/** Records that are long by their value, by their index, and by both, the last one at the end. */
function writeLong(): void {
  const flash = new HostFlash();
  Store.format({ flash });
  const opened = Store.open({ flash, keys: KEYS });
  if (!opened.ok) throw new Error(opened.error.message);
  const { store } = opened;
  store.put(0x01000000, new Uint8Array(131).fill(5));
  store.put(0x02000400, new Uint8Array(9).fill(6));
  store.put(0x01000001, new Uint8Array(3).fill(7));
  store.put(0x03000400, new Uint8Array(200).fill(8));
}

function look(isNative: boolean): void {
  const { print } = host();
  const flash = new HostFlash();
  const opened = Store.open({ flash: isNative ? flash : plain(flash), keys: KEYS });
  if (!opened.ok) {
    print(JSON.stringify(opened.error));
    return;
  }
  const { store } = opened;
  for (let kind = 1; kind <= KINDS; kind++) {
    for (const key of store.keys(kind)) print(`${key} ${toHex(store.get(key) as Uint8Array)}`);
  }
  print(toHex(new Uint8Array(store.journal.cursor)), toHex(new Uint8Array(store.journal.index)));
  print(`${store.needsTidy} ${store.spareSectors}`);
  // The bytes that count decide when a store is full.
  let room = 0;
  while (room < 3000 && store.put(0x0c000000 + (room % 8), new Uint8Array(200))) room++;
  print(`${room}`);
}

export default function main(): number {
  const wish = host().provisioning() as Uint8Array;
  if (wish.length === 1) look(wish[0] === 1);
  else if (wish.length === 2) writeLong();
  else work(wish[0] * 0x1000000 + wish[1] * 0x10000 + wish[2] * 256 + wish[3]);
  return 0;
}
