import type { Level } from "../../modules/access/level.js";
import { isLevel } from "../../modules/access/level.js";
import { type Access, mayUse } from "../../modules/access/policy.js";
import { Rights } from "../../modules/access/rights.js";
import { Id64 } from "../../modules/bytes/id64.js";
import type { Proof } from "../../modules/bytes/outcome.js";
import { KIND, key } from "../../modules/store/keys.js";
import { equal, test, throws } from "../harness.js";
import { MemoryRecords } from "../support/records.js";

const LEVELS: readonly Level[] = [0, 1, 2, 3, 4, 5];
const ID = Uint8Array.of(7);
const PROOFS: readonly (Proof | undefined)[] = [
  undefined,
  { by: "group" },
  { by: "member", id: ID },
  { by: "pairwise", id: ID },
  { by: "channel", id: ID },
];

/**
 * The sentences turned into a list of what may be had, the other way round than the code:
 * the highest level each combination can reach, then the lower of that and what was granted.
 */
function reachable(proof: string, transport: string, scope: string, granted: number): number {
  const ceilings: Record<string, number> = {
    "plain unicast": 0,
    "plain multicast": 0,
    "group unicast": 2,
    "group multicast": 2,
    "member unicast": 2,
    "member multicast": 2,
    "pairwise unicast": 2,
    "pairwise multicast": 2,
    "channel unicast": scope === "device" ? 5 : 2,
    "channel multicast": 2,
  };
  return Math.min(ceilings[`${proof} ${transport}`], granted);
}

test("policy: level x proof x transport x scope, every combination", () => {
  let allowed = 0;
  for (const proof of PROOFS) {
    for (const transport of ["multicast", "unicast"] as const) {
      for (const scope of ["group", "device"] as const) {
        for (const granted of LEVELS) {
          for (const needed of LEVELS) {
            const most = reachable(proof?.by ?? "plain", transport, scope, granted);
            const may = mayUse({ proof, transport, scope, granted, needed });
            const what = `${proof?.by} ${transport} ${scope} granted ${granted} needed ${needed}`;
            equal(may, needed <= most, what);
            if (may) allowed++;
          }
          const nothing: Access = { proof, transport, scope, granted, needed: undefined };
          equal(mayUse(nothing), false, "a method that does not exist");
        }
      }
    }
  }
  // By hand: plain 24 x 1; three group proofs and channel multicast, 4 each with 1+2+3+3+3+3 = 15;
  // channel unicast: group scope 15, device scope 1+2+3+4+5+6 = 21.
  equal(allowed, 24 + (3 * 4 + 2) * 15 + 15 + 21);
});

test("policy: plain CoAP reaches discovery and nothing else", () => {
  const plain = { proof: undefined, transport: "unicast", scope: "device", granted: 5 } as const;
  equal(
    LEVELS.map((needed) => mayUse({ ...plain, needed })),
    [true, false, false, false, false, false],
  );
});

test("policy: group material stops at level 2, signed and pairwise and unicast included", () => {
  for (const proof of PROOFS.slice(1, 4)) {
    const access = { proof, transport: "unicast", scope: "device", granted: 5 } as const;
    equal(mayUse({ ...access, needed: 2 }), true, proof?.by);
    equal(mayUse({ ...access, needed: 3 }), false, proof?.by);
  }
});

test("policy: multicast stops at level 2, whatever protects it", () => {
  const proof: Proof = { by: "channel", id: ID };
  const access = { proof, transport: "multicast", scope: "device", granted: 5 } as const;
  equal(mayUse({ ...access, needed: 2 }), true);
  equal(mayUse({ ...access, needed: 3 }), false);
});

test("policy: a right for an application group is no right over the device", () => {
  const proof: Proof = { by: "channel", id: ID };
  const access = { proof, transport: "unicast", granted: 5, needed: 3 } as const;
  equal(mayUse({ ...access, scope: "group" }), false);
  equal(mayUse({ ...access, scope: "device" }), true);
});

test("policy: the right has to reach the level", () => {
  const access = { proof: { by: "group" }, transport: "multicast", scope: "group" } as const;
  equal(mayUse({ ...access, granted: 1, needed: 2 }), false);
  equal(mayUse({ ...access, granted: 2, needed: 2 }), true);
});

test("levels are 0 to 5", () => {
  equal([-1, 0, 5, 6, 1.5, "1", undefined].map(isLevel), [
    false,
    true,
    true,
    false,
    false,
    false,
    false,
  ]);
});

/** A client id as it stands inside a datagram. */
function lookUp(rights: Rights, appGroup: number | null, client: Uint8Array): Level {
  const datagram = new Uint8Array(client.length + 5).fill(0xee);
  datagram.set(client, 3);
  return rights.level(appGroup, new Id64().read(datagram, 3, client.length));
}

const LONG = Uint8Array.of(0x02, 0, 0, 0xff, 0xfe, 0, 0, 1);

test("rights: per client and scope, read where the id stands", () => {
  const rights = new Rights(new MemoryRecords(), 10);
  equal(rights.grant({ client: ID, appGroup: 1, level: 2 }), { ok: true, value: 2 });
  equal(rights.grant({ client: ID, appGroup: null, level: 4 }), { ok: true, value: 4 });
  equal(rights.grant({ client: LONG, appGroup: 0xffffffff, level: 1 }), { ok: true, value: 1 });
  equal(rights.count, 3);
  equal(lookUp(rights, 1, ID), 2);
  equal(lookUp(rights, null, ID), 4);
  equal(lookUp(rights, 2, ID), 0);
  equal(lookUp(rights, 0xffffffff, LONG), 1);
  equal(lookUp(rights, 1, LONG), 0);
  equal(lookUp(rights, 1, new Uint8Array(0)), 0);
  equal(lookUp(rights, 1, new Uint8Array(9).fill(7)), 0);
});

