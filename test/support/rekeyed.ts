/**
 * A rekey from whatever a cut left of it to its end: the new key where there is none yet, then to
 * every member that waits for it, and his word that he has it.
 */
import { randomFillSync } from "node:crypto";
import { renew } from "../../modules/authority/distribution.js";
import type { Ledger } from "../../modules/authority/ledger.js";
import { awaiting, confirmAll, sendingFor } from "../../modules/authority/pushing.js";
import { groups, inGroup, keys, numberKey } from "../../modules/authority/records.js";
import { toHex } from "../../modules/bytes/hex.js";
import { uintBytes } from "../../modules/bytes/uint.js";
import { AES_CCM_16_64_128 } from "../../modules/ports/crypto.js";
import { centerOf, GROUP } from "./authority.js";

/** At once: they share a commit. */
const WAVE = 34;

/** `sent` is told `client epoch digest-of-the-key` of what leaves the KDC, when it leaves. */
export async function rekeyed(ledger: Ledger, sent: (line: string) => void): Promise<void> {
  // Chance that does not repeat: a key that was lost by a cut is not made again.
  const random = { fill: (bytes: Uint8Array) => void randomFillSync(bytes) };
  const center = { ...centerOf(), random };
  const { crypto } = center;
  await ledger.transaction((rows) => {
    const { epoch } = groups.need(rows, numberKey(GROUP));
    if (epoch === 1) renew(rows, center, GROUP, { isBroken: false, now: 0 });
  });
  const pairwise = {
    kid: uintBytes(1),
    key: crypto.aeadKey(AES_CCM_16_64_128, new Uint8Array(16)),
  };
  const one = async (clientId: Uint8Array): Promise<void> => {
    const sending = await ledger.transaction((rows) => {
      const made = sendingFor(rows, center, { clientId, pairwise, now: 0 });
      const [{ epoch } = { epoch: 0 }] = made?.epochs ?? [];
      const key = made && keys.need(rows, inGroup(GROUP, epoch));
      return made && key && { made, line: `${epoch} ${toHex(crypto.sha256(key.raw))}` };
    });
    if (sending === undefined) return;
    sent(`${toHex(clientId)} ${sending.line}`);
    await ledger.transaction((rows) => confirmAll(rows, clientId, sending.made));
  };
  const all = await ledger.transaction(awaiting);
  for (let at = 0; at < all.length; at += WAVE) {
    await Promise.all(all.slice(at, at + WAVE).map(({ clientId }) => one(clientId)));
  }
}
