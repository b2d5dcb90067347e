/**
 * What is to be killed at any write: `node kill.js FILE renewal` renews the key of a hundred
 * members and prints its epoch once that is durable; `FILE rekey` brings it to them as well, and
 * prints who was sent what; `FILE crowd` takes decisions that come at once and prints the number of
 * each.
 */
import { writeSync } from "node:fs";
import { SqliteLedger } from "../../hosts/authority/sqlite.js";
import { renew } from "../../modules/authority/distribution.js";
import { LoggedLedger } from "../../modules/authority/log.js";
import { nextOf, numberKey } from "../../modules/authority/records.js";
import { centerOf, parties } from "../support/authority.js";
import { rekeyed } from "../support/rekeyed.js";

const [path, what] = process.argv.slice(2);
const AT_ONCE = 6;
const ROUNDS = 3;
const ledger = new SqliteLedger(path);

async function crowd(): Promise<void> {
  const note = () => ({ by: "lamp", what: "" });
  const logged = new LoggedLedger(ledger, { ...parties(), now: () => 0, note });
  const one = async () => {
    for (let round = 0; round < ROUNDS; round++) {
      const number = await logged.transaction((rows) => {
        const next = nextOf(rows, "crowd");
        rows.put("device", numberKey(next), Uint8Array.of(next));
        return next;
      });
      writeSync(1, `${number}\n`);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, one));
}

if (what === "crowd") await crowd();
else if (what === "rekey") await rekeyed(ledger, (line) => writeSync(1, `${line}\n`));
else {
  const epoch = await ledger.transaction((rows) =>
    renew(rows, centerOf(), 9, { isBroken: true, now: 0 }),
  );
  writeSync(1, `${epoch}\n`);
}
