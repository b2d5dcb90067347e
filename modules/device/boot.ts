/**
 * From a flash partition and a provisioning blob to the durable parts of a device.
 *
 * The one thing that must never happen is a silent fresh start: a counter that begins again at 0
 * under the same key repeats nonces, and an empty replay window accepts every recording. So a
 * partition is formatted only when every byte of it is erased, and the record that says "first
 * start finished" is written last: while it is missing nothing was ever sent or accepted, and the
 * first start is simply done again.
 *
 * The blob lives no longer than the call: what it takes, the 6LoWPAN stack takes afterwards.
 */

import { Rights } from "../access/rights.js";
import { equalBytes } from "../bytes/equal.js";
import { toHex } from "../bytes/hex.js";
import { compareKeyIds, Directory } from "../groups/directory.js";
import { Groups } from "../groups/groups.js";
import { Keyring } from "../groups/keyring.js";
import { Recipients } from "../oscore/recipients.js";
import { Sequence } from "../oscore/sequence.js";
import type { Board } from "../ports/board.js";
import type { Flash } from "../ports/flash.js";
import { ROLE_NAMES, type RoleName } from "../ports/role.js";
import { lowlatency } from "../profiles/lowlatency.js";
import { KIND, key } from "../store/keys.js";
import { Store } from "../store/store.js";
import { Uptime } from "../store/uptime.js";
import type { ChannelsService } from "./channels.js";
import { Enrolment } from "./enrolment.js";
import { LIMITS } from "./limits.js";
import type { SchemeServices } from "./parts.js";
import { type Identity, type Provisioning, parseProvisioning, ROLE } from "./provision.js";
import { STORE_KEYS_MAX } from "./relations.js";
import { type AddSecurity, emitTaken, Taken } from "./taken.js";
import type { Upkeep } from "./upkeep.js";

/** Bounds the tidying at start; a step copies eight records or erases a sector. */
const TIDY_STEPS = 64;
/** Written last at the first start: the device's EUI-64. */
const OWNER = key(KIND.PROVISION, 0);
/** What was taken from a blob last (taken.ts). */
const TAKEN = key(KIND.PROVISION, 1);

/** What outlives a power cut, and what the rest of the device needs to know of its provisioning. */
export interface Durable {
  readonly store: Store;
  readonly rights: Rights;
  readonly groups: Groups;
  readonly identity: Identity;
}

/** Throws an Error that says what is wrong with provisioning or flash, and what to do. */
export function bootDurable(
  board: Board,
  services?: SchemeServices,
  upkeep?: Upkeep,
  channels?: ChannelsService,
): Durable {
  const blob = board.provisioning();
  if (blob === undefined) {
    throw new Error("no provisioning: give this device its part of an installation file");
  }
  const { crypto, clock, flash } = board;
  const openIt = () => openAny(flash);
  const opened = upkeep === undefined ? openIt() : upkeep.open(board, openIt);
  const digest = crypto.sha256(blob);
  const taken = Taken.of(opened?.get(TAKEN), digest);
  const known = taken !== undefined;
  const provisioning = parseProvisioning(blob, known, taken?.listsEnd);
  const { eui64, role, clientId, target, settings, network } = provisioning;
  checkRole(role, board.role);
  const written = opened ?? format(flash);
  const hasMore = !isPlain(provisioning) || channels?.isNamed(blob) === true;
  const roomy = hasMore ? openLog(flash, STORE_KEYS_MAX) : written;
  const store = ownStore(roomy ?? written, eui64);
  const directory = new Directory();
  const uptime = new Uptime(store, clock);
  const recipients = new Recipients({ store, capacity: LIMITS.recipientsMax });
  const { keysMax } = LIMITS;
  const keyring = new Keyring({ store, crypto, recipients, uptime, directory, keysMax });
  upkeep?.guard(keyring, store, crypto);
  keyring.forgetOrphans();
  const enrolment = new Enrolment(services, crypto, store);
  if (!known) {
    forgetTaken(store); // check: taken-forgotten
    enrolment.enter(provisioning);
    upkeep?.enter(store, blob);
  }
  if (taken?.listsEnd === undefined) {
    applyKeys(keyring, provisioning, enrolment);
    addAppGroups(directory, provisioning);
  } else {
    const add: AddSecurity = (id, scheme, graceSeconds) =>
      keyring.addSecurity(enrolment.security(id, scheme, graceSeconds));
    taken.addGroups(directory, add);
  }
  // What was told beside the installation is none of it.
  const record = known ? undefined : emitTaken(digest, provisioning.listsEnd, directory);
  const given = provisioning.targets ?? (target === undefined ? [] : [target]);
  const founding = { directory, keyring, enrolment };
  const targets = upkeep?.arrange(store, founding, given) ?? given;
  keyring.forgetUnclaimed();
  const rights = known ? storedRights(store) : applyRights(store, provisioning);
  // Last: everything else of the blob is in flash.
  if (record !== undefined) remember(store, record);
  const sequence = new Sequence(store);
  const groups = { directory, keyring, recipients, sequence, uptime, clock, clientId };
  const identity = { eui64, role, clientId, targets, settings, network };
  const all = new Groups(groups);
  all.schemes = enrolment.schemes;
  return { store, rights, groups: all, identity };
}

