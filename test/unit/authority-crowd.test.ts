/** What a join costs where there are many already: no step of it looks at all of them. */
import { RECEIVER, type Scope } from "../../modules/access/scope.js";
import { createGroup, giveKeys } from "../../modules/authority/distribution.js";
import type { Rows } from "../../modules/authority/ledger.js";
import { MemoryLedger } from "../../modules/authority/memory.js";
import { inGroup, members, NONE, newcomer } from "../../modules/authority/records.js";
import { enrol, grantToken } from "../../modules/authority/server.js";
import { uintBytes } from "../../modules/bytes/uint.js";
import { AES_CCM_16_64_128 } from "../../modules/ports/crypto.js";
import { equal, test } from "../harness.js";
import { APPLICATION, centerOf, furnish, parties, TERMS } from "../support/authority.js";

const NOW = 1_790_000_000;
const LAMP: Scope = [{ appGroup: APPLICATION, level: 2, roles: RECEIVER }];
const GROUPS = 5;
const { as, crypto } = parties();

/** Rows that were read, one by one or as keys, while a lamp joined beside so many others. */
function readBeside(others: number): number {
  const ledger = new MemoryLedger();
  const center = centerOf();
  const credential = Uint8Array.of(0xc0);
  ledger.run((rows) => {
    furnish(rows, center);
    const device = { scope: LAMP, tokenSeconds: NONE };
    enrol(rows, uintBytes(1), { ...device, name: "lamp", credential });
    for (let at = 0; at < others; at++) {
      const group = 100 + (at % GROUPS);
      if (at < GROUPS) createGroup(rows, center, group, TERMS);
      const one = { ...device, name: `${at}`, credential: uintBytes(1000 + at) };
      const { clientId } = enrol(rows, uintBytes(1000 + at), one);
      members.put(rows, inGroup(group, clientId), { ...newcomer(), roles: RECEIVER });
    }
  });
  let read = 0;
  ledger.run((rows) => {
    const counted: Rows = {
      ...rows,
      get: (table, key) => {
        read++;
        return rows.get(table, key);
      },
      keys: (table, prefix) => {
        const keys = rows.keys(table, prefix);
        read += keys.length;
        return keys;
      },
    };
    const token = grantToken(counted, as, { credential, audience: "kdc", now: NOW });
    if (!token.ok) throw new Error(token.fault);
    const pairwise = {
      kid: Uint8Array.of(1),
      key: crypto.aeadKey(AES_CCM_16_64_128, new Uint8Array(16)),
    };
    const given = giveKeys(counted, center, {
      ...{ token: token.value, holder: credential, wanted: [APPLICATION], pairwise, now: NOW },
      ...{ credential: new Uint8Array(0), incarnation: Uint8Array.of(7) },
    });
    equal(given.ok, true);
  });
  return read;
}

test("a lamp that joins beside hundreds of others reads no more than beside a few", () => {
  equal(readBeside(300), readBeside(GROUPS));
});
