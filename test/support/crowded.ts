import { SqliteLedger } from "../../hosts/authority/sqlite.js";
import { renew } from "../../modules/authority/distribution.js";
import { pushes } from "../../modules/authority/records.js";
import { centerOf, crowd, furnish, GROUP } from "./authority.js";

/** A file with a group of a hundred members and its first key. */
export async function crowded(path: string): Promise<void> {
  const ledger = new SqliteLedger(path, { create: true });
  await ledger.transaction((rows) => {
    const center = centerOf();
    furnish(rows, center);
    crowd(rows, 100);
    renew(rows, center, GROUP, { isBroken: false, now: 0 });
    for (const key of pushes.keys(rows)) pushes.delete(rows, key);
  });
  ledger.close();
}