test("rights: another client, group or scope has none", () => {
  // With one row in four places, some of these are searched for where the row lies.
  for (const appGroup of [3, null]) {
    const rights = new Rights(new MemoryRecords(), 1);
    rights.grant({ client: LONG, appGroup, level: 2 });
    for (let i = 0; i < 64; i++) {
      const low = LONG.slice();
      low[7] = i + 2;
      equal(lookUp(rights, appGroup, low), 0, "low half");
      const high = LONG.slice();
      high[0] = i + 3;
      equal(lookUp(rights, appGroup, high), 0, "high half");
      if (appGroup !== null) equal(lookUp(rights, i + 4, LONG), 0, "group");
    }
    equal(lookUp(rights, appGroup === null ? 0 : null, LONG), 0, "scope");
    equal(lookUp(rights, appGroup, LONG), 2);
  }
});

test("rights: group 0 is not the device itself", () => {
  const rights = new Rights(new MemoryRecords(), 4);
  rights.grant({ client: ID, appGroup: 0, level: 2 });
  equal(lookUp(rights, null, ID), 0);
  rights.grant({ client: ID, appGroup: null, level: 5 });
  equal(lookUp(rights, 0, ID), 2);
  equal(lookUp(rights, null, ID), 5);
});

test("rights: a new level replaces the old one", () => {
  const records = new MemoryRecords();
  const rights = new Rights(records, 4);
  rights.grant({ client: ID, appGroup: null, level: 5 });
  rights.grant({ client: ID, appGroup: null, level: 1 });
  equal(rights.count, 1);
  equal(lookUp(rights, null, ID), 1);
  equal(lookUp(new Rights(records, 4), null, ID), 1);
});

test("rights: a full table refuses the newcomer and keeps everybody", () => {
  const rights = new Rights(new MemoryRecords(), 100);
  for (let i = 1; i <= 100; i++) {
    equal(rights.grant({ client: Uint8Array.of(i), appGroup: 1, level: 2 }).ok, true);
  }
  equal(rights.grant({ client: Uint8Array.of(101), appGroup: 1, level: 2 }), {
    ok: false,
    drop: "tableFull",
  });
  equal(rights.grant({ client: Uint8Array.of(1), appGroup: 2, level: 2 }).ok, false);
  for (let i = 1; i <= 100; i++) equal(lookUp(rights, 1, Uint8Array.of(i)), 2);
  equal(lookUp(rights, 1, Uint8Array.of(101)), 0);
  // Who is there already can still be given another level.
  equal(rights.grant({ client: Uint8Array.of(50), appGroup: 1, level: 1 }).ok, true);
});

test("rights: what flash did not take was not granted", () => {
  const records = new MemoryRecords();
  const rights = new Rights(records, 4);
  records.refuses = true;
  equal(rights.grant({ client: ID, appGroup: 1, level: 2 }), { ok: false, drop: "storeFailed" });
  equal(lookUp(rights, 1, ID), 0);
  records.refuses = false;
  rights.grant({ client: ID, appGroup: 1, level: 2 });
  records.refuses = true;
  equal(rights.revoke(ID), false);
  equal(lookUp(rights, 1, ID), 2);
});

test("rights: survive a restart, revocation too", () => {
  const records = new MemoryRecords();
  const rights = new Rights(records, 8);
  for (let i = 1; i <= 6; i++) {
    rights.grant({ client: Uint8Array.of(i), appGroup: 1, level: 2 });
  }
  rights.grant({ client: Uint8Array.of(2), appGroup: null, level: 4 });
  equal(rights.revoke(Uint8Array.of(2)), true);
  const again = new Rights(records, 8);
  for (const table of [rights, again]) {
    equal(table.count, 5);
    equal(
      [1, 2, 3, 4, 5, 6].map((i) => lookUp(table, 1, Uint8Array.of(i))),
      [2, 0, 2, 2, 2, 2],
    );
    equal(lookUp(table, null, Uint8Array.of(2)), 0);
  }
  equal(again.grant({ client: LONG, appGroup: 1, level: 1 }).ok, true);
  equal(lookUp(again, 1, LONG), 1);
});

test("rights: a damaged record is named, not skipped", () => {
  const damaged = [
    [],
    [2, 0, 0, 0, 1],
    [6, 0, 0, 0, 1, 7],
    [2, 0, 0, 0, 1, 0, 7],
    [2, 0, 0, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8, 9],
  ];
  for (const value of damaged) {
    const records = new MemoryRecords();
    records.put(key(KIND.RIGHT, 3), Uint8Array.from(value));
    throws(() => new Rights(records, 8), /right 3 is damaged/);
  }
  const records = new MemoryRecords();
  records.put(key(KIND.RIGHT, 8), Uint8Array.of(2, 0, 0, 0, 1, 7));
  throws(() => new Rights(records, 8), /room for 8/);
});

test("rights: what no right can be is our own bug", () => {
  const rights = new Rights(new MemoryRecords(), 4);
  throws(() => rights.grant({ client: new Uint8Array(0), appGroup: 1, level: 2 }), /client id/);
  throws(() => rights.grant({ client: Uint8Array.of(0, 1), appGroup: 1, level: 2 }), /client id/);
  throws(() => rights.grant({ client: ID, appGroup: -1, level: 2 }), /application group/);
  throws(() => rights.grant({ client: ID, appGroup: 1, level: 6 as Level }), /level/);
  throws(() => new Rights(new MemoryRecords(), 255), /255 rights/);
});
