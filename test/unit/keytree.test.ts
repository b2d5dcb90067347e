/** Key trees: who is there learns the new key, who is gone does not, and what that costs. */
import { TreeMember, type TreeOutcome, treeMessages } from "../../modules/access/tree.js";
import { type Center, renew } from "../../modules/authority/distribution.js";
import {
  grow,
  pathOf,
  plant,
  prune,
  renewalMessages,
  type Wrap,
} from "../../modules/authority/keytree.js";
import type { Rows } from "../../modules/authority/ledger.js";
import { MemoryLedger } from "../../modules/authority/memory.js";
import {
  groups,
  inGroup,
  keys,
  members,
  newcomer,
  numberKey,
} from "../../modules/authority/records.js";
import { fromHex, toHex } from "../../modules/bytes/hex.js";
import { uintBytes } from "../../modules/bytes/uint.js";
import { decode } from "../../modules/cbor/decode.js";
import { encode } from "../../modules/cbor/encode.js";
import { equal, test, throws } from "../harness.js";
import { centerOf, furnish, GROUP, parties } from "../support/authority.js";

const h = fromHex;
const { crypto, signer, as } = parties();
const ANCHOR = { alg: -8, publicKey: signer.publicKey } as const;
const SECURITY_GROUP = uintBytes(GROUP);
const id = (at: number) => uintBytes(at);

/** A group with a tree, and its members as devices. */
class Grove {
  readonly ledger = new MemoryLedger();
  readonly center: Center = centerOf();
  readonly members = new Map<number, TreeMember>();

  constructor() {
    this.run((rows) => {
      furnish(rows, this.center);
      renew(rows, this.center, GROUP, { isBroken: false, now: 0 });
    });
  }

  run<T>(decide: (rows: Rows) => T): T {
    return this.ledger.run(decide);
  }

  get epoch(): number {
    return this.run((rows) => groups.need(rows, numberKey(GROUP)).epoch);
  }

  /** The group's key as the ledger has it. */
  get key(): string {
    return this.run((rows) => toHex(keys.need(rows, inGroup(GROUP, this.epoch)).raw));
  }

  /** A new key for the group, under what changed in the tree. */
  messages(change: (rows: Rows) => readonly Wrap[]): Uint8Array[] {
    return this.run((rows) => {
      const wraps = change(rows);
      renew(rows, this.center, GROUP, { isBroken: false, now: 0 });
      return renewalMessages(rows, this.center, GROUP, wraps);
    });
  }

  join(at: number): Uint8Array[] {
    const messages = this.messages((rows) => plant(rows, this.center, GROUP, id(at)).wraps);
    this.tell(messages);
    const path = this.run((rows) => pathOf(rows, GROUP, id(at))) ?? [];
    const { epoch } = this;
    const given = { securityGroup: SECURITY_GROUP, anchor: ANCHOR, path, epoch };
    this.members.set(at, new TreeMember(crypto, given));
    return messages;
  }

  evict(at: number): Uint8Array[] {
    return this.messages((rows) => prune(rows, this.center, GROUP, id(at)));
  }

  tell(messages: readonly Uint8Array[]): void {
    for (const [at, member] of this.members) {
      const last = messages.map((message) => member.accept(message)).at(-1);
      if (last !== undefined) equal(keyIn(last), this.key, `member ${at}`);
    }
  }
}

function keyIn(outcome: TreeOutcome): string {
  if (outcome.what !== "renewed") return outcome.what;
  const decoded = decode(outcome.key);
  const key = decoded.ok && decoded.value instanceof Map ? decoded.value.get(-1) : undefined;
  return key instanceof Uint8Array ? toHex(key) : "no key";
}

test("everybody who is there learns each new key; who was put out learns none", () => {
  const grove = new Grove();
  for (let at = 1; at <= 9; at++) grove.join(at);
  for (const gone of [4, 1, 9, 2]) {
    const out = grove.members.get(gone);
    grove.members.delete(gone);
    const messages = grove.evict(gone);
    grove.tell(messages);
    for (const message of messages) equal(out?.accept(message), { what: "waiting" }, `${gone}`);
  }
  for (const at of [10, 4]) grove.join(at);
  grove.tell(grove.messages(() => []));
  equal(grove.members.size, 7);
});

test("a newcomer reads nothing that was said before, and others' keys are not his", () => {
  const grove = new Grove();
  grove.join(1);
  grove.join(2);
  const earlier = grove.messages(() => []);
  grove.tell(earlier);
  grove.join(3);
  const newcomer = grove.members.get(3);
  equal(newcomer?.accept(earlier[0]), { what: "older" });
  const path = newcomer?.path ?? [];
  const given = { securityGroup: SECURITY_GROUP, anchor: ANCHOR, path, epoch: 0 };
  const curious = new TreeMember(crypto, given);
  equal(curious.accept(earlier[0]), { what: "waiting" }, "nothing opens with what he has");
});

