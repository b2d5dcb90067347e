import { TsCrypto } from "../../modules/crypto/crypto.js";
import {
  type Association,
  compareKeyIds,
  Directory,
  type SecurityGroup,
  uniqueAssociation,
} from "../../modules/groups/directory.js";
import { Lifetime } from "../../modules/groups/lifetime.js";
import { lowlatency } from "../../modules/profiles/lowlatency.js";
import { KIND, key } from "../../modules/store/keys.js";
import { Store } from "../../modules/store/store.js";
import { equal, test, throws } from "../harness.js";
import { NorFlash } from "../support/flash.js";

function freshStore(flash: NorFlash): Store {
  Store.format({ flash });
  const opened = Store.open({ flash });
  if (!opened.ok) throw new Error(opened.error.message);
  return opened.store;
}

function security(store: Store, keyIds: readonly number[]): SecurityGroup {
  const group: SecurityGroup = {
    id: 1,
    profile: lowlatency,
    graceSeconds: 0,
    associations: [],
    highest: new Uint8Array(0),
  };
  group.associations = keyIds.map((id, index): Association => {
    const raw = new Uint8Array(16).fill(id);
    const material = lowlatency.importKey(new TsCrypto(), { keyId: Uint8Array.of(id), raw });
    const terms = { endsAtSeconds: undefined, messages: undefined };
    const lifetime = new Lifetime(store, index, terms, undefined);
    return { index, security: group, ...material, lifetime };
  });
  return group;
}

const flash = () => new NorFlash({ size: 65536, programBytes: 16 });

test("a key id that two keys have names none", () => {
  const group = security(freshStore(flash()), [5, 7, 5]);
  equal(uniqueAssociation(group, Uint8Array.of(9, 7), 1, 1)?.index, 1);
  equal(uniqueAssociation(group, Uint8Array.of(9, 5), 1, 1), undefined);
  equal(uniqueAssociation(group, Uint8Array.of(9, 6), 1, 1), undefined);
  equal(uniqueAssociation(group, Uint8Array.of(0, 7), 0, 2), undefined, "another length");
});

test("key ids are ordered as integers, whatever their length", () => {
  equal(compareKeyIds(Uint8Array.of(7), Uint8Array.of(7)), 0);
  equal(compareKeyIds(Uint8Array.of(255), Uint8Array.of(1, 0)) < 0, true);
  equal(compareKeyIds(Uint8Array.of(2, 0), Uint8Array.of(1, 255)) > 0, true);
  equal(compareKeyIds(Uint8Array.of(0), new Uint8Array(0)) > 0, true, "anything is above nothing");
});

test("a directory has each group once", () => {
  const directory = new Directory();
  const group = security(freshStore(flash()), [1]);
  directory.addSecurity(group);
  throws(() => directory.addSecurity(group), /security group 1 twice/);
  const endpoint = { address: new Uint8Array(16), port: 5683 };
  directory.addAppGroup({ id: 4294967295, security: group, endpoint });
  equal(directory.appGroup(4294967295)?.security, group);
  throws(() => directory.addAppGroup({ id: 4294967295, security: group, endpoint }), /twice/);
});

test("a budget that flash does not vouch for is not spent", () => {
  const partition = flash();
  const store = freshStore(partition);
  const terms = { endsAtSeconds: undefined, messages: 1000 };
  const lifetime = new Lifetime(store, 3, terms, undefined);
  partition.refuses = () => true;
  equal(lifetime.spend(), { ok: false, drop: "storeFailed" });
});

test("a budget is reserved in blocks: a restart counts the whole block", () => {
  const store = freshStore(flash());
  const terms = { endsAtSeconds: undefined, messages: 100 };
  const before = new Lifetime(store, 3, terms, undefined);
  const writes = store.writes;
  for (let i = 0; i < 64; i++) equal(before.spend().ok, true);
  equal(store.writes, writes + 1, "one write for 64 messages");
  const after = new Lifetime(store, 3, terms, undefined);
  let left = 0;
  while (after.isValid(0)) {
    equal(after.spend().ok, true);
    left++;
  }
  equal(left, 36);
  equal(store.get(key(KIND.KEY_USE, 3))?.length, 4);
});

test("validity and grace end at their second", () => {
  const store = freshStore(flash());
  const lifetime = new Lifetime(store, 0, { endsAtSeconds: 100, messages: undefined }, 50);
  equal(
    [99, 100].map((now) => lifetime.isValid(now)),
    [true, false],
  );
  equal(
    [49, 50].map((now) => lifetime.isRetired(now)),
    [false, true],
  );
  equal(lifetime.isLimited, true);
  const endless = { endsAtSeconds: undefined, messages: undefined };
  equal(new Lifetime(store, 1, endless, undefined).isLimited, false);
});
