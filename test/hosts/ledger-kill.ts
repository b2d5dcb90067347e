/**
 * A renewal of a hundred members' key, to be killed at any write: `node ledger-kill.js FILE`.
 * Prints the epoch once it is durable.
 */

import { SqliteLedger } from "../../hosts/authority/sqlite.js";
import { renew } from "../../modules/authority/distribution.js";
import { centerOf } from "../support/authority.js";

const ledger = new SqliteLedger(process.argv[2]);
const epoch = await ledger.transaction((rows) =>
  renew(rows, centerOf(), 9, { isBroken: true, now: 0 }),
);
process.stdout.write(`${epoch}\n`);
