/** A receiver's groups, still empty: nothing heard, nothing on its flash. */
import { TsCrypto } from "../../modules/crypto/crypto.js";
import { NobleSignatures } from "../../modules/crypto/noble.js";
import { Directory } from "../../modules/groups/directory.js";
import { Groups } from "../../modules/groups/groups.js";
import { Keyring } from "../../modules/groups/keyring.js";
import { Recipients } from "../../modules/oscore/recipients.js";
import { Sequence } from "../../modules/oscore/sequence.js";
import { Store } from "../../modules/store/store.js";
import { Uptime } from "../../modules/store/uptime.js";
import { TestClock } from "../support/clock.js";
import { NorFlash } from "../support/flash.js";

export function newCrypto(): TsCrypto {
  return new TsCrypto(new NobleSignatures());
}

export function newGroups(clientId: Uint8Array): { groups: Groups; store: Store } {
  const clock = new TestClock();
  const flash = new NorFlash({ size: 65536, programBytes: 16 });
  Store.format({ flash });
  const opened = Store.open({ flash });
  if (!opened.ok) throw new Error("a fresh store does not open");
  const { store } = opened;
  Sequence.create(store);
  const directory = new Directory();
  const recipients = new Recipients({ store, capacity: 20 });
  const uptime = new Uptime(store, clock);
  const crypto = newCrypto();
  const keyring = new Keyring({ store, crypto, recipients, uptime, directory, keysMax: 20 });
  const sequence = new Sequence(store);
  return {
    groups: new Groups({ directory, keyring, recipients, sequence, uptime, clock, clientId }),
    store,
  };
}