test("messages in any order, twice, and one of them missing", () => {
  const grove = new Grove();
  for (let at = 1; at <= 8; at++) grove.join(at);
  const messages = grove.evict(8);
  grove.members.delete(8);
  equal(messages.length, 3);
  const [one, two] = [grove.members.get(7), grove.members.get(1)];
  const outcomes = [...messages].reverse().map((message) => one?.accept(message).what);
  equal(outcomes, ["waiting", "waiting", "renewed"]);
  equal(one?.accept(messages[0]), { what: "older" });
  const missed = messages.slice(0, 2).map((message) => two?.accept(message).what);
  equal(missed, ["waiting", "waiting"]);
  const next = grove.messages(() => []);
  equal(next.map((message) => two?.accept(message).what).includes("renewed"), false, "has to ask");
  equal(two?.epoch, 9);
});

test("only what the Group Manager signs is listened to", () => {
  const grove = new Grove();
  for (let at = 1; at <= 2; at++) grove.join(at);
  const member = grove.members.get(1);
  const [message] = grove.messages(() => []);
  const changed = message.slice();
  changed[changed.length - 1] ^= 1;
  equal(member?.accept(changed), { what: "forged" });
  equal(member?.accept(h("00")), { what: "malformed" });
  const of = (securityGroup: Uint8Array, epoch: number) =>
    treeMessages(crypto, {
      renewed: { securityGroup, epoch, isBroken: false },
      wraps: [[]],
      ...as,
    })[0];
  equal(member?.accept(of(h("0a"), 9)), { what: "other" });
  equal(member?.accept(of(SECURITY_GROUP, 3)), { what: "older" });
  equal(member?.accept(of(SECURITY_GROUP, 9)), { what: "waiting" }, "nothing for us in it");
  equal(member?.accept(message), { what: "older" }, "a renewal that was followed by another");
});

test("keys of other branches are left alone, even where they could be opened", () => {
  const grove = new Grove();
  for (let at = 1; at <= 4; at++) grove.join(at);
  const path = (at: number) => grove.run((rows) => pathOf(rows, GROUP, id(at))) ?? [];
  const [under] = path(1).slice(-1);
  const [stray] = path(4);
  const messages = grove.messages(() => [{ under, carries: stray }]);
  const member = grove.members.get(1);
  equal(
    messages.map((message) => member?.accept(message).what),
    ["renewed"],
  );
  equal(member?.path.length, 3);
  equal(member?.path[0].position, 0, "its own leaf");
});

test("a tree for who is there already: each has his branch, and hears the next eviction", () => {
  const grove = new Grove();
  grove.run((rows) => {
    for (let at = 1; at <= 6; at++) members.put(rows, inGroup(GROUP, id(at)), newcomer());
    grow(rows, grove.center, GROUP);
    grow(rows, grove.center, GROUP);
    renew(rows, grove.center, GROUP, { isBroken: false, now: 0 });
  });
  const { epoch } = grove;
  for (let at = 1; at <= 6; at++) {
    const path = grove.run((rows) => pathOf(rows, GROUP, id(at))) ?? [];
    const given = { securityGroup: SECURITY_GROUP, anchor: ANCHOR, path, epoch };
    grove.members.set(at, new TreeMember(crypto, given));
  }
  grove.members.delete(4);
  const messages = grove.evict(4);
  equal(messages.length, 3);
  grove.tell(messages);
});

test("a leaf that is free is given again, and nobody has two", () => {
  const grove = new Grove();
  for (let at = 1; at <= 4; at++) grove.join(at);
  grove.members.delete(2);
  grove.tell(grove.evict(2));
  grove.join(5);
  equal(
    grove.members.get(5)?.path.map(({ position }) => position),
    [1, 0, 0],
  );
  throws(() => grove.run((rows) => plant(rows, grove.center, GROUP, id(5))), /already/);
  equal(grove.evict(77).length, 1, "who is not there leaves no trace: the group's key alone");
});

test("when the last one is gone there is nothing to say, and nothing left", () => {
  const grove = new Grove();
  grove.join(1);
  grove.join(2);
  equal(grove.evict(1).length, 1);
  equal(grove.evict(2), []);
  equal(
    grove.run((rows) => rows.keys("node", "").map((key) => key.slice(11))),
    ["shape"],
  );
});

test("a damaged node is named", () => {
  const grove = new Grove();
  grove.join(1);
  grove.join(2);
  throws(
    () =>
      grove.run((rows) => {
        rows.put("node", "0000000009/00/0000000000", encode(7));
        prune(rows, grove.center, GROUP, id(2));
      }),
    /node 0000000009\/00\/0000000000 does not parse/,
  );
});

test("one eviction and one join grow with the logarithm of the members", () => {
  const center = centerOf();
  const ledger = new MemoryLedger();
  ledger.run((rows) => {
    furnish(rows, center);
    let joined = 0;
    for (const members of [2, 4, 8, 16, 32, 64, 128]) {
      let last = 0;
      while (joined < members) last = plant(rows, center, GROUP, id(++joined)).wraps.length;
      const height = Math.log2(members);
      equal(last, height, `${members}: a join renews a key a level`);
      const wraps = prune(rows, center, GROUP, id(joined));
      equal(wraps.length, 2 * height - 1, `${members}: an eviction two, but for the lowest`);
      plant(rows, center, GROUP, id(joined));
    }
  });
});
