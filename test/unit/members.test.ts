import { TsCrypto } from "../../modules/crypto/crypto.js";
import { CONTEXTS_MAX, Contexts } from "../../modules/groups/contexts.js";
import type { Association } from "../../modules/groups/directory.js";
import { Heard } from "../../modules/groups/heard.js";
import { MEMBERS_MAX, Members } from "../../modules/groups/members.js";
import { loadOwn, storeOwn } from "../../modules/groups/own.js";
import type { Member } from "../../modules/profiles/profile.js";
import { Store } from "../../modules/store/store.js";
import { equal, test, throws } from "../harness.js";
import { FakeSignatures } from "../support/fake-signatures.js";
import { NorFlash } from "../support/flash.js";

const flash = () => new NorFlash({ size: 65536, programBytes: 16 });

function open(partition: NorFlash): Store {
  const opened = Store.open({ flash: partition });
  if (!opened.ok) throw new Error(opened.error.message);
  return opened.store;
}

function fresh(partition: NorFlash): Store {
  Store.format({ flash: partition });
  return open(partition);
}

const crypto = new TsCrypto();
/** Takes everybody but who is vouched for by 255s. */
const group = (id: number) => ({
  id,
  profile: { admits: (_crypto: unknown, { credential: [first] }: Member) => first !== 255 },
});
const idOf = (number: number) => Uint8Array.of(number >> 8, number);
const credential = (number: number) => new Uint8Array(46).fill(number);

test("members: found by their id after a restart, within their group", () => {
  const partition = flash();
  const members = new Members(fresh(partition), crypto);
  for (let i = 0; i < 20; i++) members.put(group(7), { id: idOf(i), credential: credential(i) });
  members.put(group(8), { id: idOf(3), credential: credential(99) });
  members.put(group(7), { id: new Uint8Array(0), credential: credential(50) });
  const again = new Members(open(partition), crypto);
  const bytes = Uint8Array.of(9, 0, 13, 9);
  equal(again.find(7, bytes, 1, 2)?.credential, credential(13));
  equal(again.find(7, bytes, 1, 3), undefined, "a longer id");
  equal(again.find(7, bytes, 2, 1), undefined, "a shorter id");
  equal(again.find(7, bytes, 1, 0)?.credential, credential(50), "the id of no bytes");
  equal(again.find(8, idOf(3), 0, 2)?.credential, credential(99));
  equal(again.find(9, idOf(3), 0, 2), undefined);
  equal(again.of(7).length, 21);
});

test("members: a credential is replaced, a member taken out, a group cleared", () => {
  const members = new Members(fresh(flash()), crypto);
  for (let i = 0; i < 12; i++) members.put(group(1), { id: idOf(i), credential: credential(i) });
  equal(members.put(group(1), { id: idOf(2), credential: credential(77) }).ok, true);
  equal(members.of(1).length, 12);
  equal(members.find(1, idOf(2), 0, 2)?.credential, credential(77));
  equal(members.remove(1, idOf(2)), true);
  equal(members.remove(1, idOf(2)), true, "gone is gone");
  equal(members.find(1, idOf(2), 0, 2), undefined);
  equal(members.of(1).length, 11);
  equal(members.clear(1), true);
  equal(members.of(1), []);
});

test("members: a hundred, and no more", () => {
  const members = new Members(fresh(flash()), crypto);
  for (let i = 0; i < MEMBERS_MAX; i++) {
    equal(members.put(group(1), { id: idOf(i), credential: credential(i) }).ok, true);
  }
  const one = { id: idOf(500), credential: credential(1) };
  equal(members.put(group(1), one), { ok: false, drop: "tableFull" });
  equal(
    members.put(group(1), { id: idOf(5), credential: credential(6) }).ok,
    true,
    "one that is there",
  );
  equal(members.remove(1, idOf(50)), true);
  equal(members.put(group(1), one).ok, true);
  equal(members.of(1).length, MEMBERS_MAX);
});

