/**
 * Factory credentials of devices, as the ledger keeps them by the id that a channel proves: a
 * pre-shared key, nothing for a device that shows its public key raw, or its certificate. A key is
 * shorter than any certificate.
 */
import type { Rows } from "../../modules/authority/ledger.js";

export type Factory =
  | { readonly by: "psk"; readonly secret: Uint8Array }
  | { readonly by: "raw public key" }
  | { readonly by: "certificate"; readonly der: Uint8Array };

export const PSK_BYTES_MAX = 64;

export function factoryIn(row: Uint8Array | undefined): Factory {
  if (row === undefined || row.length === 0) return { by: "raw public key" };
  const isCertificate = row.length > PSK_BYTES_MAX;
  // Everybody has seen it: it is nobody's secret.
  if (isCertificate) return { by: "certificate", der: row };
  return { by: "psk", secret: row };
}

/** The id that a channel will prove, in hex. */
export function factoryOf(rows: Rows, credential: string): Factory {
  return factoryIn(rows.get("factory", credential));
}