/** Whether no group has members: a device has other use for the 1.7 KB of room for theirs. */
function isPlain({ securityGroups }: Provisioning): boolean {
  for (const { profile } of securityGroups) if (profile !== lowlatency.name) return false;
  return true;
}

/**
 * Before anything of a new blob is written: the old one, should it come again after a cut, must
 * not find its record beside half of the new one.
 */
function forgetTaken(store: Store): void {
  if (!store.delete(TAKEN)) throw new Error("flash: refuses to take the old record away");
}

function remember(store: Store, record: Uint8Array): void {
  if (!store.put(TAKEN, record)) throw new Error("flash: refuses the provisioning record");
}

/** An image built for one role given another's provisioning: somebody mixed up two devices. */
export function checkRole(role: number, built: RoleName | undefined): void {
  const provisioned = ROLE_NAMES[role - ROLE.LUMINAIRE];
  if (built === undefined || built === provisioned) return;
  throw new Error(
    `role: this image is built for a ${built}, but provisioned as ${provisioned}; ` +
      "give it that device's provisioning, or build it with the other role",
  );
}

/**
 * Undefined when nothing was ever written to the partition. Throws an Error that says what is wrong
 * with the flash and what to do.
 */
export function openLog(flash: Flash, keys: number): Store | undefined {
  const opened = Store.open({ flash, keys });
  if (opened.ok) return opened.store;
  if (opened.error.kind === "blank") return undefined;
  throw new Error(`flash: ${opened.error.message}`);
}

/** With room for members' records only where there are so many, or somebody to keep them for. */
function openAny(flash: Flash): Store | undefined {
  try {
    return openLog(flash, LIMITS.storeKeysMax);
  } catch (error) {
    if (error instanceof RangeError) return openLog(flash, STORE_KEYS_MAX);
    throw error;
  }
}

export function format(flash: Flash): Store {
  if (!Store.format({ flash })) throw new Error("flash: refuses to be formatted");
  const store = openLog(flash, LIMITS.storeKeysMax);
  if (store === undefined) throw new Error("flash: does not keep what is written");
  return store;
}

/** Throws an Error when the store is another device's. */
function ownStore(store: Store, eui64: Uint8Array): Store {
  // Nobody waits yet: a log that was left full has room again before anything is written.
  for (let step = 0; step < TIDY_STEPS && store.needsTidy && store.tidy(); step++);
  const owner = store.get(OWNER);
  if (owner === undefined) {
    if (store.get(key(KIND.SEQUENCE, 0)) === undefined) Sequence.create(store);
    if (!store.put(OWNER, eui64)) throw new Error("flash: refuses the first record");
  } else if (!equalBytes(owner, eui64)) {
    throw new Error(
      `flash: belongs to device ${toHex(owner)}, but the installation says ` +
        `${toHex(eui64)}; give each device its own flash file`,
    );
  }
  return store;
}

/** Brings the installation's keys into the store; what is there already is left alone. */
function applyKeys(keyring: Keyring, provisioning: Provisioning, enrolment: Enrolment): void {
  for (const part of provisioning.securityGroups) {
    const { id, profile, graceSeconds, policy } = part;
    const security = keyring.addSecurity({
      ...enrolment.security(id, profile, graceSeconds),
      ...(policy === undefined ? {} : { policy }),
    });
    const offers = [...part.keys].sort((a, b) => compareKeyIds(a.keyId, b.keyId));
    for (const offer of offers) {
      if (!keyring.isNew(security, offer.keyId)) continue;
      const installed = keyring.install(security, offer);
      if (!installed.ok) {
        throw new Error(`security group ${part.id}: key not installed (${installed.drop})`);
      }
    }
  }
}

/**
 * Makes the stored rights those of the installation. A new installation takes all old ones away
 * first: under a shared key the right is all that keeps a former client out. A cut anywhere in
 * between leaves no record of what was taken, and the next start does it all again.
 */
function applyRights(store: Store, provisioning: Provisioning): Rights {
  for (const stored of store.keys(KIND.RIGHT)) {
    if (!store.delete(stored)) throw new Error("flash: refuses to take an old right away");
  }
  const rights = storedRights(store);
  for (const { client, appGroup, level } of provisioning.rights) {
    const granted = rights.grant({ client, appGroup, level: level as 0 | 1 | 2 | 3 | 4 | 5 });
    if (!granted.ok) throw new Error(`rights of ${toHex(client)}: not stored (${granted.drop})`);
  }
  return rights;
}

function storedRights(store: Store): Rights {
  return new Rights(store, LIMITS.rightsMax);
}

function addAppGroups(directory: Directory, provisioning: Provisioning): void {
  for (const { id, security: securityId, address, port } of provisioning.appGroups) {
    const security = directory.security(securityId);
    if (security === undefined) {
      throw new Error(`application group ${id}: security group ${securityId} is not listed`);
    }
    directory.addAppGroup({ id, security, endpoint: { address, port } });
  }
}
