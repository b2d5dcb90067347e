/** Every secret that an authority has, in each form in which it might be seen. */
import type { Authority } from "../../hosts/authority/authority.js";
import type { Rows } from "../../modules/authority/ledger.js";
import { groups, keys } from "../../modules/authority/records.js";

export interface KnownSecret {
  readonly what: string;
  readonly forms: readonly string[];
}

/** Rows that hold what nobody may see, whatever is in them. */
const TABLES = ["factory", "successor", "node"] as const;
/** What is shorter is found by accident. */
const BYTES_MIN = 8;

export async function secretsOf(authority: Authority): Promise<KnownSecret[]> {
  const { signing, channel } = authority.identity;
  const own = [secret("signing key", signing), secret("channel's key", channel)];
  const kept = await authority.read(secretsIn);
  return [...own, ...kept].filter(({ forms }) => forms[0].length >= 2 * BYTES_MIN);
}

function secretsIn(rows: Rows): KnownSecret[] {
  const whole = TABLES.flatMap((table) =>
    rows.keys(table, "").map((key) => secret(`${table} ${key}`, rows.get(table, key))),
  );
  const ofGroups = groups.keys(rows).map((key) => secret(`KEK ${key}`, groups.need(rows, key).kek));
  const ofKeys = keys.keys(rows).map((key) => secret(`key ${key}`, keys.need(rows, key).raw));
  const tokens = rows.keys("access", "").map((key) => secret("token", rows.get("access", key)));
  return [...whole, ...ofGroups, ...ofKeys, ...tokens];
}

function secret(what: string, bytes: Uint8Array = new Uint8Array(0)): KnownSecret {
  const buffer = Buffer.from(bytes);
  const plain = buffer.toString("base64").replace(/=+$/, "");
  const forms = [buffer.toString("hex"), plain, buffer.toString("base64url"), [...bytes].join(",")];
  return { what, forms: forms.filter((form) => form.length >= BYTES_MIN) };
}