test("members: only who is admitted, and nobody where nobody is looked at", () => {
  const members = new Members(fresh(flash()), crypto);
  const refused = { ok: false, drop: "unknownMember" };
  equal(members.put(group(1), { id: idOf(1), credential: credential(255) }), refused);
  equal(members.put({ id: 1, profile: {} }, { id: idOf(1), credential: credential(1) }), refused);
  equal(members.of(1), []);
  equal(members.put(group(1), { id: idOf(1), credential: credential(1) }).ok, true);
  equal(members.put(group(1), { id: idOf(1), credential: credential(255) }), refused);
  equal(members.find(1, idOf(1), 0, 2)?.credential, credential(1), "who is there stays");
});

test("members: what flash refuses is not there", () => {
  const partition = flash();
  const members = new Members(fresh(partition), crypto);
  members.put(group(1), { id: idOf(2), credential: credential(2) });
  partition.refuses = () => true;
  const put = members.put(group(1), { id: idOf(1), credential: credential(1) });
  equal(put, { ok: false, drop: "storeFailed" });
  equal([members.remove(1, idOf(2)), members.of(1).length], [false, 1], "nor gone");
  throws(() => members.put(group(1), { id: new Uint8Array(17), credential: idOf(1) }), /id of 17/);
  throws(
    () => members.put(group(0x100000), { id: idOf(1), credential: idOf(1) }),
    /security group/,
  );
});

test("own membership: the signing key is made when it is asked for, once", () => {
  const partition = flash();
  const store = fresh(partition);
  const signatures = new FakeSignatures();
  const seed = new Uint8Array(32).fill(5);
  const addresses = [new Uint8Array(16).fill(0xff), Uint8Array.of(224, 0, 1, 187)];
  equal(storeOwn(store, 3, { id: idOf(1), credential: credential(1), seed, addresses }), true);
  const loaded = loadOwn(open(partition), new TsCrypto(signatures), 3);
  equal([loaded?.own.id, loaded?.addresses], [idOf(1), addresses]);
  const signer = loaded?.own.signer;
  equal(signer?.publicKey, signatures.publicKey(seed));
  equal(loaded?.own.signer === signer, true);
  equal(loadOwn(store, new TsCrypto(), 4), undefined);
  const silent = { id: idOf(2), credential: credential(2), seed: new Uint8Array(0), addresses: [] };
  equal(storeOwn(store, 4, silent), true);
  equal(loadOwn(store, new TsCrypto(signatures), 4)?.own.signer, undefined);
});

const association = (index: number) => ({ index }) as Association;

test("contexts: fifty, then the one used longest ago goes", () => {
  const contexts = new Contexts();
  const [key, other] = [association(1), association(2)];
  for (let i = 0; i < CONTEXTS_MAX; i++) contexts.keep(key, idOf(i), i + 1);
  equal(contexts.find(key, idOf(0)), 1, "used again");
  contexts.keep(other, idOf(0), 1000);
  equal(contexts.count, CONTEXTS_MAX);
  equal(contexts.find(key, idOf(1)), undefined, "the one used longest ago");
  equal(contexts.find(key, idOf(0)), 1);
  equal(contexts.find(other, idOf(0)), 1000);
  contexts.keep(key, idOf(0), 2);
  equal(contexts.find(key, idOf(0)), 1, "kept once");
  contexts.forget(key, idOf(0));
  equal(contexts.find(key, idOf(0)), undefined);
  contexts.forget(key);
  equal(contexts.count, 1);
});

test("answers heard: one without a number from each server, each number once", () => {
  const heard = new Heard();
  const [a, b] = [idOf(1), idOf(2)];
  equal(heard.isFresh(a, -1), true);
  heard.mark(a, -1);
  equal([heard.isFresh(a, -1), heard.isFresh(b, -1), heard.isFresh(a, 0)], [false, true, true]);
  heard.mark(a, 40);
  heard.mark(a, 45);
  const fresh = [9, 13, 14, 40, 41, 45, 46].map((number) => heard.isFresh(a, number));
  equal(fresh, [false, false, true, false, true, false, true]);
  heard.mark(a, 14);
  heard.mark(a, 100);
  equal(
    [14, 45, 69, 100].map((number) => heard.isFresh(a, number)),
    [false, false, true, false],
  );
  equal(heard.isFresh(b, 100), true);
});

test("answers heard: of a hundred servers", () => {
  const heard = new Heard();
  for (let i = 0; i < 100; i++) heard.mark(idOf(i), -1);
  equal(heard.isFresh(idOf(100), -1), false);
  equal(heard.isFresh(idOf(99), 5), true);
});
